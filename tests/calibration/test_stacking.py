"""Calibrated stacking: the exact maximiser over folds, and the registry of calibrators."""

from __future__ import annotations

import numpy as np
import pytest

from gzsl.calibration import make_calibrator
from gzsl.errors import MethodError, RecipeError
from gzsl.evaluation import ScoreSummary, operating_point, summarise


def fold(seed: int, bias: float, n: int = 300) -> ScoreSummary:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 8, n)
    scores = rng.standard_normal((n, 8)).astype(np.float32)
    scores[np.arange(n), labels] += 1.5
    scores[:, :5] += bias
    return summarise(scores, labels, np.arange(5), np.arange(5, 8))


def test_gamma_is_no_worse_than_any_grid_point_and_any_threshold() -> None:
    folds = [fold(seed, bias) for seed, bias in enumerate((0.5, 1.0, 2.0))]
    gamma = make_calibrator({"name": "stacking"}).fit(folds).gamma_

    def height(value: float) -> float:
        return float(np.mean([operating_point(f, value).H for f in folds]))

    tried = np.concatenate([np.linspace(-4, 6, 500), *(f.margin for f in folds)])
    assert height(gamma) >= max(height(value) for value in tried) - 1e-12
    assert 0.5 < gamma < 2.0


def test_bias_is_found_and_removed() -> None:
    biased = fold(0, 3.0)
    calibrator = make_calibrator({"name": "stacking"}).fit([biased])
    assert operating_point(biased).H < 0.2 < 0.5 < operating_point(biased, calibrator.gamma_).H
    expected = np.where(biased.margin > calibrator.gamma_, biased.seen_class, biased.unseen_class)
    np.testing.assert_array_equal(calibrator.apply(biased), expected)


def test_shifting_all_seen_scores_shifts_gamma() -> None:
    arrays = fold(1, 0.0).to_arrays()
    plain = ScoreSummary.from_arrays(arrays)
    shifted = ScoreSummary.from_arrays({**arrays, "seen_score": arrays["seen_score"] + 8.0})
    gammas = [make_calibrator({"name": "stacking"}).fit([f]).gamma_ for f in (plain, shifted)]
    assert gammas[1] - gammas[0] == pytest.approx(8.0)


def test_none_needs_no_fold_and_changes_nothing() -> None:
    calibrator = make_calibrator({"name": "none"}).fit([])
    assert calibrator.gamma_ == 0.0
    summary = fold(2, 0.3)
    expected = np.where(summary.margin > 0, summary.seen_class, summary.unseen_class)
    np.testing.assert_array_equal(calibrator.apply(summary), expected)


def test_refusals() -> None:
    with pytest.raises(MethodError, match="found no validation fold"):
        make_calibrator({"name": "stacking"}).fit([])
    with pytest.raises(MethodError, match="apply was called before fit"):
        make_calibrator({"name": "stacking"}).apply(fold(0, 0.0))
    with pytest.raises(RecipeError, match="unknown calibrator 'staking'; did you mean 'stacking'"):
        make_calibrator({"name": "staking"})
    with pytest.raises(RecipeError, match="calibration: found name None, expected one of: boundary-ood, cooked"):
        make_calibrator({})
    with pytest.raises(RecipeError, match="calibration: unknown key 'gama'"):
        make_calibrator({"name": "stacking", "gama": 1})
