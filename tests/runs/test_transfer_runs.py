"""Runs without training rows, and runs with a few labels: what is stored, and what tables keep apart."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gzsl.data import Dataset
from gzsl.errors import RecipeError
from gzsl.report.collect import collect
from gzsl.runs.own_data import recipe_for
from gzsl.runs.recipe import Recipe, make_recipe
from gzsl.runs.run import run_recipe


@pytest.fixture
def data() -> Dataset:
    rng = np.random.default_rng(0)
    text = rng.standard_normal((6, 3, 8))
    y = np.repeat(np.arange(6), 8)
    X = text.mean(axis=1)[y] + 0.3 * rng.standard_normal((len(y), 8))
    return Dataset.from_arrays(X, y, text, unseen=[4, 5], joint=True, name="pairs", semantics="text")


def recipe(**changes: Any) -> Recipe:
    values = {
        "dataset": {"name": "pairs", "normalise": "l2"}, "preprocess": {"features": "l2"}, "seeds": [0],
        "method": "prompt-ensemble", "selection": "last", "calibration": "none",
    }  # fmt: skip
    return make_recipe({**values, **changes})


def test_transfer_stands_apart_from_the_same_rows_with_seen_classes(data: Dataset, tmp_path: Path) -> None:
    (plain,) = run_recipe(recipe(), dataset=data, out=tmp_path)
    (transfer,) = run_recipe(recipe(setting="transfer"), dataset=data, out=tmp_path)
    assert plain.folder != transfer.folder
    found = json.loads((transfer.folder / "metrics.json").read_text())
    assert found["H"] is None and 0.5 < found["top1"] <= 1 and found["test_reads"] == 1
    assert (found["protocol"]["setting"], found["protocol"]["generalized"]) == ("transfer", False)
    assert found["protocol"]["semantics"] == "text+members:unit-mean"
    assert json.loads((plain.folder / "metrics.json").read_text())["H"] > 0
    again = collect(tmp_path)
    assert {run.metrics["protocol"]["setting"] for run in again.runs} == {"inductive", "transfer"}


def test_shots_are_in_the_key_and_out_of_the_test(data: Dataset, tmp_path: Path) -> None:
    tested = {}
    for k, shots in {0: {"k": 0, "apart": 3}, 2: {"k": 2, "apart": 3}}.items():
        method = "f-clswgan" if k else "prompt-ensemble"
        own = {"name": method, **({"n_epochs": 1, "hidden_dim": 8, "pretrain_epochs": 1} if k else {})}
        how = recipe(method=own, shots=shots, preprocess={"features": "minmax" if k else "l2"})
        (result,) = run_recipe(how, dataset=data, out=tmp_path)
        about = json.loads((result.folder / "metrics.json").read_text())["protocol"]
        assert about["shots"] == f"{k} of 3 test rows a class"
        tested[k] = np.load(result.folder / "scores.npz")["labels"]
    np.testing.assert_array_equal(np.bincount(tested[0]), np.bincount(tested[2]))
    assert np.bincount(tested[0])[4:].tolist() == [5, 5]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"setting": "transfer", "selection": "validation"}, "selection: found rule 'validation' in the transfer"),
        ({"setting": "transfer", "calibration": "stacking"}, "calibration: found 'stacking' in the transfer setting"),
        ({"setting": "transfer", "preprocess": {"align": "ridge"}}, "preprocess.align: found 'ridge' in the transfer"),
        ({"setting": "transfer", "method": "eszsl"}, "but eszsl supports inductive alone; methods that support"),
        ({"method": "pt-map"}, "found 'inductive', but pt-map supports transductive alone; [0-9]+ methods support"),
        ({"shots": 2, "method": "eszsl"}, "shots: found 2, but eszsl learns from rows of seen classes alone"),
        ({"shots": {"k": 3, "apart": 2}}, "apart: found 2 for 3 shots"),
    ],
)
def test_what_a_setting_leaves_no_room_for_is_said(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        recipe(**changes)


def test_a_head_on_own_data_takes_the_setting_that_they_allow(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    text = rng.standard_normal((4, 2, 6))
    arrays = {"image_embed": text[np.repeat(np.arange(4), 5), 0], "labels": np.repeat(np.arange(4), 5),
              "class_names": list("abcd"), "text_embed": text}  # fmt: skip
    np.savez(tmp_path / "pairs.npz", **arrays)
    found = recipe_for("prompt-ensemble", tmp_path / "pairs.npz")
    assert (found.setting, found.selection.rule, found.preprocess.label) == ("transfer", "last", "l2")
    np.savez(tmp_path / "seen.npz", **arrays, unseen=["d"])
    other = recipe_for("prompt-ensemble", tmp_path / "seen.npz")
    assert (other.setting, other.selection.rule, other.calibration["name"]) == ("inductive", "validation", "stacking")
    assert recipe_for("prompt-ensemble", "digits").preprocess.label == "centre-l2+ridge"
