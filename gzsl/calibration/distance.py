"""Gates that compare a row's features with those of the seen classes, whatever the method's scores are.

Sources: Lee, Lee, Lee and Shin, "A simple unified framework for detecting out-of-distribution samples and adversarial
attacks", NeurIPS 2018, arXiv 1807.03888 (Mahalanobis); Sun, Ming, Zhu and Li, "Out-of-distribution detection with deep
nearest neighbors", ICML 2022, arXiv 2204.06507.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from gzsl.calibration.base import Calibrator, register_calibrator
from gzsl.calibration.gaussian import principal_axes, squared_distances, tied_gaussians
from gzsl.data import TrainView
from gzsl.evaluation.summary import ScoreSummary
from gzsl.params import param
from gzsl.semantics.unit_length import at_unit_length

_SAME = 1e-6  # squared distance below which a training row is taken for itself


class DistanceGate(Calibrator):
    """A row goes to its best seen class where its features lie near those of seen classes.

    Differences: the papers work in the full feature space; here it is the leading subspace, which costs a fraction
    of a score matrix instead of many.
    """

    n_components: int = param(default=128, low=1, high=10_000, symbol="r", doc="dimensions of the subspace, at most")

    @property
    def needs(self) -> tuple[str, ...]:
        """Features."""
        return ("features",)

    def _look(self, X: np.ndarray, scores: np.ndarray, *, training: bool) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        return scores, {"nearness": -self._distance(X, training).astype(np.float64)}

    def _margin(self, summary: ScoreSummary, evidence: Mapping[str, np.ndarray]) -> np.ndarray | None:
        return evidence["nearness"]

    def _distance(self, X: np.ndarray, training: bool) -> np.ndarray:
        raise NotImplementedError


@register_calibrator("mahalanobis")
class MahalanobisGate(DistanceGate):
    """Smallest squared Mahalanobis distance to a seen class mean, with one covariance for all classes."""

    def _prepare(self, view: TrainView, seed: int) -> None:
        X = view.features.to_array()
        self.axes_, self.means_ = tied_gaussians(X, view.labels, view.seen, self.n_components, seed)

    def _distance(self, X: np.ndarray, training: bool) -> np.ndarray:
        return squared_distances(X @ self.axes_, self.means_).min(axis=1)


@register_calibrator("knn")
class NeighbourGate(DistanceGate):
    """Distance to the k-th nearest training row, features of unit length, in a class-balanced bank of rows."""

    k: int = param(default=5, low=1, high=1000, doc="which neighbour")
    bank_size: int = param(default=4000, low=1, high=10_000_000, doc="training rows to keep, balanced over classes")

    def _prepare(self, view: TrainView, seed: int) -> None:
        share = max(1, self.bank_size // len(view.seen))
        rows = [np.flatnonzero(view.labels == c) for c in view.seen]
        kept = np.sort(np.concatenate([r[_spread(len(r), share)] for r in rows]))
        bank = at_unit_length(view.features.take(kept).to_array())
        self.centre_, self.axes_ = principal_axes(bank, self.n_components, seed)
        self.bank_ = (bank - self.centre_) @ self.axes_

    def _distance(self, X: np.ndarray, training: bool) -> np.ndarray:
        found = squared_distances((at_unit_length(X) - self.centre_) @ self.axes_, self.bank_)
        k = min(self.k, len(self.bank_) - 1)
        if not training:
            return np.sqrt(np.partition(found, k - 1, axis=1)[:, k - 1])
        nearest = np.sort(np.partition(found, k, axis=1)[:, : k + 1], axis=1)
        itself = nearest[:, 0] < _SAME
        return np.sqrt(np.where(itself, nearest[:, k], nearest[:, k - 1]))


def _spread(n: int, share: int) -> np.ndarray:
    """At most ``share`` positions below ``n``, evenly spread."""
    return np.unique(np.linspace(0, n - 1, min(n, share)).round().astype(np.int64))
