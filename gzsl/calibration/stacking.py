"""Calibrated stacking: one constant subtracted from all seen scores; and no calibration at all.

Source: Chao, Changpinyo, Gong and Sha, "An empirical study and analysis of generalized zero-shot learning",
ECCV 2016, arXiv 1605.04253. The paper sweeps gamma; how to choose it without test rows is ours.
"""

from __future__ import annotations

from gzsl.calibration.base import Calibrator, register_calibrator
from gzsl.errors import MethodError
from gzsl.evaluation.curve import SeenUnseenCurve, best_common_gamma
from gzsl.evaluation.summary import ScoreSummary


@register_calibrator("stacking")
class CalibratedStacking(Calibrator):
    """Predict ``argmax_c F[n, c] - gamma * [c is seen]`` with the gamma of the best mean H over folds.

    H is an exact step function of gamma in every fold, so their mean is one with steps at the union of the
    folds' thresholds; its maximum is found without a grid. Of several best intervals the widest is taken
    (of equally wide ones the lowest), and gamma is its middle.

    Differences: the paper reports the curve over all gammas and its area; choosing one gamma by the mean H of
    validation folds, and the rule for equal maxima, are ours. Gamma is in the unit of the raw scores, so it
    carries over from the folds to the final fit only as far as the scale of the scores does.

    Attributes
    ----------
    gamma_ : float
        Finite; 0 when no gamma reaches an H above 0.
    """

    def _threshold(self, validation: list[ScoreSummary]) -> float:
        if not validation:
            raise MethodError("calibration stacking: found no validation fold, expected at least one")
        return best_common_gamma([SeenUnseenCurve.of(summary) for summary in validation])


@register_calibrator("none")
class NoCalibration(Calibrator):
    """Compare the scores as they are; needs no validation fold."""

    def _threshold(self, validation: list[ScoreSummary]) -> float:
        return 0.0
