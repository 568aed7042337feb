"""Sparse matrices of edges: made of lists, frozen, normalised, hashed."""

from __future__ import annotations

import hashlib

import numpy as np
from scipy.sparse import csr_array, diags_array, eye_array

from gzsl.errors import DataError

NORMALISED = ("symmetric", "random-walk")


def edges_between(
    n: int, sources: np.ndarray, targets: np.ndarray, weights: np.ndarray | None = None
) -> csr_array:
    """Weights (n, n) of edges from ``sources`` (E,) to ``targets`` (E,); equal edges are added up.

    Raises
    ------
    DataError
        For a node that does not exist.
    """
    ends = np.asarray(sources, dtype=np.int64), np.asarray(targets, dtype=np.int64)
    for ids in ends:
        if len(ids) and (ids.min() < 0 or ids.max() >= n):
            wrong = int(ids[(ids < 0) | (ids >= n)][0])
            raise DataError(f"edges: found node {wrong}, which does not exist, expected ids from 0 to {n - 1}")
    values = np.ones(len(ends[0]), dtype=np.float32) if weights is None else np.asarray(weights, dtype=np.float32)
    return csr_array((values, ends), shape=(n, n))


def frozen(weights: csr_array) -> csr_array:
    """Weights in one form (float32, sorted, without zeros) that cannot be written to; copied unless they are so."""
    if not weights.data.flags.writeable and weights.dtype == np.float32 and weights.has_canonical_format:
        return weights
    result = csr_array(weights, dtype=np.float32, copy=True)
    result.sum_duplicates()
    result.eliminate_zeros()
    result.sort_indices()
    for array in (result.data, result.indices, result.indptr):
        array.setflags(write=False)
    return result


def normalised(weights: csr_array, kind: str = "symmetric", self_loops: bool = True) -> csr_array:
    """Weights (n, n) divided by degrees, float32; see `gzsl.semantics.graph.ClassGraph.normalised_adjacency`.

    Raises
    ------
    DataError
        For an unknown kind.
    """
    if kind not in NORMALISED:
        raise DataError(f"adjacency: found {kind!r}, expected one of {', '.join(NORMALISED)}")
    A = csr_array(weights, dtype=np.float64)
    if self_loops:
        A = A + eye_array(A.shape[0], format="csr")
    out = np.asarray(A.sum(axis=1)).ravel()
    if kind == "random-walk":
        return csr_array(diags_array(_inverse(out)) @ A).astype(np.float32)
    into = np.asarray(A.sum(axis=0)).ravel()
    return csr_array(diags_array(_inverse(np.sqrt(out))) @ A @ diags_array(_inverse(np.sqrt(into)))).astype(np.float32)


def _inverse(values: np.ndarray) -> np.ndarray:
    return np.divide(1.0, values, out=np.zeros_like(values), where=values > 0)


def array_hash(array: np.ndarray, dtype: str = "<i8") -> str:
    """32 hex digits of an array's shape and values."""
    values = np.ascontiguousarray(array, dtype=dtype)
    digest = hashlib.blake2b(str(values.shape).encode(), digest_size=16)
    digest.update(values.data if values.size else b"")
    return digest.hexdigest()
