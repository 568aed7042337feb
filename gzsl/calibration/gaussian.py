"""Class-conditional Gaussians with one covariance in a subspace: distances to seen classes and their posteriors."""

from __future__ import annotations

import numpy as np
from sklearn.covariance import ledoit_wolf
from sklearn.decomposition import PCA


def principal_axes(X: np.ndarray, n_components: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean (d,) and leading axes (d, r) of rows (n, d), r at most ``n_components`` and what the rows allow."""
    r = min(n_components, X.shape[1], max(len(X) - 1, 1))
    solver = "covariance_eigh" if X.shape[1] <= 2 * len(X) else "auto"
    found = PCA(n_components=r, svd_solver=solver, random_state=seed).fit(X)
    return found.mean_.astype(np.float32), found.components_.T.astype(np.float32)


def tied_gaussians(
    X: np.ndarray, labels: np.ndarray, classes: np.ndarray, n_components: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Whitening of the within-class covariance in the leading subspace, and class means after it.

    Parameters
    ----------
    X : ndarray, shape (n, d), float32
        Training rows.
    labels : ndarray, shape (n,)
        Class of each.
    classes : ndarray, shape (k,)
        Classes, each with at least one row.
    n_components : int
        Dimensions of the subspace at most.
    seed : int
        Of the subspace, where it is found by a random method.

    Returns
    -------
    axes : ndarray, shape (d, r), float32
        ``x @ axes`` has unit within-class covariance (shrunk after Ledoit and Wolf).
    means : ndarray, shape (k, r), float32
        Class means there.
    """
    _, axes = principal_axes(X, n_components, seed)
    Z = (X @ axes).astype(np.float64)
    means = np.stack([Z[labels == c].mean(axis=0) for c in classes])
    residuals = Z - means[np.searchsorted(classes, labels)]
    covariance, _ = ledoit_wolf(residuals, assume_centered=True)
    covariance += 1e-8 * max(np.trace(covariance) / len(covariance), 1e-12) * np.eye(len(covariance))
    whitening = np.linalg.inv(np.linalg.cholesky(covariance)).T
    return (axes @ whitening).astype(np.float32), (means @ whitening).astype(np.float32)


def squared_distances(Z: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Squared Euclidean distances (n, k) of rows (n, r) and points (k, r), never negative."""
    found = Z @ (-2.0 * points.T)
    found += (Z**2).sum(axis=1, keepdims=True)
    found += (points**2).sum(axis=1)
    return np.maximum(found, 0.0, out=found)
