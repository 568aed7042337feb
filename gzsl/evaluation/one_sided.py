"""Scores of data without seen classes: plain zero-shot scores, and the transfer setting."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from gzsl.evaluation.summary import ScoreSummary, SummaryBuilder


class OneSidedBuilder:
    """Collects the summary of scores over classes of which none is seen: that side has no class and never wins.

    Parameters
    ----------
    unseen : array of int
        Column ids of the score matrix; columns that are not among them are ignored.
    """

    def __init__(self, unseen: Any) -> None:
        self._unseen = np.asarray(unseen)
        self._builder: SummaryBuilder | None = None

    def add(self, scores: np.ndarray, labels: np.ndarray) -> None:
        """Summarise the next rows; parameters and errors are those of `SummaryBuilder.add`."""
        if self._builder is None:
            self._builder = SummaryBuilder(np.array([np.shape(scores)[-1]]), self._unseen)
        self._builder.add(np.column_stack([scores, np.full(len(scores), -np.inf, dtype=np.float32)]), labels)

    def build(self) -> ScoreSummary:
        """Return the summary of all rows added so far."""
        builder = self._builder or SummaryBuilder(np.array([int(self._unseen.max()) + 1]), self._unseen)
        found = builder.build()
        return replace(found, seen_class=found.unseen_class, seen=np.empty(0, dtype=np.int64))


def summarise_unseen(scores: np.ndarray, labels: np.ndarray, seen: Any, unseen: Any) -> ScoreSummary:
    """Summarise scores of unseen classes alone: there is no seen class, and its side never wins.

    Parameters and errors are those of `gzsl.evaluation.summary.summarise`; ``seen`` is empty.
    """
    builder = OneSidedBuilder(unseen)
    builder.add(scores, labels)
    return builder.build()
