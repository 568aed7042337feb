"""Several views of the same rows in one space, and graphs within and between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.linalg
from scipy import sparse

from gzsl.nn.neighbour_graph import adjacency, nearest

SAMPLE = 500  # rows that statistics of similarities come from


@dataclass(frozen=True, eq=False)
class CommonSpace:
    """A map of each view into one space where the views of a row agree most.

    Attributes
    ----------
    centres : list of ndarray, shape (d_v,)
        Subtracted from each view.
    maps : list of ndarray, shape (d_v, D)
        Directions of multi-view canonical correlation, scaled by a power of their eigenvalues.
    """

    centres: list[np.ndarray]
    maps: list[np.ndarray]

    def project(self, view: int, X: np.ndarray) -> np.ndarray:
        """Rows (n, d_v) of a view in the common space, (n, D) float32."""
        return np.asarray((X - self.centres[view]) @ self.maps[view], dtype=np.float32)


def common_space(views: Sequence[np.ndarray], *, ridge: float = 1e-4, power: float = 4.0) -> CommonSpace:
    """Multi-view canonical correlation: ``C w = λ C_diag w`` over all views together.

    C is the covariance of the views side by side and C_diag its diagonal blocks; the ridge is added to the blocks of
    both. Every eigenvector is kept, scaled by λ to a power, which does the selecting (Fu et al., arXiv:1501.04560).

    Parameters
    ----------
    views : sequence of ndarray, shape (m, d_v)
        The same rows in every view.
    """
    centres = [view.mean(axis=0, dtype=np.float64) for view in views]
    joint = np.concatenate([view - centre for view, centre in zip(views, centres, strict=True)], axis=1)
    whole = joint.T @ joint / len(joint)
    blocks = scipy.linalg.block_diag(*(np.ones((view.shape[1],) * 2) for view in views)) > 0
    lift = ridge * np.eye(len(whole)) * max(1e-12, float(np.trace(whole)) / len(whole))
    own = np.where(blocks, whole, 0) + lift
    values, vectors = scipy.linalg.eigh(whole + lift, own)
    order = np.argsort(-values)
    scaled = vectors[:, order] * np.maximum(values[order], 0) ** power
    ends = np.cumsum([view.shape[1] for view in views])
    return CommonSpace(centres, np.split(scaled, ends[:-1]))


def heat(similarity: np.ndarray, middle: float) -> np.ndarray:
    """``exp(-distance² / middle)`` of unit rows with given cosines."""
    return np.asarray(np.exp(-np.maximum(2 - 2 * similarity, 0) / middle))


def middle_distance(X: np.ndarray, Y: np.ndarray) -> float:
    """Median of the squared distances between samples of two sets of unit rows."""
    some = [rows[np.unique(np.linspace(0, len(rows) - 1, SAMPLE).astype(np.int64))] for rows in (X, Y)]
    return max(1e-6, float(np.median(2 - 2 * some[0] @ some[1].T)))


def neighbours_within(X: np.ndarray, k: int) -> sparse.csr_matrix:
    """Heat weights of the ``k`` nearest other rows of unit rows (n, D), made symmetric by the mean."""
    similar, place = nearest(X, X, k + 1)
    weight = heat(similar, middle_distance(X, X))
    weight[place == np.arange(len(X))[:, None]] = 0
    graph = adjacency(place, weight, len(X))
    return sparse.csr_matrix((graph + graph.T) / 2)


def neighbours_between(X: np.ndarray, Y: np.ndarray, k: int) -> sparse.csr_matrix:
    """Hyper-edges from unit rows X (n, D) of one view to the k nearest rows Y of another, (n, n) heat weights.

    Similarities to each row of Y are standardised over a sample of X before neighbours are chosen, so that no row of Y
    is everybody's neighbour.
    """
    some = X[np.unique(np.linspace(0, len(X) - 1, SAMPLE).astype(np.int64))] @ Y.T
    mean, spread = some.mean(axis=0), np.maximum(some.std(axis=0), 1e-6)
    keys = np.concatenate([Y / spread[:, None], -(mean / spread)[:, None]], axis=1).astype(np.float32)
    queries = np.concatenate([X, np.ones((len(X), 1), X.dtype)], axis=1).astype(np.float32)
    chosen, place = nearest(queries, keys, k)
    similar = chosen * spread[place] + mean[place]
    return adjacency(place, heat(similar, middle_distance(X, Y)), len(Y))


@dataclass(frozen=True, eq=False)
class HyperGraph:
    """A graph and hyper-edges on the same nodes, as one symmetric normalised operator that is never written out.

    Attributes
    ----------
    graph : csr_matrix, shape (n, n)
        Weighted edges, scaled.
    members : csr_matrix, shape (e, n)
        Normalised weights of the nodes in every hyper-edge.
    strength : ndarray, shape (e,)
        Of the hyper-edges, scaled.
    scale : ndarray, shape (n,)
        Inverse roots of the degrees.
    """

    graph: sparse.csr_matrix
    members: sparse.csr_matrix
    strength: np.ndarray
    scale: np.ndarray

    @classmethod
    def of(cls, graph: sparse.csr_matrix, edges: sparse.csr_matrix, share: float) -> HyperGraph:
        """``(1 - share) graph + share Hᵀ diag(δ) H`` with δ the mean weight of a hyper-edge's members."""
        count = np.maximum(np.diff(edges.indptr), 1)
        delta = np.asarray(edges.sum(axis=1)).ravel() / count
        length = np.sqrt(np.asarray(edges.multiply(edges).T @ delta).ravel())
        members = sparse.csr_matrix(edges @ sparse.diags(1 / np.maximum(length, 1e-12)))
        plain = (1 - share) * graph / max(float(graph.sum()), 1e-12) * graph.shape[0]
        raw = cls(sparse.csr_matrix(plain), members, share * delta, np.ones(graph.shape[0]))
        degree = (raw @ np.ones((graph.shape[0], 1)))[:, 0]
        return cls(raw.graph, members, raw.strength, 1 / np.sqrt(np.maximum(degree, 1e-12)))

    def __matmul__(self, Z: np.ndarray) -> np.ndarray:
        """The normalised operator times (n, C)."""
        scaled = self.scale[:, None] * Z
        through = self.members.T @ (self.strength[:, None] * (self.members @ scaled))
        return np.asarray(self.scale[:, None] * (self.graph @ scaled + through))

    @property
    def reach(self) -> sparse.csr_matrix:
        """A graph (n + e, n + e) whose pieces are those of edges and of the e hyper-edges that count together."""
        counting = self.members[np.flatnonzero((np.diff(self.members.indptr) > 0) & (self.strength > 0))]
        graph = self.graph.copy()
        graph.eliminate_zeros()
        return sparse.csr_matrix(sparse.bmat([[graph, counting.T], [counting, None]]))
