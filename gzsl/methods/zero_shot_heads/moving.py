"""Heads whose prototypes move towards rows without labels."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from gzsl.data import TrainView
from gzsl.methods.zero_shot_heads.base import JointHead
from gzsl.methods.zero_shot_heads.prompt_views import unit
from gzsl.params import param
from gzsl.semantics import Semantics


class MovingHead(JointHead):
    """Prototypes start at class vectors and follow rows; a class scores minus the squared distance to its own.

    Rows are centred by the mean of the unlabelled rows, prototypes by their own mean over the classes that these may be
    of, so that what separates rows from texts as a whole does not count. Those classes share the rows out; prototypes
    of others, and of all seen classes where ``moving`` says so, are means of training rows. A subclass writes
    `assigned`.
    """

    n_rounds: int = param(default=20, low=0, high=100_000, doc="rounds of assignment and movement")
    step: float = param(default=0.2, low=0.0, high=1.0, symbol="α", tune=(0.02, 0.4), doc="share of the way a round")
    moving: str = param(
        default="all", choices=("all", "unseen"), doc="which candidates may move; unseen: seen ones are class means"
    )
    power: float | None = param(default=None, low=0.05, high=1.0, doc="power of features before all else; null: none")

    _warm: ClassVar[np.ndarray | None] = None
    _offsets: ClassVar[np.ndarray | None] = None  # of the candidates' scores, where an assignment has some

    def assigned(self, X: np.ndarray, prototypes: np.ndarray, shares: np.ndarray | None) -> np.ndarray:
        """How much every row (n, a) counts for every prototype (C, a): (n, C); shares (C,) of rows where known."""
        raise NotImplementedError

    def learn(self, view: TrainView) -> None:
        """Move the prototypes ``prototypes_`` (C, a) of ``classes_``."""
        self._warm = self._offsets = None  # type: ignore[misc]
        rows = self._powered(self.rows_of(view.unlabelled))
        self.row_mean_ = rows.mean(axis=0)
        X = unit(rows - self.row_mean_)
        centres = self._powered(unit(self.views(view.semantics).means))
        own, shares = view.candidates, view.class_prior.shares
        self.class_mean_ = centres[own].mean(axis=0)
        prototypes = unit(centres - self.class_mean_)
        free = own if self.moving == "all" else np.intersect1d(own, view.unseen)
        fixed = np.setdiff1d(view.seen, free)
        if len(fixed):
            prototypes[fixed] = self._row_means(view, fixed)
        known = None if shares is None else shares[own]
        for _ in range(self.n_rounds):
            weights = self.assigned(X, prototypes[own], known)
            means = (weights.T @ X) / np.maximum(weights.sum(axis=0)[:, None], 1e-12)
            moved = prototypes[own] + self.step * (means - prototypes[own])
            prototypes[free] = moved[np.isin(own, free)]
        self.assigned(X, prototypes[own], known)
        self.log_prior_ = np.zeros(len(centres), dtype=np.float32)
        if self._offsets is not None:
            self.log_prior_[own] = self._offsets
        self._warm = self._offsets = None  # type: ignore[misc]
        self.prototypes_ = prototypes.astype(np.float32)

    def _row_means(self, view: TrainView, classes: np.ndarray) -> np.ndarray:
        rows, labels = self.labelled(view)
        X = unit(self._powered(unit(rows)) - self.row_mean_)
        return np.array([X[labels == c].mean(axis=0) for c in classes])

    def _powered(self, X: np.ndarray) -> np.ndarray:
        if self.power is None:
            return X
        return unit(np.sign(X) * np.power(np.abs(X) + 1e-6, self.power))

    def class_side(self, semantics: Semantics) -> tuple[np.ndarray, np.ndarray]:
        """Prototypes by name, those of classes that fit did not know where their vectors are; weights, offsets."""
        prototypes = unit(self._powered(unit(self.views(semantics).means)) - self.class_mean_)
        prior = np.full(len(prototypes), self.log_prior_.mean(), dtype=np.float32)
        place = {name: c for c, name in enumerate(self.classes_)}
        for c, name in enumerate(semantics.class_names):
            if name in place:
                prototypes[c], prior[c] = self.prototypes_[place[name]], self.log_prior_[place[name]]
        return prototypes, prior - (prototypes**2).sum(axis=1)

    def joint_scores(self, Z: np.ndarray, side: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        """``-|x - μ_c|^2`` and the prior, up to a number of the row: (n, a) -> (n, C)."""
        prototypes, offsets = side
        return 2 * unit(self._powered(Z) - self.row_mean_) @ prototypes.T + offsets
