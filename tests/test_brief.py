"""No object that anybody gets in their hands prints more than a few lines, whatever it holds."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gzsl
from gzsl.brief import brief, html_table, listing, percent, short
from gzsl.runs import list_recipes
from gzsl.runs.run import Run

LONGEST = 1500
CLASSES = 200


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """One of everything that a notebook shows, with two hundred classes of long names."""
    names = [f"{c:03d}.A_rather_long_name_of_a_bird_that_nobody_has_seen" for c in range(CLASSES)]
    draw = np.random.default_rng(0)
    table, ids = draw.random((CLASSES, 30)), np.repeat(np.arange(CLASSES), 5)
    X = (table @ draw.normal(size=(30, 16)))[ids] + 0.1 * draw.normal(size=(len(ids), 16))
    dataset = gzsl.Dataset.from_arrays(X, ids, table, class_names=names, unseen=names[150:])
    task = gzsl.final_task(dataset, "l2")
    method = gzsl.create("eszsl").fit(task.view)
    fits = gzsl.fit_folds(gzsl.create("eszsl"), dataset, n_folds=1)
    calibrator, evaluation = gzsl.calibrate(fits)
    out = tmp_path_factory.mktemp("runs")
    recipe = gzsl.load_recipe("eszsl/CUB", {"selection.grid": {"gamma": [1.0]}, "selection.folds": 1})
    (run,) = gzsl.run_recipe(recipe, dataset=dataset, out=out, seeds=[0])
    return {
        "dataset": dataset, "task": task, "method": method, "folds": gzsl.validation_folds(dataset)[0], "run": run,
        "calibrator": calibrator, "evaluation": evaluation, "curve": evaluation.curve, "recipe": recipe,
        "confusion": evaluation.confusion(), "domain": evaluation.domain, "job": Run(recipe, 0, dataset, out),
        "gate": task.gate.open(), "point": evaluation.oracle,
    }  # fmt: skip


def inside(value: Any, depth: int = 4) -> list[Any]:
    """The object and whatever of this package it holds."""
    found = [value] if type(value).__module__.startswith("gzsl.") else []
    if depth:
        parts = value if isinstance(value, list | tuple) else getattr(value, "__dict__", {}).values()
        found += [one for part in parts for one in inside(part, depth - 1)]
    return found


def test_every_result_prints_briefly(results: dict[str, Any]) -> None:
    objects = [one for value in results.values() for one in inside(value)]
    kinds = {type(one).__name__ for one in objects}
    assert {"Dataset", "Semantics", "Split", "TrainView", "Task", "Evaluation", "SeenUnseenCurve", "RunResult"} <= kinds
    assert {"Recipe", "Scaler", "FeatureRows", "ScoreSummary", "Observation", "EvalRows", "Fold", "DataCard"} <= kinds
    for one in objects:
        assert len(repr(one)) <= LONGEST, type(one)
        assert len(str(one)) <= LONGEST, type(one)
        assert "0x" not in repr(one) or type(one).__repr__ is object.__repr__, type(one)


def test_notebooks_get_small_tables(results: dict[str, Any]) -> None:
    for name in ("dataset", "evaluation", "run"):
        html = results[name]._repr_html_()
        assert html.startswith("<table>")
        assert len(html) <= 3 * LONGEST
    assert "<b>" not in html_table("t", [("a", "<b>")]).replace("<b>t</b>", "")


def test_every_shipped_recipe_prints_briefly() -> None:
    for path in list_recipes()[::20]:
        text = repr(gzsl.load_recipe(path))
        assert len(text) <= LONGEST
        assert path.parent.name in text


def test_arrays_are_shown_by_kind_and_shape() -> None:
    @dataclasses.dataclass(repr=False)
    class Thing:
        table: np.ndarray
        names: tuple[str, ...]
        note: str
        inner: Any = None
        __repr__ = brief

    inner = Thing(np.zeros(3), (), "x")
    text = repr(Thing(np.zeros((2, 3), np.float32), tuple("abcdefg"), "y" * 500, inner))
    assert text.startswith("Thing(table=<float32 2 x 3>, names=<7 entries>, note='yyy")
    assert text.endswith("inner=<Thing>)")
    assert len(text) < 200
    assert short({k: k for k in range(9)}) == "<9 entries>"
    assert listing(list("abcdef")) == "a, b, c, d and 2 more"
    assert (percent(0.1234), percent(None), percent(float("nan"))) == ("12.3", "-", "-")


def test_every_public_name_is_there() -> None:
    for name in gzsl.__all__:
        assert getattr(gzsl, name) is not None
    assert set(gzsl.__all__) <= set(dir(gzsl))


def test_a_result_says_where_it_is_and_what_was_found(results: dict[str, Any]) -> None:
    run = results["run"]
    assert str(run.folder) in repr(run)
    assert f"H {100 * run.metrics['H']:.1f}" in repr(run)
    assert Path(run.folder).is_dir()
