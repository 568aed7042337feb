"""A bundle decides as its run did, whatever calibrator it carries; classes are added to it, experts and all."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gzsl.bundles import load_bundle, save_bundle
from gzsl.data import load
from gzsl.errors import RunError
from gzsl.evaluation import ScoreSummary, predictions
from gzsl.runs import load_recipe, run_recipe

QUICK = {"selection.folds": 2, "selection.grid": {"gamma": [10.0], "lam": [1.0]}}
SECTIONS: dict[str, dict[str, Any]] = {
    "cosmo with an expert": {"name": "cosmo", "seen_expert": {"name": "sae", "lam": 1.0}},
    "cooked": {"name": "cooked"},
    "knn": {"name": "knn"},
    "mahalanobis": {"name": "mahalanobis"},
    "entropy": {"name": "entropy"},
    "loki": {"name": "loki"},
    "multiplicative stacking": {"name": "stacking", "form": "multiplicative"},
}


@pytest.fixture(scope="module", params=sorted(SECTIONS))
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path]:
    folder = tmp_path_factory.mktemp("calibrated")
    recipe = load_recipe("eszsl/simulated", {**QUICK, "calibration": SECTIONS[request.param]})
    (result,) = run_recipe(recipe, out=folder / "runs", seeds=[0])
    return result, save_bundle(recipe, result, folder / "bundle", out=folder / "runs")


def test_the_bundle_decides_as_its_run_did(made: tuple[Any, Path]) -> None:
    result, folder = made
    bundle, dataset = load_bundle(folder), load("simulated", preset="easy")
    with np.load(result.folder / "gate.npz") as arrays:
        expected = predictions(ScoreSummary.from_arrays(dict(arrays)), result.metrics["calibrated"]["gamma"])
    rows = np.concatenate([dataset.split.test_seen, dataset.split.test_unseen])
    order = bundle.raw.ids_of(dataset.class_names)
    found = bundle.calibrated_scores(dataset.features[rows])[:, order].argmax(axis=1)
    assert np.mean(found == expected) > 0.995  # float32 scores may flip a row that lies on the threshold
    assert len(np.unique(np.isin(found, dataset.split.unseen))) == 2


def test_a_class_that_is_added_later_is_decided_as_if_known_before(made: tuple[Any, Path], tmp_path: Path) -> None:
    known = load_bundle(made[1])
    last = known.raw.class_names[int(np.flatnonzero(~known.is_seen)[-1])]
    keep = [name for name in known.raw.class_names if name != last]
    without = replace(known, raw=known.raw.take(known.raw.ids_of(keep))).rebased()
    X = load("simulated", preset="easy").features[:150]
    assert without.calibrated_scores(X).shape == (150, len(keep))
    grown = load_bundle(without.with_class(last, known.raw.table[known.raw.ids_of([last])[0]]).save(tmp_path / "b"))
    order = grown.raw.ids_of(known.raw.class_names)
    np.testing.assert_allclose(grown.calibrated_scores(X)[:, order], known.calibrated_scores(X), rtol=1e-4, atol=1e-5)


def test_a_changed_or_lost_calibration_file_is_refused(made: tuple[Any, Path], tmp_path: Path) -> None:
    folder = load_bundle(made[1]).save(tmp_path / "b")
    for path in sorted(folder.glob("calibration-*.safetensors")):
        whole = path.read_bytes()
        path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        with pytest.raises(RunError, match="its hash is not the one in bundle.json, so it was changed"):
            load_bundle(folder)
        path.unlink()
        with pytest.raises(RunError, match=f"the file {path.name} of the bundle is missing"):
            load_bundle(folder)
        path.write_bytes(whole)
    assert load_bundle(folder).calibrator is not None
