"""A linear softmax over the seen classes on the features: the usual expert for seen-class rows."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize_scalar

from gzsl.linear import fit_linear, softmax_loss


def fit_probe(X: np.ndarray, labels: np.ndarray, n_classes: int, C: float, n_iterations: int) -> np.ndarray:
    """Multinomial logistic regression with scikit-learn's weighting of the penalty.

    Parameters
    ----------
    X : ndarray, shape (n, d), float32
        Rows.
    labels : ndarray, shape (n,)
        Position of each row's class.
    n_classes : int
        Number of classes ``k``.
    C : float
        Inverse of the penalty: the sum of the losses plus ``|W|^2 / (2 C)`` is minimised.
    n_iterations : int
        Iterations of L-BFGS at most.

    Returns
    -------
    ndarray, shape (d + 1, k), float32
        Weights, and the bias as the last row.
    """
    found = fit_linear(X, n_classes, softmax_loss(labels), 1.0 / (C * len(X)), n_iterations=n_iterations)
    return np.vstack([found.weights, found.bias[None]]).astype(np.float32)


def probe_outputs(X: np.ndarray, probe: np.ndarray) -> np.ndarray:
    """Outputs (n, k) of rows (n, d) under what `fit_probe` returned."""
    return X @ probe[:-1] + probe[-1]


def log_softmax(outputs: np.ndarray) -> np.ndarray:
    """Log-probabilities (n, k) of outputs (n, k); ``-inf`` outputs have probability 0."""
    top = outputs.max(axis=1, keepdims=True)
    shifted = outputs - np.where(np.isfinite(top), top, 0.0)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def fitted_temperature(outputs: np.ndarray, labels: np.ndarray) -> float:
    """Temperature between 0.01 and 100 that makes the true classes (n,) of outputs (n, k) most likely."""
    rows = np.arange(len(labels))
    spread = float(outputs.std()) or 1.0

    def loss(log_t: float) -> float:
        return -float(log_softmax(outputs / (spread * np.exp(log_t)))[rows, labels].mean(dtype=np.float64))

    found = minimize_scalar(loss, bounds=(np.log(0.01), np.log(100.0)), method="bounded")
    return spread * float(np.exp(found.x))
