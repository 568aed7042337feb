from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from gzsl.cli.app import app
from gzsl.errors import GzslError
from gzsl.runs import load_recipe

pytest.importorskip("optuna")


def tune(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["tune", "eszsl/simulated", *arguments], env={"COLUMNS": "140"})


def test_a_search_continues_and_ends_in_a_recipe(tmp_path: Path) -> None:
    common = ["--out", str(tmp_path / "runs"), "--space", "gamma=1e-2:1e3:log", "--set", "selection.folds=1"]
    first = tune(*common, "--trials", "3")
    assert first.exit_code == 0, first.output
    assert "best of 3 trials by AUSUC on 1 validation fold, percent" in " ".join(first.stdout.split())
    assert first.stderr.count("left") == 3
    saved = tmp_path / "tuned.yaml"
    storage = f"sqlite:///{tmp_path / 'other.db'}"
    second = tune(*common, "--trials", "5", "--save", str(saved), "--json")
    assert second.exit_code == 0, second.output
    assert "3 of 5 trials are finished already" in second.stderr
    answer = json.loads(second.stdout)
    assert [trial["trial"] for trial in answer["trials"]] == [0, 1, 2, 3, 4]
    best = max(answer["trials"], key=lambda trial: trial["value"])
    assert answer["best"] == best
    recipe = load_recipe(saved)
    assert recipe.method["gamma"] == best["values"]["gamma"]
    assert recipe.method["lam"] == best["candidate"]["lam"]  # the recipe's grid has lam besides
    assert recipe.provenance["gamma"].startswith("tuned: optuna ")
    assert "searched: 0.01 to 1000, log" in recipe.provenance["gamma"]
    elsewhere = tune(*common, "--trials", "5", "--storage", storage, "--json")
    again = json.loads(elsewhere.stdout)
    assert [trial["value"] for trial in again["trials"]] == [trial["value"] for trial in answer["trials"]]


def test_two_workers_share_the_list(tmp_path: Path) -> None:
    """Each trial once, by both processes, and the result is that of one."""
    common = ["--space", "gamma=0.1,1.0,10.0,100.0", "--set", "selection.folds=2", "--trials", "12", "--json"]
    alone = tune(*common, "--out", str(tmp_path / "alone"))
    both = tune(*common, "--out", str(tmp_path / "both"), "--workers", "2")
    assert both.exit_code == 0, both.output
    answers = [json.loads(done.stdout) for done in (alone, both)]
    shown = [[(trial["trial"], trial["values"], trial["value"]) for trial in answer["trials"]] for answer in answers]
    assert shown[0] == shown[1]
    assert answers[0]["study"] == answers[1]["study"]
    assert both.stderr.count(" left") <= 12  # the helper's trials are not told one by one


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--sampler", "grid"], "--sampler: found 'grid'; expected one of"),
        (["--space", "gamma"], "found no key=range"),
        (["--sampler", "tpe", "--workers", "2"], "--workers 2: found the sampler 'tpe', whose trials depend on"),
        (["--only", "gama"], "did you mean 'gamma'?"),
    ],
)
def test_bad_options_are_one_sentence(arguments: list[str], sentence: str, tmp_path: Path) -> None:
    done = tune("--out", str(tmp_path), *arguments)
    assert isinstance(done.exception, GzslError)
    assert sentence in str(done.exception)
