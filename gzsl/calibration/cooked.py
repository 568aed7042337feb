"""COOkeD: the mean of several closed-world classifiers over the seen classes; their disagreement tells novelty.

Source: Humblot-Renaux, Escalera and Moeslund, "COOkeD: ensemble-based out-of-distribution detection in the era of
zero-shot CLIP", ICCV 2025 workshops, arXiv 2507.22576; carried over here from CLIP to class attributes.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from gzsl.calibration.base import Calibrator, register_calibrator
from gzsl.calibration.gaussian import squared_distances, tied_gaussians
from gzsl.calibration.probe import fit_probe, fitted_temperature, log_softmax, probe_outputs
from gzsl.data import TrainView
from gzsl.errors import MethodError
from gzsl.evaluation.summary import ScoreSummary
from gzsl.params import param

_TINY = 1e-30


@register_calibrator("cooked")
class COOkeD(Calibrator):
    """A row goes to the seen side where the averaged posterior of three classifiers of the seen classes is confident.

    The three are a logistic regression on the features, Gaussians with one covariance, and the recipe's method
    restricted to the seen classes. Each is tempered by the likelihood of rows that it was not fitted on (the method:
    of training rows, since it cannot be refitted here). The averaged posterior ranks the seen classes, the method
    the unseen ones.

    Differences: the paper averages an image classifier, a probe on CLIP features and CLIP itself; these three take
    their places where there are only features and class vectors.
    """

    rescores = True
    members: list[str] = param(
        default_factory=lambda: ["probe", "gaussian", "method"], doc="classifiers to average: probe, gaussian, method"
    )
    pool: str = param(default="mean", choices=("mean", "log"), doc="average probabilities, or their logarithms")
    novelty: str = param(default="max-prob", choices=("max-prob", "entropy"), doc="what is read off the average")
    C: float = param(default=1.0, low=1e-9, high=1e9, log=True, doc="inverse penalty of the logistic regression")
    n_iterations: int = param(default=200, low=1, high=100_000, doc="iterations of the logistic regression, at most")
    n_components: int = param(default=128, low=1, high=10_000, doc="dimensions of the Gaussians' subspace, at most")

    @property
    def needs(self) -> tuple[str, ...]:
        """Features, unless the method alone is a member."""
        return () if self.members == ["method"] else ("features",)

    def check_parameters(self) -> None:
        """Also refuse members that do not exist."""
        super().check_parameters()
        known = ("probe", "gaussian", "method")
        if not self.members or set(self.members) - set(known) or len(set(self.members)) < len(self.members):
            raise MethodError(
                f"COOkeD.members: found {self.members!r}, expected some of {', '.join(known)}, each at most once"
            )

    def _prepare(self, view: TrainView, seed: int) -> None:
        X, y = view.features.to_array(), view.seen_labels
        held_out = _every_fifth(y)
        if "probe" in self.members:
            part = fit_probe(X[~held_out], y[~held_out], len(view.seen), self.C, self.n_iterations)
            self.probe_temperature_ = fitted_temperature(probe_outputs(X[held_out], part), y[held_out])
            self.probe_ = fit_probe(X, y, len(view.seen), self.C, self.n_iterations)
        if "gaussian" in self.members:
            classes = np.arange(len(view.seen))
            axes, means = tied_gaussians(X[~held_out], y[~held_out], classes, self.n_components, seed)
            outputs = -0.5 * squared_distances(X[held_out] @ axes, means)
            self.gaussian_temperature_ = fitted_temperature(outputs, y[held_out])
            self.axes_, self.means_ = tied_gaussians(X, y, classes, self.n_components, seed)

    def _attach(self, scores: np.ndarray, labels: np.ndarray) -> None:
        if "method" in self.members:
            positions = np.searchsorted(self.seen_, labels)
            self.method_temperature_ = fitted_temperature(scores[:, self.seen_], positions)

    def _look(self, X: np.ndarray, scores: np.ndarray, *, training: bool) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        pooled: np.ndarray | None = None
        for name in self.members:
            member = log_softmax(self._outputs(name, X, scores))
            member = np.maximum(member, np.log(_TINY)) if self.pool == "log" else np.exp(member)
            pooled = member if pooled is None else pooled + member
        assert pooled is not None
        pooled /= len(self.members)
        posterior = log_softmax(pooled) if self.pool == "log" else np.log(np.maximum(pooled, _TINY))
        if self.novelty == "max-prob":
            confidence = posterior.max(axis=1)
        else:
            confidence = np.einsum("nc,nc->n", np.exp(posterior), posterior)
        shown = np.array(scores, dtype=np.float32)
        shown[:, self.seen_] = posterior
        return shown, {"confidence": confidence.astype(np.float64)}

    def _outputs(self, name: str, X: np.ndarray, scores: np.ndarray) -> np.ndarray:
        if name == "probe":
            return probe_outputs(X, self.probe_) / np.float32(self.probe_temperature_)
        if name == "gaussian":
            return squared_distances(X @ self.axes_, self.means_) * np.float32(-0.5 / self.gaussian_temperature_)
        return scores[:, self.seen_] / np.float32(self.method_temperature_)

    def _margin(self, summary: ScoreSummary, evidence: Mapping[str, np.ndarray]) -> np.ndarray | None:
        return evidence["confidence"]


def _every_fifth(labels: np.ndarray) -> np.ndarray:
    """Every fifth row of every class, bool (n,); classes of one row keep it."""
    chosen = np.zeros(len(labels), dtype=bool)
    for c in np.unique(labels):
        chosen[np.flatnonzero(labels == c)[1::5]] = True
    return chosen
