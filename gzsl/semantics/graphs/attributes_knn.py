"""The nearest classes by their vectors: a graph for whoever has nothing but a class table."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from gzsl.errors import DataError
from gzsl.params import param
from gzsl.semantics.graph import ClassGraph
from gzsl.semantics.graph_maker import GraphMaker, graph_maker
from gzsl.semantics.table import Semantics
from gzsl.semantics.unit_length import at_unit_length

BLOCK = 1024
METRICS = ("cosine", "correlation", "euclidean")


@graph_maker("attributes-knn")
class AttributesKnn(GraphMaker):
    """Each class beside those with the most similar vectors; edges in both directions, weighted by similarity."""

    k: int = param(default=5, low=1, high=1000, doc="neighbours of a class", tune=(2, 20))
    metric: str = param(
        default="cosine", choices=METRICS,
        doc="similarity: cosine or correlation, weight (1 + it) / 2; euclidean, weight exp(-d^2 / median d^2)",
    )  # fmt: skip

    def _make(self, semantics: Semantics, folder: Path | None) -> ClassGraph:
        n = len(semantics)
        if n < 2:
            raise DataError(f"graph {self.part_id}: found {n} class, expected at least two")
        near, weights = neighbours(semantics.table, min(self.k, n - 1), self.metric)
        ends = np.repeat(np.arange(n), near.shape[1]), near.ravel()
        keys = np.unique(np.concatenate([ends[0] * n + ends[1], ends[1] * n + ends[0]]), return_index=True)
        values = np.tile(weights.ravel(), 2)[keys[1]]
        edges = {"similar": (keys[0] // n, keys[0] % n, values)}
        return ClassGraph.from_edges(semantics.class_names, edges, semantics.class_names, np.arange(n))


def neighbours(table: np.ndarray, k: int, metric: str) -> tuple[np.ndarray, np.ndarray]:
    """The nearest other rows (n, k) of each row of a table (n, a), nearest first, and weights (n, k) in (0, 1]."""
    X = table.astype(np.float64)
    if metric == "correlation":
        X = X - X.mean(axis=1, keepdims=True)
    if metric != "euclidean":
        X = at_unit_length(X)
    squares = (X * X).sum(axis=1)
    found, values = [], []
    for start in range(0, len(X), BLOCK):
        rows = np.arange(start, min(start + BLOCK, len(X)))
        products = X[rows] @ X.T
        far = -products if metric != "euclidean" else np.maximum(squares[rows, None] + squares - 2 * products, 0)
        far[np.arange(len(rows)), rows] = np.inf
        nearest = np.argsort(np.round(far, 12), axis=1, kind="stable")[:, :k]
        found.append(nearest)
        values.append(np.take_along_axis(far, nearest, axis=1))
    near, distance = np.concatenate(found), np.concatenate(values)
    if metric == "euclidean":
        return near, np.maximum(np.exp(-distance / max(float(np.median(distance)), 1e-12)), 1e-6)
    return near, np.maximum((1 - distance) / 2, 1e-6)
