"""A fitted method on the rows behind a gate, scored block by block."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from gzsl.data import EvalRows, Task
from gzsl.data.view import MixedRows
from gzsl.errors import MethodError
from gzsl.evaluation.one_sided import OneSidedBuilder
from gzsl.evaluation.result import Evaluation
from gzsl.evaluation.summary import ScoreSummary, SummaryBuilder
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

    Rows of both sides are scored in one order that mixes them (`TestGate.mixed`), also for T1, of which the rows of
    seen classes are scored and forgotten: no block, call or position tells a method or an observer which side a row
    is on. The result is in the order of test_seen, then test_unseen. Where no class is seen (the transfer setting) all
    classes are candidates, and T1 comes from the same scores.

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
    mixed, view = task.gate.mixed(), task.view
    summary, evidence = observed_rows(scorer, mixed.rows, view.semantics, view.seen, view.unseen, observer)
    if len(view.seen):
        zsl = view.unseen[_among_unseen(scorer, mixed, view.semantics.take(view.unseen))]
    else:
        zsl = summary.unseen_class
    return Evaluation(
        summary.rows(np.argsort(mixed.order)), mixed.restored(zsl)[mixed.restored(mixed.is_unseen)],
        view.semantics.class_names, gamma, {name: mixed.restored(values) for name, values in evidence.items()},
    )  # fmt: skip


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
    builder = SummaryBuilder(seen, unseen) if len(seen) else OneSidedBuilder(unseen)
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


def _among_unseen(scorer: Scorer, mixed: MixedRows, semantics: Semantics) -> np.ndarray:
    """Best row of ``semantics`` for every row, shape (n,); a generator answers with a head of its own."""
    best = np.empty(len(mixed.is_unseen), dtype=np.int64)
    for where, block in mixed.rows.features.blocks():
        scores = _scores(scorer, block, semantics)
        best[where] = scores.argmax(axis=1)
        top = np.take_along_axis(scores, best[where][:, None], axis=1)[:, 0]
        wrong = np.flatnonzero(~np.isfinite(top) & mixed.is_unseen[where])
        if len(wrong):
            raise MethodError(
                f"scores of the unseen classes: a row of test_unseen has the best score {top[wrong[0]]}, "
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
