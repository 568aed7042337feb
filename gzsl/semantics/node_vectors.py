"""Vectors of the nodes of a class graph, from what there is: class vectors, words, texts, or the graph alone."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from scipy.sparse import csr_array, diags_array

from gzsl.semantics.graph import ClassGraph
from gzsl.semantics.sources import text_table
from gzsl.semantics.words import word_table

DENSE = 1000  # nodes up to which eigenvectors come from the whole matrix
THIN = 4  # entries a node of a matrix that is factorised
UNIQUE = re.compile(r" \((n\d{8}|genus|attribute)\)$")  # what makes a name unique is no word of it


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


def positional(graph: ClassGraph, dims: int) -> np.ndarray:
    """Vectors (n, dims) float32 from the edges alone: where a node lies in the graph.

    Columns are the eigenvectors of ``D^-1/2 A D^-1/2`` with the largest eigenvalues, scaled to length sqrt(n), their
    largest entry positive; the first is that of the degrees. Fewer nodes than ``dims`` leave zeros at the end.
    """
    whole = graph.canonical()
    step = whole.normalised_adjacency("symmetric").astype(np.float64)
    n = len(whole)
    k = min(dims, n)
    values, columns = _largest(step, k)
    order = np.argsort(-values, kind="stable")[:k]
    found = np.zeros((n, dims))
    found[:, :k] = columns[:, order] * np.sqrt(n)
    found *= np.where(found[np.abs(found).argmax(axis=0), np.arange(dims)] < 0, -1.0, 1.0)
    back = {node: row for row, node in enumerate(whole.nodes)}
    return found[[back[node] for node in graph.nodes]].astype(np.float32)


def _largest(step: csr_array, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The largest eigenvalues of a symmetric matrix, at most 1, and their vectors."""
    from scipy.sparse.linalg import eigsh

    n = step.shape[0]
    if n <= DENSE or k >= n - 1:
        values, columns = np.linalg.eigh(step.toarray())
        return values, columns
    start = 1.0 + np.arange(n) / n
    if step.nnz <= THIN * n:  # as trees: eigenvalues lie close together, and the matrix is quickly factorised
        values, columns = eigsh(step.tocsc(), k=k, sigma=1.001, which="LM", v0=start)
    else:
        values, columns = eigsh(step, k=k, which="LA", v0=start, tol=1e-7)
    return values, columns


def from_words(graph: ClassGraph, path: Path) -> tuple[np.ndarray, tuple[str, ...]]:
    """Mean word vectors (n, v) of the nodes' names, as `gzsl.semantics.words.word_table` makes them, and its notes."""
    names = [UNIQUE.sub("", node) for node in graph.nodes]
    made = word_table(list(dict.fromkeys(names)), path)
    row = {name: k for k, name in enumerate(made.semantics.class_names)}
    return made.semantics.table[[row[name] for name in names]], made.notes


def from_texts(graph: ClassGraph) -> tuple[np.ndarray, tuple[str, ...]]:
    """Sentence vectors (n, 384) of the nodes' texts, or of their names, and how they were made."""
    said = graph.texts or tuple(UNIQUE.sub("", node) for node in graph.nodes)
    made = text_table(dict(zip(graph.nodes, said, strict=True)), "minilm")
    return made.semantics.table, made.notes
