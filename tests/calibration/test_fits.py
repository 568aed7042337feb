"""One call a calibrator from Python, against the same steps in a run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import gzsl
from gzsl.errors import MethodError, RecipeError

CHANGES = {"selection.folds": 2, "selection.grid": {"gamma": [10.0], "lam": [1.0]}}


@pytest.mark.parametrize("section", [{"name": "stacking"}, {"name": "entropy"}, {"name": "cosmo"}])
def test_calibrate_gives_what_a_run_gives(section: dict[str, object], tmp_path: Path) -> None:
    recipe = gzsl.load_recipe("eszsl/simulated", {**CHANGES, "calibration": section})
    (run,) = gzsl.run_recipe(recipe, out=tmp_path, seeds=[0])
    method = gzsl.create("eszsl", gamma=10.0, lam=1.0)
    fits = gzsl.fit_folds(method, gzsl.load("simulated", preset="easy"), recipe.preprocess.features, n_folds=2)
    calibrator, found = gzsl.calibrate(fits, section)
    assert not hasattr(method, "weights_")
    assert [task.gate.reads for task, _ in fits] == [1, 1, 1]
    assert calibrator.gamma_ == pytest.approx(run.metrics["calibrated"]["gamma"], rel=1e-9)
    assert found.calibrated is not None
    for name in ("U", "S", "H"):
        assert getattr(found.calibrated, name) == pytest.approx(run.metrics["calibrated"][name], abs=1e-12)
    assert found.AUSUC == pytest.approx(run.metrics["AUSUC"], abs=1e-12)


def test_the_threshold_does_not_depend_on_test_labels() -> None:
    from dataclasses import replace

    data = gzsl.load("simulated", preset="easy")
    rows = np.concatenate([data.split.test_unseen, data.split.test_seen])
    labels = data.labels.copy()
    labels[data.split.test_unseen] = np.roll(labels[data.split.test_unseen], 7)
    labels[data.split.test_seen] = np.roll(labels[data.split.test_seen], 7)
    assert not np.array_equal(labels[rows], data.labels[rows])
    method = gzsl.create("eszsl")
    first, second = (gzsl.calibrate(gzsl.fit_folds(method, one))[0] for one in (data, replace(data, labels=labels)))
    assert first.gamma_ == second.gamma_


def test_wrong_calls_are_named() -> None:
    with pytest.raises(MethodError, match="found no fit"):
        gzsl.calibrate([])
    with pytest.raises(RecipeError, match="stacking"):
        gzsl.calibrate([(None, None)], "staking")  # type: ignore[list-item]
