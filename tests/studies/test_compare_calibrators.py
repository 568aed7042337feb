"""Calibrators through the recipe key, compared on one run, and where no validation fold can be cut."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gzsl.calibration import calibrator_names
from gzsl.errors import GzslWarning
from gzsl.runs import load_recipe, run_recipe
from gzsl.studies.calibrators import compare_calibrators

QUICK: dict[str, Any] = {"selection.grid": {"gamma": [10.0], "lam": [1.0]}, "selection.folds": 2}
SMALL: dict[str, dict[str, Any]] = {"boundary-ood": {"n_epochs": 2, "hidden_dim": 16, "codes": "mean"}}


@pytest.mark.parametrize("name", calibrator_names())
def test_a_recipe_names_a_calibrator_and_the_comparison_gives_the_same_numbers(name: str, tmp_path: Path) -> None:
    section = {"name": name, **SMALL.get(name, {})}
    recipe = load_recipe("eszsl/simulated", {**QUICK, "calibration": section})
    (run,) = run_recipe(recipe, out=tmp_path, seeds=[0])
    assert run.metrics["protocol"]["calibration"].startswith(name)
    (row,) = compare_calibrators(recipe, [section], out=tmp_path)
    found = run.metrics["calibrated"]
    if name == "none":
        assert found is None
        assert (row.U, row.S) == pytest.approx((run.metrics["U"], run.metrics["S"]))
        return
    assert not found["fallback"]
    assert (row.U, row.S, row.H, row.AUSUC) == pytest.approx(tuple(found[key] for key in ("U", "S", "H", "AUSUC")))
    assert row.gap == pytest.approx(row.best_h - row.H)


def test_with_too_few_seen_classes_the_fallback_is_told_and_taken(tmp_path: Path) -> None:
    few = {"dataset.options": {"n_seen": 2, "n_unseen": 2, "images_per_class": 40}, "calibration": "stacking"}
    recipe = load_recipe("eszsl/simulated", {"selection": "last", **few})
    with pytest.warns(GzslWarning, match="no validation fold is possible with so few seen classes"):
        (run,) = run_recipe(recipe, out=tmp_path, seeds=[0])
    assert run.metrics["calibrated"]["fallback"]
    assert run.metrics["calibrated"]["U"] > run.metrics["U"] + 0.2
    with pytest.warns(GzslWarning, match="gives up 5 %"):
        (row,) = compare_calibrators(recipe, [{"name": "stacking"}], out=tmp_path)
    assert row.H == pytest.approx(run.metrics["calibrated"]["H"])
