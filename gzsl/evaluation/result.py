"""Results of one method on one set of rows: T1, U, S, H, AUSUC, calibrated, by domain and per class."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from gzsl.brief import html_table
from gzsl.errors import MethodError
from gzsl.evaluation.confusion import Confusion
from gzsl.evaluation.curve import SeenUnseenCurve
from gzsl.evaluation.domain import DomainReport, advice
from gzsl.evaluation.metrics import OperatingPoint, mean_accuracy, operating_point, per_class_accuracy, predictions
from gzsl.evaluation.summary import ScoreSummary
from gzsl.frames import frame

if TYPE_CHECKING:
    import pandas

ORACLE_NOTE = "gamma chosen on the test rows: not a valid result"
PLAIN_NOTE = "no row of a seen class was tested: plain zero-shot learning, T1 alone (U, S, H and AUSUC need such rows)"
TRANSFER_NOTE = (
    "setting transfer: no row was trained on and every class is a candidate; T1 is the top-1 accuracy over all {} "
    "classes, averaged over classes ({:.1f} percent of all rows are right)"
)
CHANCE_NOTE = (
    "this is what guessing would get: are features and class vectors of one space (dataset.joint), of the same model?"
)
METRICS = ("T1", "U", "S", "H", "AUSUC")


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Results of one method on one set of rows; accuracies are class-averaged fractions in [0, 1].

    Without rows of seen classes there is T1 alone: U, S, H and AUSUC are NaN then, and ``generalized`` is False.

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
    evidence : mapping of str to ndarray
        What an observer noted of every row, in the order of ``summary``.
    decided : ScoreSummary or None
        Classes and margins as a calibrator sees them, to which ``gamma`` belongs; None: those of ``summary``.
    remarks : tuple of str
        What was noticed about the scores, one sentence each.
    """

    summary: ScoreSummary
    zsl_predictions: np.ndarray
    class_names: tuple[str, ...]
    gamma: float | None = None
    evidence: Mapping[str, np.ndarray] = field(default_factory=dict)
    decided: ScoreSummary | None = None
    remarks: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.generalized:  # there is nothing to decide between
            object.__setattr__(self, "gamma", None)
            object.__setattr__(self, "decided", None)

    def calibrated_by(self, decided: ScoreSummary, gamma: float) -> Evaluation:
        """The same results with a calibrator's decision beside the plain one."""
        return replace(self, decided=decided, gamma=gamma)

    @cached_property
    def generalized(self) -> bool:
        """Whether rows of seen classes were tested too."""
        return bool(self.summary.is_seen.any())

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader has to know about these numbers, one sentence each."""
        if self.top1 is not None:
            said = TRANSFER_NOTE.format(len(self.summary.unseen), 100 * self.top1)
            return (said, *((CHANCE_NOTE,) if self._at_chance else ()), *self.remarks)
        return self.remarks if self.generalized else (PLAIN_NOTE, *self.remarks)

    @cached_property
    def T1(self) -> float:  # noqa: N802 - the field's own symbol
        """Accuracy of unseen-class rows among the unseen classes only."""
        return mean_accuracy(self._zsl_accuracy)

    @cached_property
    def top1(self) -> float | None:
        """Share of all rows whose class is right, where no class is seen (the transfer setting); None elsewhere.

        T1 is the same averaged over classes.
        """
        if len(self.summary.seen):
            return None
        return float((self.zsl_predictions == self.summary.labels).mean())

    @property
    def _at_chance(self) -> bool:
        """Whether no more rows are right than guessing would get, within three standard deviations."""
        chance, n = 1 / len(self.summary.unseen), len(self.summary)
        return self.top1 is not None and self.top1 <= chance + 3 * math.sqrt(chance * (1 - chance) / n)

    @cached_property
    def uncalibrated(self) -> OperatingPoint:
        """The scores as they are (gamma = 0; a tie goes to the unseen class)."""
        return operating_point(self.summary) if self.generalized else OperatingPoint(0.0, math.nan, math.nan, math.nan)

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
        """Seen-unseen accuracy curve over all gammas; a `MethodError` without rows of seen classes."""
        return SeenUnseenCurve.of(self.summary)

    @property
    def AUSUC(self) -> float:  # noqa: N802 - the field's own symbol
        """Area under `curve`."""
        return self.curve.area if self.generalized else math.nan

    @cached_property
    def calibrated(self) -> OperatingPoint | None:
        """U, S and H at the given gamma; None when none was given."""
        return None if self.gamma is None else operating_point(self._calibrated_summary, self.gamma)

    @cached_property
    def calibrated_curve(self) -> SeenUnseenCurve:
        """Curve over the thresholds of the calibrator; that of `curve` where it only shifts scores."""
        return self.curve if self.decided is None else SeenUnseenCurve.of(self.decided)

    @cached_property
    def domain(self) -> DomainReport | None:
        """How well the plain margins tell the sides apart; None without rows of seen classes."""
        return DomainReport.of(self.summary) if self.generalized else None

    @cached_property
    def calibrated_domain(self) -> DomainReport | None:
        """The same of the calibrator's margins at its threshold; None without a calibrator."""
        return None if self.gamma is None else DomainReport.of(self._calibrated_summary, self.gamma)

    @cached_property
    def advice(self) -> str | None:
        """What to do where unseen classes are hardly ever predicted."""
        if self.domain is None:
            return None
        repaired = self.calibrated.U if self.calibrated else None
        n_unseen = len(self.summary.unseen)
        return advice(self.domain, U=self.U, T1=self.T1, n_unseen=n_unseen, calibrated_U=repaired)

    @property
    def _calibrated_summary(self) -> ScoreSummary:
        return self.summary if self.decided is None else self.decided

    @cached_property
    def oracle(self) -> OperatingPoint:
        """U, S and H at the gamma that is best on these very rows: not a valid result."""
        if not self.generalized:
            return self.uncalibrated
        return operating_point(self.summary, self.curve.best_harmonic()[0])

    @cached_property
    def _zsl_accuracy(self) -> np.ndarray:
        labels = self.summary.labels[~self.summary.is_seen]
        return per_class_accuracy(labels, self.zsl_predictions, self.summary.unseen)

    def fractions(self) -> dict[str, float | None]:
        """T1, U, S, H and AUSUC by name; None for those that there are not."""
        return {name: None if math.isnan(value := getattr(self, name)) else value for name in METRICS}

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
        if not self.generalized:
            plain = np.full(len(ids), np.nan)
        zsl = dict(zip(summary.unseen.tolist(), self._zsl_accuracy.tolist(), strict=True))
        rows: list[dict[str, Any]] = [
            {
                "class_id": c, "name": self.class_names[c], "kind": "unseen" if c in zsl else "seen",
                "images": int(images[c]), "gzsl": _or_none(accuracy), "zsl": _or_none(zsl.get(c, np.nan)),
            }
            for c, accuracy in zip(ids.tolist(), plain.tolist(), strict=True)
        ]  # fmt: skip
        if self.gamma is not None:
            shifted = per_class_accuracy(summary.labels, predictions(self._calibrated_summary, self.gamma), ids)
            for row, accuracy in zip(rows, shifted.tolist(), strict=True):
                row["calibrated"] = _or_none(accuracy)
        return rows

    def confusion(self, decision: str | None = None) -> Confusion:
        """Count which classes were taken for which.

        Parameters
        ----------
        decision : str, optional
            ``given``: the scores as they are, among all classes; ``calibrated``: at the chosen gamma; ``zsl``: rows of
            unseen classes among the unseen ones alone. When None the last that there is of ``given`` and
            ``calibrated``, and ``zsl`` without rows of seen classes.

        Raises
        ------
        MethodError
            For another decision, or one that these results do not have.
        """
        options = {"zsl": (self.summary.labels[~self.summary.is_seen], self.zsl_predictions)}
        if self.generalized:
            options["given"] = (self.summary.labels, predictions(self.summary))
        if self.gamma is not None:
            options["calibrated"] = (self.summary.labels, predictions(self._calibrated_summary, self.gamma))
        chosen = list(options)[-1] if decision is None else decision
        if chosen not in options:
            raise MethodError(f"confusion: found decision {chosen!r}, expected one of {', '.join(sorted(options))}")
        seen = self.summary.seen if chosen != "zsl" else self.summary.seen[:0]
        return Confusion.of(*options[chosen], seen, self.summary.unseen, self.class_names, chosen)

    def to_frame(self) -> pandas.DataFrame:
        """`per_class_rows` as a frame, one row a class; needs pandas."""
        return frame(self.per_class_rows(), index="name")

    def to_dict(self) -> dict[str, Any]:
        """Plain values for ``metrics.json``; depends on nothing but the scores, labels and gamma.

        A number that there is nothing to measure for is None.
        """
        domain = None if self.domain is None else {**self.domain.to_dict(), "advice": self.advice}
        best = {**self.oracle.to_dict(), "valid": False, "note": ORACLE_NOTE}
        return {
            **{name: _or_none(getattr(self, name)) for name in METRICS}, "calibrated": self._calibrated_dict(),
            **({} if self.top1 is None else {"top1": self.top1}),
            "domain": domain, "oracle": {"best_gamma": best} if self.generalized else {}, "notes": list(self.notes),
        }  # fmt: skip

    def _calibrated_dict(self) -> dict[str, Any] | None:
        if self.calibrated is None or self.calibrated_domain is None:
            return None
        return {
            **self.calibrated.to_dict(), "AUSUC": self.calibrated_curve.area,
            "domain": self.calibrated_domain.to_dict(),
        }  # fmt: skip

    def __str__(self) -> str:
        found = {name: getattr(self, name) for name in METRICS}
        text = ", ".join(f"{name} {100 * value:.1f}" for name, value in found.items() if not math.isnan(value))
        if self.top1 is not None:
            text = f"{text} over all classes, {100 * self.top1:.1f} of all rows"
        if self.calibrated is None:
            return f"{text} (percent)"
        return f"{text}; calibrated H {100 * self.calibrated.H:.1f} at gamma {self.calibrated.gamma:.4g} (percent)"

    def __repr__(self) -> str:
        summary = self.summary
        return f"Evaluation({self}; {len(summary)} rows, {len(summary.seen)} + {len(summary.unseen)} classes)"

    def _repr_html_(self) -> str:
        rows = [(name, f"{100 * value:.1f} %") for name in METRICS if not math.isnan(value := getattr(self, name))]
        if self.calibrated is not None:
            rows += [(f"{name} calibrated", f"{100 * getattr(self.calibrated, name):.1f} %") for name in "USH"]
            rows.append(("gamma", f"{self.calibrated.gamma:.4g}"))
        rows += [("rows", str(len(self.summary))), *(("note", note) for note in self.notes)]
        return html_table("Evaluation", rows)


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else value
