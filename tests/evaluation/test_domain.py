"""Seen against unseen: rank statistics, shares lost, and the sentence that names the remedy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from gzsl.evaluation import ScoreSummary, summarise
from gzsl.evaluation.domain import DomainReport, advice


def some(seed: int, n: int = 120, bias: float = 0.0, levels: int | None = None) -> ScoreSummary:
    rng = np.random.default_rng(seed)
    labels = np.concatenate([np.arange(7), rng.integers(0, 7, n)])
    scores = rng.standard_normal((len(labels), 7))
    scores[np.arange(len(labels)), labels] += 1
    scores[:, :4] += bias
    if levels is not None:
        scores = np.round(scores * levels) / levels
    return summarise(scores, labels, np.arange(4), np.arange(4, 7))


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10_000), levels=st.sampled_from([None, 1, 2]), bias=st.floats(-2, 2))
def test_equals_brute_force_with_ties(seed: int, levels: int | None, bias: float) -> None:
    summary = some(seed, bias=bias, levels=levels)
    report = DomainReport.of(summary, 0.1)
    assert report.auroc == pytest.approx(roc_auc_score(summary.is_seen, summary.margin))
    seen, unseen = summary.margin[summary.is_seen], summary.margin[~summary.is_seen]
    kept = [t for t in np.unique(seen) if np.mean(seen >= t) >= 0.95]
    assert report.fpr95 == pytest.approx(np.mean(unseen >= max(kept)))
    for side, ids, wrong in (("unseen_lost", summary.unseen, True), ("seen_lost", summary.seen, False)):
        rows = [summary.labels == c for c in ids]
        shares = [np.mean((summary.margin[r] > 0.1) == wrong) for r in rows if r.any()]
        assert getattr(report, side) == pytest.approx(np.mean(shares))


def test_a_side_that_is_never_scored_counts_as_an_end() -> None:
    scores = np.array([[1.0, 0.0], [-np.inf, 0.5], [2.0, -np.inf]])
    report = DomainReport.of(summarise(scores, np.array([0, 1, 0]), np.array([0]), np.array([1])))
    assert (report.auroc, report.fpr95, report.unseen_lost, report.seen_lost) == (1.0, 0.0, 0.0, 0.0)


def report(auroc: float = 0.8, lost: float = 0.95) -> DomainReport:
    return DomainReport(auroc, 0.5, lost, 0.01, 0.0)


def test_advice_names_the_remedy() -> None:
    assert advice(report(lost=0.3), U=0.4, T1=0.6, n_unseen=10) is None
    plain = advice(report(), U=0.01, T1=0.6, n_unseen=10)
    assert plain is not None
    assert "95% of the unseen-class rows" in plain
    assert "calibration: stacking" in plain
    blind = advice(report(auroc=0.52), U=0.01, T1=0.6, n_unseen=10)
    assert blind is not None
    assert "cooked" in blind
    hopeless = advice(report(), U=0.0, T1=0.11, n_unseen=10)
    assert hopeless is not None
    assert "a calibration can lift U to T1 at most" in hopeless
    repaired = advice(report(), U=0.01, T1=0.6, n_unseen=10, calibrated_U=0.45)
    assert repaired is not None
    assert "the calibrated U of this run is 45.0%" in repaired


@pytest.mark.parametrize(
    ("T1", "n_unseen", "calibrated", "chance"),
    [
        (1.0, 1, None, False),  # of one class T1 tells nothing
        (0.45, 3, None, False),
        (0.36, 3, None, True),
        (0.45, 3, 0.4, False),
        (0.03, 50, 0.2, False),  # the calibration of this very run helped
        (0.025, 50, None, True),
    ],
)
def test_chance_is_told_only_where_it_is(T1: float, n_unseen: int, calibrated: float | None, chance: bool) -> None:
    found = advice(report(), U=0.0, T1=T1, n_unseen=n_unseen, calibrated_U=calibrated)
    assert found is not None
    assert ("about chance" in found) == chance
