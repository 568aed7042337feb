"""The class table every method is conditioned on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from gzsl.brief import html_table, listing
from gzsl.door.names import places, repeated, same_form
from gzsl.errors import DataError
from gzsl.semantics.members import Members

NORMALISATIONS = ("none", "l2", "l2-sqrt-dim", "zscore", "minmax")
KEEPS_SPACE = ("none", "l2", "l2-sqrt-dim")  # lengths change, directions do not


@dataclass(frozen=True, eq=False)
class Semantics:
    """A class table: row ``c`` describes class ``class_names[c]``.

    Parameters
    ----------
    table : ndarray, shape (C, a), float32
        One finite vector a class.
    class_names : tuple of str
        One unique name a row.
    name : str
        Which semantics this is: ``att``, ``original_att``, ``sent``, ...
    normalisation : str
        What was done to the table here, one of `NORMALISATIONS`; part of the protocol.
    attribute_names : tuple of str or None
        One name a column, where known.
    members : Members or None
        Several vectors a class; the table follows from them by their rule, before both are normalised alike.
    joint : bool
        Whether class vectors and features share one space, so that their cosine says how well they agree.

    Raises
    ------
    DataError
        For wrong dimensions, repeated names, NaN or infinite entries.
    """

    table: np.ndarray
    class_names: tuple[str, ...]
    name: str = "att"
    normalisation: str = "none"
    attribute_names: tuple[str, ...] | None = None
    members: Members | None = None
    joint: bool = False

    @classmethod
    def of_members(
        cls, members: Members, class_names: Sequence[str], name: str = "sent", *, joint: bool = False
    ) -> Semantics:
        """A class table that follows from the members of each class by their rule."""
        return cls(members.table(), tuple(class_names), name, members=members, joint=joint)

    def __post_init__(self) -> None:
        with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite and is refused below
            table = np.array(self.table, dtype=np.float32, order="C", copy=True)
        table.setflags(write=False)
        object.__setattr__(self, "table", table)
        object.__setattr__(self, "class_names", tuple(str(name) for name in self.class_names))
        if self.attribute_names is not None:
            object.__setattr__(self, "attribute_names", tuple(str(name) for name in self.attribute_names))
        self._check()

    def _check(self) -> None:
        where = f"semantics {self.name!r}"
        if self.table.ndim != 2 or 0 in self.table.shape:
            raise DataError(f"{where}: found an array of shape {self.table.shape}, expected (classes, attributes)")
        if len(self.class_names) != len(self.table):
            raise DataError(f"{where}: found {len(self.table)} rows, expected {len(self.class_names)}, one a class")
        twice = repeated(self.class_names)
        if twice is not None:
            raise DataError(f"{where}: the class name {twice!r} stands twice, expected unique names")
        bad = ~np.isfinite(self.table).all(axis=1)
        if bad.any():
            row = int(np.flatnonzero(bad)[0])
            raise DataError(
                f"{where}: class {self.class_names[row]!r} has NaN or infinite values, expected a finite vector"
            )
        if self.attribute_names is not None and len(self.attribute_names) != self.table.shape[1]:
            raise DataError(
                f"{where}: found {len(self.attribute_names)} attribute names, expected {self.table.shape[1]}"
            )
        if self.members is not None and (len(self.members), self.members.vectors.shape[1]) != self.table.shape:
            classes, values = self.table.shape
            raise DataError(f"{where}: found {self.members!r}, expected {classes} classes and {values} values")

    def __repr__(self) -> str:
        return (
            f"Semantics({self.name!r}: {len(self)} classes x {self.n_attributes} values, normalisation "
            f"{self.normalisation}; {listing(self.class_names)}"
            + (f"; {self.members!r}" if self.members is not None else "")
            + (", in the space of the features)" if self.joint else ")")
        )

    def _repr_html_(self) -> str:
        rows = [("classes", f"{len(self)}: {listing(self.class_names)}"), ("values a class", str(self.n_attributes))]
        if self.attribute_names:
            rows.append(("attributes", listing(self.attribute_names)))
        return html_table(f"Semantics {self.name}", [*rows, ("normalisation", self.normalisation)])

    def __len__(self) -> int:
        return len(self.class_names)

    @property
    def n_attributes(self) -> int:
        """Length ``a`` of a class vector."""
        return int(self.table.shape[1])

    @property
    def label(self) -> str:
        """What the protocol calls it: its name, and how it follows from members where it has some."""
        return self.name if self.members is None else f"{self.name}+members:{self.members.rule}"

    def take(self, ids: Sequence[int] | np.ndarray) -> Semantics:
        """Rows ``ids`` in that order, as a table of its own."""
        ids = np.asarray(ids, dtype=np.int64)
        names = tuple(self.class_names[i] for i in ids)
        members = None if self.members is None else self.members.take(ids)
        return replace(self, table=self.table[ids], class_names=names, members=members)

    def ids_of(self, names: Sequence[str]) -> np.ndarray:
        """Row of each name, shape (len(names),), int64; an unknown name is a `DataError`."""
        position, asked = places(self.class_names), [same_form(name) for name in names]
        missing = [name for name, form in zip(names, asked, strict=True) if form not in position]
        if missing:
            raise DataError(f"semantics {self.name!r}: no row for class {missing[0]!r}")
        return np.array([position[form] for form in asked], dtype=np.int64)

    def canonical(self) -> tuple[Semantics, np.ndarray]:
        """Rows sorted by class name (itself if they are), and the order used: ``sorted.table == table[order]``."""
        return self._canonical

    @cached_property
    def _canonical(self) -> tuple[Semantics, np.ndarray]:
        order = np.array(sorted(range(len(self)), key=self.class_names.__getitem__), dtype=np.int64)
        return (self if (np.diff(order) == 1).all() else self.take(order)), order

    def normalised(self, kind: str, *, statistics_from: np.ndarray | None = None) -> Semantics:
        """Return a normalised copy.

        Parameters
        ----------
        kind : str
            ``none``; ``l2``: unit length a class; ``l2-sqrt-dim``: length sqrt(a) a class; ``zscore`` and
            ``minmax``: a column, with the statistics of the classes in ``statistics_from``. Members are treated as
            the table is, with its statistics.
        statistics_from : ndarray of int, optional
            Rows (the seen classes, to stay inductive) for column statistics; all rows when None.
        """
        if kind not in NORMALISATIONS:
            raise DataError(f"semantics normalisation: found {kind!r}, expected one of {', '.join(NORMALISATIONS)}")
        if kind == "none":
            return self
        rows = self.table.astype(np.float64)
        rows = rows if statistics_from is None else rows[statistics_from]

        def changed(vectors: np.ndarray) -> np.ndarray:
            return _normalised(vectors.astype(np.float64), kind, rows).astype(np.float32)

        members = None if self.members is None else self.members.mapped(changed(self.members.vectors))
        joint = self.joint and kind in KEEPS_SPACE
        return replace(self, table=changed(self.table), normalisation=kind, members=members, joint=joint)


def _normalised(vectors: np.ndarray, kind: str, rows: np.ndarray) -> np.ndarray:
    """Vectors (n, a) normalised; statistics of columns are those of ``rows``."""
    if kind.startswith("l2"):
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        scale = np.sqrt(vectors.shape[1]) if kind == "l2-sqrt-dim" else 1.0
        return np.asarray(scale * vectors / np.where(norms > 0, norms, 1.0))
    if kind == "zscore":
        shift, spread = rows.mean(axis=0), rows.std(axis=0)
    else:
        shift, spread = rows.min(axis=0), np.ptp(rows, axis=0)
    result: np.ndarray = (vectors - shift) / np.where(spread > 1e-12, spread, 1.0)
    return result
