"""Classes as mixtures of other classes whose vectors are near."""

from __future__ import annotations

import numpy as np

from gzsl.kernel_ridge import squared_distances
from gzsl.linear import softmax


def unit_table(table: np.ndarray) -> np.ndarray:
    """Class vectors (C, a) scaled to unit length, float64; zero vectors stay."""
    table = np.asarray(table, dtype=np.float64)
    norms = np.linalg.norm(table, axis=1, keepdims=True)
    unit: np.ndarray = table / np.where(norms > 0, norms, 1.0)
    return unit


def class_shares(table: np.ndarray, anchors: np.ndarray, sharpness: float) -> np.ndarray:
    """Shares (C, s) that add up to 1 in proportion to ``exp(-sharpness |a - b|)``, between vectors of unit length."""
    distances = np.sqrt(squared_distances(unit_table(table), unit_table(anchors)))
    return softmax(-sharpness * distances)
