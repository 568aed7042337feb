"""Rows of a feature matrix, taken lazily and scaled on the way out."""

from __future__ import annotations

import contextlib
import hashlib
import mmap
import tempfile
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import numpy as np

from gzsl.resources import cache_dir

BLOCK_ROWS = 2048
MAPPED_ROWS = 64  # taken from a file at once
COPIED_BYTES = 32 << 20  # fewer are copied into memory instead of being mapped


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
        self._rows = np.arange(len(matrix)) if rows is None else np.array(rows, dtype=np.int64)
        self._rows.setflags(write=False)
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

    @classmethod
    def joined(cls, parts: Sequence[FeatureRows]) -> FeatureRows:
        """The rows of several selections, one after the other."""
        first = parts[0]
        if all(part._matrix is first._matrix and part._scaler is first._scaler for part in parts):
            return cls(first._matrix, np.concatenate([part._rows for part in parts]), first._scaler)
        return cls(np.concatenate([part.to_array() for part in parts]))

    def content_order(self) -> np.ndarray:
        """Positions (n,) in an order that depends on the numbers of the rows alone, not on where they stood.

        Rows are sorted by a hash of their numbers, which tells nothing of their classes; equal rows are shuffled by a
        seed that is made of all hashes.
        """
        keys = np.empty(len(self), dtype=np.uint64)
        for where, block in self.blocks():
            digests = b"".join(hashlib.blake2b(row.data, digest_size=8).digest() for row in block)
            keys[where] = np.frombuffer(digests, dtype="<u8")
        shuffled = np.random.default_rng(int(keys.sum(dtype=np.uint64))).permutation(len(keys))
        return shuffled[np.argsort(keys[shuffled], kind="stable")]

    def apart(self) -> FeatureRows:
        """The same rows, scaled, as a matrix of their own, from which nothing else can be reached.

        Many rows of a matrix on disk go to a file without a name in the cache folder and are mapped from there, so that
        memory stays small; others, and all where that file cannot be written, are copied.
        """
        on_disk = _mapping(self._matrix) is not None and 4 * self.shape[0] * self.shape[1] > COPIED_BYTES
        matrix = None
        if on_disk:
            with contextlib.suppress(OSError):
                matrix = self._mapped_apart()
        own = self.to_array() if matrix is None else matrix
        own.setflags(write=False)
        return FeatureRows(own)

    def _mapped_apart(self) -> np.ndarray:
        folder = cache_dir()
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as stream:
            for _, block in self.blocks():
                stream.write(np.ascontiguousarray(block).data)
            stream.flush()
            mapped = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
        return np.frombuffer(mapped, dtype=np.float32).reshape(self.shape)

    def blocks(self, size: int = BLOCK_ROWS) -> Iterator[tuple[slice, np.ndarray]]:
        """Yield ``(positions, block)`` with block (<= size, d) float32, in order.

        Pages of a memory-mapped matrix are given back to the system after each block, so the resident
        memory of a pass stays at one block.
        """
        for start in range(0, len(self), size):
            where = slice(start, min(start + size, len(self)))
            block = self._gathered(self._rows[where])
            yield where, block if self._scaler is None else self._scaler.transform(block)

    def _gathered(self, rows: np.ndarray) -> np.ndarray:
        """Some rows of the matrix; those of a file a few at a time, since each brings its neighbours into memory."""
        if _mapping(self._matrix) is None:
            return np.ascontiguousarray(self._matrix[rows], dtype=np.float32)
        block = np.empty((len(rows), self.shape[1]), dtype=np.float32)
        for start in range(0, len(rows), MAPPED_ROWS):
            few = slice(start, start + MAPPED_ROWS)
            block[few] = self._matrix[rows[few]]
            _release_pages(self._matrix)
        return block

    def to_array(self) -> np.ndarray:
        """All rows as one array (n, d) float32."""
        result = np.empty(self.shape, dtype=np.float32)
        for where, block in self.blocks():
            result[where] = block
        return result


def _release_pages(matrix: np.ndarray) -> None:
    """Drop the resident pages of a memory-mapped matrix; they stay in the system's cache."""
    mapped = _mapping(matrix)
    if mapped is not None and hasattr(mmap, "MADV_DONTNEED"):
        mapped.madvise(mmap.MADV_DONTNEED)


def _mapping(matrix: np.ndarray) -> mmap.mmap | None:
    """The mapped memory that an array is a view of; None for one in ordinary memory."""
    base: Any = matrix
    while isinstance(base, np.ndarray | memoryview):
        base = base.base if isinstance(base, np.ndarray) else base.obj
    return base if isinstance(base, mmap.mmap) else None
