"""A fitted method on the rows behind a gate: T1, U, S, H, AUSUC, calibrated and per class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from gzsl.data import EvalRows, Task
from gzsl.errors import MethodError
from gzsl.evaluation.curve import SeenUnseenCurve
from gzsl.evaluation.metrics import OperatingPoint, mean_accuracy, operating_point, per_class_accuracy, predictions
from gzsl.evaluation.summary import ScoreSummary, SummaryBuilder, concatenate
from gzsl.semantics import Semantics

ORACLE_NOTE = "gamma chosen on the test rows: not a valid result"


class Scorer(Protocol):
    """What evaluation needs of a fitted method."""

    def scores(self, X: np.ndarray, semantics: Semantics) -> np.ndarray:
        """Score rows (n, d) against a class table -> (n, C) float32, higher is better."""


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Results of one method on one set of rows; accuracies are class-averaged fractions in [0, 1].

    Attributes
    ----------
    summary : ScoreSummary
        Best seen and unseen class of every row.
    zsl_predictions : ndarray, shape (n_unseen,), int64
        Predicted class of every unseen-class row, in the order of ``summary``, among the unseen classes only.
    class_names : tuple of str
        Name of every class id.
    gamma : float or None
        Calibration strength, chosen elsewhere than on these rows.
    """

    summary: ScoreSummary
    zsl_predictions: np.ndarray
    class_names: tuple[str, ...]
    gamma: float | None = None

    @cached_property
    def T1(self) -> float:  # noqa: N802 - the field's own symbol
        """Accuracy of unseen-class rows among the unseen classes only."""
        return mean_accuracy(self._zsl_accuracy)

    @cached_property
    def uncalibrated(self) -> OperatingPoint:
        """The scores as they are (gamma = 0; a tie goes to the unseen class)."""
        return operating_point(self.summary)

    @property
    def U(self) -> float:  # noqa: N802 - the field's own symbol
        """Accuracy of the unseen classes among all classes, uncalibrated."""
        return self.uncalibrated.U

    @property
    def S(self) -> float:  # noqa: N802 - the field's own symbol
        """Accuracy of the seen classes among all classes, uncalibrated."""
        return self.uncalibrated.S

    @property
    def H(self) -> float:  # noqa: N802 - the field's own symbol
        """Harmonic mean of U and S, uncalibrated."""
        return self.uncalibrated.H

    @cached_property
    def curve(self) -> SeenUnseenCurve:
        """Seen-unseen accuracy curve over all gammas."""
        return SeenUnseenCurve.of(self.summary)

    @property
    def AUSUC(self) -> float:  # noqa: N802 - the field's own symbol
        """Area under `curve`."""
        return self.curve.area

    @cached_property
    def calibrated(self) -> OperatingPoint | None:
        """U, S and H at the given gamma; None when none was given."""
        return None if self.gamma is None else operating_point(self.summary, self.gamma)

    @cached_property
    def oracle(self) -> OperatingPoint:
        """U, S and H at the gamma that is best on these very rows: not a valid result."""
        return operating_point(self.summary, self.curve.best_harmonic()[0])

    @cached_property
    def _zsl_accuracy(self) -> np.ndarray:
        labels = self.summary.labels[~self.summary.is_seen]
        return per_class_accuracy(labels, self.zsl_predictions, self.summary.unseen)

    def per_class_rows(self) -> list[dict[str, Any]]:
        """One row a class, by class id, for a table.

        Keys: ``class_id``, ``name``, ``kind`` (``seen`` or ``unseen``), ``images``, ``gzsl`` (accuracy among
        all classes), ``zsl`` (unseen classes: accuracy among them only), ``calibrated`` (when a gamma was
        given). Accuracies are fractions; None where there is nothing to measure, as for a class without
        images, which no mean contains.
        """
        summary = self.summary
        ids = np.sort(np.concatenate([summary.seen, summary.unseen]))
        images = np.bincount(summary.labels, minlength=int(ids[-1]) + 1)
        plain = per_class_accuracy(summary.labels, predictions(summary), ids)
        zsl = dict(zip(summary.unseen.tolist(), self._zsl_accuracy.tolist(), strict=True))
        rows: list[dict[str, Any]] = [
            {
                "class_id": c, "name": self.class_names[c], "kind": "unseen" if c in zsl else "seen",
                "images": int(images[c]), "gzsl": _or_none(accuracy), "zsl": _or_none(zsl.get(c, np.nan)),
            }
            for c, accuracy in zip(ids.tolist(), plain.tolist(), strict=True)
        ]  # fmt: skip
        if self.gamma is not None:
            shifted = per_class_accuracy(summary.labels, predictions(summary, self.gamma), ids)
            for row, accuracy in zip(rows, shifted.tolist(), strict=True):
                row["calibrated"] = _or_none(accuracy)
        return rows

    def to_dict(self) -> dict[str, Any]:
        """Plain values for ``metrics.json``; depends on nothing but the scores, labels and gamma."""
        return {
            "T1": self.T1, "U": self.U, "S": self.S, "H": self.H, "AUSUC": self.AUSUC,
            "calibrated": self.calibrated.to_dict() if self.calibrated else None,
            "oracle": {"best_gamma": {**self.oracle.to_dict(), "valid": False, "note": ORACLE_NOTE}},
        }  # fmt: skip

    def __str__(self) -> str:
        names = ("T1", "U", "S", "H", "AUSUC")
        text = ", ".join(f"{name} {100 * getattr(self, name):.1f}" for name in names)
        if self.calibrated is None:
            return f"{text} (percent)"
        return f"{text}; calibrated H {100 * self.calibrated.H:.1f} at gamma {self.calibrated.gamma:.4g} (percent)"


