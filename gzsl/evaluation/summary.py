"""Four numbers a sample: all that generalized evaluation needs to keep of a score matrix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gzsl.brief import brief
from gzsl.errors import MethodError
from gzsl.evaluation.sides import SideBest, best_of_sides

_VECTORS = ("seen_score", "seen_class", "unseen_score", "unseen_class", "labels")
_SCORES = ("seen_score", "unseen_score")


@dataclass(frozen=True, eq=False)
class ScoreSummary:
    """Best seen and best unseen class of every sample, with the answers.

    Class ids are columns of the score matrix that was summarised. Among equal scores of one side the lowest
    class id wins; between the sides the comparison with a threshold is the caller's (see `margin`).

    Attributes
    ----------
    seen_score, unseen_score : ndarray, shape (n,), float64
        Largest score of each side; ``-inf`` where a method excludes the side.
    seen_class, unseen_class : ndarray, shape (n,), int64
        Class id that has it.
    labels : ndarray, shape (n,), int64
        True class id, seen or unseen.
    seen, unseen : ndarray of int64
        Ascending, disjoint class ids.
    """

    seen_score: np.ndarray
    seen_class: np.ndarray
    unseen_score: np.ndarray
    unseen_class: np.ndarray
    labels: np.ndarray
    seen: np.ndarray
    unseen: np.ndarray

    __repr__ = brief

    def __post_init__(self) -> None:
        for name in (*_VECTORS, "seen", "unseen"):
            array = np.asarray(getattr(self, name), dtype=np.float64 if name in _SCORES else np.int64)
            object.__setattr__(self, name, _frozen(array.copy() if array.flags.writeable else array))
        lengths = {len(getattr(self, name)) for name in _VECTORS}
        if len(lengths) != 1:
            raise MethodError(f"score summary: found vectors of lengths {sorted(lengths)}, expected one length")

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def margin(self) -> np.ndarray:
        """Critical threshold a sample, shape (n,): seen is predicted where ``gamma < margin``, else unseen."""
        return self.seen_score - self.unseen_score

    @property
    def is_seen(self) -> np.ndarray:
        """Whether a sample's true class is a seen one, shape (n,), bool."""
        return _membership(self.seen, self.labels)

    def rows(self, chosen: np.ndarray) -> ScoreSummary:
        """Some of the rows, in the given order."""
        return replace(self, **{name: getattr(self, name)[chosen] for name in _VECTORS})

    def to_arrays(self) -> dict[str, np.ndarray]:
        """All arrays by name, for ``np.savez``."""
        return {name: getattr(self, name) for name in (*_VECTORS, "seen", "unseen")}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> ScoreSummary:
        """Rebuild from `to_arrays`.

        Raises
        ------
        MethodError
            When an array is missing.
        """
        names = (*_VECTORS, "seen", "unseen")
        missing = [name for name in names if name not in arrays]
        if missing:
            raise MethodError(f"score summary: the array {missing[0]!r} is missing, expected {', '.join(names)}")
        return cls(**{name: arrays[name] for name in names})


class SummaryBuilder:
    """Collects a `ScoreSummary` from blocks of a score matrix that is never held as a whole.

    Parameters
    ----------
    seen, unseen : array of int
        Disjoint, non-empty column ids of the score matrix; columns in neither are ignored.

    Raises
    ------
    MethodError
        For empty, repeated, overlapping or negative ids.
    """

    def __init__(self, seen: Any, unseen: Any) -> None:
        self.seen, self.unseen = _checked_ids("seen", seen), _checked_ids("unseen", unseen)
        both = np.intersect1d(self.seen, self.unseen)
        if len(both):
            raise MethodError(f"class ids: {both[0]} is both seen and unseen, expected one of them")
        self._allowed = np.sort(np.concatenate([self.seen, self.unseen]))
        self._width: int | None = None
        self._rows = 0
        self._parts: list[tuple[np.ndarray, ...]] = []

    def add(self, scores: np.ndarray, labels: np.ndarray) -> None:
        """Summarise the next rows.

        Parameters
        ----------
        scores : ndarray, shape (n, C)
            Real scores, higher is better; ``-inf`` means never.
        labels : ndarray, shape (n,), integer
            Column of each row's true class.

        Raises
        ------
        MethodError
            For wrong shapes, labels outside the ids, NaN or ``+inf`` (naming row and column), or a row
            without any finite score.
        """
        scores, labels = np.asarray(scores), np.asarray(labels)
        self._check_shapes(scores, labels)
        seen, unseen = best_of_sides(scores, self.seen, self.unseen)
        self._check_values(scores, seen, unseen)
        self._parts.append((seen.score, seen.column, unseen.score, unseen.column, labels.astype(np.int64)))
        self._rows += len(labels)

    def build(self) -> ScoreSummary:
        """Return the summary of all rows added so far."""
        parts = self._parts or [(np.empty(0),) * len(_VECTORS)]
        joined = parts[0] if len(parts) == 1 else [np.concatenate(vectors) for vectors in zip(*parts, strict=True)]
        columns = {name: _frozen(vector) for name, vector in zip(_VECTORS, joined, strict=True)}
        return ScoreSummary(**columns, seen=self.seen, unseen=self.unseen)

    def _check_shapes(self, scores: np.ndarray, labels: np.ndarray) -> None:
        if scores.ndim != 2 or scores.dtype.kind not in "fiu":
            raise MethodError(
                f"scores: found {scores.dtype} of shape {scores.shape}, expected real numbers of shape (rows, classes)"
            )
        if len(scores) != np.size(labels):
            raise MethodError(f"scores: found {len(scores)} rows, expected {np.size(labels)}, one a label")
        if labels.ndim != 1 or labels.dtype.kind not in "iu":
            raise MethodError(
                f"labels: found {labels.dtype} of shape {labels.shape}, expected {len(scores)} integers, one a row"
            )
        expected = scores.shape[1] if self._width is None else self._width
        if scores.shape[1] != expected or self._allowed[-1] >= expected:
            raise MethodError(
                f"scores: found {scores.shape[1]} columns, expected {max(expected, int(self._allowed[-1]) + 1)}, "
                "one a class"
            )
        self._width = expected
        known = _membership(self._allowed, labels)
        if not known.all():
            row = int(np.flatnonzero(~known)[0])
            raise MethodError(
                f"labels: row {self._rows + row} has class {labels[row]}, expected a seen or an unseen class id"
            )

    def _check_values(self, scores: np.ndarray, seen: SideBest, unseen: SideBest) -> None:
        if not len(scores):
            return
        # A NaN is the maximum of its side, so two comparisons see every bad entry.
        if not (seen.score.max() < np.inf and unseen.score.max() < np.inf):
            row = int(np.flatnonzero(~((seen.score < np.inf) & (unseen.score < np.inf)))[0])
            column = int(self._allowed[~(scores[row, self._allowed] < np.inf)][0])
            raise MethodError(
                f"scores: row {self._rows + row}, column {column} is {scores[row, column]}, expected a finite score "
                "(or -inf for never)"
            )
        never = np.flatnonzero(np.isneginf(seen.score) & np.isneginf(unseen.score))
        if len(never):
            raise MethodError(
                f"scores: row {self._rows + never[0]} is -inf for every class, expected at least one finite score"
            )


