"""Class vectors moved by labelled rows: a softmax whose weights are drawn to given vectors instead of to zero."""

from __future__ import annotations

import numpy as np

from gzsl.linalg import SymmetricEigen
from gzsl.linear import Loss, fit_linear, softmax_loss


def fit_offsets(
    X: np.ndarray, labels: np.ndarray, T: np.ndarray, scale: float, l2: float, n_iterations: int
) -> np.ndarray:
    """Offsets D (C, a) that minimise ``mean CE(scale X (T + D)^T) + l2 scale^2 / 2 |D|^2``.

    Parameters
    ----------
    X : ndarray, shape (n, a), float32
        Labelled rows.
    labels : ndarray, shape (n,), int64
        Row of ``T``.
    T : ndarray, shape (C, a)
        Vectors that the solution is drawn to.
    scale : float
        Of the outputs.
    l2 : float
        Strength of the draw; the larger, the closer to ``T``.
    n_iterations : int
        L-BFGS iterations at most.
    """
    start, plain = scale * (X @ T.T), softmax_loss(labels)

    def loss(outputs: np.ndarray) -> tuple[float, np.ndarray]:
        return plain(outputs + start)

    shifted: Loss = loss
    model = fit_linear(X, len(T), shifted, l2, bias=False, n_iterations=n_iterations)
    return (model.weights.T / scale).astype(np.float32)


def ridge_map(inputs: np.ndarray, targets: np.ndarray, ridge: float) -> np.ndarray:
    """``M`` (a, q) of the ridge regression ``targets ~ inputs M``, the weight in units of the mean eigenvalue."""
    A = inputs.astype(np.float64)
    gram = A @ A.T
    eigen = SymmetricEigen.of_gram(gram)  # as many rows as classes, which are few beside dimensions
    dual = eigen.ridge_solve(targets.astype(np.float64), ridge * max(float(eigen.values.mean()), 1e-12))
    return (A.T @ dual).astype(np.float32)
