"""A bundle keeps what its calibrator knows of the class graph, and refuses a class that has no place in it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gzsl.bundles import load_bundle, save_bundle
from gzsl.data import load
from gzsl.errors import MethodError
from gzsl.evaluation import ScoreSummary, predictions
from gzsl.runs import load_recipe, run_recipe

CHANGES = {
    "selection.folds": 2, "selection.grid": {"gamma": [10.0], "lam": [1.0]},
    "dataset.graph": {"name": "attributes-knn", "k": 3}, "calibration": {"name": "loki", "metric": "graph"},
}  # fmt: skip


def test_a_bundle_decides_by_the_graph_of_its_run(tmp_path: Path) -> None:
    recipe = load_recipe("eszsl/simulated", CHANGES)
    (result,) = run_recipe(recipe, out=tmp_path / "runs", seeds=[0])
    assert result.metrics["protocol"]["semantics"] == "att+attributes-knn(k=3)"
    bundle = load_bundle(save_bundle(recipe, result, tmp_path / "bundle", out=tmp_path / "runs"))
    dataset = load("simulated", preset="easy")
    with np.load(result.folder / "gate.npz") as arrays:
        expected = predictions(ScoreSummary.from_arrays(dict(arrays)), result.metrics["calibrated"]["gamma"])
    rows = np.concatenate([dataset.split.test_seen, dataset.split.test_unseen])
    order = bundle.raw.ids_of(dataset.class_names)
    found = bundle.calibrated_scores(dataset.features[rows])[:, order].argmax(axis=1)
    assert np.mean(found == expected) > 0.995
    with pytest.raises(MethodError, match=r"loki: class 'new' has no node in the class graph of the fit, expected"):
        bundle.with_class("new", bundle.raw.table[0] * 0.5)
