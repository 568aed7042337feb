"""Recipes of the embedded letters: every method has one, and each trains and scores with as little work as possible."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import gzsl
from gzsl.data import Dataset, final_task
from gzsl.methods import get_method, method_names
from gzsl.params import plain
from gzsl.runs import list_recipes, load_recipe
from gzsl.runs.run import prepared
from gzsl.studies.study import load_study

SHIPPED = sorted(path.parent.name for path in list_recipes() if path.stem == "letters")
INDUCTIVE = [name for name in method_names() if not get_method(name).card.needs]
SIX_ROWS = 8  # of each seen class: every eighth of its forty-eight


def tiny(values: dict[str, Any], epochs: int = 1) -> dict[str, Any]:
    """The same settings with one pass (ten of a head), small networks and few synthetic rows."""
    small: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, dict):
            small[key] = tiny(value, 10)
        elif isinstance(value, int) and key.endswith("epochs"):
            small[key] = epochs
        elif isinstance(value, int) and key.endswith("_dim") or key in ("n_synthetic", "n_synthetic_zsl"):
            small[key] = value and min(value, 16)
        else:
            small[key] = value
    return small


@pytest.fixture(scope="module")
def letters() -> Dataset:
    return gzsl.load("letters")


def test_every_method_that_letters_allow_has_a_recipe_and_is_in_the_study() -> None:
    assert set(INDUCTIVE) <= set(SHIPPED)
    assert set(load_study("letters-all").methods) <= set(SHIPPED)


@pytest.mark.parametrize("name", SHIPPED)
def test_a_recipe_of_letters_trains_and_scores(name: str, letters: Dataset) -> None:
    recipe = load_recipe(f"{name}/letters")
    grid = recipe.selection.grid or {}
    method = recipe.build_method(**{key: values[-1] for key, values in grid.items()})
    method = recipe.build_method(**{k: v for k, v in tiny(plain(method)).items() if k != "name"})
    task = final_task(prepared(recipe, letters), **recipe.preparation(0))
    rows = np.arange(0, len(task.view.labels), SIX_ROWS)
    view = replace(task.view, features=task.view.features.take(rows), labels=task.view.labels[rows])
    pool = view.unlabelled_features
    if pool is not None and method.iterative:  # of few rows one class for all is no fault
        few = np.linspace(0, len(pool) - 1, 2 * len(view.candidates), dtype=np.int64)
        view = replace(view, unlabelled_features=pool.take(few))
    found = gzsl.evaluate(method.fit(view, seed=0), task)
    assert 0 < found.T1 <= 1 and 0 <= found.S <= 1 and 0 <= found.AUSUC <= 1
    assert method.iterative or found.T1 > 0.25, "a closed form learns from six rows a class"
