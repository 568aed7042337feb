"""All that a calibrator keeps of scored rows: a few numbers each, never the score matrix."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from gzsl.brief import brief
from gzsl.evaluation.result import Evaluation
from gzsl.evaluation.summary import ScoreSummary

_REFERENCE = "reference."


@dataclass(frozen=True, eq=False)
class Observation:
    """All that a calibrator keeps of some scored rows.

    Attributes
    ----------
    summary : ScoreSummary
        Best seen and unseen class of the method's own scores, and the answers.
    evidence : mapping of str to ndarray
        What `Calibrator.observe` noted of every row.
    reference : Observation or None
        Training rows of the same fit, as the scale of margins.
    """

    summary: ScoreSummary
    evidence: Mapping[str, np.ndarray] = field(default_factory=dict)
    reference: Observation | None = None

    __repr__ = brief

    @classmethod
    def of(cls, evaluation: Evaluation, reference: Observation | None = None) -> Observation:
        """Of an evaluation that a calibrator observed."""
        return cls(evaluation.summary, evaluation.evidence, reference)

    def rows(self, chosen: np.ndarray) -> Observation:
        """Some of the rows."""
        evidence = {name: value[chosen] for name, value in self.evidence.items()}
        return Observation(self.summary.rows(chosen), evidence, self.reference)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """All arrays by name, for ``np.savez``."""
        arrays = self.summary.to_arrays() | {f"evidence.{name}": value for name, value in self.evidence.items()}
        if self.reference is not None:
            arrays |= {_REFERENCE + name: value for name, value in self.reference.to_arrays().items()}
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Observation:
        """Rebuild from `to_arrays`."""
        evidence = {name.partition(".")[2]: a for name, a in arrays.items() if name.startswith("evidence.")}
        own = {name.partition(".")[2]: a for name, a in arrays.items() if name.startswith(_REFERENCE)}
        return cls(ScoreSummary.from_arrays(arrays), evidence, cls.from_arrays(own) if own else None)


def blinded(
    summary: ScoreSummary, evidence: Mapping[str, np.ndarray]
) -> tuple[np.ndarray, ScoreSummary, dict[str, np.ndarray]]:
    """Scored rows as a gate may see them: without the answers, and not one side after the other.

    Returns
    -------
    order : ndarray, shape (n,), int64
        Where each row stood; rows are in an order of their scores.
    summary, evidence
        The same rows in that order; every label is the first seen class.
    """
    order = np.lexsort((summary.unseen_score, summary.seen_score))
    blind = replace(summary.rows(order), labels=np.full(len(summary), summary.seen[0]))
    return order, blind, {name: values[order] for name, values in evidence.items()}
