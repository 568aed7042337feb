from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gzsl.data import Dataset, final_task
from gzsl.errors import ProtocolError, RunError, TrainingDiverged
from gzsl.runs import Recipe, load_recipe, run_recipe
from gzsl.runs.experiment import Experiment
from gzsl.runs.recipe import make_recipe
from gzsl.runs.run import open_dataset
from gzsl.tuning import Tuner, best_trial, helpers, search_space, tuned_recipe

pytest.importorskip("optuna")
QUICK_ALE = {"method.n_epochs": 4, "selection.every": 2, "selection.folds": 2}


def eszsl() -> Recipe:
    return load_recipe("eszsl/simulated", {"selection.folds": 2})


def tuner(
    out: Path, n_trials: int, recipe: Recipe | None = None, dataset: Dataset | None = None, **options: Any
) -> Tuner:
    recipe = recipe or eszsl()
    only = options.pop("only", [])
    return Tuner(recipe, dataset or open_dataset(recipe), search_space(recipe, only), n_trials, out, **options)


def found(made: Tuner) -> list[tuple[Any, ...]]:
    """What trials found, without how long they took."""
    return [
        (t.place, t.values, t.value, {k: v for k, v in t.notes.items() if k != "seconds"}) for t in made.trials()
    ]


def test_test_rows_cannot_be_reached(tmp_path: Path) -> None:
    """Shuffled test labels and test features of NaN leave every trial, and even the study's name, as they were."""
    recipe = eszsl()
    dataset = open_dataset(recipe)
    split = dataset.split
    features, labels = np.array(dataset.features), np.array(dataset.labels)
    for rows in (split.test_seen, split.test_unseen):
        labels[rows] = np.random.default_rng(0).permutation(labels[rows])
        features[np.ix_(rows)] = np.nan
    poisoned = replace(dataset, features=features, labels=labels)
    made = [tuner(tmp_path / name, 3, recipe, data) for name, data in (("as-is", dataset), ("poisoned", poisoned))]
    for each in made:
        assert len(list(each.run())) == 3
    assert made[0].name == made[1].name
    assert found(made[0]) == found(made[1])
    assert len(made[0].dataset.labels) == len(split.trainval)
    with pytest.raises(ProtocolError, match="training rows only"):
        final_task(made[0].dataset)


def test_a_trial_is_the_validation_search_of_a_run(tmp_path: Path) -> None:
    """The recipe's own grid in a run and the same values as trials give the same numbers."""
    recipe = load_recipe("ale/simulated", {**QUICK_ALE, "selection.grid": {"lr": [0.01, 0.3]}})
    (run,) = run_recipe(recipe, out=tmp_path, seeds=[0], device="cpu")
    rows = [json.loads(line) for line in (run.folder / "records.jsonl").read_text().splitlines()]
    space = search_space(recipe, ranges={"lr": "0.01,0.3"})
    made = Tuner(recipe, open_dataset(recipe), space, 8, tmp_path)
    assert len(list(made.run())) == 8
    best = best_trial(made.trials())
    assert best.value == run.metrics["chosen"]["value"]
    assert best.values == run.metrics["chosen"]["candidate"]
    assert best.notes["epoch"] == run.metrics["chosen"]["epoch"]
    for trial in made.trials():
        means: dict[int, list[float]] = {}
        for row in rows:
            if row["kind"] == "evaluation" and row["candidate"] == trial.values:
                means.setdefault(row["epoch"], []).append(row[recipe.selection.metric])
        assert trial.value == max(sum(values) / 2 for values in means.values())


def test_what_the_grid_has_besides_is_chosen_inside_a_trial(tmp_path: Path) -> None:
    made = tuner(tmp_path, 2, only=["gamma"])
    list(made.run())
    for trial in made.trials():
        assert set(trial.values) == {"gamma"}
        assert set(trial.notes["candidate"]) == {"lam"}


def test_a_longer_list_continues_a_shorter_one(tmp_path: Path) -> None:
    assert [trial.place for trial in tuner(tmp_path, 2).run()] == [0, 1]
    assert [trial.place for trial in tuner(tmp_path, 5).run()] == [2, 3, 4]
    assert not list(tuner(tmp_path, 5).run())
    whole = tuner(tmp_path / "whole", 5)
    list(whole.run())
    assert found(tuner(tmp_path, 5)) == found(whole)


def test_tpe_draws_the_same_when_it_is_interrupted(tmp_path: Path) -> None:
    whole = tuner(tmp_path / "whole", 5, sampler="tpe")
    list(whole.run())
    parts = tuner(tmp_path / "parts", 5, sampler="tpe")
    for place, _ in enumerate(parts.run()):
        if place == 2:
            break
    number, values = parts.book.ask(parts.space, 3, parts.seed, None)  # given out, and its process then killed
    again = tuner(tmp_path / "parts", 5, sampler="tpe")
    assert again.book.ask(again.space, 3, again.seed, None) == (number, values)
    assert [trial.place for trial in again.run()] == [3, 4]
    assert found(again) == found(whole)


