"""A scaler can be undone, where nothing was lost, and read back from a run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import gzsl
from gzsl.data import FeatureRows, Scaler, final_task
from gzsl.errors import DataError

X = np.random.default_rng(0).normal(3, 2, size=(30, 5)).astype(np.float32)


@pytest.mark.parametrize("kind", ["none", "minmax", "standard", "max"])
def test_inverse_undoes_transform(kind: str) -> None:
    scaler = Scaler.fit(kind, FeatureRows(X))
    np.testing.assert_allclose(scaler.inverse(scaler.transform(X)), X, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", ["l2", "centre-l2"])
def test_a_length_that_is_lost_is_not_made_up(kind: str) -> None:
    with pytest.raises(DataError, match=f"scaler {kind}: found rows of unit length"):
        Scaler.fit(kind, FeatureRows(X)).inverse(X)


def test_a_run_keeps_its_scaler(tmp_path: Path) -> None:
    changes = {"selection.grid": {"gamma": [1.0]}, "selection.folds": 1, "preprocess.features": "standard"}
    recipe = gzsl.load_recipe("eszsl/simulated", changes)
    (run,) = gzsl.run_recipe(recipe, out=tmp_path, seeds=[0])
    expected = final_task(gzsl.load("simulated"), "standard").scaler
    found = Scaler.load(run.folder / "scaler.npz")
    assert found.kind == "standard"
    np.testing.assert_array_equal(found.shift, expected.shift)
    np.testing.assert_array_equal(found.scale, expected.scale)


def test_another_file_is_no_scaler(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", shift=X)
    with pytest.raises(DataError, match="no array 'kind', expected the scaler.npz of a run"):
        Scaler.load(tmp_path / "x.npz")
    with pytest.raises(DataError, match="the scaler.npz of a run"):
        Scaler.load(tmp_path / "absent.npz")
