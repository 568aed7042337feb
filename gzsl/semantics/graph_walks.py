"""Walks over the edges of a class graph: paths, diffusion, and the levels of a hierarchy."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from scipy.sparse import csr_array, eye_array

from gzsl.errors import DataError
from gzsl.semantics.sparse_edges import normalised

LENGTHS = ("weights", "inverse")


def together(matrices: Sequence[csr_array], directed: bool = False) -> csr_array:
    """Weights of several relations added up; the larger of both directions in both unless ``directed``."""
    total = matrices[0]
    for other in matrices[1:]:
        total = total + other
    return csr_array(total if directed else total.maximum(total.T))


def propagated(step: csr_array, values: np.ndarray, hops: int) -> np.ndarray:
    """Values (n, k), float32, after some steps."""
    result = np.asarray(values, dtype=np.float32)
    for _ in range(hops):
        result = step @ result
    return result


def hops_between(weights: csr_array, chosen: np.ndarray) -> np.ndarray:
    """Fewest edges (C, C), float64, between some nodes; inf without a path.

    All searches go on side by side: a bit a source and node says who has been where.
    """
    edges = csr_array(weights)
    width = -(-len(chosen) // 8)
    reached = np.zeros((edges.shape[0], width), dtype=np.uint8)
    place = np.arange(len(chosen))
    np.bitwise_or.at(reached, (chosen, place // 8), np.uint8(128) >> (place % 8).astype(np.uint8))
    frontier = reached.copy()
    found = np.full((len(chosen), len(chosen)), np.inf)
    found[place, place] = 0.0
    linked = np.flatnonzero(np.diff(edges.indptr))
    steps = 0
    while frontier.any():
        steps += 1
        fresh = np.zeros_like(reached)
        if len(linked):
            fresh[linked] = np.bitwise_or.reduceat(frontier[edges.indices], edges.indptr[linked], axis=0)
        frontier = fresh & ~reached
        reached |= frontier
        here = np.unpackbits(frontier[chosen], axis=1, count=len(chosen)).astype(bool)
        found[here] = steps
    return found


def path_lengths(weights: csr_array, sources: np.ndarray, lengths: str = "weights") -> np.ndarray:
    """Lengths (s, n) of the shortest paths from some nodes (s,) to all, in a graph without direction; inf without one.

    Raises
    ------
    DataError
        For an unknown kind of lengths.
    """
    from scipy.sparse.csgraph import dijkstra

    if lengths not in LENGTHS:
        raise DataError(f"lengths: found {lengths!r}, expected hops, {' or '.join(LENGTHS)}")
    cost = csr_array(weights, dtype=np.float64, copy=True)
    if lengths == "inverse":
        cost.data = 1.0 / cost.data
    return np.asarray(dijkstra(cost, directed=False, indices=sources))


def diffusion(weights: csr_array, chosen: np.ndarray, beta: float) -> np.ndarray:
    """Rows and columns ``chosen`` (C, C) of exp(-beta L), L the symmetric normalised Laplacian without self loops."""
    from scipy.sparse.linalg import expm_multiply

    n = weights.shape[0]
    step = normalised(weights, "symmetric", self_loops=False).astype(np.float64)
    laplacian = eye_array(n, format="csr") - (step + step.T) / 2
    start = np.zeros((n, len(chosen)))
    start[chosen, np.arange(len(chosen))] = 1.0
    found = np.asarray(expm_multiply(-beta * laplacian, start, traceA=-beta * n))[chosen]
    return (found + found.T) / 2


class Hierarchy:
    """What is above and below what, by edges from the narrower to the wider.

    Parameters
    ----------
    parents : csr_array, shape (n, n)
        Edges to parents; a node may have several. That of a node to itself says nothing and is left out.
    nodes : sequence of str
        Names of the nodes.
    name : str
        Of the graph, for messages.

    Attributes
    ----------
    order : ndarray, shape (n,), int64
        All nodes, parents before children.

    Raises
    ------
    DataError
        For a circle, with the names on it.
    """

    def __init__(self, parents: csr_array, nodes: Sequence[str], name: str = "graph") -> None:
        upward = csr_array(parents, copy=True)
        upward.setdiag(0)
        upward.eliminate_zeros()
        self.parents, self.children = upward, csr_array(upward.T)
        self.nodes, self.name = tuple(nodes), name
        self.order = self._sorted()

    def _sorted(self) -> np.ndarray:
        waiting = np.diff(self.parents.indptr).astype(np.int64)
        ready = np.flatnonzero(waiting == 0)
        found = [ready]
        while len(ready):
            below = np.concatenate([_row(self.children, int(i)) for i in ready])
            np.subtract.at(waiting, below, 1)
            ready = np.unique(below[waiting[below] == 0])
            found.append(ready)
        order = np.concatenate(found)
        if len(order) < len(self.nodes):
            raise DataError(self._circle(waiting > 0))
        return order

    def _circle(self, left: np.ndarray) -> str:
        node, walked = int(np.flatnonzero(left)[0]), []  # type: ignore[var-annotated]
        while node not in walked:
            walked.append(node)
            node = int(next(i for i in _row(self.parents, node) if left[i]))
        names = " is below ".join(repr(self.nodes[i]) for i in [*walked[walked.index(node) :], node])
        return f"graph {self.name!r}: found a circle ({names}), expected parents that lead to a root; remove one edge"

    def ancestors(self, node: int) -> np.ndarray:
        """Ids of all nodes above one, ascending, without itself."""
        return self._reached(self.parents, node)

    def descendants(self, node: int) -> np.ndarray:
        """Ids of all nodes below one, ascending, without itself."""
        return self._reached(self.children, node)

    @cached_property
    def roots(self) -> np.ndarray:
        """Nodes without a parent that have children."""
        return np.flatnonzero((np.diff(self.parents.indptr) == 0) & (np.diff(self.children.indptr) > 0))

    @cached_property
    def levels(self) -> np.ndarray:
        """Fewest steps (n,), int64, from a node up to one without a parent: 0 for roots."""
        found = np.zeros(len(self.nodes), dtype=np.int64)
        for i in self.order:
            above = _row(self.parents, int(i))
            found[i] = found[above].min() + 1 if len(above) else 0
        return found

    def steps_up(self, most: int | None = None) -> list[csr_array]:
        """Matrices (n, n) of 0 and 1 by number of steps: [i, j] of the k-th says that j is k steps above i at least.

        The first is the identity. With ``most``, there are ``most`` + 1 of them at most and the last one holds all
        that is further too. Transposed they lead down.
        """
        frontier = csr_array(eye_array(len(self.nodes), format="csr", dtype=np.float32))
        groups, known = [frontier], frontier
        ones = np.ones(self.parents.nnz, dtype=np.float32)
        up = csr_array((ones, self.parents.indices, self.parents.indptr), shape=frontier.shape)
        while True:
            reached = csr_array(frontier @ up)
            reached.data[:] = 1.0
            fresh = csr_array(reached - reached.multiply(known))
            fresh.eliminate_zeros()
            if not fresh.nnz:
                return groups
            known, frontier = csr_array(known + fresh), fresh
            if most is not None and len(groups) > most:
                groups[-1] = csr_array(groups[-1] + fresh)
            else:
                groups.append(fresh)

    def _reached(self, edges: csr_array, node: int) -> np.ndarray:
        found, ready = set(), [node]  # type: ignore[var-annotated]
        while ready:
            for other in _row(edges, ready.pop()).tolist():
                if other not in found:
                    found.add(other)
                    ready.append(other)
        return np.array(sorted(found), dtype=np.int64)


def _row(edges: csr_array, i: int) -> np.ndarray:
    found: np.ndarray = edges.indices[edges.indptr[i] : edges.indptr[i + 1]]
    return found
