"""Support sets: labelled rows, and members where a class has none, as caches of keys and values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gzsl.methods.zero_shot_heads.prompt_views import PromptViews, row_blocks, unit


@dataclass(frozen=True, eq=False)
class Supports:
    """Unit vectors that stand for classes of a table, class after class.

    Attributes
    ----------
    keys : ndarray, shape (M, a), float32
        Unit length.
    starts : ndarray, shape (C + 1,), int64
        Those of class ``c`` stand at ``starts[c]:starts[c + 1]``; every class has one.
    """

    keys: np.ndarray
    starts: np.ndarray

    @property
    def counts(self) -> np.ndarray:
        """Supports a class, shape (C,)."""
        return np.diff(self.starts)

    @classmethod
    def of(cls, rows: np.ndarray, labels: np.ndarray, views: PromptViews, gap: np.ndarray) -> Supports:
        """Labelled rows of a table's classes, and shifted members of those that have none.

        Parameters
        ----------
        rows : ndarray, shape (m, a)
            Labelled rows of unit length.
        labels : ndarray, shape (m,), int64
            Class in the table, -1 for one that is not in it.
        views : PromptViews
            Members of the table's classes.
        gap : ndarray, shape (a,)
            What is added to a member to stand among rows.
        """
        bare = np.setdiff1d(np.arange(len(views)), labels)
        kept, chosen = np.flatnonzero(labels >= 0), np.flatnonzero(np.isin(views.owners, bare))
        owners = np.concatenate([labels[kept], views.owners[chosen]])
        order = np.argsort(owners, kind="stable")
        starts = np.searchsorted(owners[order], np.arange(len(views) + 1))
        place = np.empty(len(order), dtype=np.int64)
        place[order] = np.arange(len(order))
        keys = np.empty((len(order), views.vectors.shape[1]), dtype=np.float32)
        keys[place[: len(kept)]] = rows[kept]
        for where in row_blocks(len(chosen), 4 * keys[:1].nbytes):  # members may be most of all that is in memory
            keys[place[len(kept) :][where]] = unit(views.vectors[chosen[where]] + gap)
        return cls(keys, starts)

    def affinities(self, Z: np.ndarray, beta: float, balance: bool) -> np.ndarray:
        """``Σ_m exp(-β (1 - x · s_m))`` over the supports of each class, or the mean: (n, a) -> (n, C), in blocks."""
        found = np.empty((len(Z), len(self.starts) - 1), dtype=np.float32)
        for where in row_blocks(len(Z), 4 * len(self.keys)):
            A = (beta * Z[where]) @ self.keys.T
            A -= beta
            np.add.reduceat(np.exp(A, out=A), self.starts[:-1], axis=1, out=found[where])
        if balance:
            found /= self.counts.astype(np.float32)
        return found
