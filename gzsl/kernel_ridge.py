"""Regression from class vectors by kernel ridge, with the leave-one-class-out predictions in closed form."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gzsl.linalg import SymmetricEigen

KERNELS = ("linear", "poly2", "rbf")


@dataclass(frozen=True, eq=False)
class ClassKernel:
    """A kernel between class vectors, with its scale fixed by the seen classes.

    Attributes
    ----------
    kind : str
        ``linear``: ``a b``; ``poly2``: ``(1 + a b)^2``; ``rbf``: ``exp(-width |a - b|^2 / scale)``.
    anchors : ndarray, shape (s, a), float64
        Vectors of the seen classes.
    width : float
        Width of ``rbf``.
    scale : float
        Median squared distance between different seen classes.
    """

    kind: str
    anchors: np.ndarray
    width: float
    scale: float

    @classmethod
    def of(cls, table: np.ndarray, kind: str = "rbf", width: float = 1.0) -> ClassKernel:
        """Kernel with the rows of ``table`` (s, a) as anchors."""
        anchors = np.asarray(table, dtype=np.float64)
        return cls(kind, anchors, width, median_squared_distance(anchors))

    def __call__(self, table: np.ndarray) -> np.ndarray:
        """Kernel (C, s) float64 of class vectors (C, a) with the anchors."""
        table = np.asarray(table, dtype=np.float64)
        if self.kind == "rbf":
            return np.exp(-self.width * squared_distances(table, self.anchors) / self.scale)
        product = table @ self.anchors.T
        return (1 + product) ** 2 if self.kind == "poly2" else product


class KernelRidge:
    """Regression of several targets from class vectors; every ridge weight comes from one decomposition.

    Parameters
    ----------
    kernel : ClassKernel
        Between classes.
    targets : ndarray, shape (s, q)
        One row a seen class.
    """

    def __init__(self, kernel: ClassKernel, targets: np.ndarray) -> None:
        self.kernel, self.targets = kernel, np.asarray(targets, dtype=np.float64)
        self._eigen = SymmetricEigen.of_gram(kernel(kernel.anchors))

    def coefficients(self, ridge: float) -> np.ndarray:
        """``(K + ridge I)^-1 M``, shape (s, q): a class with kernel row k is predicted as ``k @`` them."""
        return self._eigen.ridge_solve(self.targets, ridge)

    def leave_one_out(self, ridge: float) -> np.ndarray:
        """What every seen class would be predicted as had it been left out, shape (s, q), without refitting."""
        inverse_diagonal = (self._eigen.vectors**2) @ (1 / (self._eigen.values + ridge))
        return self.targets - self.coefficients(ridge) / inverse_diagonal[:, None]


def squared_distances(A: np.ndarray, B: np.ndarray) -> np.ndarray:
    """Squared Euclidean distances (n, m) of rows (n, k) and (m, k); rounding never makes one negative."""
    found = (A**2).sum(axis=1)[:, None] - 2 * A @ B.T + (B**2).sum(axis=1)
    return np.maximum(found, 0)


def median_squared_distance(table: np.ndarray) -> float:
    """Median squared distance between different rows; 1 when there are none or all are equal."""
    distances = squared_distances(table, table)[np.triu_indices(len(table), k=1)]
    median = float(np.median(distances)) if len(distances) else 0.0
    return median if median > 0 else 1.0
