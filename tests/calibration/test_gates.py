"""Confidence and distance gates against values computed by hand and by brute force."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.special import logsumexp, softmax
from scipy.stats import entropy

from gzsl.calibration import Calibrator, Observation, make_calibrator
from gzsl.calibration.gaussian import squared_distances, tied_gaussians
from gzsl.calibration.stacking import CalibratedStacking
from gzsl.data import FeatureRows, TrainView
from gzsl.evaluation import operating_point, summarise
from gzsl.semantics import Semantics

SEEN, UNSEEN = np.array([0, 2, 3]), np.array([1, 4])


def gate(section: dict[str, Any], unit: float = 2.0) -> Calibrator:
    calibrator = make_calibrator(section)
    calibrator.seen_, calibrator.unseen_, calibrator.unit_ = SEEN, UNSEEN, unit
    return calibrator


def margin(calibrator: Calibrator, scores: np.ndarray, X: np.ndarray | None = None) -> np.ndarray:
    rows = np.zeros((len(scores), 1)) if X is None else X
    evidence = calibrator.observe(rows, scores)
    summary = summarise(scores, np.zeros(len(scores), dtype=int), SEEN, UNSEEN)
    found = calibrator._margin(summary, evidence)
    assert found is not None
    return found


def test_confidences_equal_their_definitions() -> None:
    scores = np.random.default_rng(0).normal(3, 4, (20, 5)).astype(np.float32)
    z = scores[:, SEEN].astype(float) / (0.5 * 2.0)
    settings = {"temperature": 0.5}
    np.testing.assert_allclose(
        margin(gate({"name": "max-prob", **settings}), scores), np.log(softmax(z, axis=1).max(axis=1)), atol=1e-5
    )
    np.testing.assert_allclose(
        margin(gate({"name": "entropy", **settings}), scores), -entropy(softmax(z, axis=1), axis=1), atol=1e-5
    )
    np.testing.assert_allclose(
        margin(gate({"name": "energy", **settings}), scores), 0.5 * logsumexp(z, axis=1), rtol=1e-5
    )


@pytest.mark.parametrize("name", ["max-prob", "entropy", "energy"])
def test_an_excluded_class_has_no_part(name: str) -> None:
    scores = np.array([[1.0, 0.0, -np.inf, 2.0, 0.0], [0.3, 0.2, 0.1, 0.5, 0.0]])
    found = margin(gate({"name": name}), scores)
    assert np.isfinite(found).all()


def test_scale_of_the_scores_does_not_matter() -> None:
    scores = np.random.default_rng(1).normal(size=(30, 5))
    for name in ("max-prob", "entropy"):
        a, b = margin(gate({"name": name}, 1.0), scores), margin(gate({"name": name}, 10.0), 10 * scores)
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


def test_stacking_forms_by_hand() -> None:
    scores = np.array([[4.0, 1.0, 2.0, 0.0, 3.0], [1.0, 5.0, 3.0, 2.0, 1.5]])
    np.testing.assert_allclose(margin(gate({"name": "stacking", "form": "zscored"}), scores), [1, -2] / scores.std(1))
    found = margin(gate({"name": "stacking", "form": "multiplicative"}), scores)
    np.testing.assert_allclose(found, np.log([4 / 3, 2 / 4]))
    calibrator = CalibratedStacking(form="multiplicative")
    calibrator.seen_, calibrator.unseen_, calibrator.unit_, calibrator.gamma_ = SEEN, UNSEEN, 1.0, 0.4
    lifted = scores - scores.min(axis=1, keepdims=True)
    lifted[:, SEEN] /= np.exp(0.4)
    answers = calibrator.adjusted(np.zeros((2, 1)), scores).argmax(axis=1)
    np.testing.assert_array_equal(answers, lifted.argmax(axis=1))


def small_view(n: int = 200, d: int = 12) -> TrainView:
    rng = np.random.default_rng(0)
    labels = np.concatenate([SEEN, rng.choice(SEEN, n)])
    X = (rng.normal(size=(5, d))[labels] * 2 + rng.normal(size=(len(labels), d)) * rng.uniform(0.5, 2, d)).astype("f4")
    table = Semantics(rng.random((5, 3)), tuple("abcde"))
    return TrainView(FeatureRows(X), labels, table, SEEN, UNSEEN)


def test_whitened_distances_are_mahalanobis_distances() -> None:
    view = small_view()
    X, y = view.features.to_array().astype(float), view.labels
    axes, means = tied_gaussians(X.astype("f4"), y, SEEN, 12, 0)
    centres = np.stack([X[y == c].mean(axis=0) for c in SEEN])
    found = squared_distances(X.astype("f4") @ axes, means)
    residuals = X - centres[np.searchsorted(SEEN, y)]
    empirical = residuals.T @ residuals / len(X)
    precision = axes.astype(float) @ axes.T  # the shrunk covariance's inverse
    shrunk = np.linalg.inv(precision)
    off = ~np.eye(12, dtype=bool)
    shares = shrunk[off] / empirical[off]
    np.testing.assert_allclose(shares, np.median(shares), rtol=5e-2)  # shrinkage scales all covariances alike
    assert 0.5 < np.median(shares) <= 1
    direct = [[(x - m) @ precision @ (x - m) for m in centres] for x in X[:20]]
    np.testing.assert_allclose(found[:20], direct, rtol=2e-3)


def test_neighbours_equal_brute_force_and_a_training_row_is_not_its_own() -> None:
    view = small_view()
    X = view.features.to_array()
    unit = X / np.linalg.norm(X, axis=1, keepdims=True)
    calibrator = make_calibrator({"name": "knn", "k": 3, "bank_size": 10_000, "n_components": 12}).prepare(view)
    other = np.random.default_rng(5).normal(size=(9, 12)).astype("f4")
    brute = np.linalg.norm((other / np.linalg.norm(other, axis=1, keepdims=True))[:, None] - unit[None], axis=2)
    found = calibrator.observe(other, np.zeros((9, 5)))["nearness"]
    np.testing.assert_allclose(found, -np.sort(brute, axis=1)[:, 2], atol=1e-4)
    own = np.sort(np.linalg.norm(unit[:30, None] - unit[None], axis=2), axis=1)
    seen_before = calibrator._observe(X[:30], np.zeros((30, 5)), training=True)["nearness"]
    np.testing.assert_allclose(seen_before, -own[:, 3], atol=1e-4)


def test_bank_is_balanced_over_classes() -> None:
    calibrator = make_calibrator({"name": "knn", "bank_size": 15}).prepare(small_view())
    assert len(calibrator.bank_) == 15  # type: ignore[attr-defined]


def test_a_gate_that_sees_features_beats_blind_scores() -> None:
    """Scores that know the class inside a side but nothing of the side: only features can tell."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 5, 600)
    X = (5 * np.eye(5)[labels] + rng.normal(size=(600, 5))).astype("f4")
    scores = rng.normal(size=(600, 5)).astype("f4") * 0.1
    scores[np.arange(600), labels] += 1
    blind = scores + rng.normal(size=(600, 1)) * 5 * np.isin(np.arange(5), SEEN)
    keep = np.isin(labels, SEEN)
    view = TrainView(FeatureRows(X[keep]), labels[keep], Semantics(rng.random((5, 3)), tuple("abcde")), SEEN, UNSEEN)
    summary = summarise(blind, labels, SEEN, UNSEEN)
    calibrator = make_calibrator({"name": "knn", "transfer": "raw"}).prepare(view)
    calibrator.unit_ = 1.0
    noted = Observation(summary, calibrator.observe(X, blind))
    decided = calibrator.fit([noted]).decide(noted)
    assert operating_point(decided, calibrator.gamma_).H > operating_point(summary).H + 0.2
