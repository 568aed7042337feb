"""Vectors of the nodes of a class graph, from what there is: class vectors, words, texts, or the graph alone."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array, diags_array

from gzsl.semantics.graph import ClassGraph


def from_classes(graph: ClassGraph, table: np.ndarray) -> np.ndarray:
    """Vectors (n, a) float32: of classes their own (C, a); of other nodes, outwards, the mean of those next to them.

    A node next to classes has the weighted mean of their vectors, one next to such nodes the mean of theirs, and so on;
    a node that no class reaches has zeros.
    """
    n = len(graph.nodes)
    A = csr_array(graph.adjacency(), dtype=np.float64)
    found = np.zeros((n, table.shape[1]))
    found[graph.class_nodes] = table
    known = np.zeros(n, dtype=bool)
    known[graph.class_nodes] = True
    while True:
        reach = np.asarray(A @ known.astype(np.float64)).ravel()
        fresh = np.flatnonzero((reach > 0) & ~known)
        if not len(fresh):
            return found.astype(np.float32)
        means = diags_array(1.0 / reach[fresh]) @ (A[fresh] @ np.where(known[:, None], found, 0.0))
        found[fresh] = means
        known[fresh] = True
