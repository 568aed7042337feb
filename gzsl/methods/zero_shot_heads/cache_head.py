"""What Tip-Adapter and TIP-X share: a cache of labelled rows beside the class vectors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from gzsl.data import TrainView
from gzsl.methods.zero_shot_heads.base import JointHead
from gzsl.methods.zero_shot_heads.prompt_views import PromptViews, unit
from gzsl.methods.zero_shot_heads.supports import Supports
from gzsl.params import param
from gzsl.semantics import Semantics

ALPHAS = tuple(10.0 ** (k / 2) for k in range(-2, 7))  # 0.1 to 1000: to where the cache decides alone
BETAS = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0)
LEFT_OUT = 2000  # supports at most that are left out in turn, spread evenly


@dataclass(frozen=True, eq=False)
class CacheSide:
    """What scoring needs of a class table.

    Attributes
    ----------
    centres : ndarray, shape (C, a)
        Mean members at unit length.
    supports : Supports
        Of every class.
    """

    centres: np.ndarray
    supports: Supports


class CacheHead(JointHead):
    """A head with supports: labelled rows of a class, or its members."""

    scale: float = param(default=100.0, low=1e-3, high=1e4, log=True, doc="CLIP's logit scale")
    n_supports: int | None = param(
        default=16, low=1, high=1_000_000, doc="labelled rows a class at most, drawn by the seed; null: all"
    )
    search: bool = param(
        default=False, doc="choose the weights on labelled supports, each left out in turn (released: on a second set)"
    )

    takes_shots: ClassVar[bool] = True

    @property
    def balanced(self) -> bool:
        """Whether a class's cache is the mean over its supports, rather than their sum."""
        return True

    def learn(self, view: TrainView) -> None:
        """Keep supports: ``supports_`` (M, a), class ``support_classes_`` (M,) of ``classes_``, and the gap.

        With ``search``, the weights that tell supports apart best besides: ``strengths_`` (3,), α, β and γ.
        """
        rows, labels = self.labelled(view)
        chosen = a_few(labels, self.n_supports, np.random.default_rng(self._context.seed))
        self.supports_, self.support_classes_ = rows[chosen], labels[chosen]
        views = self.views(view.semantics)
        shown = unit(views.means)[np.unique(labels)] if len(labels) else np.zeros((1, views.means.shape[1]))
        middle = self.supports_.mean(axis=0) if len(labels) else np.zeros(views.means.shape[1])
        self.gap_ = (middle - shown.mean(axis=0)).astype(np.float32)
        if self.search:
            self.strengths_ = np.array(self._searched(self.side_of(views, self.support_classes_)))

    def class_side(self, semantics: Semantics) -> CacheSide:
        """Supports of a table: labelled rows by the names of their classes."""
        views, place = self.views(semantics), {name: c for c, name in enumerate(semantics.class_names)}
        position = np.array([place.get(name, -1) for name in self.classes_], dtype=np.int64)
        return self.side_of(views, position[self.support_classes_])

    def side_of(self, views: PromptViews, labels: np.ndarray) -> CacheSide:
        """What scoring needs, of members and of the supports' classes among theirs (M,), -1 for none."""
        return CacheSide(unit(views.means), Supports.of(self.supports_, labels, views, self.gap_))

    def strengths(self) -> tuple[float, float, float]:
        """Weights α and γ, and sharpness β: chosen ones, or those given."""
        given = [float(getattr(self, name, 0.0)) for name in ("alpha", "beta", "gamma")]
        alpha, beta, gamma = self.strengths_.tolist() if self.search else given
        return alpha, beta, gamma

    def without_cache(self, Z: np.ndarray, labels: np.ndarray, side: CacheSide) -> Iterator[tuple[float, np.ndarray]]:
        """Scores (m, C) of supports that are left out, but for the cache, for every γ that is tried."""
        yield 0.0, self.scale * (Z @ side.centres.T)

    def _searched(self, side: CacheSide) -> tuple[float, float, float]:
        counts = side.supports.counts
        able = np.flatnonzero(counts[self.support_classes_] > 1)
        able = able[np.linspace(0, len(able) - 1, min(len(able), LEFT_OUT)).astype(np.int64)]
        Z, y = self.supports_[able], self.support_classes_[able]
        itself = np.zeros((len(Z), len(counts)), dtype=np.float32)  # a support's affinity to itself is 1
        itself[np.arange(len(Z)), y] = 1
        others = counts - itself if self.balanced else 1
        best, found = -1.0, tuple(float(getattr(self, name, 0.0)) for name in ("alpha", "beta", "gamma"))
        plain = list(self.without_cache(Z, y, side)) if len(Z) else []
        for beta in BETAS if len(Z) else ():
            cache = (side.supports.affinities(Z, beta, False) - itself) / others
            for gamma, scores in plain:
                for alpha in ALPHAS:
                    right = (scores + alpha * cache).argmax(axis=1) == y
                    share = float((np.bincount(y, right) / np.maximum(np.bincount(y), 1)).sum())
                    if share > best:  # of equal ones the first, whose weights are the smallest
                        best, found = share, (alpha, beta, gamma)
        return found[0], found[1], found[2]


def a_few(labels: np.ndarray, most: int | None, rng: np.random.Generator) -> np.ndarray:
    """Positions of at most ``most`` rows of every class, ascending."""
    if most is None:
        return np.arange(len(labels))
    shuffled = rng.permutation(len(labels))
    order = shuffled[np.argsort(labels[shuffled], kind="stable")]
    first = np.searchsorted(labels[order], labels[order])
    return np.sort(order[np.arange(len(labels)) - first < most])
