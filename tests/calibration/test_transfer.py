"""A threshold carried from folds to a final fit whose margins have another scale."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gzsl.calibration.transfer import (
    RULES,
    MarginScale,
    fallback_threshold,
    transferred_threshold,
)  # fmt: skip
from gzsl.evaluation import ScoreSummary, best_common_gamma, operating_point, summarise, with_margin
from gzsl.evaluation.curve import SeenUnseenCurve


def rows(seed: int, factor: float = 1.0, bias: float = 2.0, n: int = 400) -> ScoreSummary:
    rng = np.random.default_rng(seed)
    labels = np.concatenate([np.arange(8), rng.integers(0, 8, n)])
    scores = rng.standard_normal((len(labels), 8))
    scores[np.arange(len(labels)), labels] += 1.5
    scores[:, :5] += bias
    return summarise(factor * scores, labels, np.arange(5), np.arange(5, 8))


def seen_part(summary: ScoreSummary) -> ScoreSummary:
    arrays, keep = summary.to_arrays(), summary.is_seen
    return ScoreSummary.from_arrays({k: v if k in ("seen", "unseen") else v[keep] for k, v in arrays.items()})


@settings(deadline=None, max_examples=40)
@given(
    values=st.lists(st.floats(-50, 50, allow_nan=False, width=32), min_size=1, max_size=30),
    asked=st.lists(st.floats(-200, 200, allow_nan=False, width=32), min_size=2, max_size=20),
)
def test_maps_are_increasing_and_inverted(values: list[float], asked: list[float]) -> None:
    n = len(values)
    reference = ScoreSummary(
        np.array(values), np.zeros(n, int), np.zeros(n), np.ones(n, int), np.zeros(n, int), np.array([0]),
        np.array([1]),
    )  # fmt: skip
    for rule in RULES:
        scale = MarginScale.of(rule, reference)
        points = np.unique(np.array(asked))
        mapped = scale.forward(points)
        assert (np.diff(mapped) >= 0).all()
        for point, value in zip(points, mapped, strict=True):
            assert scale.inverse(float(value)) == pytest.approx(point, abs=1e-5 * max(1, abs(point)))


def test_quantile_is_the_share_of_training_rows_below() -> None:
    reference = with_margin(rows(0), np.linspace(0, 1, 408))
    scale = MarginScale.of("quantile", reference)
    found = scale.forward(np.array([0.25, 0.5, 0.75]))
    np.testing.assert_allclose(found, [0.25, 0.5, 0.75], atol=2e-3)
    assert scale.forward(np.array([2.0]))[0] > 1.0
    assert scale.forward(np.array([-1.0]))[0] < 0.0


@pytest.mark.parametrize("rule", ["zscore", "quantile"])
def test_scale_free_rules_survive_a_change_of_scale_and_raw_does_not(rule: str) -> None:
    fold, final = rows(0), rows(1, factor=5.0)
    pairs = [(fold, seen_part(fold))]
    best = SeenUnseenCurve.of(final).best_harmonic()[3]
    carried = transferred_threshold(rule, pairs, seen_part(final))
    found = operating_point(final, carried)
    assert found.H > best - 0.02
    raw = transferred_threshold("raw", pairs, seen_part(final))
    assert raw == best_common_gamma([SeenUnseenCurve.of(fold)])
    worse = operating_point(final, raw)
    assert worse.H < best - 0.1


@pytest.mark.parametrize("rule", RULES)
def test_on_its_own_fold_the_threshold_is_the_best_one(rule: str) -> None:
    fold = rows(3)
    found = transferred_threshold(rule, [(fold, seen_part(fold))], seen_part(fold))
    best = SeenUnseenCurve.of(fold).best_harmonic()[3]
    at_found = operating_point(fold, found)
    assert at_found.H == pytest.approx(best)


def test_without_a_reference_margins_are_compared_as_they_are() -> None:
    fold = rows(4)
    expected = best_common_gamma([SeenUnseenCurve.of(fold)])
    assert transferred_threshold("quantile", [(fold, None)], None) == expected


def test_constant_margins_do_no_harm() -> None:
    fold = with_margin(rows(5), np.full(408, 3.0))
    for rule in RULES:
        assert np.isfinite(transferred_threshold(rule, [(fold, seen_part(fold))], seen_part(fold)))


def test_fallback_gives_up_one_row_in_twenty() -> None:
    summary = with_margin(rows(6), np.linspace(0, 1, 408))
    assert np.mean(summary.margin <= fallback_threshold(summary)) == pytest.approx(0.05, abs=0.005)


def test_excluded_sides_stay_excluded() -> None:
    scores = np.array([[-np.inf, 1.0], [1.0, -np.inf], [1.0, 2.0]])
    summary = summarise(scores, np.array([0, 1, 1]), np.array([0]), np.array([1]))
    moved = with_margin(summary, np.array([9.0, -9.0, 0.5]))
    assert moved.margin[0] == -np.inf
    assert moved.margin[1] == np.inf
    assert moved.margin[2] == 0.5


@pytest.mark.parametrize("rule", ["zscore", "quantile"])
def test_training_rows_known_by_heart_are_no_yardstick(rule: str) -> None:
    """Nearest neighbours have distance 0 to their own training rows: margins there say nothing of fresh rows."""
    fold, final = rows(0), rows(1)
    by_heart = [
        with_margin(seen_part(summary), 50 + scale * seen_part(summary).margin)
        for summary, scale in ((fold, 0.1), (final, 3.0))
    ]
    found = transferred_threshold(rule, [(fold, by_heart[0])], by_heart[1])
    assert found == transferred_threshold("raw", [(fold, by_heart[0])], by_heart[1])
    assert operating_point(final, found).H > operating_point(final).H
