"""Classes and attributes as nodes: who has what."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np

from gzsl.door.names import places, same_form
from gzsl.errors import DataError
from gzsl.params import param
from gzsl.semantics.graph import ClassGraph
from gzsl.semantics.graph_maker import GraphMaker, graph_maker
from gzsl.semantics.table import Semantics

LINKS = ("above-mean", "positive", "top")


@graph_maker("bipartite")
class Bipartite(GraphMaker):
    """Every class beside the attributes that it has, by the relation ``has``; an attribute's vector is a unit vector.

    Values are weights, scaled to at most 1. Attributes that no class has are left out.
    """

    usual_vectors: ClassVar[str] = "own"
    links: str = param(
        default="above-mean", choices=LINKS,
        doc="edges: above-mean of the attribute over classes; positive values; top k values of a class",
    )  # fmt: skip
    k: int = param(default=15, low=1, high=100_000, doc="attributes of a class, for top")

    def _make(self, semantics: Semantics, folder: Path | None) -> ClassGraph:
        table = semantics.table.astype(np.float64)
        weights = np.where(self._linked(table), np.maximum(table - min(table.min(), 0.0), 0.0), 0.0)
        if not weights.any():
            raise DataError("graph bipartite: found no class with an attribute, expected some (links: above-mean)")
        weights /= weights.max()
        kept = np.flatnonzero(weights.any(axis=0))
        names = semantics.attribute_names or tuple(f"attribute {j + 1}" for j in range(semantics.n_attributes))
        rows, columns = np.nonzero(weights[:, kept])
        classes = semantics.class_names
        nodes = [*classes, *_apart([names[j] for j in kept], classes)]
        edges = {"has": (rows, len(classes) + columns, weights[:, kept][rows, columns])}
        vectors = np.concatenate([semantics.table, np.eye(semantics.n_attributes, dtype=np.float32)[kept]])
        return ClassGraph.from_edges(nodes, edges, classes, np.arange(len(classes)), vectors=vectors)

    def _linked(self, table: np.ndarray) -> np.ndarray:
        if self.links == "positive":
            return table > 0
        if self.links == "above-mean":
            return table > table.mean(axis=0)
        order = np.argsort(-table, axis=1, kind="stable")[:, : self.k]
        found = np.zeros(table.shape, dtype=bool)
        np.put_along_axis(found, order, True, axis=1)
        return found


def _apart(names: list[str], classes: tuple[str, ...]) -> list[str]:
    """Names of attributes that are no names of classes."""
    known = places(classes)
    return [f"{name} (attribute)" if same_form(name) in known else name for name in names]
