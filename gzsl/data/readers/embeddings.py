"""Pictures and texts in one space: class vectors with several members a class, in a file of named arrays.

``image_embed`` (N, a) are the features; ``NAME_embed`` is a class table called NAME: (C, a), (C, P, a) with rows of NaN
where a class has fewer members, or (M, a) beside ``NAME_sizes`` (C). Tables as wide as ``image_embed`` share its space.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from gzsl.data.readers.detect import as_integers, as_vector, listed_rows
from gzsl.data.readers.raw import BLOCK_ROWS, Features, RawTable
from gzsl.door.arrays import texts
from gzsl.errors import DataError, suggest
from gzsl.semantics import Members

IMAGES, ENDING = "image_embed", "_embed"
TEXTS = ("_texts", "_sentences", "_prompts")  # what the members of a table say, beside it


class Arrays(Protocol):
    """Named arrays of a file."""

    where: str
    names: tuple[str, ...]

    def __contains__(self, name: str) -> bool: ...

    def array(self, name: str) -> np.ndarray:
        """The array called ``name``."""
        ...

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape of the array called ``name``."""
        ...


def feature_array(file: Arrays, asked: str | None) -> tuple[str, list[str]]:
    """Which array holds the features, and a note where the file holds several that could."""
    if asked is not None:
        if asked not in file:
            raise DataError(f"{file.where}: no array {asked!r} for the option array; {suggest(asked, file.names)}")
        return asked, [f"features are the array {asked}, as the option array asks"]
    if IMAGES not in file:
        return "features", []
    if "features" not in file:
        return IMAGES, []
    return IMAGES, [f"features are {IMAGES}, in the space of the texts; for features, set the option array: features"]


def is_joint(array: str) -> bool:
    """Whether features of this array lie in the space of ``NAME_embed``."""
    return array.startswith(IMAGES)


def with_directions(features: Features) -> Features:
    """The same rows, a zero one among which ends in a sentence when it is read: it is as far from every class."""

    def read() -> Iterator[np.ndarray]:
        start = 0
        for block in features.read():
            silent = np.flatnonzero(~block.any(axis=1))
            if len(silent):
                raise DataError(
                    f"{features.where}: row {start + silent[0]} (counted from 0) is a zero vector, expected one with "
                    "a direction: leave it out"
                )
            start += len(block)
            yield block

    return Features(features.where, features.shape, read)


def embedded_tables(file: Arrays, n_classes: int, array: str, width: int) -> tuple[dict[str, RawTable], list[str]]:
    """Class tables of a file's ``NAME_embed`` arrays, those of the width of the features in their space.

    Parameters
    ----------
    file : Arrays
        The file.
    n_classes : int
        C; arrays of other lengths are no class tables.
    array : str
        Which array holds the features.
    width : int
        How many numbers a feature row has.
    """
    tables, notes = {}, []
    for key in file.names:
        name = key.removesuffix(ENDING)
        if name == key or key.startswith(IMAGES):
            continue
        sized = f"{name}_sizes" in file
        if not sized and file.shape(key)[0] != n_classes:
            notes.append(f"{key} is no class table: it has {file.shape(key)[0]} rows for {n_classes} classes")
            continue
        members = _members(file, key, name, n_classes)
        joint = is_joint(array) and file.shape(key)[-1] == width
        try:
            values = file.array(key) if members is None else members.table()
        except DataError as error:
            raise DataError(f"{file.where}: {key}: {error}") from None
        tables[name] = RawTable(values, members=members, joint=joint)
        about = f"table {name} shares the space of {array}" if joint else f"table {name} has a space of its own"
        notes.append(about if members is None else f"{about}; {members!r}")
    return tables, notes


