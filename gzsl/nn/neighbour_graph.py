"""Graphs of nearest neighbours, sparse and made in blocks, and scores that spread over them."""

from __future__ import annotations

import numpy as np
import torch
from scipy import sparse
from scipy.sparse import csgraph

from gzsl.errors import MethodError

QUERY_ROWS, KEY_ROWS = 2048, 8192  # of one block of similarities: 64 MiB


def unit_rows(X: np.ndarray) -> np.ndarray:
    """Rows (n, d) at length 1, float32; a row of zeros stays."""
    length = np.sqrt(np.einsum("nd,nd->n", X, X, dtype=np.float64))[:, None]
    return np.divide(X, np.maximum(length, 1e-12), dtype=np.float32)


def nearest(queries: np.ndarray, keys: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The ``k`` keys with the largest inner product with each query, largest first.

    Similarities are made in blocks and forgotten: memory grows with n k, never with n m.

    Parameters
    ----------
    queries, keys : ndarray, shapes (n, d) and (m, d), float32
        Of unit length where cosine similarities are wanted (`unit_rows`). A query that is a key itself finds itself.
    k : int
        How many; all where there are fewer keys.

    Returns
    -------
    similarity : ndarray, shape (n, min(k, m)), float32
    place : ndarray of the same shape, int64
        Positions among the keys.
    """
    found, place = [], []
    whole = torch.from_numpy(np.ascontiguousarray(keys))
    for start in range(0, len(queries), QUERY_ROWS):
        block = torch.from_numpy(np.ascontiguousarray(queries[start : start + QUERY_ROWS]))
        values = torch.empty(len(block), 0)
        places = torch.empty(len(block), 0, dtype=torch.int64)
        for first in range(0, len(keys), KEY_ROWS):
            product = block @ whole[first : first + KEY_ROWS].T
            top = product.topk(min(k, product.shape[1]), dim=1)
            values = torch.cat([values, top.values], dim=1)
            places = torch.cat([places, top.indices + first], dim=1)
        best = values.topk(min(k, values.shape[1]), dim=1)
        found.append(best.values.numpy())
        place.append(places.gather(1, best.indices).numpy())
    width = min(k, len(keys))
    return (
        np.concatenate(found or [np.empty((0, width), np.float32)]),
        np.concatenate(place or [np.empty((0, width), np.int64)]),
    )


def adjacency(place: np.ndarray, weight: np.ndarray, n_columns: int) -> sparse.csr_matrix:
    """A sparse matrix (n, n_columns) with ``weight[i, j]`` in row i and column ``place[i, j]``.

    Weights that are not positive are left out, as are places below 0.
    """
    rows = np.repeat(np.arange(len(place)), place.shape[1])
    kept = (weight.ravel() > 0) & (place.ravel() >= 0)
    entries = (weight.ravel()[kept].astype(np.float64), (rows[kept], place.ravel()[kept]))
    return sparse.csr_matrix(entries, shape=(len(place), n_columns))


def symmetric(graph: sparse.csr_matrix) -> sparse.csr_matrix:
    """``D^-1/2 (W + Wᵀ) D^-1/2`` without a diagonal; a node without neighbours keeps an empty row."""
    both = sparse.csr_matrix(graph + graph.T)
    both = sparse.csr_matrix(both - sparse.diags(both.diagonal()))
    both.eliminate_zeros()
    degree = np.asarray(both.sum(axis=1)).ravel()
    scale = sparse.diags(1 / np.sqrt(np.where(degree > 0, degree, 1.0)))
    return sparse.csr_matrix(scale @ both @ scale)


def averaging(graph: sparse.csr_matrix) -> sparse.csr_matrix:
    """``D^-1 W``: every row is a mean over its neighbours; a node without neighbours keeps an empty row."""
    degree = np.asarray(graph.sum(axis=1)).ravel()
    return sparse.csr_matrix(sparse.diags(1 / np.where(degree > 0, degree, 1.0)) @ graph)


def pieces(graph: sparse.csr_matrix) -> np.ndarray:
    """Which connected piece each node (n,) is in, numbered from 0; edges count in both directions."""
    return np.asarray(csgraph.connected_components(graph, directed=True, connection="weak")[1])


def refuse_unreached(graph: sparse.csr_matrix, reached: np.ndarray, who: str, *, n_rows: int | None = None) -> None:
    """Refuse a graph one of whose pieces holds no node that labels can come from.

    Parameters
    ----------
    graph : csr_matrix, shape (n, n)
        Edges.
    reached : ndarray of bool, shape (n,)
        Nodes that have a label or a prototype.
    who : str
        Whose graph it is, for the message.
    n_rows : int, optional
        How many of the first nodes are rows; the others, such as hyper-edges, need no label. All when None.

    Raises
    ------
    MethodError
        With the number of pieces and the size of the largest one without a label.
    """
    piece = pieces(graph)
    count = int(piece.max(initial=-1)) + 1
    lost = np.bincount(piece[:n_rows], minlength=count)
    lost[np.unique(piece[reached])] = 0
    if lost.any():
        raise MethodError(
            f"{who}: the graph of neighbours falls into {count} pieces, and no label reaches one of {lost.max()} rows; "
            "take more neighbours (k), or features without duplicated or constant rows"
        )


def spread(graph: sparse.csr_matrix, seeds: np.ndarray, alpha: float, *, tolerance: float = 1e-6) -> np.ndarray:
    """Solve ``(I - α W) Z = Y`` for a symmetric normalised graph by conjugate gradients, all columns at once.

    Parameters
    ----------
    graph : csr_matrix, shape (n, n)
        As `symmetric` gives it.
    seeds : ndarray, shape (n, C)
        Y: what each node starts with.
    alpha : float
        In [0, 1): how much comes from neighbours.
    tolerance : float
        Of every column's residual, relative to the column.

    Returns
    -------
    ndarray, shape (n, C), float64
    """
    Y = np.asarray(seeds, dtype=np.float64)
    Z, rest, ahead = np.zeros_like(Y), Y.copy(), Y.copy()
    size = (rest**2).sum(axis=0)
    goal = tolerance**2 * size
    for _ in range(1000):
        moving = size > goal
        if not moving.any():
            break
        pushed = ahead - alpha * (graph @ ahead)
        step = np.where(moving, size / np.maximum((ahead * pushed).sum(axis=0), 1e-300), 0.0)
        Z += step * ahead
        rest -= step * pushed
        before, size = size, (rest**2).sum(axis=0)
        ahead = rest + np.where(moving, size / np.maximum(before, 1e-300), 0.0) * ahead
    return Z


def settle(graph: sparse.csr_matrix, seeds: np.ndarray, alpha: float, *, tolerance: float = 1e-5) -> np.ndarray:
    """Solve ``Z = (1 - α) Y + α P Z`` for an averaging graph P by repetition.

    Parameters
    ----------
    graph : csr_matrix, shape (n, n)
        As `averaging` gives it: rows sum to at most one.
    seeds : ndarray, shape (n, C)
        Y, what each node starts with, such as shares of classes.
    alpha : float
        In [0, 1): how much comes from neighbours.
    tolerance : float
        Largest error of an entry that is left, relative to the largest seed.

    Returns
    -------
    ndarray, shape (n, C), float32
    """
    Y = np.asarray(seeds, dtype=np.float32)
    P, own, Z = graph.astype(np.float32), (1 - alpha) * Y, Y
    limit = tolerance * float(np.abs(Y).max(initial=0.0)) * (1 - alpha) / max(alpha, 1e-9)
    for _ in range(10_000):
        after = own + alpha * (P @ Z)
        change = float(np.abs(after - Z).max(initial=0.0))
        Z = after
        if change <= limit:
            break
    return Z
