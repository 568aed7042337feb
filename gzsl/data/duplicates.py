"""The same picture on both sides of a split: exact and near duplicates among feature rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, islice

import numpy as np

from gzsl.data.features import FeatureRows
from gzsl.data.splits import ROW_SETS, Split

NEAR = 0.03
MAX_PAIRS = 1000
BLOCK_ROWS = 1024
SKETCH_DIMS = 128


@dataclass(frozen=True)
class Duplicate:
    """Two rows of different sets with (nearly) the same features.

    Attributes
    ----------
    first_set, second_set : str
        Two of ``trainval``, ``test_seen``, ``test_unseen``.
    first_row, second_row : int
        Rows of the dataset.
    distance : float
        Between them, as a share of the root mean squared distance of two rows; 0 for exact duplicates.
    """

    first_set: str
    first_row: int
    second_set: str
    second_row: int
    distance: float


def straddling_duplicates(features: np.ndarray, split: Split, near: float = NEAR) -> list[Duplicate]:
    """Find rows of different sets whose distance is at most ``near`` of the typical one.

    Rows are compared by random projections to 128 dimensions first, block by block; what is close there is
    measured exactly. The chance that a pair is missed is far below that of a disk error: the candidate
    threshold is twice the squared distance asked for, eight standard deviations of a projected one.

    Parameters
    ----------
    features : ndarray or memmap, shape (N, d), float32
        Finite.
    split : Split
        Which rows are on which side.
    near : float
        Largest distance, as a share of the root mean squared distance of two rows.

    Returns
    -------
    list of Duplicate
        Closest first; at most `MAX_PAIRS` a pair of sets.
    """
    mean, typical = _centre_and_spread(features)
    if typical == 0:
        return []
    sketches = _sketch(features, mean, typical)
    found = []
    for first, second in combinations(ROW_SETS, 2):
        rows, others = getattr(split, first), getattr(split, second)
        for i, j in islice(_close(sketches, rows, others, 2 * near**2), MAX_PAIRS):
            difference = features[i].astype(np.float64) - features[j]
            distance = float(np.linalg.norm(difference)) / typical
            if distance <= near:
                found.append(Duplicate(first, i, second, j, distance))
    return sorted(found, key=lambda pair: (pair.distance, pair.first_row, pair.second_row))


def _centre_and_spread(features: np.ndarray) -> tuple[np.ndarray, float]:
    """Mean row, and the root mean squared distance of two rows."""
    total, squares = np.zeros(features.shape[1]), 0.0
    for _, block in FeatureRows(features).blocks():
        values = block.astype(np.float64)
        total += values.sum(axis=0)
        squares += float((values**2).sum())
    mean = total / len(features)
    variance = squares / len(features) - float(mean @ mean)
    return mean, float(np.sqrt(2 * max(variance, 0.0)))


def _sketch(features: np.ndarray, mean: np.ndarray, typical: float) -> np.ndarray:
    """Centred rows in units of the typical distance, projected to at most 128 dimensions, (N, k) float32."""
    n_dims = features.shape[1]
    if n_dims <= SKETCH_DIMS:
        projection = np.eye(n_dims)
    else:
        projection = np.random.default_rng(0).standard_normal((n_dims, SKETCH_DIMS)) / np.sqrt(SKETCH_DIMS)
    projection = (projection / typical).astype(np.float32)
    sketches = np.empty((len(features), projection.shape[1]), dtype=np.float32)
    centre = mean.astype(np.float32)
    for where, block in FeatureRows(features).blocks():
        sketches[where] = (block - centre) @ projection
    return sketches


def _close(sketches: np.ndarray, rows: np.ndarray, others: np.ndarray, threshold: float) -> Iterator[tuple[int, int]]:
    """Pairs whose sketches have at most this squared distance."""
    right = sketches[others]
    right_norms = (right**2).sum(axis=1)
    for start in range(0, len(rows), BLOCK_ROWS):
        block = rows[start : start + BLOCK_ROWS]
        left = sketches[block]
        squared = left @ right.T
        squared *= -2
        squared += (left**2).sum(axis=1)[:, None]
        squared += right_norms
        for i, j in np.argwhere(squared <= threshold):
            yield int(block[i]), int(others[j])
