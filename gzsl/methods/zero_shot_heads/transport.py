"""Optimal transport of rows to classes: entropic plans with given sizes, and conditional plans without."""

from __future__ import annotations

import numpy as np

from gzsl.linear import softmax


def sinkhorn(
    cost: np.ndarray, columns: np.ndarray, sharpness: float, *, tolerance: float = 1e-6, most: int = 1000,
    start: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Plan of least cost less entropy, with sums of 1 a row and ``columns`` a column.

    The kernel ``exp(-sharpness cost)`` is divided by its largest entry a row, which no plan notices, so that nothing
    underflows to an empty row; its rows and columns are scaled in turn.

    Parameters
    ----------
    cost : ndarray, shape (n, C), float32
        Usually squared distances.
    columns : ndarray, shape (C,)
        Sums of the columns; n together.
    sharpness : float
        λ; the entropy's weight is its inverse.
    tolerance : float
        Stop when no row's sum is further from 1.
    most : int
        Rounds at most.
    start : ndarray, shape (C,), optional
        Column scales to start from, such as those of a similar cost.

    Returns
    -------
    plan : ndarray, shape (n, C), float32
    scales : ndarray, shape (C,), float64
        A row outside belongs to class c by ``scales[c] exp(-sharpness cost_c)``, up to a factor of the row.
    """
    kernel = np.multiply(cost - cost.min(axis=1, keepdims=True), -sharpness, dtype=np.float32)
    np.exp(kernel, out=kernel)
    scales = np.ones(cost.shape[1]) if start is None else start.astype(np.float64)
    for _ in range(most):
        rows = 1 / (kernel @ scales.astype(np.float32)).astype(np.float64)
        scales = columns / np.maximum(kernel.T @ rows.astype(np.float32), 1e-30)
        scales /= scales.mean()
        sums = (kernel @ scales.astype(np.float32)) * rows
        if np.abs(sums / sums.mean() - 1).max() <= tolerance:
            break
    kernel *= scales.astype(np.float32)
    kernel /= kernel.sum(axis=1, keepdims=True)
    return kernel, scales


def conditional_weights(
    cost: np.ndarray, temperature: float, forward: float, shares: np.ndarray | None = None
) -> np.ndarray:
    """How much every row counts for the prototype of every class, (n, C).

    ``forward`` weighs the plan from rows to classes, a softmax over classes; the rest weighs the plan from classes to
    rows, a softmax over rows that gives every class its share (C,) of them; as many to each when None.
    """
    logits = -cost / temperature
    there, back = softmax(logits), softmax(logits.T).T
    sizes = len(cost) * (np.full(cost.shape[1], 1 / cost.shape[1]) if shares is None else shares)
    return forward * there + (1 - forward) * sizes * back
