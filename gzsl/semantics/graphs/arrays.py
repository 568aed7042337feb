"""A graph from the arrays of one file, as knowledge graphs are often released."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np

from gzsl.door.archives import NpzFile
from gzsl.door.arrays import numbers, texts
from gzsl.errors import DataError, suggest
from gzsl.params import param
from gzsl.semantics.graph import IS_A, ClassGraph
from gzsl.semantics.graph_maker import GraphMaker, graph_maker, place_of
from gzsl.semantics.node_names import nodes_of_classes
from gzsl.semantics.table import Semantics

UNNAMED = "edge"


@graph_maker("arrays")
class GraphArrays(GraphMaker):
    """A ``.npz`` with names of nodes, pairs or triples of node ids, and the node of each class.

    Triples (E, 3) hold source, relation and target, with ``relations`` the names of relations; pairs (E, 2) hold
    source and target and all have one relation. Each option says what an array is called.
    """

    usual_vectors: ClassVar[str] = "own or attributes"
    file: str = param(default="", doc="the .npz; beside the data, or a path")
    nodes: str = param(default="nodes", doc="array of the nodes' names (n,); a name that stands twice gets a number")
    edges: str = param(default="edges", doc="array of node ids (E, 2), or of triples (E, 3), counted from 0")
    relations: str = param(default="relations", doc="array of the relations' names, for triples")
    is_a: str = param(default="", doc="the relation from what is narrower to what is wider; of pairs: any word")
    class_names: str = param(default="class_names", doc="array of the classes' names (C,)")
    class_nodes: str = param(default="class_nodes", doc="array of the classes' node ids (C,), counted from 0")
    own: str = param(default="vectors", doc="array of the nodes' vectors (n, v), where there are some")
    texts: str = param(default="texts", doc="array of texts of the nodes (n,), where there are some")

    @property
    def label(self) -> str:
        """Name of the file."""
        return Path(self.file).stem or self.part_id

    def _make(self, semantics: Semantics, folder: Path | None) -> ClassGraph:
        if not self.file:
            raise DataError("graph arrays: file: found none, expected a .npz with nodes, edges, class_names and more")
        source = NpzFile(place_of(self.file, folder), expected="a .npz with the arrays of a graph")
        where = str(source.path)
        nodes = _numbered(texts(f"{where}: {self.nodes}", _array(source, self.nodes, "nodes")))
        called = texts(f"{where}: {self.class_names}", _array(source, self.class_names, "class_names"))
        ids = _whole(where, self.class_nodes, _array(source, self.class_nodes, "class_nodes")).ravel()
        if len(ids) != len(called):
            raise DataError(f"{where}: {self.class_nodes}: found {len(ids)} nodes, expected {len(called)}, one a class")
        place, notes = nodes_of_classes(semantics.class_names, called, f"{where}: {self.class_names}")
        own, said = (source.array(key) if key in source else None for key in (self.own, self.texts))
        return ClassGraph.from_edges(
            nodes, self._edges(source, where, len(nodes)), semantics.class_names, ids[place], name=self.label,
            notes=notes,
            vectors=None if own is None else numbers(f"{where}: {self.own}", own),
            texts=None if said is None else texts(f"{where}: {self.texts}", said),
        )  # fmt: skip

    def _edges(self, source: NpzFile, where: str, n_nodes: int) -> dict[str, tuple[np.ndarray, np.ndarray, None]]:
        rows = _whole(where, self.edges, _array(source, self.edges, "edges"))
        if rows.ndim != 2 or rows.shape[1] not in (2, 3) or not len(rows):
            raise DataError(f"{where}: {self.edges}: found shape {rows.shape}, expected (edges, 2) or (edges, 3)")
        _refuse_beyond(f"{where}: {self.edges}", rows[:, [0, -1]], n_nodes, "node")
        if rows.shape[1] == 2:
            return {IS_A if self.is_a else UNNAMED: (rows[:, 0], rows[:, 1], None)}
        names = texts(f"{where}: {self.relations}", _array(source, self.relations, "relations"))
        if self.is_a and self.is_a not in names:
            raise DataError(f"{where}: is_a: unknown relation {self.is_a!r}; {suggest(self.is_a, names)}")
        kinds = rows[:, 1]
        _refuse_beyond(f"{where}: {self.edges}", kinds, len(names), "relation")
        of = {name: kinds == k for k, name in enumerate(names)}
        return {
            IS_A if name == self.is_a else name: (rows[of[name], 0], rows[of[name], 2], None)
            for name in names if of[name].any()
        }  # fmt: skip


def _array(source: NpzFile, key: str, option: str) -> np.ndarray:
    if key not in source:
        found = suggest(key, source.names)
        raise DataError(f"{source.path}: no array {key!r}, expected one (the option {option} names it); {found}")
    return source.array(key)


def _whole(where: str, key: str, values: np.ndarray) -> np.ndarray:
    found = numbers(f"{where}: {key}", values)
    if found.dtype.kind not in "iu":
        raise DataError(f"{where}: {key}: found {found.dtype} numbers, expected whole ones (ids of nodes)")
    return found.astype(np.int64)


def _refuse_beyond(where: str, ids: np.ndarray, n: int, what: str) -> None:
    wrong = ids[(ids < 0) | (ids >= n)]
    if len(wrong):
        raise DataError(
            f"{where}: found {what} {wrong[0]}, which does not exist, expected ids from 0 to {n - 1} (add its "
            "name, or, if yours count from 1, subtract 1 from all)"
        )


def _numbered(names: list[str]) -> list[str]:
    """Names that stand once as they are; others with a number from the second on."""
    found: list[str] = []
    known: dict[str, int] = {}
    for name in names:
        known[name] = known.get(name, 0) + 1
        found.append(name if known[name] == 1 else f"{name} ({known[name]})")
    return found
