"""Closed forms: Gram matrices block by block, ridge and Sylvester equations in the eigenbases of their sides."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from scipy.sparse import csr_array

from gzsl.data.features import FeatureRows


def gram(rows: FeatureRows, weights: np.ndarray | None = None) -> np.ndarray:
    """Sum of (weighted) outer products of the rows, block by block.

    Parameters
    ----------
    rows : FeatureRows, shape (n, d)
        Read once; one block is in memory at a time.
    weights : ndarray, shape (n,), optional
        Non-negative weight of every row; 1 when None.

    Returns
    -------
    ndarray, shape (d, d), float64
    """
    total = np.zeros((rows.shape[1], rows.shape[1]))
    for where, block in rows.blocks():
        values = block.astype(np.float64)
        if weights is not None:
            values *= np.sqrt(weights[where])[:, None]
        total += values.T @ values
    return total


def class_sums(rows: FeatureRows, labels: np.ndarray, n_classes: int) -> np.ndarray:
    """Sum of the rows of every class: the product of features and one-hot labels, without the latter.

    Parameters
    ----------
    rows : FeatureRows, shape (n, d)
        Read once; one block is in memory at a time.
    labels : ndarray, shape (n,), integer
        Class of every row, 0 to ``n_classes - 1``.
    n_classes : int
        Number of classes ``C``.

    Returns
    -------
    ndarray, shape (d, C), float64
    """
    total = np.zeros((n_classes, rows.shape[1]))
    for where, block in rows.blocks():
        n = len(block)
        membership = csr_array((np.ones(n), (labels[where], np.arange(n))), shape=(n_classes, n))
        total += membership @ block.astype(np.float64)
    return total.T


def class_moments(rows: FeatureRows, labels: np.ndarray, n_classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of the rows of every class, a dimension.

    Parameters
    ----------
    rows, labels, n_classes
        As in `class_sums`; every class has a row.

    Returns
    -------
    means, variances : ndarray, shape (C, d), float64
        Variances divide by the number of rows; they are 0 for a class of one row.
    """
    counts = np.bincount(labels, minlength=n_classes)[:, None]
    means = class_sums(rows, labels, n_classes).T / counts
    squares = np.zeros_like(means)
    for where, block in rows.blocks():
        n = len(block)
        membership = csr_array((np.ones(n), (labels[where], np.arange(n))), shape=(n_classes, n))
        squares += membership @ (block - means[labels[where]]) ** 2
    return means, squares / counts


@dataclass(frozen=True, eq=False)
class SymmetricEigen:
    """Eigendecomposition of a real symmetric matrix, ``vectors @ diag(values) @ vectors.T``.

    Attributes
    ----------
    values : ndarray, shape (d,), float64
        Ascending.
    vectors : ndarray, shape (d, d), float64
        One eigenvector a column.
    """

    values: np.ndarray
    vectors: np.ndarray

    @classmethod
    def of(cls, matrix: np.ndarray) -> Self:
        """Decompose a symmetric matrix (d, d) in float64; only its lower triangle is read."""
        values, vectors = np.linalg.eigh(np.asarray(matrix, dtype=np.float64))
        return cls(values, vectors)

    @classmethod
    def of_gram(cls, matrix: np.ndarray) -> Self:
        """Decompose a positive semi-definite matrix: eigenvalues that rounding made negative become 0."""
        found = cls.of(matrix)
        return cls(np.maximum(found.values, 0), found.vectors)

    def ridge_solve(self, target: np.ndarray, ridge: float) -> np.ndarray:
        """Solve ``(matrix + ridge I) x = target`` for (d, k) float64; ``ridge`` must exceed ``-values[0]``."""
        return self.vectors @ ((self.vectors.T @ target) / (self.values + ridge)[:, None])


class TwoSided:
    """Linear equations between two symmetric matrices, each solved for many parameters at little cost.

    With ``A`` (d, d), ``B`` (a, a) and ``M`` (d, a), the target is turned into both eigenbases once; then
    every further ridge or scale costs element-wise work and the products that turn the solution back.

    Parameters
    ----------
    left, right : SymmetricEigen
        Decompositions of ``A`` and ``B``.
    target : ndarray, shape (d, a)
        ``M``.
    """

    def __init__(self, left: SymmetricEigen, right: SymmetricEigen, target: np.ndarray) -> None:
        self.left, self.right = left, right
        self._target = np.asarray(target, dtype=np.float64)
        self._last_left: tuple[float, np.ndarray] | None = None

    @cached_property
    def _core(self) -> np.ndarray:
        return self.left.vectors.T @ self._target @ self.right.vectors

    def ridge(self, left_ridge: float, right_ridge: float) -> np.ndarray:
        """Solve ``(A + left_ridge I) V (B + right_ridge I) = M`` for V, shape (d, a), float64.

        Only the product with the left eigenvectors is large, and it is kept: run through the right ridges
        inside a loop over the left ones.
        """
        half = self._half_solved(left_ridge)
        return half / (self.right.values + right_ridge) @ self.right.vectors.T

    def sylvester(self, left_scale: float = 1.0, right_scale: float = 1.0) -> np.ndarray:
        """Solve ``left_scale A V + right_scale V B = M`` for V, shape (d, a), float64.

        Where a sum of scaled eigenvalues vanishes (both matrices singular), the solution of least norm is
        returned, that is 0 in that direction.
        """
        sums = left_scale * self.left.values[:, None] + right_scale * self.right.values
        negligible = np.abs(sums) <= len(self._target) * np.finfo(np.float64).eps * np.abs(sums).max(initial=0)
        scaled = np.where(negligible, 0, self._core / np.where(negligible, 1, sums))
        return self.left.vectors @ scaled @ self.right.vectors.T

    def _half_solved(self, left_ridge: float) -> np.ndarray:
        if self._last_left is None or self._last_left[0] != left_ridge:
            half = self.left.vectors @ (self._core / (self.left.values + left_ridge)[:, None])
            self._last_left = (left_ridge, half)
        return self._last_left[1]
