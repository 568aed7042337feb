"""Several vectors a class: prompts, sentences of a document, sub-classes; one class may have more than another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gzsl.errors import DataError

RULES = {
    "unit-mean": "the mean of members of unit length, of unit length again",
    "mean": "the mean of members",
    "given": "a vector of its own, which came beside the members",
}
REDUCTIONS = {"sum": np.add, "mean": np.add, "max": np.maximum, "min": np.minimum}


@dataclass(frozen=True, eq=False)
class Members:
    """The members of every class, class by class in the order of the class table.

    Parameters
    ----------
    vectors : ndarray, shape (M, a), float32
        All members: those of class 0, then those of class 1, ...
    sizes : ndarray, shape (C,), int64
        How many members each class has, at least one.
    rule : str
        How the class table follows from them, a key of `RULES`.
    templates : tuple of str or None
        Where member ``k`` of every class was made by the same template ``k``: what the templates are called.
    texts : tuple of str or None
        What each member says, where known, shape (M,).

    Raises
    ------
    DataError
        For sizes that do not add up, a class without a member, NaN or infinite entries, and zero vectors where the
        rule needs a direction.
    """

    vectors: np.ndarray
    sizes: np.ndarray
    rule: str = "unit-mean"
    templates: tuple[str, ...] | None = None
    texts: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite and is refused below
            vectors = np.array(self.vectors, dtype=np.float32, order="C", copy=True)
        sizes = np.array(self.sizes, dtype=np.int64)
        for name, array in (("vectors", vectors), ("sizes", sizes)):
            array.setflags(write=False)
            object.__setattr__(self, name, array)
        for name in ("templates", "texts"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, tuple(map(str, getattr(self, name))))
        self._check()

    def _check(self) -> None:
        shape, total = self.vectors.shape, int(self.sizes.sum())
        if self.vectors.ndim != 2 or 0 in shape or self.sizes.ndim != 1 or shape[0] != total:
            raise DataError(
                f"members: found vectors of shape {shape} for sizes that add up to {total}, expected (members, values)"
            )
        if self.rule not in RULES:
            raise DataError(f"members: found the rule {self.rule!r}, expected one of {', '.join(RULES)}")
        empty = np.flatnonzero(self.sizes < 1)
        if len(empty):
            raise DataError(f"members: class {empty[0]} (counted from 0) has no member, expected at least one a class")
        bad = np.flatnonzero(~np.isfinite(self.vectors).all(axis=1))
        if len(bad):
            raise DataError(f"members: {self._place(bad[0])} has NaN or infinite values, expected a finite vector")
        zero = np.flatnonzero(~self.vectors.any(axis=1))
        if len(zero) and self.rule == "unit-mean":
            raise DataError(
                f"members: {self._place(zero[0])} is a zero vector, expected one with a direction: leave it out"
            )
        if self.templates is not None and not (self.sizes == len(self.templates)).all():
            raise DataError(
                f"members: found {len(self.templates)} templates and {self.sizes.min()} to {self.sizes.max()} members "
                "a class, expected a member a template"
            )
        if self.texts is not None and len(self.texts) != total:
            raise DataError(f"members: found {len(self.texts)} texts, expected {total}, one a member")

    def _place(self, row: int) -> str:
        c = int(self.class_of[row])
        return f"member {row - int(self.starts[c])} of class {c} (both counted from 0)"

    @classmethod
    def of(
        cls,
        groups: Sequence[np.ndarray] | np.ndarray,
        rule: str = "unit-mean",
        templates: Sequence[str] | None = None,
        texts: Sequence[Sequence[str]] | None = None,
    ) -> Members:
        """Members from one matrix (P_c, a) a class, or from an array (C, P, a).

        Parameters
        ----------
        groups : sequence of ndarray, or ndarray of three dimensions
            In the order of the class table.
        rule, templates
            See `Members`.
        texts : sequence of sequences of str, optional
            A text a member, class by class.
        """
        matrices = [np.asarray(group) for group in groups]
        if not matrices or any(matrix.ndim != 2 for matrix in matrices):
            found = f"{len(matrices)} classes" if not matrices else f"a class of shape {matrices[0].shape}"
            raise DataError(f"members: found {found}, expected a matrix (members, values) a class")
        widths = {matrix.shape[1] for matrix in matrices}
        if len(widths) > 1:
            raise DataError(f"members: found vectors of {min(widths)} to {max(widths)} values, expected one length")
        flat = None if texts is None else tuple(text for group in texts for text in group)
        sizes = np.array([len(matrix) for matrix in matrices])
        return cls(np.concatenate(matrices), sizes, rule, None if templates is None else tuple(templates), flat)

    def __len__(self) -> int:
        return len(self.sizes)

    def __repr__(self) -> str:
        low, high = int(self.sizes.min()), int(self.sizes.max())
        count = str(low) if low == high else f"{low} to {high}"
        kind = "" if self.templates is None else ", one a template"
        return f"Members({len(self)} classes x {count} members x {self.vectors.shape[1]} values{kind}; {self.rule})"

    @property
    def starts(self) -> np.ndarray:
        """Row of each class's first member, shape (C,)."""
        first: np.ndarray = np.cumsum(self.sizes) - self.sizes
        return first

    @property
    def class_of(self) -> np.ndarray:
        """Class of each member, shape (M,)."""
        return np.repeat(np.arange(len(self.sizes)), self.sizes)

    @property
    def unit(self) -> np.ndarray:
        """Members of unit length, shape (M, a), float32; a zero vector stays one."""
        return unit_rows(self.vectors)

    def group(self, c: int) -> np.ndarray:
        """Members of class ``c``, shape (P_c, a)."""
        start = int(self.starts[c])
        rows: np.ndarray = self.vectors[start : start + int(self.sizes[c])]
        return rows

    def padded(self) -> tuple[np.ndarray, np.ndarray]:
        """Members as an array (C, P, a), zeros where a class has fewer, and a mask (C, P) of those that are there."""
        mask = np.arange(int(self.sizes.max())) < self.sizes[:, None]
        array = np.zeros((*mask.shape, self.vectors.shape[1]), dtype=np.float32)
        array[mask] = self.vectors
        return array, mask

    def reduce(self, values: np.ndarray, how: str = "mean") -> np.ndarray:
        """One value a class (..., C) from one value a member (..., M): their ``sum``, ``mean``, ``max`` or ``min``."""
        found: np.ndarray = REDUCTIONS[how].reduceat(values, self.starts, axis=-1)
        return found / self.sizes.astype(found.dtype) if how == "mean" else found

    def table(self) -> np.ndarray:
        """The class table (C, a) that follows by the rule.

        Raises
        ------
        DataError
            For the rule ``given``, and where members of a class cancel out.
        """
        if self.rule == "given":
            raise DataError("members: a class table was asked for that follows from them, but it came beside them")
        rows = self.vectors.astype(np.float64)
        rows = unit_rows(rows) if self.rule == "unit-mean" else rows
        mean: np.ndarray = np.add.reduceat(rows, self.starts, axis=0) / self.sizes[:, None]
        if self.rule == "unit-mean":
            silent = np.flatnonzero(np.linalg.norm(mean, axis=1) < 1e-6)
            if len(silent):
                raise DataError(f"members: those of class {silent[0]} (from 0) cancel out, expected a direction")
            mean = unit_rows(mean)
        return mean.astype(np.float32)

    def take(self, ids: Sequence[int] | np.ndarray) -> Members:
        """Members of the classes ``ids``, in that order."""
        ids = np.asarray(ids, dtype=np.int64)
        rows = _rows_of(self.starts[ids], self.sizes[ids])
        texts = None if self.texts is None else tuple(self.texts[row] for row in rows)
        return Members(self.vectors[rows], self.sizes[ids], self.rule, self.templates, texts)

    def mapped(self, vectors: np.ndarray) -> Members:
        """The same members with other vectors (M, a')."""
        return Members(vectors, self.sizes, self.rule, self.templates, self.texts)


def unit_rows(rows: np.ndarray) -> np.ndarray:
    """Rows of unit length; a zero row stays one."""
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(norms > 0, norms, 1)


def _rows_of(starts: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Consecutive rows from each start on, one group after the other."""
    before = np.cumsum(sizes) - sizes
    rows: np.ndarray = np.arange(int(sizes.sum())) + np.repeat(starts - before, sizes)
    return rows
