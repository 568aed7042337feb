"""Class tables of a graph, so that methods that know nothing of graphs can use what it knows."""

from __future__ import annotations

import numpy as np

from gzsl.errors import DataError
from gzsl.semantics.graph import ClassGraph
from gzsl.semantics.table import Semantics


def smoothed(graph: ClassGraph, hops: int = 1) -> Semantics:
    """Vectors (C, v) of the classes after some steps of the random walk with self loops: means over what is around.

    Raises
    ------
    DataError
        For a graph without vectors.
    """
    if graph.vectors is None:
        raise DataError(f"graph {graph.name!r}: found no node vectors, expected some (vectors: attributes, words, ...)")
    values = graph.propagated(graph.vectors, hops, "random-walk")
    return Semantics(values[graph.class_nodes], graph.class_names, f"{graph.name}-{hops}hops")


def diffused(graph: ClassGraph, beta: float = 1.0) -> Semantics:
    """A table (C, r) whose rows have the products of the diffusion kernel exp(-beta L); r is its rank."""
    values, vectors = np.linalg.eigh(graph.diffusion_kernel(beta))
    kept = values > 1e-9 * values.max()
    columns = vectors[:, kept] * np.sqrt(values[kept])
    signs = np.sign(columns[np.abs(columns).argmax(axis=0), np.arange(columns.shape[1])])
    return Semantics((columns * signs)[:, ::-1], graph.class_names, f"{graph.name}-diffusion")
