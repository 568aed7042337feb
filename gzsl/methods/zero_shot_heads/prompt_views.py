"""The members of a table's classes as heads use them: unit vectors, one block a class or one slot a prompt."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gzsl.semantics import Semantics

TINY = 1e-12
CLOSE = 1e-6  # to unit length, in float32
BLOCK_BYTES = 128 << 20  # of what a head holds of a block of rows


def unit(X: np.ndarray) -> np.ndarray:
    """Rows (..., d) at unit length, float32, and as they are where they have it; a zero row stays zero."""
    X = np.asarray(X, dtype=np.float32)
    norms = np.sqrt(np.einsum("...d,...d->...", X, X))[..., None]
    if len(X) and np.abs(norms - 1).max() < CLOSE:
        return X
    return X / np.maximum(norms, TINY)


def row_blocks(n: int, bytes_a_row: int) -> Iterator[slice]:
    """Positions of ``n`` rows in pieces of which each needs some 128 MB at most."""
    size = max(1, BLOCK_BYTES // max(1, bytes_a_row))
    for start in range(0, n, size):
        yield slice(start, min(start + size, n))


@dataclass(frozen=True, eq=False)
class PromptViews:
    """Unit vectors of all members, class after class.

    Attributes
    ----------
    vectors : ndarray, shape (M, a), float32
        Members of class 0, then those of class 1, and so on; unit length.
    starts : ndarray, shape (C + 1,), int64
        Members of class ``c`` stand at ``starts[c]:starts[c + 1]``; every class has one.
    """

    vectors: np.ndarray
    starts: np.ndarray

    @classmethod
    def of(cls, semantics: Semantics, centre: np.ndarray | None = None) -> PromptViews:
        """Members of a table, the class vector itself where it has none; ``centre`` (a,) is taken off unit members."""
        members = semantics.members
        given = semantics.table if members is None else members.vectors
        sizes = np.ones(len(semantics), dtype=np.int64) if members is None else members.sizes
        vectors = unit(given) if centre is None else unit(unit(given) - centre)
        return cls(vectors, np.concatenate([[0], np.cumsum(sizes)]))

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def counts(self) -> np.ndarray:
        """Members a class, shape (C,)."""
        return np.diff(self.starts)

    @cached_property
    def owners(self) -> np.ndarray:
        """Class of every member, shape (M,)."""
        return np.repeat(np.arange(len(self)), self.counts)

    @cached_property
    def means(self) -> np.ndarray:
        """Mean of the unit vectors of every class, shape (C, a), shorter where members disagree."""
        sums = np.add.reduceat(self.vectors, self.starts[:-1], axis=0)  # of unit vectors: single precision will do
        return sums / self.counts[:, None].astype(np.float32)

    @cached_property
    def slots(self) -> np.ndarray:
        """One vector a slot and class, shape (K, C, a); where a class has fewer than K members its mean stands.

        The mean over slots so is the mean of the members only where all classes have K; classes whose prompts do
        not correspond (sentences) have them in the order of the table.
        """
        size = int(self.counts.max())
        found = np.repeat(self.means[None], size, axis=0)
        place = np.arange(len(self.vectors)) - self.starts[:-1][self.owners]
        found[place, self.owners] = self.vectors
        return found


def best_of_class(S: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Largest score of every class, (n, M) -> (n, C)."""
    return np.maximum.reduceat(S, starts[:-1], axis=1)


def sum_of_class(S: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Summed scores of every class, (n, M) -> (n, C)."""
    return np.add.reduceat(S, starts[:-1], axis=1)
