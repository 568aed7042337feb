"""The exact seen-unseen accuracy curve of calibrated stacking and the area under it.

Source: Chao, Changpinyo, Gong and Sha, "An empirical study and analysis of generalized zero-shot learning",
ECCV 2016, arXiv 1605.04253.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gzsl.brief import brief
from gzsl.errors import MethodError
from gzsl.evaluation.metrics import harmonic_mean
from gzsl.evaluation.summary import ScoreSummary

_EQUAL = 1e-12  # sums of class weights taken in another order differ by rounding only


@dataclass(frozen=True, eq=False)
class SeenUnseenCurve:
    """Class-averaged accuracies as functions of gamma, without a grid.

    Both accuracies are step functions: point ``k`` holds for ``gamma[k] <= gamma < gamma[k + 1]``. Samples
    whose best class on their own side is wrong never change them and give no point.

    Attributes
    ----------
    gamma : ndarray, shape (k,), float64
        Ascending and distinct after the first, which is ``-inf`` (everything that can be is predicted seen).
    unseen, seen : ndarray, shape (k,), float64
        Accuracies in [0, 1]; the first never falls, the second never rises.
    """

    gamma: np.ndarray
    unseen: np.ndarray
    seen: np.ndarray

    __repr__ = brief

    @classmethod
    def of(cls, summary: ScoreSummary) -> SeenUnseenCurve:
        """Sweep gamma over all samples of ``summary`` in O(n log n).

        Raises
        ------
        MethodError
            When a side has no sample.
        """
        margin, gain, loss = _flips(summary)
        order = np.argsort(margin)
        margin = margin[order]
        last_of_ties = np.append(margin[1:] != margin[:-1], True)[: len(margin)]
        unseen = np.cumsum(gain[order])[last_of_ties]
        left = np.cumsum(loss[order])[last_of_ties]
        start = left[-1] if len(left) else 0.0
        return cls(np.append(-np.inf, margin[last_of_ties]), np.append(0.0, unseen), np.append(start, start - left))

    @property
    def area(self) -> float:
        """AUSUC: the area under ``seen`` over ``unseen`` by trapezoids, in [0, 1].

        It is at most the product of the accuracies that each side reaches alone (`ceilings`).
        """
        return float(np.trapezoid(self.seen, self.unseen))

    @property
    def ceilings(self) -> tuple[float, float]:
        """Largest ``(unseen, seen)`` accuracies: each side with the other one switched off."""
        return float(self.unseen[-1]), float(self.seen[0])

    def at(self, gamma: float | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Accuracies ``(unseen, seen)`` at finite ``gamma``; a tie counts as unseen."""
        k = np.searchsorted(self.gamma, gamma, side="right") - 1
        return self.unseen[k], self.seen[k]

    def best_harmonic(self) -> tuple[float, float, float, float]:
        """``(gamma, U, S, H)`` with the largest H; gamma as in `best_common_gamma`."""
        gamma = best_common_gamma([self])
        U, S = (float(value) for value in self.at(gamma))
        return gamma, U, S, harmonic_mean(U, S)


def best_common_gamma(curves: Sequence[SeenUnseenCurve]) -> float:
    """Find the gamma that maximises the mean of H over curves, exactly.

    The mean is a step function with steps at the union of the curves' thresholds; it is evaluated on every
    step. Where several intervals share the maximum the widest is taken, and of equally wide ones the lowest;
    gamma is its middle, away from both ends, so that rounding flips no sample. The two outer steps are
    unbounded and count as wide as the median step. When H is 0 everywhere, gamma is 0.

    Parameters
    ----------
    curves : sequence of SeenUnseenCurve
        At least one, e.g. one a validation fold.

    Raises
    ------
    MethodError
        When there is no curve.
    """
    if not curves:
        raise MethodError("seen-unseen curves: found none, expected at least one")
    thresholds = np.unique(np.concatenate([curve.gamma for curve in curves]))
    thresholds = thresholds[np.isfinite(thresholds)]
    if not len(thresholds):
        return 0.0
    gap = float(np.median(np.diff(thresholds))) if len(thresholds) > 1 else 1.0
    edges = np.concatenate([thresholds[:1] - gap, thresholds, thresholds[-1:] + gap])
    height = np.mean([harmonic_mean(*curve.at(edges[:-1])) for curve in curves], axis=0)
    if height.max() <= 0.0:
        return 0.0
    low, high = _widest_run(height >= height.max() - _EQUAL, edges)
    middle = low + (high - low) / 2
    return float(middle if middle < high else low)


def _widest_run(chosen: np.ndarray, edges: np.ndarray) -> tuple[float, float]:
    """Ends of the widest run of neighbouring chosen intervals; interval ``k`` is ``edges[k : k + 2]``."""
    change = np.diff(np.concatenate([[0], chosen.astype(np.int8), [0]]))
    low, high = edges[np.flatnonzero(change == 1)], edges[np.flatnonzero(change == -1)]
    widest = int(np.argmax(high - low))
    return float(low[widest]), float(high[widest])


def _flips(summary: ScoreSummary) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Threshold, gain in U and loss in S of every sample that changes either when gamma passes it."""
    is_seen = summary.is_seen
    own_class = np.where(is_seen, summary.seen_class, summary.unseen_class)
    own_score = np.where(is_seen, summary.seen_score, summary.unseen_score)
    changes = np.flatnonzero((own_class == summary.labels) & (own_score > -np.inf))
    weight = _class_weights(summary)[changes]
    is_seen = is_seen[changes]
    return summary.margin[changes], np.where(is_seen, 0.0, weight), np.where(is_seen, weight, 0.0)


def _class_weights(summary: ScoreSummary) -> np.ndarray:
    """What one correct sample adds to the class-averaged accuracy of its side, shape (n,)."""
    n_ids = int(max(summary.seen[-1], summary.unseen[-1])) + 1
    images = np.bincount(summary.labels, minlength=n_ids)
    weights = 1.0 / np.maximum(images, 1)
    for name, ids in (("unseen", summary.unseen), ("seen", summary.seen)):
        n_present = np.count_nonzero(images[ids])
        if not n_present:
            raise MethodError(f"seen-unseen curve: no row has a {name} class as its label, expected at least one")
        weights[ids] /= n_present
    return weights[summary.labels]
