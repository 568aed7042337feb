"""Rows of a feature matrix, taken lazily and scaled on the way out."""

from __future__ import annotations

import contextlib
import copy
import hashlib
import math
import mmap
import tempfile
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import numpy as np

from gzsl.resources import cache_dir

BLOCK_ROWS = 2048
BLOCK_VALUES = 1 << 22  # of rows with regions: 16 MiB, as of 2,048 rows of 2,048 numbers
MAPPED_ROWS = 64  # taken from a file at once
MAPPED_VALUES = 1 << 18  # of rows with regions
COPIED_BYTES = 32 << 20  # fewer are copied into memory instead of being mapped


class Scaling(Protocol):
    """What `FeatureRows` needs from a fitted scaler."""

    def transform(self, X: np.ndarray) -> np.ndarray:
        """Scale a block (n, d) or (n, R, d) of float32 features."""


class FeatureRows:
    """Some rows of a feature matrix that may lie on disk.

    A row is a vector of d numbers, or has parts: R regions of d numbers each, such as the cells of a network's last
    map. Nothing is copied until `blocks`, `gathered` or `to_array` is called, so a dataset larger than memory can be
    scored.

    Parameters
    ----------
    matrix : ndarray or memmap, shape (N, d) or (N, R, d), float32; with regions float16 too
        The whole matrix.
    rows : ndarray of int64, optional
        Which rows, in which order; all when None.
    scaler : Scaling, optional
        Applied to every block on its way out.
    pool : bool
        Give the mean of a row's regions instead of the regions.
    """

    def __init__(
        self, matrix: np.ndarray, rows: np.ndarray | None = None, scaler: Scaling | None = None, pool: bool = False
    ) -> None:
        self._matrix = matrix
        self._rows = np.arange(len(matrix)) if rows is None else np.array(rows, dtype=np.int64)
        self._rows.setflags(write=False)
        self._scaler = scaler
        self._pool = pool and matrix.ndim == 3

    def __len__(self) -> int:
        return len(self._rows)

    def __repr__(self) -> str:
        return f"FeatureRows({' x '.join(map(str, self.shape))})"

    @property
    def shape(self) -> tuple[int, ...]:
        """``(n, d)``, or ``(n, R, d)`` of rows with regions."""
        parts = self._matrix.shape[2:] if self._pool else self._matrix.shape[1:]
        width = getattr(self._scaler, "width", None) or parts[-1]  # a map to class vectors changes it
        return len(self._rows), *(int(side) for side in parts[:-1]), int(width)

    @property
    def regions(self) -> FeatureRows | None:
        """The rows (n, R, d) with their regions; None where a row is one vector."""
        if self._matrix.ndim == 2:
            return None
        return FeatureRows(self._matrix, self._rows, self._scaler) if self._pool else self

    @property
    def pooled(self) -> FeatureRows:
        """The rows (n, d): means of their regions; the same rows where there are none."""
        return self if len(self.shape) == 2 else FeatureRows(self._matrix, self._rows, self._scaler, pool=True)

    def take(self, positions: np.ndarray) -> FeatureRows:
        """Rows at ``positions`` of this selection."""
        return FeatureRows(self._matrix, self._rows[positions], self._scaler, self._pool)

    def scaled(self, scaler: Scaling | None) -> FeatureRows:
        """The same rows, scaled by ``scaler`` instead."""
        return FeatureRows(self._matrix, self._rows, scaler, self._pool)

    @classmethod
    def joined(cls, parts: Sequence[FeatureRows]) -> FeatureRows:
        """The rows of several selections, one after the other."""
        first = parts[0]
        of = (first._matrix, first._scaler, first._pool)
        if all(part._matrix is of[0] and part._scaler is of[1] and part._pool == of[2] for part in parts):
            return cls(of[0], np.concatenate([part._rows for part in parts]), *of[1:])
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
        """The same rows as a matrix of their own, from which no other row can be reached.

        Vectors are scaled; rows with regions keep the numbers of their file, and a copy of their scaler. Many rows of a
        matrix on disk go to a file without a name in the cache folder and are mapped from there, so that memory stays
        small; others, and all where that file cannot be written, are copied.
        """
        whole = len(self.shape) == 3
        rows = FeatureRows(self._matrix, self._rows) if whole else self
        dtype = self._matrix.dtype if whole else np.dtype(np.float32)
        on_disk = _mapping(self._matrix) is not None and dtype.itemsize * math.prod(self.shape) > COPIED_BYTES
        matrix = None
        if on_disk:
            with contextlib.suppress(OSError):
                matrix = rows._mapped_apart(dtype)
        own = rows._copied(dtype) if matrix is None else matrix
        own.setflags(write=False)
        return FeatureRows(own, None, copy.deepcopy(self._scaler) if whole else None)

    def _mapped_apart(self, dtype: np.dtype) -> np.ndarray:
        folder = cache_dir()
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as stream:
            for _, block in self.blocks():
                stream.write(np.ascontiguousarray(block, dtype=dtype).data)
            stream.flush()
            mapped = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
        return np.frombuffer(mapped, dtype=dtype).reshape(self.shape)

    def _copied(self, dtype: np.dtype) -> np.ndarray:
        own = np.empty(self.shape, dtype=dtype)
        for where, block in self.blocks():
            own[where] = block
        return own

    def blocks(self, size: int | None = None) -> Iterator[tuple[slice, np.ndarray]]:
        """Yield ``(positions, block)`` with block (<= size, d) or (<= size, R, d) float32, in order.

        Blocks of rows with regions are smaller, unless ``size`` says otherwise. Pages of a memory-mapped matrix are
        given back to the system after each block, so the resident memory of a pass stays at one block.
        """
        if size is None:
            a_row = math.prod(self._matrix.shape[1:])
            size = BLOCK_ROWS if self._matrix.ndim == 2 else max(1, min(BLOCK_ROWS, BLOCK_VALUES // a_row))
        for start in range(0, len(self), size):
            where = slice(start, min(start + size, len(self)))
            yield where, self._block(self._rows[where])

    def gathered(self, positions: np.ndarray) -> np.ndarray:
        """The rows at ``positions`` of this selection in one array, float32: a batch."""
        return self._block(self._rows[positions])

    def _block(self, rows: np.ndarray) -> np.ndarray:
        if self._matrix.ndim == 2:
            block = self._gathered(rows)
            return block if self._scaler is None else self._scaler.transform(block)
        block = np.empty((len(rows), *self.shape[1:]), dtype=np.float32)
        step = max(1, min(MAPPED_ROWS, MAPPED_VALUES // math.prod(self._matrix.shape[1:])))
        for start in range(0, len(rows), step):  # what is beside a batch in memory stays small
            few = slice(start, start + step)
            part = self._gathered(rows[few])
            part = part if self._scaler is None else self._scaler.transform(part)
            block[few] = part.mean(axis=1) if self._pool else part
        return block

    def _gathered(self, rows: np.ndarray) -> np.ndarray:
        """Some rows of the matrix; those of a file a few at a time, since each brings its neighbours into memory."""
        if _mapping(self._matrix) is None:
            return np.ascontiguousarray(self._matrix[rows], dtype=np.float32)
        block = np.empty((len(rows), *self._matrix.shape[1:]), dtype=np.float32)
        for start in range(0, len(rows), MAPPED_ROWS):
            few = slice(start, start + MAPPED_ROWS)
            block[few] = self._matrix[rows[few]]
            _release_pages(self._matrix)
        return block

    def to_array(self) -> np.ndarray:
        """All rows as one array (n, d) or (n, R, d), float32."""
        return self._copied(np.dtype(np.float32))


def pooled_rows(X: np.ndarray) -> np.ndarray:
    """Rows (n, d): of rows with regions (n, R, d) the means over regions."""
    return X.mean(axis=1) if X.ndim == 3 else X


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
