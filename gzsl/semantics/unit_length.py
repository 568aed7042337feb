"""Vectors as directions: one way to bring rows to unit length, for all whose zero rows stay what they are."""

from __future__ import annotations

import numpy as np

LEAST = 1e-12


def at_unit_length(rows: np.ndarray) -> np.ndarray:
    """Rows (n, d) divided by their lengths, in their own precision; one shorter than 1e-12 is divided by that."""
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), LEAST)
