"""How unlike the seen classes a mapped row is: the two novelty detectors of cross-modal transfer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import erf

from gzsl.kernel_ridge import squared_distances

TINY = 1e-12
BLOCK_ROWS = 2048


@dataclass(frozen=True, eq=False)
class GaussianNovelty:
    """One isotropic Gaussian a seen class around its vector; a row that is unlikely under all of them is new.

    Attributes
    ----------
    centres : ndarray, shape (s, a)
        Class vectors.
    variances : ndarray, shape (s,)
        Mean squared distance of a class's rows from its vector, a dimension.
    threshold : float
        Log-density below which a row is new.
    """

    centres: np.ndarray
    variances: np.ndarray
    threshold: float

    @classmethod
    def of(cls, rows: np.ndarray, labels: np.ndarray, centres: np.ndarray, share: float) -> GaussianNovelty:
        """Fit on held-out rows (n, a) of seen classes, ``share`` of which shall count as new."""
        own = ((rows - centres[labels]) ** 2).mean(axis=1)
        counts = np.bincount(labels, minlength=len(centres))
        sums = np.bincount(labels, own, minlength=len(centres))
        variances = np.where(counts > 0, sums / np.maximum(counts, 1), own.mean()) + TINY
        unset = cls(centres, variances, 0.0)
        return cls(centres, variances, float(np.quantile(unset.log_density(rows), share)))

    def log_density(self, rows: np.ndarray) -> np.ndarray:
        """Largest log-density over the seen classes, shape (n,)."""
        distances = squared_distances(rows, self.centres) / (2 * self.variances)
        return (-distances - 0.5 * rows.shape[1] * np.log(2 * np.pi * self.variances)).max(axis=1)

    def probability(self, rows: np.ndarray) -> np.ndarray:
        """1 where a row is new, else 0, shape (n,)."""
        return (self.log_density(rows) < self.threshold).astype(np.float64)


@dataclass(frozen=True, eq=False)
class OutlierNovelty:
    """Local outlier probability with respect to held-out rows of the seen classes (Kriegel et al., 2009).

    Attributes
    ----------
    context : ndarray, shape (m, a)
        Held-out rows; rows to be judged never explain each other.
    spreads : ndarray, shape (m,)
        Probabilistic distance of every context row from its own neighbours.
    scale : float
        Normaliser ``Z``.
    n_neighbours : int
        ``k``.
    factor : float
        ``λ``: how many standard distances count.
    """

    context: np.ndarray
    spreads: np.ndarray
    scale: float
    n_neighbours: int
    factor: float

    @classmethod
    def of(cls, rows: np.ndarray, n_neighbours: int, factor: float) -> OutlierNovelty:
        """Fit on held-out rows (m, a) of seen classes."""
        k = max(1, min(n_neighbours, len(rows) - 1))
        near, distances = _neighbours(rows, rows, k, itself=True)
        spreads = factor * np.sqrt(distances.mean(axis=1)) + TINY
        outlying = spreads / spreads[near].mean(axis=1) - 1
        return cls(rows, spreads, factor * float(np.sqrt((outlying**2).mean())) + TINY, k, factor)

    def probability(self, rows: np.ndarray) -> np.ndarray:
        """Probability that a row is new, shape (n,)."""
        near, distances = _neighbours(rows, self.context, self.n_neighbours, itself=False)
        spread = self.factor * np.sqrt(distances.mean(axis=1))
        outlying = spread / self.spreads[near].mean(axis=1) - 1
        return np.maximum(0.0, erf(outlying / self.scale))


def _neighbours(rows: np.ndarray, context: np.ndarray, k: int, itself: bool) -> tuple[np.ndarray, np.ndarray]:
    """The ``k`` nearest context rows of every row and their squared distances, both (n, k)."""
    near, found = np.empty((len(rows), k), dtype=np.int64), np.empty((len(rows), k))
    for start in range(0, len(rows), BLOCK_ROWS):
        block = slice(start, min(start + BLOCK_ROWS, len(rows)))
        distances = squared_distances(rows[block], context)
        if itself and len(context) > 1:
            distances[np.arange(len(distances)), np.arange(block.start, block.stop)] = np.inf
        near[block] = np.argpartition(distances, k - 1, axis=1)[:, :k]
        found[block] = np.take_along_axis(distances, near[block], axis=1)
    return near, found
