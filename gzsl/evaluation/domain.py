"""How well a gate tells seen-class rows from unseen-class rows, and what the wrong side costs."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.stats import rankdata

from gzsl.evaluation.metrics import mean_accuracy, per_class_accuracy, predictions
from gzsl.evaluation.summary import ScoreSummary

NEAR_ZERO_U = 0.05  # below this, the unseen classes are as good as never predicted
MOSTLY_LOST = 0.8
CHANCE_FACTOR = 1.5  # times chance among the unseen classes that T1 has to exceed
CHANCE_SHARE = 0.1  # of the way from chance to certainty that T1 has to go, where classes are few
BLIND = 0.6  # area under the ROC below which a gate hardly tells the sides apart


@dataclass(frozen=True)
class DomainReport:
    """Seen against unseen, whatever the class; fractions in [0, 1].

    Attributes
    ----------
    auroc : float
        Chance that a random seen-class row has a larger margin than a random unseen-class row (ties: one half).
    fpr95 : float
        Share of unseen-class rows taken for seen when the threshold keeps 95 % of the seen-class rows.
    unseen_lost, seen_lost : float
        Class-averaged share of rows decided for the other side at the threshold in use.
    gamma : float
        That threshold.
    """

    auroc: float
    fpr95: float
    unseen_lost: float
    seen_lost: float
    gamma: float

    @classmethod
    def of(cls, summary: ScoreSummary, gamma: float = 0.0) -> DomainReport:
        """Compare the margins of rows of seen and of unseen classes.

        Raises
        ------
        MethodError
            When a side has no row.
        """
        is_seen = summary.is_seen
        to_seen = np.isin(predictions(summary, gamma), summary.seen)
        side = np.where(is_seen, to_seen, ~to_seen)
        lost = []
        for ids in (summary.unseen, summary.seen):
            kept = np.where(side, summary.labels, -1)
            lost.append(1.0 - mean_accuracy(per_class_accuracy(summary.labels, kept, ids)))
        margin = summary.margin
        return cls(_auroc(margin, is_seen), _fpr95(margin, is_seen), lost[0], lost[1], float(gamma))

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def advice(
    report: DomainReport, *, U: float, T1: float, n_unseen: int, calibrated_U: float | None = None
) -> str | None:
    """One sentence where unseen classes are (nearly) never predicted, with the remedy; None when all is well.

    Parameters
    ----------
    report : DomainReport
        Of the plain scores.
    U, T1 : float
        Accuracy of the unseen classes among all classes, and among themselves.
    n_unseen : int
        Number of unseen classes, for chance level.
    calibrated_U : float, optional
        U at a threshold that was chosen on validation rows.
    """
    if U > NEAR_ZERO_U and report.unseen_lost < MOSTLY_LOST:
        return None
    lost = f"U is {U:.1%} because {report.unseen_lost:.0%} of the unseen-class rows are taken for seen classes"
    if calibrated_U is not None and calibrated_U > max(NEAR_ZERO_U, 2 * U):
        return f"{lost}; the calibrated U of this run is {calibrated_U:.1%}"
    if _about_chance(T1, n_unseen):
        return (
            f"U is {U:.1%} and T1 {T1:.1%}, about chance among {n_unseen} unseen classes: a calibration can lift U to "
            "T1 at most, look at the semantics and the training first"
        )
    if report.auroc < BLIND:
        return (
            f"{lost}, and the margins hardly tell the sides apart (AUROC {report.auroc:.1%}): try a gate that sees "
            "the features, such as `calibration: cooked` or `calibration: knn`"
        )
    return f"{lost}; set `calibration: stacking` in the recipe, which chooses a threshold on validation classes"


def _about_chance(T1: float, n_unseen: int) -> bool:
    """Whether T1 tells little more than guessing; of a single unseen class it tells nothing, and is no reason."""
    chance = 1 / n_unseen
    return n_unseen > 1 and T1 < min(CHANCE_FACTOR * chance, chance + CHANCE_SHARE * (1 - chance))


def _auroc(margin: np.ndarray, is_seen: np.ndarray) -> float:
    n_seen = int(is_seen.sum())
    n_unseen = len(is_seen) - n_seen
    ranks = rankdata(margin)
    return float((ranks[is_seen].sum() - n_seen * (n_seen + 1) / 2) / (n_seen * n_unseen))


def _fpr95(margin: np.ndarray, is_seen: np.ndarray) -> float:
    seen = np.sort(margin[is_seen])
    threshold = seen[int(np.floor(0.05 * len(seen)))]  # at least 95 % of the seen rows are not below it
    return float((margin[~is_seen] >= threshold).mean())