def test_a_failing_trial_stops_nothing_and_is_not_run_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original, bad = Experiment.validate, tuner(tmp_path, 3).plan[1]["gamma"]

    def diverging(self: Experiment) -> Any:
        if self.recipe.method["gamma"] == bad:
            raise TrainingDiverged("the loss is not finite")
        return original(self)

    monkeypatch.setattr(Experiment, "validate", diverging)
    assert [trial.value is None for trial in tuner(tmp_path, 3).run()] == [False, True, False]
    assert not list(tuner(tmp_path, 3).run())
    trials = tuner(tmp_path, 3).trials()
    assert trials[1].notes["error"] == "the loss is not finite"
    assert best_trial(trials).value is not None
    with pytest.raises(RunError, match="all 1 trials failed; the first one: the loss is not finite"):
        best_trial([trials[1]])


def test_the_recipe_says_where_its_values_come_from_and_runs(tmp_path: Path) -> None:
    made = tuner(tmp_path, 4)
    list(made.run())
    best = best_trial(made.trials())
    recipe = make_recipe(tuned_recipe(made, made.trials()))
    assert {key: recipe.method[key] for key in best.values} == best.values
    assert recipe.selection.grid == {}
    said = recipe.provenance["gamma"]
    assert "4 trials, seed 0, AUSUC" in said
    assert f"{100 * best.value:.2f} on 2 validation folds of simulated" in said
    (run,) = run_recipe(recipe, out=tmp_path, seeds=[0])
    assert run.metrics["test_reads"] == 1


PROGRAM = """
import os, signal, sys
from pathlib import Path
from gzsl.runs import load_recipe
from gzsl.runs.run import open_dataset
from gzsl.tuning import Tuner, search_space
import gzsl.tuning.tuner as module
out, kill_in = Path(sys.argv[1]), int(sys.argv[2])
recipe = load_recipe("eszsl/simulated", {"selection.folds": 2})
tuner = Tuner(recipe, open_dataset(recipe), search_space(recipe), 6, out)
evaluate, calls = module.Experiment._evaluate, 0

def counted(self, *args):
    global calls
    calls += 1
    if calls == kill_in:
        os.kill(os.getpid(), signal.SIGKILL)
    return evaluate(self, *args)

module.Experiment._evaluate = counted
print([trial.place for trial in tuner.run()])
"""


def start(out: Path, kill_in: int = 0) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", PROGRAM, str(out), str(kill_in)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})


def test_killed_searches_and_two_processes_at_once_end_with_the_same_trials(tmp_path: Path) -> None:
    whole = tuner(tmp_path / "whole", 6)
    list(whole.run())
    killed = start(tmp_path / "shared", kill_in=6)  # in the third trial, two folds each
    assert killed.wait() == -signal.SIGKILL
    assert [trial.place for trial in tuner(tmp_path / "shared", 6).trials()] == [0, 1]
    both = [start(tmp_path / "shared") for _ in range(2)]
    ran = [json.loads(process.communicate()[0]) for process in both]
    assert sorted([*ran[0], *ran[1]]) == [2, 3, 4, 5]  # each once, the killed one again
    shared = tuner(tmp_path / "shared", 6)
    assert found(shared) == found(whole)
    assert not list(shared.folder.rglob("*.npz"))


def test_a_helper_takes_its_share_and_ends_with_the_search(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """This process holds back until the helper has finished a trial; together they do each trial once."""
    whole = tuner(tmp_path / "whole", 6)
    list(whole.run())
    made = tuner(tmp_path / "shared", 6)
    with helpers(made, 2):
        deadline = time.monotonic() + 120
        while not made.book.finished():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        own = [trial.place for trial in made.run()]
    assert len(own) < 6
    assert found(made) == found(whole)
    monkeypatch.setattr("gzsl.tuning.workers._start", lambda *_: pytest.fail("nothing is missing"))
    with helpers(made, 2):
        assert not list(made.run())


def test_without_optuna_there_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(RunError, match=r"needs the package optuna.*pip install '\.\[tune\]' in the clone"):
        list(tuner(tmp_path, 1).run())


def test_a_storage_that_cannot_be_opened_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="--storage nosuch://x: the storage cannot be opened") as caught:
        list(tuner(tmp_path, 1, storage="nosuch://x").run())
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("update trial_values set value = null", "study.db: the storage cannot be read"),
        ("update trials set state = 'FOO'", "the storage cannot be read"),
        ("update trial_user_attributes set value_json = '[1'", "the storage cannot be read"),
        ("update trial_user_attributes set value_json = 'null' where key = 'place'", "place of a trial: found None"),
        ("delete from trial_params", "trial 0 of the storage: found no value of '"),
    ],
)
def test_a_storage_with_odd_content_is_one_sentence(change: str, sentence: str, tmp_path: Path) -> None:
    first = tuner(tmp_path, n_trials=1)
    list(first.run())
    with sqlite3.connect(first.folder / "study.db") as storage:
        storage.execute(change)
    storage.close()
    with pytest.raises(RunError, match=sentence) as caught:
        tuner(tmp_path, n_trials=1).trials()
    assert "\n" not in str(caught.value)
