"""Rows of a feature matrix, taken lazily and scaled on the way out."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from typing import Protocol

import numpy as np

BLOCK_ROWS = 2048


class Scaling(Protocol):
    """What `FeatureRows` needs from a fitted scaler."""

    def transform(self, X: np.ndarray) -> np.ndarray:
        """Scale a block (n, d) of float32 features."""


class FeatureRows:
    """Some rows of a feature matrix that may lie on disk.

    Nothing is copied until `blocks` or `to_array` is called, so a dataset larger than memory can be scored.

    Parameters
    ----------
    matrix : ndarray or memmap, shape (N, d), float32
        The whole matrix.
    rows : ndarray of int64, optional
        Which rows, in which order; all when None.
    scaler : Scaling, optional
        Applied to every block on its way out.
    """

    def __init__(self, matrix: np.ndarray, rows: np.ndarray | None = None, scaler: Scaling | None = None) -> None:
        self._matrix = matrix
        self._rows = np.arange(len(matrix)) if rows is None else np.asarray(rows, dtype=np.int64)
        self._scaler = scaler

    def __len__(self) -> int:
        return len(self._rows)

    def __repr__(self) -> str:
        return "FeatureRows({} x {})".format(*self.shape)

    @property
    def shape(self) -> tuple[int, int]:
        """``(n, d)``."""
        return len(self._rows), int(self._matrix.shape[1])

    def take(self, positions: np.ndarray) -> FeatureRows:
        """Rows at ``positions`` of this selection."""
        return FeatureRows(self._matrix, self._rows[positions], self._scaler)

    def scaled(self, scaler: Scaling | None) -> FeatureRows:
        """The same rows, scaled by ``scaler`` instead."""
        return FeatureRows(self._matrix, self._rows, scaler)

    def blocks(self, size: int = BLOCK_ROWS) -> Iterator[tuple[slice, np.ndarray]]:
        """Yield ``(positions, block)`` with block (<= size, d) float32, in order.

        Pages of a memory-mapped matrix are given back to the system after each block, so the resident
        memory of a pass stays at one block.
        """
        for start in range(0, len(self), size):
            where = slice(start, min(start + size, len(self)))
            block = np.ascontiguousarray(self._matrix[self._rows[where]], dtype=np.float32)
            _release_pages(self._matrix)
            yield where, block if self._scaler is None else self._scaler.transform(block)

    def to_array(self) -> np.ndarray:
        """All rows as one array (n, d) float32."""
        result = np.empty(self.shape, dtype=np.float32)
        for where, block in self.blocks():
            result[where] = block
        return result


def _release_pages(matrix: np.ndarray) -> None:
    """Drop the resident pages of a memory-mapped matrix; they stay in the system's cache."""
    mapped = getattr(matrix, "_mmap", None)
    if isinstance(mapped, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        mapped.madvise(mmap.MADV_DONTNEED)