def _members(file: Arrays, key: str, name: str, n_classes: int) -> Members | None:
    values, where = file.array(key), f"{file.where}: {key}"
    if values.dtype.kind not in "iuf":
        raise DataError(f"{where}: found {values.dtype} values, expected real numbers")
    try:
        if f"{name}_sizes" in file:
            sizes = as_vector(f"{file.where}: {name}_sizes", file.array(f"{name}_sizes"), "one a class")
            if len(sizes) != n_classes:
                raise DataError(f"{name}_sizes: found {len(sizes)}, expected {n_classes}, one a class")
            return Members(values, sizes, texts=_texts(file, name, None, values.shape[:1]))
        if values.ndim != 3:
            return None
        there = ~np.isnan(values).all(axis=2)
        empty = np.flatnonzero(~there.any(axis=1))
        if len(empty):
            raise DataError(f"class {empty[0]} (counted from 0) has no member, expected at least one")
        templates = _templates(file, name, values.shape[1]) if there.all() else None
        said = _texts(file, name, there, values.shape[:2])
        return Members(values[there], there.sum(axis=1), templates=templates, texts=said)
    except DataError as error:
        raise DataError(f"{where}: {error}") from None


def _templates(file: Arrays, name: str, count: int) -> tuple[str, ...] | None:
    for key in (f"{name}_templates", "templates"):
        if key in file and file.shape(key) == (count,) and (key != "templates" or name in ("text", "template")):
            return tuple(texts(f"{file.where}: {key}", file.array(key)))
    return None


def _texts(file: Arrays, name: str, there: np.ndarray | None, shape: tuple[int, ...]) -> tuple[str, ...] | None:
    for ending in TEXTS:
        if f"{name}{ending}" in file and file.shape(f"{name}{ending}") == shape:
            found = texts(f"{file.where}: {name}{ending}", file.array(f"{name}{ending}"))
            kept = range(len(found)) if there is None else np.flatnonzero(there)
            return tuple(found[k] for k in kept)
    return None


def pairs(file: Arrays, array: str) -> tuple[list[str], np.ndarray]:
    """Names and labels where no label is given: row ``k`` is the one picture of class ``k`` of every class table."""
    n = file.shape(array)[0]
    alike = [key for key in file.names if key.endswith(ENDING) and key != array and file.shape(key)[0] == n]
    if not alike:
        raise DataError(f"{file.where}: no array 'labels', and no NAME{ENDING} of {n} rows, one a picture")
    for key in ("class_names", "image_ids", "images", "image_files"):
        if key in file and file.shape(key) == (n,):
            return texts(f"{file.where}: {key}", file.array(key)), np.arange(n)
    return [f"picture {k:0{len(str(n - 1))}d}" for k in range(n)], np.arange(n)


def rows_of_train(
    file: Arrays, labels: np.ndarray, unseen: np.ndarray
) -> tuple[dict[str, np.ndarray], str]:
    """The split where ``train`` stands beside ``unseen``: those rows of unseen classes are a reserve for shots."""
    where = f"{file.where}: train"
    stored, is_mask = listed_rows(where, file.array("train").ravel(), len(labels))
    if len(stored) and (stored.min() < 0 or stored.max() >= len(labels)):
        raise DataError(f"{where}: found row {stored.max()}, expected 0 to {len(labels) - 1}")
    train = np.isin(np.arange(len(labels)), stored)
    hidden = np.isin(labels, unseen)
    rows = {
        "trainval": np.flatnonzero(train & ~hidden), "test_seen": np.flatnonzero(~train & ~hidden),
        "test_unseen": np.flatnonzero(~train & hidden), "reserve": np.flatnonzero(train & hidden),
    }  # fmt: skip
    kind = "a mask" if is_mask else "row numbers"
    note = f"train ({kind}): its {len(rows['reserve'])} rows of unseen classes are kept for shots, the others train"
    return rows, note


