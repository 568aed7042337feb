"""Taxonomies: what is above each class, from the rows of a table or the words of its name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from gzsl.door.names import NUMBERING, same_form
from gzsl.door.tables import Sheet
from gzsl.errors import DataError, suggest
from gzsl.semantics.graph import IS_A, ClassGraph
from gzsl.semantics.node_names import nodes_of_classes, refuse_alike

ROOT = "everything"
BETWEEN = re.compile(r"[\s_-]+")


def read_chains(path: Path, columns: Sequence[str] = ()) -> list[list[str]]:
    """Rows of a taxonomy: a class and what is above it, nearest first.

    Parameters
    ----------
    path : Path
        CSV with a column ``class``. A row of ``class,parent`` may name as its class what is a parent in another row;
        further columns to the right go further up.
    columns : sequence of str
        Those above a class, nearest first; all to the right of ``class`` when empty.

    Raises
    ------
    DataError
        For a missing file or column, and a row without a class.
    """
    sheet = Sheet(path, ("class",))
    if "class" not in sheet.header:
        raise DataError(f"{path}: found no column class, expected class, parent, ...; it has {sheet.described}")
    start = sheet.header.index("class")
    for name in columns:
        if name not in sheet.header:
            raise DataError(f"{path}: found no column {name!r}; {suggest(name, sheet.header)}")
    above = [sheet.header.index(name) for name in columns] or list(range(start + 1, len(sheet.header)))
    if not above:
        raise DataError(f"{path}: found no column to the right of class, expected what is above it, such as parent")
    chains = []
    for line, cells in sheet.lines():
        if len(cells) > len(sheet.header):
            raise DataError(f"{path}: line {line}: found more cells than the header has names, expected one a column")
        padded = [cell.strip() for cell in [*cells, *[""] * (len(sheet.header) - len(cells))]]
        if not padded[start]:
            raise DataError(f"{path}: line {line}: found no class, expected a name")
        chains.append([padded[start], *(padded[k] for k in above if padded[k])])
    if not chains:
        raise DataError(f"{path}: found no line below the header, expected one a class")
    return chains


def genus_chains(class_names: Sequence[str], which: str = "last") -> list[list[str]]:
    """Each class below the last (or first) word of its name, and that below one root."""
    chains = []
    for name in class_names:
        words = [word for word in BETWEEN.split(NUMBERING.sub("", name).strip()) if word] or [name]
        word = (words[-1] if which == "last" else words[0]).lower()
        chains.append([name, f"{word} (genus)", ROOT])
    return chains


def from_chains(chains: Iterable[Sequence[str]], class_names: Sequence[str], where: str) -> ClassGraph:
    """A hierarchy of rows that each go from a class upwards.

    Raises
    ------
    DataError
        For a class without a row, names that differ in case or punctuation alone, and a circle.
    """
    names: dict[str, int] = {}
    nodes: list[str] = []
    edges: set[tuple[int, int]] = set()
    for chain in chains:
        ids = []
        for name in chain:
            place = names.setdefault(same_form(name), len(nodes))
            if place == len(nodes):
                nodes.append(name)
            ids.append(place)
        edges.update((a, b) for a, b in zip(ids, ids[1:], strict=False) if a != b)
    refuse_alike(nodes, where)
    ids_of, notes = nodes_of_classes(class_names, nodes, where)
    ends = np.array(sorted(edges), dtype=np.int64).reshape(-1, 2)
    made = ClassGraph.from_edges(
        nodes, {IS_A: (ends[:, 0], ends[:, 1], None)}, class_names, ids_of, name=where, notes=notes
    )
    _ = made.hierarchy.order  # refuses a circle
    return made
