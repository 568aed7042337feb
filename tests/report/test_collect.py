from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from gzsl.door.yaml import dump_yaml
from gzsl.errors import RunError
from gzsl.report.collect import collect, collect_study, finished_run, flatten
from gzsl.report.groups import make_groups
from gzsl.runs import load_recipe
from gzsl.studies.study import Study

Fake = Callable[..., Path]


def test_finished_runs_are_read_and_the_others_named(tmp_path: Path, fake: Fake) -> None:
    good = fake(tmp_path, "eszsl", 0)
    fake(tmp_path / "deeper", "eszsl", 1)
    fake(tmp_path / "deeper" / "still", "eszsl", 2)  # two folders down: not looked at
    unfinished = fake(tmp_path, "sae", 0)
    (unfinished / "done").unlink()
    failed = fake(tmp_path, "sae", 1)
    (failed / "done").unlink()
    (failed / "log.txt").write_text("2026-01-01 00:00:00 [7] failed: loss: found nan\n")
    torn = fake(tmp_path, "sae", 2)
    (torn / "metrics.json").write_text('{"method": "sae", ')
    poor = fake(tmp_path, "sae", 3)
    (poor / "metrics.json").write_text(json.dumps({**json.loads((good / "metrics.json").read_text()), "H": None}))
    (tmp_path / "notes").mkdir()
    found = collect(tmp_path)
    assert sorted(run.seed for run in found.runs) == [0, 1]
    states = {run.folder.name: (run.state, run.reason) for run in found.broken}
    assert states[unfinished.name][0] == "unfinished"
    assert states[failed.name] == ("failed", "loss: found nan")
    assert states[torn.name][0] == "damaged"
    assert "metrics.json" in states[torn.name][1]
    assert states[poor.name] == ("damaged", "metrics.json: H: found None, expected a finite number")
    assert [run.folder for run in collect(good).runs] == [good]


def test_a_folder_without_runs_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no run"):
        collect(tmp_path)
    with pytest.raises(RunError, match="no such folder"):
        collect(tmp_path / "absent")


def test_a_study_takes_its_own_recipes_and_seeds_only(tmp_path: Path, fake: Fake) -> None:
    changes = {"selection.folds": 2}
    study = Study(title="mine", methods=["eszsl"], datasets=["simulated", "AWA1"], seeds=[0, 1], set=changes)
    recipe = load_recipe("eszsl/simulated", changes)
    for seed in (0, 5):
        run = fake(tmp_path, "eszsl", seed, protocol={"dataset": "simulated"})
        about = recipe.model_dump(include={"paper", "provenance"}, exclude_none=True)
        (run / "recipe.yaml").write_text(dump_yaml({**about, **recipe.resolved(), "seeds": [seed]}))
    fake(tmp_path, "eszsl", 1, protocol={"dataset": "simulated"})  # another recipe
    found = collect_study(study, tmp_path, data=tmp_path)
    assert found.title == "mine"
    assert [(run.method, run.seed) for run in found.runs] == [("eszsl", 0)]
    assert found.missing == (
        "eszsl/simulated: no finished run of seed 1", "eszsl/AWA1: no files of AWA1 below --data",
    )  # fmt: skip
    assert found.runs[0].fingerprint == recipe.fingerprint


def test_seeds_of_a_recipe_are_one_group_and_older_twins_step_back(tmp_path: Path, fake: Fake) -> None:
    old = fake(tmp_path, "eszsl", 0, name="old", strength=0.5)
    os.utime(old / "done", (1, 1))
    new = fake(tmp_path, "eszsl", 0, name="new")
    fake(tmp_path, "eszsl", 1)
    fake(tmp_path, "eszsl", 0, name="other", recipe={"lam": 3.0})
    groups, superseded = make_groups(collect(tmp_path).runs)
    assert [run.folder for run in superseded] == [old]
    seeds = {tuple(run.folder.name for run in group.runs): group for group in groups}
    both = seeds[new.name, "eszsl-AWA1-s1"]
    h = [run.metrics["H"] for run in both.runs]
    assert both.aggregate.mean["H"] == pytest.approx(sum(h) / 2)
    assert both.aggregate.std["H"] == pytest.approx(abs(h[0] - h[1]) / 2**0.5)
    assert seeds["other",].label == "eszsl (lam=3.0)"


def test_flatten() -> None:
    assert flatten({"a": {"b": 1, "c": {"d": [2]}}, "e": {}}) == {"a.b": 1, "a.c.d": [2], "e": {}}


def test_a_name_that_no_folder_of_a_run_can_have_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="found a name of 300 bytes, expected at most 255, of the folder of"):
        finished_run(tmp_path / ("r" * 300))
