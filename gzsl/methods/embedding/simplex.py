"""Class vectors as mixtures of seen class vectors: least squares on the simplex for all classes at once."""

from __future__ import annotations

import numpy as np


def simplex_codes(table: np.ndarray, anchors: np.ndarray, ridge: float, n_iterations: int = 500) -> np.ndarray:
    """Minimise ``|a_c - z_c A|² / 2 + ridge |z_c|² / 2`` over the simplex for every class.

    Parameters
    ----------
    table : ndarray, shape (C, a)
        Class vectors.
    anchors : ndarray, shape (s, a)
        Seen class vectors ``A``.
    ridge : float
        Non-negative; a large one spreads the weights.
    n_iterations : int
        Steps of the accelerated projected gradient (Beck and Teboulle, 2009) at most.

    Returns
    -------
    ndarray, shape (C, s), float64
        Rows are non-negative and add up to 1.
    """
    table, anchors = np.asarray(table, dtype=np.float64), np.asarray(anchors, dtype=np.float64)
    curvature = anchors @ anchors.T + ridge * np.eye(len(anchors))
    linear = table @ anchors.T
    step = 1 / max(float(np.linalg.eigvalsh(curvature)[-1]), 1e-12)
    codes = np.full((len(table), len(anchors)), 1 / len(anchors))
    ahead, momentum = codes, 1.0
    for _ in range(n_iterations):
        new = project_to_simplex(ahead - step * (ahead @ curvature - linear))
        following = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
        ahead = new + (momentum - 1) / following * (new - codes)
        moved = np.abs(new - codes).max()
        codes, momentum = new, following
        if moved < 1e-10:
            break
    return codes


def project_to_simplex(rows: np.ndarray) -> np.ndarray:
    """Nearest points of the simplex to rows (n, k), by sorting (Held, Wolfe and Crowder, 1974)."""
    descending = -np.sort(-rows, axis=1)
    excess = np.cumsum(descending, axis=1) - 1
    counts = np.arange(1, rows.shape[1] + 1)
    support = (descending * counts > excess).sum(axis=1)
    shift = excess[np.arange(len(rows)), support - 1] / support
    return np.maximum(rows - shift[:, None], 0)
