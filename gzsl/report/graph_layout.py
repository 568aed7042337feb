"""Where the nodes of a class graph lie in a picture: distances in the plane like numbers of edges."""

from __future__ import annotations

import numpy as np

from gzsl.semantics.graph import ClassGraph
from gzsl.semantics.graph_walks import hops_between

MOST = 600  # nodes that a picture shows
FEWER = 200  # of a larger graph, which would be a tangle
ROUNDS = 150
CLOSE, PUSHES = 0.018, 60  # share of the width under which two nodes are pushed asunder, and how often


def shown_nodes(graph: ClassGraph, most: int = MOST) -> np.ndarray:
    """Nodes (k,) of a picture: all where they are few, else the classes and those next to most of them."""
    if len(graph) <= most:
        return np.arange(len(graph))
    A = graph.adjacency()
    A.data = np.ones_like(A.data)
    is_class = np.zeros(len(graph))
    is_class[graph.class_nodes] = 1.0
    beside = np.asarray(A @ is_class).ravel()
    order = np.lexsort((np.arange(len(graph)), -beside, -is_class))
    return np.sort([k for k in order[: max(FEWER, min(most, len(graph.class_nodes)))] if is_class[k] or beside[k]])


def layout(graph: ClassGraph, nodes: np.ndarray) -> np.ndarray:
    """Positions (k, 2) of some nodes by stress majorisation of hop distances.

    Gansner, Koren and North, "Graph drawing by stress majorization", 2004: weights d^-2, from classical scaling.
    """
    distances = hops_between(graph.adjacency(), nodes)
    longest = distances[np.isfinite(distances)].max(initial=1.0)
    D = np.where(np.isfinite(distances), distances, 1.3 * longest + 1)
    n = len(D)
    if n < 3:
        return np.stack([np.arange(n), np.zeros(n)], axis=1).astype(np.float64)
    X = _scaled(D)
    W = 1.0 / np.where(D > 0, D, 1.0) ** 2
    np.fill_diagonal(W, 0.0)
    inverse = np.linalg.pinv(np.diag(W.sum(axis=1)) - W, hermitian=True)
    for _ in range(ROUNDS):
        gaps = np.linalg.norm(X[:, None] - X[None], axis=2)
        B = -W * D / np.where(gaps > 1e-9, gaps, 1e-9)
        np.fill_diagonal(B, 0.0)
        np.fill_diagonal(B, -B.sum(axis=1))
        X = inverse @ (B @ X)
    return _apart(X)


def _apart(X: np.ndarray) -> np.ndarray:
    """Nodes that lie almost on each other pushed asunder, so that siblings can be told apart."""
    least = CLOSE * float(np.ptp(X, axis=0).max())
    for _ in range(PUSHES):
        gaps = X[:, None] - X[None]
        away = np.linalg.norm(gaps, axis=2)
        close = (away < least) & ~np.eye(len(X), dtype=bool)
        if not close.any():
            break
        strength = np.where(close, (least - away) / np.maximum(away, 1e-9), 0.0)
        X = X + 0.25 * (strength[:, :, None] * gaps).sum(axis=1)
    return X


def _scaled(D: np.ndarray) -> np.ndarray:
    """Classical scaling to the plane, with a little unevenness so that no two nodes lie on one point."""
    n = len(D)
    centre = np.eye(n) - 1.0 / n
    values, vectors = np.linalg.eigh(-0.5 * centre @ (D**2) @ centre)
    flat = vectors[:, -1:-3:-1] * np.sqrt(np.maximum(values[-1:-3:-1], 1e-6))
    return np.asarray(flat + 1e-2 * np.random.default_rng(0).normal(size=flat.shape))
