"""Carry a threshold from validation folds to the final fit, whose margins may have another scale.

Source: Chao, Changpinyo, Gong and Sha, ECCV 2016, arXiv 1605.04253 sweep gamma on cross-validation folds; how to
carry it over is left open there. The rules here are ours; they need no test row: the scale of margins is read off
training rows, scored by the very method that was fitted on them, in the folds and in the final fit alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gzsl.brief import brief
from gzsl.evaluation.curve import SeenUnseenCurve, best_common_gamma
from gzsl.evaluation.summary import ScoreSummary, with_margin

RULES = ("raw", "zscore", "quantile")
FALLBACK_LOSS = 0.05  # share of training rows given up for lost when there is no validation fold


@dataclass(frozen=True, eq=False)
class MarginScale:
    """A strictly increasing map of margins to a unit that folds and final fit share.

    ``raw`` leaves margins as they are; ``zscore`` counts standard deviations from the mean of training rows;
    ``quantile`` is the share of training rows below a margin, continued beyond both ends by standard deviations.

    Attributes
    ----------
    rule : str
        One of `RULES`.
    margins : ndarray, shape (k,), float64
        Finite margins of training rows, ascending.
    """

    rule: str
    margins: np.ndarray

    __repr__ = brief

    @classmethod
    def of(cls, rule: str, reference: ScoreSummary | None) -> MarginScale:
        """Scale of the margins of training rows; without any (or for ``raw``) margins stay as they are."""
        if rule == "raw" or reference is None:
            return cls("raw", np.empty(0))
        margins = np.sort(reference.margin)
        margins = margins[np.isfinite(margins)]
        return cls(rule if len(margins) else "raw", margins)

    def forward(self, margins: np.ndarray) -> np.ndarray:
        """Margins (n,) in the shared unit; infinite ones stay infinite."""
        if self.rule == "raw":
            return margins
        if self.rule == "zscore":
            return (margins - self._mean) / self._deviation
        knots, levels = self._knots
        inside = np.interp(margins, knots, levels)
        below, above = np.minimum(margins - knots[0], 0.0), np.maximum(margins - knots[-1], 0.0)
        return inside + (below + above) / self._deviation

    def covers(self, value: float) -> bool:
        """Whether some training rows have margins below ``value``, in the shared unit, and some above."""
        return self.rule == "raw" or bool(np.ptp(np.sign(self.forward(self.margins[[0, -1]]) - value)))

    def inverse(self, value: float) -> float:
        """Margin that `forward` maps to ``value``."""
        if self.rule == "raw":
            return float(value)
        if self.rule == "zscore":
            return float(self._mean + value * self._deviation)
        knots, levels = self._knots
        inside = float(np.interp(value, levels, knots))
        beyond = min(value - levels[0], 0.0) + max(value - levels[-1], 0.0)
        return inside + float(beyond) * self._deviation

    @property
    def _mean(self) -> float:
        return float(self.margins.mean())

    @property
    def _deviation(self) -> float:
        return float(self.margins.std()) or 1.0

    @property
    def _knots(self) -> tuple[np.ndarray, np.ndarray]:
        """Distinct margins and the middle of the ranks of each."""
        knots, counts = np.unique(self.margins, return_counts=True)
        return knots, (np.cumsum(counts) - counts / 2) / len(self.margins)


def transferred_threshold(
    rule: str, folds: Sequence[tuple[ScoreSummary, ScoreSummary | None]], reference: ScoreSummary | None
) -> float:
    """Threshold with the best mean H over folds, in the unit of the final fit's margins.

    A method that knows its training rows by heart (nearest neighbours do) gives all of them margins on one side of the
    threshold that fresh rows need. They are no yardstick then, and margins are compared as they are.

    Parameters
    ----------
    rule : str
        One of `RULES`.
    folds : sequence of (ScoreSummary, ScoreSummary or None)
        Validation rows of a fold, and training rows of the same fit; at least one fold.
    reference : ScoreSummary or None
        Training rows of the final fit. Where any reference is missing, margins are compared as they are.
    """
    known = reference is not None and all(own is not None for _, own in folds)
    rule = rule if known else "raw"
    scales = [MarginScale.of(rule, own) for _, own in folds]
    best = best_common_gamma([
        SeenUnseenCurve.of(_mapped(summary, scale)) for (summary, _), scale in zip(folds, scales, strict=True)
    ])  # fmt: skip
    if not any(scale.covers(best) for scale in scales):
        return transferred_threshold("raw", folds, reference)
    return MarginScale.of(rule, reference).inverse(best)


def fallback_threshold(reference: ScoreSummary) -> float:
    """Threshold below which a fixed share of training rows lies; needs neither validation nor test rows."""
    margins = reference.margin
    margins = margins[np.isfinite(margins)]
    return float(np.quantile(margins, FALLBACK_LOSS)) if len(margins) else 0.0


def _mapped(summary: ScoreSummary, scale: MarginScale) -> ScoreSummary:
    """The same decisions with margins in the shared unit; sides that never win stay so."""
    if scale.rule == "raw":
        return summary
    return with_margin(summary, scale.forward(summary.margin))
