"""A fitted method on the rows behind a gate, scored block by block."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from gzsl.data import EvalRows, Task
from gzsl.errors import MethodError
from gzsl.evaluation.result import Evaluation
from gzsl.evaluation.summary import ScoreSummary, SummaryBuilder, concatenate
from gzsl.semantics import Semantics


class Scorer(Protocol):
    """What evaluation needs of a fitted method."""

    def scores(self, X: np.ndarray, semantics: Semantics) -> np.ndarray:
        """Score rows (n, d) against a class table -> (n, C) float32, higher is better."""


class Observer(Protocol):
    """What looks at every scored block beside the evaluator, such as a calibrator."""

    def observe(self, X: np.ndarray, scores: np.ndarray) -> dict[str, np.ndarray]:
        """Values a row, by name, of features (n, d) and their scores (n, C): each of shape (n,) or (n, k)."""


def evaluate(scorer: Scorer, task: Task, gamma: float | None = None, observer: Observer | None = None) -> Evaluation:
    """Score the rows behind a task's gate; the gate is opened once.

    Parameters
    ----------
    scorer : Scorer
        A fitted method.
    task : Task
        The final task, or one of a validation fold.
    gamma : float, optional
        Calibration strength that was fitted on validation rows.
    observer : Observer, optional
        Sees every block of features and scores once; what it notes is the result's ``evidence``.

    Raises
    ------
    MethodError
        For scores of a wrong shape or with NaN or infinite entries, or when a side has no row.
    """
    seen_rows, unseen_rows = task.gate.open()
    view = task.view
    found = [
        observed_rows(scorer, rows, view.semantics, view.seen, view.unseen, observer)
        for rows in (seen_rows, unseen_rows)
    ]
    summary = concatenate([part for part, _ in found])
    zsl = _unseen_only(scorer, unseen_rows, view.semantics.take(view.unseen))
    evidence = _joined([notes for _, notes in found])
    return Evaluation(summary, view.unseen[zsl], view.semantics.class_names, gamma, evidence)


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
    return observed_rows(scorer, rows, semantics, seen, unseen)[0]


def observed_rows(
    scorer: Scorer,
    rows: EvalRows,
    semantics: Semantics,
    seen: np.ndarray,
    unseen: np.ndarray,
    observer: Observer | None = None,
) -> tuple[ScoreSummary, dict[str, np.ndarray]]:
    """Like `score_rows`, with what an observer notes of the same blocks."""
    builder = SummaryBuilder(seen, unseen)
    notes = []
    for where, block in rows.features.blocks():
        scores = _scores(scorer, block, semantics)
        builder.add(scores, rows.labels[where])
        if observer is not None:
            notes.append(observer.observe(block, scores))
    return builder.build(), _joined(notes)


def summary_evaluation(summary: ScoreSummary, class_names: Sequence[str], gamma: float | None = None) -> Evaluation:
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


def _joined(notes: Sequence[Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
    return {name: np.concatenate([part[name] for part in notes]) for name in (notes[0] if notes else ())}
