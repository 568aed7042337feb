"""Nearest rows, the graph that they make, and what spreads over it."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array, diags_array

BLOCK_BYTES = 64 << 20
COLUMNS = 64  # that spread together
MOST = 500


def nearest(X: np.ndarray, pool: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The ``k`` rows of a pool (m, a) with the largest products with each row of X (n, a), in blocks.

    Returns
    -------
    places : ndarray, shape (n, k), int64
        Not sorted; a row that is in the pool finds itself.
    products : ndarray, shape (n, k), float32
    """
    places = np.empty((len(X), k), dtype=np.int64)
    products = np.empty((len(X), k), dtype=np.float32)
    size = max(1, BLOCK_BYTES // (12 * max(1, len(pool))))
    for start in range(0, len(X), size):
        where = slice(start, min(start + size, len(X)))
        S = X[where] @ pool.T
        places[where] = np.argpartition(-S, k - 1, axis=1)[:, :k]
        products[where] = np.take_along_axis(S, places[where], axis=1)
    return places, products


def normalised_graph(graph: csr_array) -> csr_array:
    """``D^-1/2 W D^-1/2`` of ``W = G + G^T`` without its diagonal; a node without edges keeps none."""
    both = graph + graph.T
    both = csr_array(both - diags_array(both.diagonal()))
    degrees = np.asarray(both.sum(axis=1)).ravel()
    roots = 1 / np.sqrt(np.where(degrees > 0, degrees, 1))
    scaled = diags_array(roots) @ both @ diags_array(roots)
    return csr_array(scaled, dtype=np.float32)


def propagate(graph: csr_array, nodes: np.ndarray, spread: float, tolerance: float = 1e-7) -> np.ndarray:
    """Columns ``nodes`` of ``(I - spread graph)^-1``, shape (n, len(nodes)), float32, by fixed-point iteration.

    The graph's eigenvalues lie in [-1, 1], so that what is left out shrinks by ``spread`` a step.
    """
    found = np.empty((graph.shape[0], len(nodes)), dtype=np.float32)
    steps = 1 if spread == 0 else min(MOST, int(np.ceil(np.log(tolerance) / np.log(spread))))
    for start in range(0, len(nodes), COLUMNS):
        some = nodes[start : start + COLUMNS]
        first = np.zeros((graph.shape[0], len(some)), dtype=np.float32)
        first[some, np.arange(len(some))] = 1
        values = first.copy()
        for _ in range(steps):
            values = spread * (graph @ values) + first
        found[:, start : start + COLUMNS] = values
    return found
