"""The exact curve against brute force, with ties."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gzsl.errors import MethodError
from gzsl.evaluation import (
    ScoreSummary,
    SeenUnseenCurve,
    best_common_gamma,
    harmonic_mean,
    operating_point,
    summarise,
)


def by_hand() -> ScoreSummary:
    """Margins 2, -1, 1, -5 for labels 0, 1 (seen) and 2, 2 (unseen); every own-side argmax is right."""
    scores = np.array([[3.0, 0.0, 1.0], [0.0, 2.0, 3.0], [2.0, 1.0, 1.0], [0.0, 0.0, 5.0]])
    return summarise(scores, [0, 1, 2, 2], [0, 1], [2])


@st.composite
def summaries(draw: st.DrawFn) -> ScoreSummary:
    n_seen, n_unseen = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    n_classes, n = n_seen + n_unseen, draw(st.integers(2, 30))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    if draw(st.booleans()):
        scores = rng.integers(0, draw(st.integers(1, 6)), (n, n_classes)).astype(np.float32)
    else:
        scores = rng.standard_normal((n, n_classes)).astype(np.float32)
    if draw(st.booleans()):
        scores[rng.random(scores.shape) < 0.2] = -np.inf
        scores[np.isneginf(scores).all(axis=1)] = 0.0
    order = rng.permutation(n_classes)
    labels = rng.integers(0, n_classes, n)
    labels[:2] = order[0], order[-1]
    return summarise(scores, labels, order[:n_seen], order[n_seen:])


def gammas_between(summary: ScoreSummary) -> np.ndarray:
    """One gamma in every interval of constant decisions, and every threshold itself."""
    b = np.unique(summary.margin)
    b = b[np.isfinite(b)]
    if not len(b):
        return np.zeros(1)
    return np.sort(np.concatenate([b[:1] - 1, b, (b[1:] + b[:-1]) / 2, b[-1:] + 1]))


def test_by_hand() -> None:
    curve = SeenUnseenCurve.of(by_hand())
    np.testing.assert_array_equal(curve.gamma, [-np.inf, -5, -1, 1, 2])
    np.testing.assert_array_equal(curve.unseen, [0, 0.5, 0.5, 1, 1])
    np.testing.assert_array_equal(curve.seen, [1, 1, 0.5, 0.5, 0])
    assert curve.area == pytest.approx(0.75)
    assert curve.ceilings == (1.0, 1.0)
    # S = 1/2 and U = 1 on [1, 2), U = 1/2 and S = 1 on [-5, -1): both have H = 2/3, the second is wider
    assert curve.best_harmonic() == pytest.approx((-3.0, 0.5, 1.0, 2 / 3))


@given(summaries())
@settings(deadline=None, max_examples=50)
def test_equals_brute_force_at_every_gamma(summary: ScoreSummary) -> None:
    curve = SeenUnseenCurve.of(summary)
    gammas = gammas_between(summary)
    points = [operating_point(summary, gamma) for gamma in gammas]
    unseen, seen = curve.at(gammas)
    np.testing.assert_allclose(unseen, [point.U for point in points], atol=1e-12)
    np.testing.assert_allclose(seen, [point.S for point in points], atol=1e-12)
    assert (np.diff(curve.unseen) >= 0).all()
    assert (np.diff(curve.seen) <= 1e-12).all()
    assert (curve.gamma[2:] > curve.gamma[1:-1]).all()


@given(summaries())
@settings(deadline=None, max_examples=50)
def test_area_equals_brute_force_over_distinct_thresholds(summary: ScoreSummary) -> None:
    finite = np.isfinite(summary.margin)
    if not finite.all():
        return
    b = np.unique(summary.margin)
    points = [operating_point(summary, gamma) for gamma in (b[0] - 1, *b)]
    expected = np.trapezoid([point.S for point in points], [point.U for point in points])
    curve = SeenUnseenCurve.of(summary)
    assert curve.area == pytest.approx(expected, abs=1e-12)
    assert curve.area <= curve.ceilings[0] * curve.ceilings[1] + 1e-12


@given(summaries(), st.integers(0, 1000))
@settings(deadline=None, max_examples=30)
def test_order_of_rows_does_not_matter(summary: ScoreSummary, seed: int) -> None:
    order = np.random.default_rng(seed).permutation(len(summary))
    arrays = summary.to_arrays()
    rows = {name: array if name in ("seen", "unseen") else array[order] for name, array in arrays.items()}
    one, other = SeenUnseenCurve.of(summary), SeenUnseenCurve.of(ScoreSummary.from_arrays(rows))
    np.testing.assert_array_equal(one.gamma, other.gamma)
    np.testing.assert_allclose(one.unseen, other.unseen, atol=1e-14)
    assert one.area == pytest.approx(other.area, abs=1e-14)
    assert one.best_harmonic() == pytest.approx(other.best_harmonic(), abs=1e-12)


@given(st.lists(summaries(), min_size=1, max_size=3))
@settings(deadline=None, max_examples=50)
def test_common_gamma_is_the_best_of_all(folds: list[ScoreSummary]) -> None:
    def mean_height(gamma: float) -> float:
        return float(np.mean([operating_point(fold, gamma).H for fold in folds]))

    thresholds = np.unique(np.concatenate([fold.margin[np.isfinite(fold.margin)] for fold in folds]))
    candidates = [0.0]
    if len(thresholds):
        middles = (thresholds[1:] + thresholds[:-1]) / 2
        candidates = [*thresholds, *middles, thresholds[0] - 1, thresholds[-1] + 1]
    gamma = best_common_gamma([SeenUnseenCurve.of(fold) for fold in folds])
    assert np.isfinite(gamma)
    assert mean_height(gamma) == pytest.approx(max(map(mean_height, candidates)), abs=1e-12)


def test_best_harmonic_stays_away_from_thresholds() -> None:
    curve = SeenUnseenCurve(np.array([-np.inf, 0.0, 0.1, 0.9, 1.0]), np.array([0, 0.4, 1, 1, 1]),
                            np.array([1, 1, 0.5, 0.5, 0]))  # fmt: skip
    gamma, U, S, H = curve.best_harmonic()
    assert gamma == pytest.approx(0.55), "[0.1, 0.9) and [0.9, 1) have the same H and are one run"
    assert (U, S) == (1.0, 0.5)
    assert harmonic_mean(U, S) == H == pytest.approx(2 / 3)


def test_neighbouring_floats_leave_gamma_inside_its_interval() -> None:
    low = 1.0
    high = float(np.nextafter(low, 2))
    curve = SeenUnseenCurve(np.array([-np.inf, low, high]), np.array([0.0, 1, 1]), np.array([1.0, 1, 0]))
    assert curve.best_harmonic() == (low, 1.0, 1.0, 1.0)


def test_nothing_to_gain_gives_gamma_zero() -> None:
    wrong = summarise(np.array([[0.0, 1, 5], [0, 0, 1]]), [0, 2], [0, 1], [2])
    curve = SeenUnseenCurve.of(wrong)
    assert curve.best_harmonic() == (0.0, 1.0, 0.0, 0.0)
    nothing = SeenUnseenCurve.of(summarise(np.array([[0.0, 1, 0, 5], [0, 0, 1, 0]]), [0, 3], [0, 1], [2, 3]))
    assert nothing.best_harmonic() == (0.0, 0.0, 0.0, 0.0)
    assert nothing.area == 0.0
    with pytest.raises(MethodError, match="found none"):
        best_common_gamma([])


def test_an_excluded_side_is_never_predicted() -> None:
    scores = np.array([[-np.inf, 1.0], [2.0, -np.inf], [2.0, 1.0]])
    curve = SeenUnseenCurve.of(summarise(scores, [1, 0, 1], [0], [1]))
    assert curve.at(-1e9) == (0.5, 1.0)
    assert curve.at(1e9) == (1.0, 1.0)
    gamma, U, S, H = curve.best_harmonic()
    assert (U, S, H) == (1.0, 1.0, 1.0)
    assert gamma == 1.5


@pytest.mark.parametrize(("labels", "missing"), [([0, 0], "unseen"), ([1, 1], "seen")])
def test_a_side_without_rows_is_refused(labels: list[int], missing: str) -> None:
    with pytest.raises(MethodError, match=f"no row has a {missing} class"):
        SeenUnseenCurve.of(summarise(np.zeros((2, 2)), labels, [0], [1]))
