"""What a reader found in files, before a split is made of it: 0-based, oriented, features still unread."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from gzsl.door.arrays import numbers
from gzsl.errors import DataError
from gzsl.semantics import Members

BLOCK_ROWS = 2048


@dataclass(frozen=True, eq=False)
class Features:
    """Image features that are read when they are asked for.

    Attributes
    ----------
    where : str
        File and variable, for messages.
    shape : tuple of int
        ``(N, d)``.
    read : callable
        Yields consecutive blocks of rows, at most `BLOCK_ROWS` each, of any real type.
    """

    where: str
    shape: tuple[int, int]
    read: Callable[[], Iterator[np.ndarray]]

    def blocks(self) -> Iterator[tuple[int, np.ndarray]]:
        """Yield ``(first row, block)`` with block (<= BLOCK_ROWS, d), C-contiguous float32, finite.

        Raises
        ------
        DataError
            At the first NaN or infinite entry, naming row and column.
        """
        start = 0
        for block in self.read():
            given = numbers(self.where, block)
            with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite and is refused below
                block = np.ascontiguousarray(given, dtype="<f4")
            finite = np.isfinite(block)
            if not finite.all():
                row, column = np.argwhere(~finite)[0]
                found = given[row, column]
                expected = "numbers that 32 bits hold, up to 3.4e38" if np.isfinite(found) else "finite numbers"
                raise DataError(
                    f"{self.where}: found {found} in row {start + row}, column {column} (counted from 0), "
                    f"expected {expected}"
                )
            yield start, block
            start += len(block)


@dataclass(frozen=True, eq=False)
class RawTable:
    """A class table as it stands in a file: values (C, a) and, where known, one name a column and members a class."""

    values: np.ndarray
    attribute_names: tuple[str, ...] | None = None
    members: Members | None = None
    joint: bool = False


@dataclass(frozen=True, eq=False)
class RawData:
    """Everything that the files of one dataset say.

    Attributes
    ----------
    source : str
        Name of the folder or file, for messages.
    features : Features
        Unread features.
    labels : ndarray, shape (N,), int64
        Position of each row's class in ``class_names``.
    class_names : tuple of str
        In the order of the class tables.
    tables : mapping of str to RawTable
        Class tables by name.
    rows : mapping of str to ndarray of int64
        0-based rows of ``trainval``, ``test_seen``, ``test_unseen`` and, where the files have them,
        ``train`` and ``val``; ``reserve``: rows of unseen classes that are kept for shots.
    rows_are_given : bool
        False when test_seen was held out by a seed here.
    notes : tuple of str
        What was detected, one sentence each.
    features_name : str or None
        What a card beside the features calls them.
    fine_tuned : bool or None
        What that card says of their network.
    transfer_only : bool
        Whether nothing is there to train on: no class is seen.
    """

    source: str
    features: Features
    labels: np.ndarray
    class_names: tuple[str, ...]
    tables: Mapping[str, RawTable]
    rows: Mapping[str, np.ndarray]
    rows_are_given: bool = True
    notes: tuple[str, ...] = field(default_factory=tuple)
    features_name: str | None = None
    fine_tuned: bool | None = None
    transfer_only: bool = False


def left_out(table: str, why: str) -> str:
    """The note about an optional class table that cannot be used; a dataset is good without it."""
    return f"table {table} is left out: {why}"


def array_features(where: str, load: Callable[[], np.ndarray], shape: tuple[int, int], transposed: bool) -> Features:
    """Features that one call reads as a whole: (d, N) when ``transposed``, else (N, d)."""

    def read() -> Iterator[np.ndarray]:
        array = load()
        array = array.T if transposed else array
        for start in range(0, len(array), BLOCK_ROWS):
            yield array[start : start + BLOCK_ROWS]

    return Features(where, shape, read)
