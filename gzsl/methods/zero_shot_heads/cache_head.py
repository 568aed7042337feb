"""What Tip-Adapter and TIP-X share: a cache of labelled rows beside the class vectors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from gzsl.data import TrainView
from gzsl.methods.zero_shot_heads.base import JointHead
from gzsl.methods.zero_shot_heads.prompt_views import unit
from gzsl.methods.zero_shot_heads.supports import Supports
from gzsl.params import param
from gzsl.semantics import Semantics


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

    takes_shots: ClassVar[bool] = True

    def learn(self, view: TrainView) -> None:
        """Keep supports: ``supports_`` (M, a), class ``support_classes_`` (M,) of ``classes_``, and the gap."""
        rows, labels = self.labelled(view)
        chosen = a_few(labels, self.n_supports, np.random.default_rng(self._context.seed))
        self.supports_, self.support_classes_ = rows[chosen], labels[chosen]
        views = self.views(view.semantics)
        shown = unit(views.means)[np.unique(labels)] if len(labels) else np.zeros((1, views.means.shape[1]))
        middle = self.supports_.mean(axis=0) if len(labels) else np.zeros(views.means.shape[1])
        self.gap_ = (middle - shown.mean(axis=0)).astype(np.float32)

    def class_side(self, semantics: Semantics) -> CacheSide:
        """Supports of a table: labelled rows by the names of their classes."""
        views, place = self.views(semantics), {name: c for c, name in enumerate(semantics.class_names)}
        position = np.array([place.get(name, -1) for name in self.classes_], dtype=np.int64)
        supports = Supports.of(self.supports_, position[self.support_classes_], views, self.gap_)
        return CacheSide(unit(views.means), supports)


def a_few(labels: np.ndarray, most: int | None, rng: np.random.Generator) -> np.ndarray:
    """Positions of at most ``most`` rows of every class, ascending."""
    if most is None:
        return np.arange(len(labels))
    shuffled = rng.permutation(len(labels))
    order = shuffled[np.argsort(labels[shuffled], kind="stable")]
    first = np.searchsorted(labels[order], labels[order])
    return np.sort(order[np.arange(len(labels)) - first < most])
