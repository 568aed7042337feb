"""Class tables as their values show them: each under a name that is true of it, none that contradicts another.

One table is needed: ``att``, or the first where there is none. Every other one is optional: what is damaged or
contradicts the rest is left out with a note, so that it cannot block a dataset that is good without it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from gzsl.data import benchmarks
from gzsl.data.readers.raw import RawData, RawTable, left_out
from gzsl.errors import DataError
from gzsl.semantics import Semantics
from gzsl.semantics.members import unit_rows

ATTRIBUTES = ("att", "original_att")
SENTENCES, SENTENCE_WIDTH = "sent", 1024
SAME_DIRECTION = 0.999  # cosine; float32 and the two decimals of published tables stay above it


def checked_tables(raw: RawData, match: benchmarks.Match | None) -> tuple[dict[str, Semantics], list[str]]:
    """Class tables under true names, and notes on what was renamed or left out.

    Parameters
    ----------
    raw : RawData
        As read.
    match : Match or None
        Which benchmark it is. In a complete one ``att`` and ``original_att`` have one column an attribute.

    Raises
    ------
    DataError
        When the one table that is needed is damaged.
    """
    needed = "att" if "att" in raw.tables else next(iter(raw.tables))
    try:
        tables, notes = {needed: _semantics(raw, needed)}, []
    except DataError as error:
        raise DataError(f"{raw.source}: {error}") from None
    for name in raw.tables:
        try:
            tables[name] = tables.get(name) or _semantics(raw, name)
        except DataError as error:
            notes.append(left_out(name, str(error)))
    if {"att", "original_att"} <= set(tables):
        notes += _compare(tables)
    if match is not None and match.complete:
        tables, renamed = _renamed(tables, benchmarks.facts(match.name))
        notes += renamed
    return tables, notes


def _semantics(raw: RawData, name: str) -> Semantics:
    table: RawTable = raw.tables[name]
    return Semantics(
        table.values, raw.class_names, name, attribute_names=table.attribute_names, members=table.members,
        joint=table.joint,
    )  # fmt: skip


def _renamed(tables: Mapping[str, Semantics], known: benchmarks.Facts) -> tuple[dict[str, Semantics], list[str]]:
    """Tables whose width is not that of what their name means, under another name."""
    found: dict[str, Semantics] = {}
    notes = []
    for name, table in tables.items():
        width = table.n_attributes
        expected = {SENTENCES: SENTENCE_WIDTH, **dict.fromkeys(ATTRIBUTES, known.attributes)}.get(name, width)
        if width == expected:
            found[name] = table
            continue
        is_sentences = name in ATTRIBUTES and width == SENTENCE_WIDTH and SENTENCES not in {*tables, *found}
        called = SENTENCES if is_sentences else f"{name}-{width}d"
        what = "attributes" if name in ATTRIBUTES else "numbers of a sentence embedding"
        kind = " (sentence embeddings are that wide)" if is_sentences else ""
        notes.append(f"table {name} has {width} columns, not the {expected} {what} of {known.name}: "
                     f"it is called {called}{kind}")  # fmt: skip
        found[called] = replace(table, name=called)
    return found, notes


def _compare(tables: dict[str, Semantics]) -> list[str]:
    """Hold ``original_att`` against ``att``, which is the same table scaled class by class; drop it where it is not."""
    att, original = (unit_rows(tables[name].table.astype(np.float64)) for name in ("att", "original_att"))
    if att.shape != original.shape:
        return []  # another kind of table, whatever its name
    cosines = att @ original.T
    own, names = np.diag(cosines), tables["att"].class_names
    wrong = np.flatnonzero(own < SAME_DIRECTION)
    if not len(wrong):
        return []
    others = cosines[wrong].argmax(axis=1)
    moved = np.flatnonzero(cosines[wrong, others] >= SAME_DIRECTION)
    if len(moved):
        row, other = wrong[moved[0]], others[moved[0]]
        del tables["original_att"]
        return [left_out("original_att", f"its classes stand in another order than those of att: {len(moved)} of "
                         f"{len(names)} rows differ, e.g. att of {names[row]!r} is original_att of "
                         f"{names[other]!r}")]  # fmt: skip
    return [f"table original_att is not att before normalisation: {len(wrong)} of {len(names)} rows differ by more "
            f"than their length, e.g. {names[wrong[0]]!r}"]  # fmt: skip


def beside(folder: Path | None, name: str) -> str:
    """How a class table of some name, in a file beside the data, is read; empty where there is no such file."""
    files = [] if folder is None else [folder / f"{name}{ending}" for ending in (".csv", ".npz")]
    found = next((path.name for path in files if path.is_file()), None)
    return "" if found is None else f"; {found} beside the data is read by dataset.tables: {{{name}: {found}}}"
