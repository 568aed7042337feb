"""COSMO: its threshold against the rule as the paper writes it, experts, and the learnt gate."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, softmax

import gzsl
from gzsl.calibration import Observation, make_calibrator
from gzsl.calibration.cosmo import COSMO, crossing
from gzsl.data import final_task, fold_task, validation_folds
from gzsl.errors import RecipeError
from gzsl.evaluation import evaluate
from gzsl.evaluation.curve import SeenUnseenCurve


@settings(deadline=None, max_examples=200)
@given(
    s=st.floats(1e-6, 1), u=st.floats(1e-6, 1), n_seen=st.integers(2, 700), n_unseen=st.integers(2, 700),
    weight=st.floats(0.001, 0.999),
)  # fmt: skip
def test_sides_cross_where_the_quadratic_vanishes(
    s: float, u: float, n_seen: int, n_unseen: int, weight: float
) -> None:
    root = float(crossing(np.array([s]), np.array([u]), n_seen, n_unseen)[0])
    assert 0 < root < 1

    def advantage(p: float) -> float:
        return p * (s + (1 - p) / n_seen) - (1 - p) * (u + p / n_unseen)

    assert advantage(root) == pytest.approx(0, abs=1e-7)
    if abs(weight - root) > 1e-4:
        assert (advantage(weight) > 0) == (weight > root)


def test_decision_equals_the_rule_over_all_classes() -> None:
    rng = np.random.default_rng(0)
    n, seen, unseen = 300, np.arange(6), np.arange(6, 10)
    log_seen = np.log(softmax(rng.normal(size=(n, 6)) * 2, axis=1))
    p_all = softmax(rng.normal(size=(n, 10)) * 2, axis=1)
    calibrator = COSMO()
    calibrator.seen_, calibrator.unseen_, calibrator.unit_ = seen, unseen, 1.0
    calibrator.gate_, calibrator.softness_ = np.append(rng.normal(size=10), 0.3), 0.7
    calibrator._seen_log_posteriors = lambda X, scores: log_seen.copy()  # type: ignore[method-assign]
    scores = np.log(p_all) * calibrator.temperature
    evidence = calibrator.observe(np.zeros((n, 1)), scores)
    gate = evidence["confidences"] @ calibrator.gate_[:-1] + 0.3
    decided = calibrator.decide(Observation(_summary(scores, seen, unseen), evidence))
    for threshold in (-1.0, 0.0, 0.8):
        p_u = expit((threshold - gate) / 0.7)[:, None]
        final = np.empty((n, 10))
        final[:, seen] = (1 - p_u) * (np.exp(log_seen) + p_u / 6)
        final[:, unseen] = p_u * (p_all[:, unseen] + (1 - p_u) / 4)
        calibrator.gamma_ = threshold
        found = np.where(decided.margin > threshold, decided.seen_class, decided.unseen_class)
        np.testing.assert_array_equal(found, final.argmax(axis=1))


def _summary(scores: np.ndarray, seen: np.ndarray, unseen: np.ndarray) -> gzsl.evaluation.ScoreSummary:
    return gzsl.evaluation.summarise(scores, np.zeros(len(scores), dtype=int), seen, unseen)


def test_gate_features_are_sorted_and_padded() -> None:
    calibrator = COSMO(own_seen_scores=True)
    calibrator.seen_, calibrator.unseen_, calibrator.unit_ = np.arange(4), np.arange(4, 6), 1.0
    scores = np.random.default_rng(1).normal(size=(7, 6))
    found = calibrator.observe(np.zeros((7, 1)), scores)["confidences"]
    assert found.shape == (7, 10)
    assert (np.diff(found[:, :5], axis=1) <= 0).all()
    assert (found[:, 4] == 0).all()
    assert (found[:, 7:] == 0).all()
    np.testing.assert_allclose(found[:, :4].sum(axis=1), 1, atol=1e-5)


def test_a_learnt_gate_tells_sides_better_than_the_scores_and_any_method_is_an_expert() -> None:
    dataset = gzsl.load("digits")
    folds = [fold_task(dataset, fold) for fold in validation_folds(dataset, 2)]
    final = final_task(dataset)
    fits = [gzsl.create("eszsl").fit(task.view) for task in [*folds, final]]
    areas = {}
    for name, section in {
        "stacking": {"name": "stacking"},
        "cosmo": {"name": "cosmo"},
        "expert": {"name": "cosmo", "seen_expert": "exem"},
    }.items():
        noted = []
        for task, fit in zip([*folds, final], fits, strict=True):
            calibrator = make_calibrator(section).prepare(task.view).attach(fit, task.view)
            noted.append(Observation.of(evaluate(fit, task, observer=calibrator), calibrator.reference_))
        decided = calibrator.fit(noted[:-1]).decide(noted[-1])
        areas[name] = SeenUnseenCurve.of(decided).area
    assert areas["cosmo"] > areas["stacking"] + 0.01
    assert areas["expert"] > 0.3
    assert set(calibrator.experts()) == {"expert_"}


def test_an_unknown_expert_is_named() -> None:
    with pytest.raises(Exception, match="unknown method 'exam'; did you mean 'exem'"):
        make_calibrator({"name": "cosmo", "seen_expert": {"name": "exam"}})
    with pytest.raises(RecipeError, match="calibration.smoothing"):
        make_calibrator({"name": "cosmo", "smoothing": "soft"})
