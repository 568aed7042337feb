"""Class tables from files of their own, with one vector a class or several, put beside those of a dataset."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from gzsl.data.dataset import Dataset
from gzsl.data.fingerprint import table_facts
from gzsl.data.readers.detect import as_vector, unique_names
from gzsl.data.readers.table import Table
from gzsl.door.archives import NpzFile
from gzsl.door.arrays import numbers, texts
from gzsl.door.names import loose_form, places, same_form
from gzsl.door.paths import regular_file
from gzsl.errors import DataError, suggest
from gzsl.files import replacing, value_hash, write_text
from gzsl.semantics import Members, Semantics
from gzsl.semantics.sources import table_as_csv

VECTORS = ("members", "embed", "text_embed", "vectors", "table", "att")  # what class vectors are called in an .npz
TEXTS = ("texts", "sentences", "prompts")
EXPECTED = "a .csv with a column class and numbers, or an .npz with class_names and one of " + ", ".join(VECTORS)
SHOWN = 3


def read_class_table(path: Path | str, name: str | None = None) -> Semantics:
    """A class table from a file.

    Parameters
    ----------
    path : path
        A ``.csv`` with a column ``class`` and numbers; or an ``.npz`` with ``class_names`` (C) and, under one of the
        names of `VECTORS`, vectors (C, a), members (C, P, a) with rows of NaN where a class has fewer, or members
        (M, a) beside ``sizes`` (C); maybe ``texts`` a member, ``templates`` (P), and ``rule``.
    name : str, optional
        What the table is called; the file's name when None.

    Raises
    ------
    DataError
        For another or a damaged file, a class without a member, zero vectors and repeated names.
    """
    path = regular_file(path, EXPECTED)
    called = name or path.stem
    if path.suffix.lower() == ".csv":
        table = Table(path, ("unseen",))
        names = unique_names(f"{table.where}: class", table.text()["class"])
        return Semantics(table.values(), names, called, attribute_names=table.numeric_names)
    if path.suffix.lower() != ".npz":
        raise DataError(f"{path}: found a {path.suffix or 'nameless'} file, expected {EXPECTED}")
    archive = NpzFile(path)
    key = next((key for key in VECTORS if key in archive), None)
    if key is None or "class_names" not in archive:
        raise DataError(f"{path}: found the arrays {', '.join(archive.names) or 'none'}, expected {EXPECTED}")
    names = unique_names(f"{path}: class_names", texts(f"{path}: class_names", archive.array("class_names")))
    values = numbers(f"{path}: {key}", archive.array(key))
    try:
        if values.ndim == 2 and "sizes" not in archive:
            return Semantics(values, names, called)
        return Semantics.of_members(_members(archive, values), names, called)
    except DataError as error:
        raise DataError(f"{path}: {error}") from None


def _members(archive: NpzFile, values: np.ndarray) -> Members:
    rule = str(archive.array("rule").ravel()[0]) if "rule" in archive else "unit-mean"
    templates = tuple(texts("templates", archive.array("templates"))) if "templates" in archive else None
    if "sizes" in archive:
        sizes, there = as_vector("sizes", archive.array("sizes"), "one a class"), None
    elif values.ndim == 3:
        there = ~np.isnan(values).all(axis=2)
        sizes, values = there.sum(axis=1), values[there]
        templates = templates if there.all() else None
    else:
        raise DataError(f"found vectors of shape {values.shape}, expected (C, a), (C, P, a), or (M, a) beside sizes")
    return Members(values, sizes, rule, templates, _texts(archive, there))


def _texts(archive: NpzFile, there: np.ndarray | None) -> tuple[str, ...] | None:
    key = next((key for key in TEXTS if key in archive), None)
    if key is None:
        return None
    found = texts(key, archive.array(key))
    return tuple(found) if there is None else tuple(np.array(found, dtype=object)[there.ravel()])


def write_class_table(semantics: Semantics, path: Path) -> None:
    """Write a class table: ``.csv``, or ``.npz`` where classes have members; `read_class_table` reads both.

    Raises
    ------
    DataError
        For members in a ``.csv``, which holds one vector a class, and another ending.
    """
    members, suffix = semantics.members, path.suffix.lower()
    if suffix == ".csv" and members is None:
        write_text(path, table_as_csv(semantics))
        return
    if suffix != ".npz":
        why = "" if members is None else ": one vector a class is all that a .csv holds"
        raise DataError(f"--out {path}: found a {suffix or 'nameless'} file, expected an .npz{why}")
    arrays: dict[str, np.ndarray] = {"class_names": np.array(semantics.class_names)}
    if members is None:
        arrays["table"] = semantics.table
    else:
        arrays |= {"members": members.vectors, "sizes": members.sizes, "rule": np.array(members.rule)}
        for key in ("templates", "texts"):
            if getattr(members, key) is not None:
                arrays[key] = np.array(getattr(members, key))
    with replacing(path) as temporary, temporary.open("wb") as stream:
        np.savez(stream, **arrays)  # type: ignore[arg-type]


def with_table(dataset: Dataset, semantics: Semantics, where: str) -> Dataset:
    """A dataset with one more class table, found by the names of its classes; further rows are left out.

    Parameters
    ----------
    dataset : Dataset
        Whose classes they are.
    semantics : Semantics
        A table with a row for each of them, in any order, written as they are or but for case, numbering and
        punctuation.
    where : str
        The file, for messages.

    Raises
    ------
    DataError
        For a class without a row, or one that several rows resemble.
    """
    ids, notes = rows_of_classes(dataset.class_names, semantics.class_names, where)
    found = replace(semantics.take(ids), class_names=dataset.class_names)
    note = f"class table {found.name} is from {Path(where).name}"
    digest = value_hash([dataset.card.content_hash, found.name, table_facts(found)])
    card = replace(dataset.card, content_hash=digest, notes=(*dataset.card.notes, note, *notes))
    return replace(dataset, tables={**dataset.tables, found.name: found}, card=card)


def rows_of_classes(
    class_names: Sequence[str], rows: Sequence[str], where: str
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Row of each class by its name, and a note on those that are written otherwise."""
    exact, loose = places(rows), _loose(rows)
    found, other = [], []
    for name in class_names:
        place = exact.get(same_form(name))
        if place is None:
            candidates = loose.get(loose_form(name), [])
            if len(candidates) != 1:
                twice = " and ".join(repr(rows[k]) for k in candidates[:2])
                hint = f"found {twice}, expected one of them" if candidates else suggest(name, rows)
                raise DataError(f"{where}: no row for class {name!r}; {hint}")
            place = candidates[0]
            other.append(f"{name!r} as {rows[place]!r}")
        found.append(place)
    shown = ", ".join(other[:SHOWN]) + (", ..." if len(other) > SHOWN else "")
    notes = (f"{Path(where).name}: {len(other)} classes are written otherwise there: {shown}",) if other else ()
    return np.array(found, dtype=np.int64), notes


def _loose(names: Iterable[str]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for position, name in enumerate(names):
        found.setdefault(loose_form(name), []).append(position)
    return found
