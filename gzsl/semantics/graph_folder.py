"""A class graph as a folder: ``nodes.csv``, ``edges.csv``, and maybe ``vectors.npy``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from gzsl.door.archives import open_npy
from gzsl.door.names import places, same_form
from gzsl.door.tables import Sheet, csv_text, read_rows
from gzsl.errors import DataError, suggest
from gzsl.files import make_folder, replacing, write_text
from gzsl.semantics.graph import ClassGraph
from gzsl.semantics.node_names import nodes_of_classes, refuse_alike

NODES, EDGES, VECTORS = "nodes.csv", "edges.csv", "vectors.npy"
RELATION = "edge"  # of edges without a column relation


def has_graph(folder: Path) -> bool:
    """Whether a folder holds a graph."""
    return (folder / NODES).is_file() and (folder / EDGES).is_file()


def read_graph(folder: Path, class_names: Sequence[str] | None = None) -> ClassGraph:
    """Read a graph.

    Parameters
    ----------
    folder : Path
        ``nodes.csv``: a column node, and maybe class with the name of the class that a node is, and text.
        ``edges.csv``: source, target, and maybe relation and weight. ``vectors.npy``: (n, v), a row a node.
    class_names : sequence of str, optional
        The classes, each of which has to have a node; those of the column class when None, else all nodes.

    Raises
    ------
    DataError
        For missing or damaged files, nodes that stand twice, edges to nodes that do not exist, and weights that are
        not over 0.
    """
    rows = read_rows(folder / NODES, ("node",))
    nodes = [row["node"] for row in rows]
    called = {row["class"]: k for k, row in enumerate(rows) if row.get("class")}
    if not called:  # then classes are told by the names of nodes
        refuse_alike(nodes, str(folder / NODES))
    notes: tuple[str, ...] = ()
    if class_names is None:
        class_names = list(called) or nodes
        ids = np.array([called[name] for name in called] or range(len(nodes)), dtype=np.int64)
    else:
        ids, notes = _ids(class_names, called, nodes, str(folder / NODES))
    texts = [row["text"] for row in rows] if "text" in rows[0] else None
    edges = _edges(folder / EDGES, nodes)
    vectors = _vectors(folder / VECTORS, len(nodes))
    return ClassGraph.from_edges(
        nodes, edges, class_names, ids, vectors=vectors, name=folder.name, notes=notes, texts=texts
    )


def _ids(
    class_names: Sequence[str], called: dict[str, int], nodes: Sequence[str], where: str
) -> tuple[np.ndarray, tuple[str, ...]]:
    if not called:
        return nodes_of_classes(class_names, nodes, where)
    found, notes = nodes_of_classes(class_names, list(called), f"{where}: class")
    return np.array(list(called.values()), dtype=np.int64)[found], notes


def _edges(path: Path, nodes: Sequence[str]) -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray | None]]:
    sheet = Sheet(path, ("source", "target"))
    for name in ("source", "target"):
        if name not in sheet.header:
            raise DataError(f"{path}: found no column {name}, expected source, target; it has {sheet.described}")
    column = {name: k for k, name in enumerate(sheet.header)}
    place, source, target = places(nodes), column["source"], column["target"]
    kind, weight = column.get("relation"), column.get("weight")
    found: dict[str, tuple[list[int], list[int], list[float]]] = {}
    for line, cells in sheet.lines():
        if len(cells) != len(sheet.header):
            raise DataError(f"{path}: line {line}: found {len(cells)} cells, expected {len(sheet.header)}")
        ends = [place.get(same_form(cells[k].strip())) for k in (source, target)]
        if None in ends:
            name = cells[source if ends[0] is None else target].strip()
            raise DataError(
                f"{path}: line {line}: found an edge to {name!r}, which is no node of {NODES}, expected a node (add a "
                f"row for it, or remove the edge); {suggest(name, nodes)}"
            )
        relation = RELATION if kind is None else cells[kind].strip() or RELATION
        value = 1.0 if weight is None else sheet.numbers(line, [weight], cells)[0]
        if not 0 < value < np.inf:
            raise DataError(f"{path}: line {line}: weight: found {cells[weight or 0]!r}, expected a number over 0")
        lists = found.setdefault(relation, ([], [], []))
        lists[0].append(ends[0])  # type: ignore[arg-type]
        lists[1].append(ends[1])  # type: ignore[arg-type]
        lists[2].append(value)
    if not found:
        raise DataError(f"{path}: found no edge, expected one a line below the header")
    return {name: (np.array(a), np.array(b), np.array(w, dtype="f4")) for name, (a, b, w) in found.items()}


def _vectors(path: Path, n: int) -> np.ndarray | None:
    if not path.is_file():
        return None
    found = open_npy(path)
    if found.ndim != 2 or len(found) != n or found.dtype.kind not in "fiu":
        raise DataError(
            f"{path}: found {found.dtype} of shape {found.shape}, expected numbers of shape ({n}, values), one row "
            f"a node of {NODES}"
        )
    return np.asarray(found)


def write_graph(graph: ClassGraph, folder: Path) -> Path:
    """Write a graph as `read_graph` reads it.

    Raises
    ------
    RunError
        When the folder cannot be written to.
    """
    make_folder(folder)
    named = dict(zip(graph.class_nodes.tolist(), graph.class_names, strict=True))
    columns = [("node", *graph.nodes), ("class", *(named.get(k, "") for k in range(len(graph))))]
    if graph.texts is not None:
        columns.append(("text", *graph.texts))
    edges: list[tuple[object, ...]] = [("source", "target", "relation", "weight")]
    for relation, weights in graph.relations.items():
        found = weights.tocoo()
        ends = zip(found.row.tolist(), found.col.tolist(), found.data.tolist(), strict=True)
        edges += [(graph.nodes[i], graph.nodes[j], relation, f"{w:.9g}") for i, j, w in ends]
    if graph.vectors is None:
        (folder / VECTORS).unlink(missing_ok=True)
    else:
        with replacing(folder / VECTORS) as temporary, temporary.open("wb") as stream:
            np.save(stream, graph.vectors)
    write_text(folder / EDGES, csv_text(edges))
    write_text(folder / NODES, csv_text(list(zip(*columns, strict=True))))
    return folder