def summarise(scores: np.ndarray, labels: np.ndarray, seen: Any, unseen: Any) -> ScoreSummary:
    """Summarise a whole score matrix.

    Parameters
    ----------
    scores : ndarray, shape (n, C)
        Real scores, higher is better; ``-inf`` means never.
    labels : ndarray, shape (n,), integer
        Column of each row's true class.
    seen, unseen : array of int
        Disjoint column ids; columns in neither are ignored.

    Raises
    ------
    MethodError
        See `SummaryBuilder`.
    """
    builder = SummaryBuilder(seen, unseen)
    builder.add(scores, labels)
    return builder.build()


def concatenate(summaries: Sequence[ScoreSummary]) -> ScoreSummary:
    """Join summaries over the same classes, in the given order.

    Raises
    ------
    MethodError
        When there is none, or their seen or unseen classes differ.
    """
    if not summaries:
        raise MethodError("score summaries: found none, expected at least one")
    first = summaries[0]
    for other in summaries[1:]:
        if not (np.array_equal(first.seen, other.seen) and np.array_equal(first.unseen, other.unseen)):
            raise MethodError("score summaries: their seen or unseen classes differ, expected the same classes")
    joined = {name: np.concatenate([getattr(part, name) for part in summaries]) for name in _VECTORS}
    return ScoreSummary(**joined, seen=first.seen, unseen=first.unseen)


def with_margin(summary: ScoreSummary, margin: np.ndarray) -> ScoreSummary:
    """The same classes with another margin (n,): it becomes the seen score, against 0 for unseen.

    A side that a method excludes (score ``-inf``) stays excluded.
    """
    never_seen, never_unseen = np.isneginf(summary.seen_score), np.isneginf(summary.unseen_score)
    finite = np.where(never_unseen & ~np.isfinite(margin), 0.0, margin)
    return replace(
        summary,
        seen_score=np.where(never_seen, -np.inf, finite),
        unseen_score=np.where(never_unseen, -np.inf, 0.0),
    )


def _checked_ids(name: str, ids: Any) -> np.ndarray:
    array = np.asarray(ids)
    if array.ndim != 1 or not len(array) or array.dtype.kind not in "iu":
        raise MethodError(
            f"{name}: found {array.dtype} of shape {array.shape}, expected a list of at least one integer class id"
        )
    array = np.sort(array.astype(np.int64))
    repeated = array[1:][array[1:] == array[:-1]]
    if len(repeated):
        raise MethodError(f"{name}: class id {repeated[0]} stands twice, expected distinct ids")
    if array[0] < 0:
        raise MethodError(f"{name}: found class id {array[0]}, expected ids from 0")
    return array


def _frozen(array: np.ndarray) -> np.ndarray:
    array.setflags(write=False)
    return array


def _membership(ids: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Whether each value is among the ascending, non-negative ``ids``, by one table look-up."""
    if not len(ids):
        return np.zeros(len(values), dtype=bool)
    table = np.zeros(int(ids[-1]) + 2, dtype=bool)
    table[ids] = True
    outside = (values < 0) | (values > ids[-1])
    return table[np.where(outside, ids[-1] + 1, values)]
