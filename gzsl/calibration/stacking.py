"""Calibrated stacking: one constant subtracted from all seen scores; and no calibration at all.

Source: Chao, Changpinyo, Gong and Sha, "An empirical study and analysis of generalized zero-shot learning",
ECCV 2016, arXiv 1605.04253. The paper sweeps gamma; how to choose it without test rows is ours.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from gzsl.calibration.base import Calibrator, register_calibrator
from gzsl.calibration.observation import Observation
from gzsl.evaluation.summary import ScoreSummary
from gzsl.params import param

_TINY = 1e-12


@register_calibrator("stacking")
class CalibratedStacking(Calibrator):
    """Predict ``argmax_c F[n, c] - gamma * [c is seen]`` with the gamma of the best mean H over folds.

    H is an exact step function of gamma in every fold, so their mean is one with steps at the union of the
    folds' thresholds; its maximum is found without a grid. Of several best intervals the widest is taken
    (of equally wide ones the lowest), and gamma is its middle.

    ``form`` says what gamma acts on. ``additive``: the scores. ``multiplicative``: seen scores are divided by
    ``exp(gamma)``, all scores counted from the lowest one of their row, so that none is negative. ``zscored``: every
    row is divided by the standard deviation of its scores first.

    Differences: the paper reports the curve over all gammas and its area; choosing one gamma by the mean H of
    validation folds, and the rule for equal maxima, are ours, as are the other forms. Gamma is in the unit of the
    margins, so it carries over from the folds to the final fit only as far as their scale does: see ``transfer``.

    Attributes
    ----------
    gamma_ : float
        Finite; 0 when no gamma reaches an H above 0.
    """

    form: str = param(default="additive", choices=("additive", "multiplicative", "zscored"), doc="what gamma acts on")

    def _look(self, X: np.ndarray, scores: np.ndarray, *, training: bool) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        if self.form == "multiplicative":
            return scores, {"lowest": np.where(np.isfinite(scores), scores, np.inf).min(axis=1).astype(np.float64)}
        if self.form == "zscored":
            deviation = scores.std(axis=1, dtype=np.float64)
            return scores, {"deviation": np.where(np.isfinite(deviation), deviation, 1.0)}
        return scores, {}

    def _margin(self, summary: ScoreSummary, evidence: Mapping[str, np.ndarray]) -> np.ndarray | None:
        if self.form == "multiplicative":
            seen, unseen = summary.seen_score - evidence["lowest"], summary.unseen_score - evidence["lowest"]
            return np.log(np.maximum(seen, _TINY)) - np.log(np.maximum(unseen, _TINY))
        if self.form == "zscored":
            return summary.margin / np.maximum(evidence["deviation"], _TINY)
        return None


@register_calibrator("none")
class NoCalibration(Calibrator):
    """Compare the scores as they are; needs no validation fold."""

    validated = False

    def _threshold(self, folds: list[Observation], reference: Observation | None) -> float:
        return 0.0
