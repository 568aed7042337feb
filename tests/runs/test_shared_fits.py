"""Candidates that differ in what scoring alone reads are scored on one fit, with the numbers of fits of their own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gzsl.errors import RecipeError
from gzsl.heads import SoftmaxHead
from gzsl.methods.loop import Loop
from gzsl.runs import RunResult, load_recipe, run_recipe
from gzsl.runs.candidates import candidates_of, sharing_fits

QUICK: dict[str, Any] = {
    "method.n_epochs": 2, "method.hidden_dim": 16, "method.n_synthetic": 10, "method.pretrain_epochs": 2,
    "method.head.n_epochs": 2, "selection.every": 1, "selection.folds": 1, "selection.metric": "AUSUC",
}  # fmt: skip
HEADS = {"head.n_epochs": [1, 6], "n_synthetic": [10, 30]}


def run(out: Path, grid: dict[str, Any], **changes: Any) -> RunResult:
    recipe = load_recipe("f-clswgan/simulated", {**QUICK, **changes, "selection.grid": grid})
    (result,) = run_recipe(recipe, out=out, seeds=[0], device="cpu")
    return result


def records(result: RunResult) -> list[dict[str, Any]]:
    lines = (result.folder / "records.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def numbers(result: RunResult, **candidate: Any) -> list[tuple[int, float]]:
    found = [row for row in records(result) if row["kind"] == "evaluation" and row["candidate"] == candidate]
    return [(row["epoch"], row["AUSUC"]) for row in found]


def test_one_fit_scores_all_heads_with_the_numbers_of_separate_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fits, original = [], Loop.run

    def counted(loop: Loop) -> None:
        fits.append(loop)
        original(loop)

    monkeypatch.setattr(Loop, "run", counted)
    shared = run(tmp_path, HEADS)
    assert len(fits) == 2  # the fold's, and the final one
    assert len([row for row in records(shared) if row["kind"] == "evaluation"]) == 2 * 4
    alone = run(tmp_path, {}, **{"method.head.n_epochs": 6, "method.n_synthetic": 30})
    assert numbers(shared, **{"head.n_epochs": 6, "n_synthetic": 30}) == numbers(alone)
    assert numbers(shared, **{"head.n_epochs": 1, "n_synthetic": 10}) != numbers(alone)
    chosen = shared.metrics["chosen"]
    best = max(row["AUSUC"] for row in records(shared) if row["kind"] == "evaluation")
    assert chosen["value"] == best
    final = run(tmp_path, {}, **{f"method.{key}": value for key, value in chosen["candidate"].items()})
    if final.metrics["chosen"]["epoch"] == chosen["epoch"]:
        assert final.metrics["AUSUC"] == shared.metrics["AUSUC"]


def test_a_head_is_not_fitted_again_where_the_last_pass_was_scored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fits, original = [], SoftmaxHead._fit

    def counted(head: SoftmaxHead, *args: Any) -> Any:
        fits.append(head)
        return original(head, *args)

    monkeypatch.setattr(SoftmaxHead, "_fit", counted)
    run(tmp_path, {})
    pretrained, evaluated, at_the_end = 2, 2, 1
    assert len(fits) == pretrained + 2 * (evaluated + at_the_end)  # two tables each


def test_candidates_that_train_alike_are_together() -> None:
    recipe = load_recipe("cada-vae/simulated", {"selection.grid": {"lr": [1e-3, 1e-2], "n_real": [5, 10]}})
    candidates = candidates_of(recipe)
    assert sharing_fits(recipe, candidates) == [[0, 1], [2, 3]]
    assert [candidate["n_real"] for candidate in candidates] == [5, 10, 5, 10]
    closed = load_recipe("eszsl/simulated", {"selection.grid": {"gamma": [1.0, 10.0]}})
    assert sharing_fits(closed, candidates_of(closed)) == [[0], [1]]


@pytest.mark.parametrize("grid", [{"head.lr": [1e-3, 1e-2]}, {"head": {"lr": [1e-3, 1e-2]}}])
def test_a_grid_may_hold_settings_of_a_part(grid: dict[str, Any]) -> None:
    recipe = load_recipe("f-clswgan/simulated", {"selection.grid": grid})
    rates = [recipe.build_method(**candidate).head.lr for candidate in candidates_of(recipe)]
    assert rates == [1e-3, 1e-2]
    assert recipe.build_method(**{"head.lr": 1e-2}).head.n_epochs == recipe.build_method().head.n_epochs


@pytest.mark.parametrize(
    ("grid", "sentence"),
    [
        ({"head.n_epoch": [1]}, "method.head: unknown key 'n_epoch'; did you mean 'n_epochs'"),
        ({"lr.n_epochs": [1]}, "selection.grid: unknown key 'lr.n_epochs'"),
        ({"haed.lr": [1]}, "did you mean 'head'"),
    ],
)
def test_a_wrong_key_of_a_part_is_named(grid: dict[str, Any], sentence: str) -> None:
    with pytest.raises(RecipeError, match=sentence):
        load_recipe("f-clswgan/simulated", {"selection.grid": grid})