def rows_without_training(file: Arrays, n: int) -> tuple[dict[str, np.ndarray], str]:
    """The split of data that nobody trains on: rows of ``train`` are kept for shots, all others are tested."""
    none = np.empty(0, dtype=np.int64)
    kept = listed_rows(f"{file.where}: train", file.array("train").ravel(), n)[0] if "train" in file else none
    tested = np.setdiff1d(np.arange(n), kept)
    rows = {"trainval": none, "test_seen": none, "test_unseen": tested, "reserve": kept}
    return rows, "no class is said to be unseen: no class is trained on (setting: transfer)"


@dataclass(frozen=True, eq=False)
class Level:
    """Coarser classes: each class of the file becomes a member of the one that it belongs to.

    Attributes
    ----------
    names : tuple of str
        Of the coarser classes that have a row.
    labels : ndarray, shape (n,), int64
        Coarser class of every row that has one.
    kept : ndarray, shape (n,), int64
        Those rows.
    tables : dict of str to RawTable
        Class tables over the coarser classes, with the file's classes as members.
    """

    names: tuple[str, ...]
    labels: np.ndarray
    kept: np.ndarray
    tables: dict[str, RawTable]


def coarser(
    file: Arrays, name: str, labels: np.ndarray, class_names: tuple[str, ...], tables: dict[str, RawTable]
) -> Level:
    """The level ``name`` of a file: ``name`` (C) with the coarser class of each class, -1 for none, and ``name_names``.

    A table ``NAME`` over coarser classes takes its vectors from ``name_embed``, where that is as wide, and from the
    members otherwise.
    """
    for key in (name, f"{name}_names"):
        if key not in file:
            raise DataError(f"{file.where}: no array {key!r} for the option level; {suggest(key, file.names)}")
    parents = as_integers(f"{file.where}: {name}", file.array(name))
    named = texts(f"{file.where}: {name}_names", file.array(f"{name}_names"))
    if len(parents) != len(class_names) or parents.max(initial=-1) >= len(named):
        raise DataError(
            f"{file.where}: {name}: found {len(parents)} entries up to {parents.max(initial=-1)}, expected one a class "
            f"({len(class_names)}), below {len(named)}"
        )
    used = np.unique(parents[np.unique(labels)])
    used = used[used >= 0]
    kept = np.flatnonzero(parents[labels] >= 0)
    found = {key: _coarser_table(file, name, table, parents, class_names, used) for key, table in tables.items()}
    ids = np.searchsorted(used, parents[labels[kept]])
    return Level(tuple(named[s] for s in used), ids, kept, found)


def _coarser_table(
    file: Arrays, level: str, table: RawTable, parents: np.ndarray, names: tuple[str, ...], used: np.ndarray
) -> RawTable:
    children = [np.flatnonzero(parents == s) for s in used]
    own = file.array(f"{level}{ENDING}") if f"{level}{ENDING}" in file else None
    own = None if own is None or own.shape[-1] != table.values.shape[1] or own.ndim != 2 else own[used]
    rule = "unit-mean" if own is None else "given"
    said = [[names[c] for c in group] for group in children]
    members = Members.of([table.values[group] for group in children], rule, texts=said)
    return RawTable(members.table() if own is None else own, members=members, joint=table.joint)


def some_rows(features: Features, kept: np.ndarray) -> Features:
    """Features of ascending rows ``kept`` alone."""

    def read() -> Iterator[np.ndarray]:
        start = 0
        for block in features.read():
            inside = kept[(kept >= start) & (kept < start + len(block))] - start
            start += len(block)
            if len(inside):
                yield block[inside]

    return Features(features.where, (len(kept), features.shape[1]), rechunked(read))


def rechunked(read: Callable[[], Iterator[np.ndarray]]) -> Callable[[], Iterator[np.ndarray]]:
    """The same rows in blocks of at most `BLOCK_ROWS`."""

    def again() -> Iterator[np.ndarray]:
        for block in read():
            for start in range(0, len(block), BLOCK_ROWS):
                yield block[start : start + BLOCK_ROWS]

    return again