def evaluate(scorer: Scorer, task: Task, gamma: float | None = None) -> Evaluation:
    """Score the rows behind a task's gate; the gate is opened once.

    Parameters
    ----------
    scorer : Scorer
        A fitted method.
    task : Task
        The final task, or one of a validation fold.
    gamma : float, optional
        Calibration strength that was fitted on validation rows.

    Raises
    ------
    MethodError
        For scores of a wrong shape or with NaN or infinite entries, or when a side has no row.
    """
    seen_rows, unseen_rows = task.gate.open()
    view = task.view
    parts = [score_rows(scorer, rows, view.semantics, view.seen, view.unseen) for rows in (seen_rows, unseen_rows)]
    zsl = _unseen_only(scorer, unseen_rows, view.semantics.take(view.unseen))
    return Evaluation(concatenate(parts), view.unseen[zsl], view.semantics.class_names, gamma)


def score_rows(
    scorer: Scorer, rows: EvalRows, semantics: Semantics, seen: np.ndarray, unseen: np.ndarray
) -> ScoreSummary:
    """Summarise the scores of some rows block by block, so that the score matrix never exists as a whole.

    Parameters
    ----------
    scorer : Scorer
        A fitted method.
    rows : EvalRows
        Features and labels; labels are rows of ``semantics``.
    semantics : Semantics
        Class table to score against.
    seen, unseen : ndarray of int64
        Rows of ``semantics`` on each side.

    Raises
    ------
    MethodError
        See `SummaryBuilder`.
    """
    builder = SummaryBuilder(seen, unseen)
    for where, block in rows.features.blocks():
        builder.add(_scores(scorer, block, semantics), rows.labels[where])
    return builder.build()


def summary_evaluation(
    summary: ScoreSummary, class_names: Sequence[str], gamma: float | None = None
) -> Evaluation:
    """Evaluate scores that exist already: T1 comes from the unseen columns of the same scores."""
    return Evaluation(summary, summary.unseen_class[~summary.is_seen], tuple(class_names), gamma)


def _unseen_only(scorer: Scorer, rows: EvalRows, semantics: Semantics) -> np.ndarray:
    """Best row of ``semantics`` for every row, shape (n,); a generator answers with a head of its own."""
    best = np.empty(len(rows.labels), dtype=np.int64)
    for where, block in rows.features.blocks():
        scores = _scores(scorer, block, semantics)
        best[where] = scores.argmax(axis=1)
        top = np.take_along_axis(scores, best[where][:, None], axis=1)[:, 0]
        if not np.isfinite(top).all():
            row = where.start + int(np.flatnonzero(~np.isfinite(top))[0])
            raise MethodError(
                f"scores of the unseen classes: row {row} has the best score {top[row - where.start]}, "
                "expected a finite one"
            )
    return best


def _scores(scorer: Scorer, block: np.ndarray, semantics: Semantics) -> np.ndarray:
    scores = np.asarray(scorer.scores(block, semantics))
    if scores.shape != (len(block), len(semantics)):
        raise MethodError(
            f"{type(scorer).__name__}.scores: found an array of shape {scores.shape}, "
            f"expected ({len(block)}, {len(semantics)}), one column a class"
        )
    return scores


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else value
