"""Best score and class of each side (seen, unseen) of a score matrix, in little more than one pass over it."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np

_BLOCK_BYTES = 4 << 20  # a block and its copies stay in the processor's cache
_THREADED_BYTES = 32 << 20  # below this, starting threads costs more than it saves
_MAX_THREADS = 2  # two already use up the memory bandwidth


@dataclass(frozen=True, eq=False)
class SideBest:
    """Best score and lowest best class of one side, for every row.

    Attributes
    ----------
    score : ndarray, shape (n,), float64
        Largest score among the side's columns.
    column : ndarray, shape (n,), int64
        Lowest column that has it.
    """

    score: np.ndarray
    column: np.ndarray

    @classmethod
    def empty(cls, n: int) -> SideBest:
        """Room for ``n`` rows."""
        return cls(np.empty(n, np.float64), np.empty(n, np.int64))

    def rows(self, rows: slice) -> SideBest:
        """A view of some rows."""
        return SideBest(self.score[rows], self.column[rows])


def best_of_sides(scores: np.ndarray, seen: np.ndarray, unseen: np.ndarray) -> tuple[SideBest, SideBest]:
    """Find the best seen and the best unseen column of every row.

    One argmax over whole rows settles the side that holds it. The narrower side is then looked up for every
    row, and the wider one again only in the rows that the narrower side won. Nothing of the size of the
    matrix is allocated.

    Parameters
    ----------
    scores : ndarray, shape (n, C)
        Real scores; NaN and infinities end up in the result, where the caller finds them.
    seen, unseen : ndarray of int64
        Ascending, disjoint, non-empty column ids; other columns are ignored.

    Returns
    -------
    tuple of SideBest
        The seen side and the unseen side. A side whose scores are all ``-inf`` has its lowest column.
    """
    plan = _Plan.of(scores, seen, unseen)
    narrow, wide = SideBest.empty(len(scores)), SideBest.empty(len(scores))
    workers = _workers(scores.nbytes)
    bounds = [len(scores) * k // workers for k in range(workers + 1)]
    parts = [slice(start, stop) for start, stop in zip(bounds, bounds[1:], strict=False)]
    if workers == 1:
        _scan(scores, plan, narrow, wide)
    else:
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(lambda part: _scan(scores[part], plan, narrow.rows(part), wide.rows(part)), parts))
    return (wide, narrow) if plan.wide_is_seen else (narrow, wide)


@dataclass(frozen=True, eq=False)
class _Plan:
    """How to scan: ids are positions among ``columns`` (all columns when None), which the sides partition."""

    narrow: np.ndarray
    wide: np.ndarray
    columns: np.ndarray | None
    wide_is_seen: bool
    dtype: np.dtype
    in_narrow: np.ndarray = field(init=False)
    ceiling: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        in_narrow = np.zeros(len(self.narrow) + len(self.wide), dtype=bool)
        in_narrow[self.narrow] = True
        object.__setattr__(self, "in_narrow", in_narrow)
        object.__setattr__(self, "ceiling", np.where(in_narrow, -np.inf, np.inf).astype(self.dtype))

    @classmethod
    def of(cls, scores: np.ndarray, seen: np.ndarray, unseen: np.ndarray) -> _Plan:
        columns = None
        if len(seen) + len(unseen) < scores.shape[1]:
            columns = np.sort(np.concatenate([seen, unseen]))
            seen, unseen = np.searchsorted(columns, seen), np.searchsorted(columns, unseen)
        wide_is_seen = len(seen) >= len(unseen)
        narrow, wide = (unseen, seen) if wide_is_seen else (seen, unseen)
        single = scores.dtype in (np.float32, np.float16)
        return cls(narrow, wide, columns, wide_is_seen, np.dtype(np.float32 if single else np.float64))

    @property
    def narrow_slice(self) -> slice | None:
        """The narrow side as a slice, where its ids are contiguous."""
        start, stop = int(self.narrow[0]), int(self.narrow[-1]) + 1
        return slice(start, stop) if stop - start == len(self.narrow) else None

    def block(self, scores: np.ndarray) -> np.ndarray:
        """Rows as a contiguous float array; not a copy where they are one already."""
        return np.ascontiguousarray(scores if self.columns is None else scores[:, self.columns], self.dtype)


def _scan(scores: np.ndarray, plan: _Plan, narrow: SideBest, wide: SideBest) -> None:
    """Fill ``narrow`` and ``wide``, block by block in buffers that are allocated once."""
    width = len(plan.in_narrow)
    size = max(1, min(len(scores), _BLOCK_BYTES // (width * plan.dtype.itemsize)))
    narrow_buffer = np.empty((size, len(plan.narrow)), plan.dtype)
    wide_buffer = np.empty((size, width), plan.dtype)
    row_starts = np.arange(size) * width
    for start in range(0, len(scores), size):
        rows = slice(start, min(start + size, len(scores)))
        block = plan.block(scores[rows])
        _wide_columns(block, plan, wide_buffer, wide.column[rows])
        _narrow_columns(block, plan, narrow_buffer[: len(block)], narrow.column[rows])
        for side in (narrow, wide):
            side.score[rows] = block.reshape(-1).take(side.column[rows] + row_starts[: len(block)], mode="clip")
    if plan.columns is not None:
        narrow.column[:] = plan.columns[narrow.column]
        wide.column[:] = plan.columns[wide.column]


def _narrow_columns(block: np.ndarray, plan: _Plan, buffer: np.ndarray, out: np.ndarray) -> None:
    """Best narrow column of every row: a copy of these columns alone, then one argmax."""
    contiguous = plan.narrow_slice
    if contiguous is not None:
        np.copyto(buffer, block[:, contiguous])
        buffer.argmax(axis=1, out=out)
        out += contiguous.start
    else:
        np.take(block, plan.narrow, axis=1, out=buffer, mode="clip")
        out[:] = plan.narrow[buffer.argmax(axis=1)]


def _wide_columns(block: np.ndarray, plan: _Plan, buffer: np.ndarray, out: np.ndarray) -> None:
    """Best wide column of every row: the best of all, and where that is narrow, again without the narrow ones."""
    block.argmax(axis=1, out=out)
    rows = np.flatnonzero(plan.in_narrow[out])
    if not len(rows):
        return
    again = buffer[: len(rows)]
    np.take(block, rows, axis=0, out=again, mode="clip")
    if plan.narrow_slice is not None:
        again[:, plan.narrow_slice] = -np.inf
    else:
        np.minimum(again, plan.ceiling, out=again)
    columns = again.argmax(axis=1)
    out[rows] = np.where(plan.in_narrow[columns], plan.wide[0], columns)


def _workers(n_bytes: int) -> int:
    if n_bytes < _THREADED_BYTES:
        return 1
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(_MAX_THREADS, available)
