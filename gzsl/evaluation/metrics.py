"""Class-averaged accuracy and its harmonic mean; all values are fractions in [0, 1]."""

from __future__ import annotations

from dataclasses import dataclass
from typing import overload

import numpy as np

from gzsl.errors import MethodError
from gzsl.evaluation.summary import ScoreSummary


@dataclass(frozen=True)
class OperatingPoint:
    """Class-averaged accuracies at one calibration strength.

    Attributes
    ----------
    gamma : float
        What is subtracted from every seen score, in the unit of the scores.
    U, S, H : float
        Accuracy of the unseen and of the seen classes among all classes, and their harmonic mean.
    """

    gamma: float
    U: float
    S: float
    H: float

    def to_dict(self) -> dict[str, float]:
        """Plain values for JSON."""
        return {"gamma": self.gamma, "U": self.U, "S": self.S, "H": self.H}


def per_class_accuracy(labels: np.ndarray, predictions: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Share of correct predictions among the samples of every class.

    Parameters
    ----------
    labels, predictions : ndarray, shape (n,), integer
        True and predicted class ids, from 0.
    classes : ndarray, shape (k,), integer
        Class ids to report, in this order.

    Returns
    -------
    ndarray, shape (k,), float64
        NaN marks a class without samples; `mean_accuracy` leaves it out.
    """
    classes = np.asarray(classes, dtype=np.int64)
    n_ids = int(max(classes.max(initial=-1), labels.max(initial=-1))) + 1
    images = np.bincount(labels, minlength=n_ids)[classes]
    correct = np.bincount(labels[labels == predictions], minlength=n_ids)[classes]
    return np.where(images > 0, correct / np.maximum(images, 1), np.nan)


def mean_accuracy(per_class: np.ndarray) -> float:
    """Mean over the classes that have samples.

    Raises
    ------
    MethodError
        When no class has any.
    """
    present = per_class[~np.isnan(per_class)]
    if not len(present):
        raise MethodError("accuracy: none of the classes has a sample, expected at least one")
    return float(present.mean())


@overload
def harmonic_mean(unseen: float, seen: float) -> float: ...
@overload
def harmonic_mean(unseen: np.ndarray, seen: np.ndarray) -> np.ndarray: ...
def harmonic_mean(unseen: float | np.ndarray, seen: float | np.ndarray) -> float | np.ndarray:
    """Return ``2us / (u + s)``, and 0 where both are 0; element by element for arrays.

    Parameters
    ----------
    unseen, seen : float or ndarray
        Accuracies in [0, 1].
    """
    total = np.add(unseen, seen)
    mean = 2.0 * np.multiply(unseen, seen) / np.where(total > 0, total, 1.0)
    return mean if isinstance(unseen, np.ndarray) else float(mean)


def predictions(summary: ScoreSummary, gamma: float = 0.0) -> np.ndarray:
    """Predicted class ids after subtracting ``gamma`` from all seen scores, shape (n,), int64.

    A tie between the best seen and the best unseen score goes to the unseen class, also at ``gamma = 0``.
    """
    return np.where(gamma < summary.margin, summary.seen_class, summary.unseen_class)


def operating_point(summary: ScoreSummary, gamma: float = 0.0) -> OperatingPoint:
    """Class-averaged U, S and H at ``gamma``.

    Raises
    ------
    MethodError
        When a side has no sample.
    """
    predicted = predictions(summary, gamma)
    U, S = (mean_accuracy(per_class_accuracy(summary.labels, predicted, ids)) for ids in (summary.unseen, summary.seen))
    return OperatingPoint(float(gamma), U, S, harmonic_mean(U, S))
