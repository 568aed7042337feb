"""What can be wrong with a class table although every number in it is finite."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gzsl.semantics.table import Semantics

SHOWN = 3


@dataclass(frozen=True)
class TableFaults:
    """Faults of a class table that methods survive, but that cost accuracy.

    Attributes
    ----------
    zero_columns : int
        Columns that are zero for every class.
    zero_classes : tuple of str
        Classes whose vector is zero.
    duplicate_classes : tuple of (str, str)
        Pairs of classes with equal vectors, each with the first of its kind.
    missing_marks : tuple of str
        Classes with a -1 while all other values are at least 0: AWA's table of percentages marks missing values so.
    """

    zero_columns: int
    zero_classes: tuple[str, ...]
    duplicate_classes: tuple[tuple[str, str], ...]
    missing_marks: tuple[str, ...] = ()

    def sentences(self, name: str) -> list[str]:
        """One sentence a kind of fault, with the remedy; ``name`` is what the table is called."""
        found = []
        if self.duplicate_classes:
            pairs = "; ".join(f"{a!r} and {b!r}" for a, b in self.duplicate_classes[:SHOWN])
            found.append(
                f"semantics {name!r}: {_count(self.duplicate_classes, 'pair')} of classes with the same vector "
                f"({pairs}); no method can tell them apart: give them different vectors or merge them"
            )
        if self.zero_classes:
            classes = ", ".join(map(repr, self.zero_classes[:SHOWN]))
            found.append(
                f"semantics {name!r}: {_count(self.zero_classes, 'class', 'classes')} described by zeros alone "
                f"({classes}); they cannot be recognised: fill in their vectors or remove them"
            )
        if self.zero_columns:
            found.append(
                f"semantics {name!r}: {self.zero_columns} of its columns are zero for every class; "
                "they carry nothing and may be removed"
            )
        if self.missing_marks:
            classes = ", ".join(map(repr, self.missing_marks[:SHOWN]))
            found.append(
                f"semantics {name!r}: -1 in the rows of {_count(self.missing_marks, 'class', 'classes')} ({classes}) "
                "while all other values are at least 0; where it marks a missing value, fill in a number"
            )
        return found


def table_faults(semantics: Semantics) -> TableFaults:
    """Find zero columns, zero rows and equal rows of a class table."""
    table, names = semantics.table, semantics.class_names
    _, first, inverse = np.unique(table, axis=0, return_index=True, return_inverse=True)
    twin = first[inverse.ravel()]
    pairs = [(names[twin[c]], names[c]) for c in np.flatnonzero(twin != np.arange(len(twin)))]
    zero_rows = np.flatnonzero(~table.any(axis=1))
    return TableFaults(
        int((~table.any(axis=0)).sum()), tuple(names[c] for c in zero_rows), tuple(pairs),
        tuple(names[c] for c in _missing_marks(table)),
    )  # fmt: skip


def _missing_marks(table: np.ndarray) -> np.ndarray:
    """Classes with a -1 in a table of non-negative numbers of more than two kinds (-1, 0 and 1 is a coding)."""
    marks = table == -1
    others = table[~marks]
    if not marks.any() or not others.size or others.min() < 0 or np.isin(others, (0, 1)).all():
        return np.zeros(0, dtype=np.int64)
    return np.flatnonzero(marks.any(axis=1))


def _count(found: tuple[object, ...], one: str, many: str | None = None) -> str:
    return f"{len(found)} {one if len(found) == 1 else many or one + 's'}"
