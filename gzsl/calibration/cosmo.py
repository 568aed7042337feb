"""COSMO: a seen expert, an unseen expert and a learnt gate, combined by smoothed total probability.

Source: Atzmon and Chechik, "Adaptive confidence smoothing for generalized zero-shot learning", CVPR 2019,
arXiv 1812.09903, and its released code.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.special import logit
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression

from gzsl.calibration.base import Calibrator, register_calibrator
from gzsl.calibration.observation import Observation
from gzsl.calibration.probe import fit_probe, log_softmax, probe_outputs
from gzsl.data import TrainView
from gzsl.errors import MethodError
from gzsl.evaluation.curve import SeenUnseenCurve
from gzsl.evaluation.summary import ScoreSummary, with_margin
from gzsl.methods import Method
from gzsl.params import param
from gzsl.semantics import Semantics

TOP = 5
_TINY = 1e-12
_SOFTNESS = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0)


@register_calibrator("cosmo")
class COSMO(Calibrator):
    """Weigh the best seen against the best unseen class by a gate that was learnt on sorted confidences.

    The gate g is a logistic regression on the five largest unseen posteriors of the recipe's method and the five
    largest posteriors of the seen expert at temperature 3; sorted, so that it does not depend on which or how many
    classes there are. With ``pU = sigmoid((threshold - g) / T)`` and ``pS = 1 - pU`` a row goes to the larger of
    ``pS (p_S + pU / |S|)`` and ``pU (p_U + pS / |U|)``: each side is smoothed in proportion to how unlikely it is.
    ``p_S`` is the seen expert's largest posterior, ``p_U`` the largest unseen one under the method's softmax over all
    classes, not renormalised, as in the released code.

    Smoothing changes no order inside a side, and the two products cross exactly once in pU, where a quadratic
    vanishes. So this rule, too, is a threshold on one number a row, ``g - T logit(pS*)``, and its curve is exact; the
    released code searches a grid instead. T is chosen on a third of the validation rows, the gate is fitted on the
    others.

    Differences: the seen expert is a logistic regression by L-BFGS, as released, or any method of the toolkit
    (``seen_expert``), or the recipe's method itself (``own_seen_scores``). Scores are brought to a common scale by
    ``temperature``, since methods here need not give probabilities. Without a validation fold the gate is
    ``log p_S - log p_U``.
    """

    rescores = True
    seen_expert: Method | None = param(default=None, doc="method that ranks seen classes; null: logistic regression")
    own_seen_scores: bool = param(default=False, doc="rank the seen classes by the recipe's method itself")
    C: float = param(default=1.0, low=1e-9, high=1e9, log=True, doc="inverse penalty of the logistic regression")
    n_iterations: int = param(default=200, low=1, high=100_000, doc="iterations of the logistic regression, at most")
    temperature: float = param(
        default=0.25, low=1e-4, high=1e4, log=True, tune=(0.05, 2.0),
        doc="softmax temperature of the method's scores, in standard deviations of a training row's seen scores",
    )  # fmt: skip
    gate_temperature: float = param(default=3.0, low=1e-3, high=1e3, doc="temperature of seen posteriors for the gate")
    smoothing: str = param(
        default="adaptive", choices=("adaptive", "none", "hard"),
        doc="adaptive; none: plain total probability; hard: the gate alone decides",
    )  # fmt: skip
    balanced: bool = param(default=False, doc="weigh validation rows of both sides equally when fitting the gate")

    @property
    def needs(self) -> tuple[str, ...]:
        """Features for the seen expert; class vectors too where that is a method of the toolkit."""
        if self.own_seen_scores:
            return ()
        return ("features",) if self.seen_expert is None else ("features", "vectors")

    def _prepare(self, view: TrainView, seed: int) -> None:
        if self.own_seen_scores:
            return
        if self.seen_expert is None:
            X = view.features.to_array()
            self.probe_ = fit_probe(X, view.seen_labels, len(view.seen), self.C, self.n_iterations)
            return
        self.expert_ = clone(self.seen_expert).fit(view, seed=seed)
        names = {view.semantics.class_names[c] for c in view.seen}
        if names != set(self.expert_.seen_classes_):
            raise MethodError("calibration cosmo: the seen expert knows other seen classes than the recipe's method")

    def _tabulate(self, semantics: Semantics) -> None:
        self._semantics = semantics

    def _look(self, X: np.ndarray, scores: np.ndarray, *, training: bool) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        p_all = log_softmax(scores / np.float32(self.temperature * self.unit_))
        p_unseen = np.exp(p_all[:, self.unseen_])
        log_seen = self._seen_log_posteriors(X, scores)
        p_gate = np.exp(log_softmax(log_seen / np.float32(self.gate_temperature)))
        shown = p_all
        shown[:, self.seen_] = log_seen
        return shown, {
            "p_seen": np.exp(log_seen.max(axis=1)).astype(np.float64),
            "p_unseen": p_unseen.max(axis=1).astype(np.float64),
            "unseen_mass": p_unseen.sum(axis=1, dtype=np.float64),
            "confidences": np.hstack([_largest(p_gate), _largest(p_unseen)]),
        }

    def _seen_log_posteriors(self, X: np.ndarray, scores: np.ndarray) -> np.ndarray:
        if self.own_seen_scores:
            return log_softmax(scores[:, self.seen_] / np.float32(self.temperature * self.unit_))
        if self.seen_expert is None:
            return log_softmax(probe_outputs(X, self.probe_))
        found = self.expert_.scores(X, self._semantics)[:, self.seen_]
        unit = float(found.std(axis=1, dtype=np.float64).mean()) or 1.0
        return log_softmax(found / np.float32(self.temperature * unit))

    def _learn(self, folds: list[Observation]) -> None:
        """Fit the gate on two thirds of the validation rows, then choose T on the others."""
        rows = [fold.rows(np.arange(len(fold.summary)) % 3 != 0) for fold in folds]
        Z = np.concatenate([fold.evidence["confidences"] for fold in rows])
        is_seen = np.concatenate([fold.summary.is_seen for fold in rows])
        centre, deviation = Z.mean(axis=0), np.maximum(Z.std(axis=0), 1e-6)
        weighting = "balanced" if self.balanced else None
        gate = LogisticRegression(C=1.0, max_iter=2000, class_weight=weighting).fit((Z - centre) / deviation, is_seen)
        weights = gate.coef_[0] / deviation
        self.gate_ = np.append(weights, gate.intercept_[0] - weights @ centre)
        self.softness_ = 1.0
        if self.smoothing != "hard":
            self.softness_ = max(_SOFTNESS, key=lambda softness: self._height(folds, softness))

    def _height(self, folds: list[Observation], softness: float) -> float:
        self.softness_ = softness
        decided = [self.decide(self._tuning_rows(fold)) for fold in folds]
        return float(np.mean([SeenUnseenCurve.of(summary).best_harmonic()[3] for summary in decided]))

    def _tuning_rows(self, fold: Observation) -> Observation:
        return fold.rows(np.arange(len(fold.summary)) % 3 == 0)

    def _decided(self, summary: ScoreSummary, evidence: Mapping[str, np.ndarray]) -> ScoreSummary:
        return with_margin(summary, self._gate(evidence) - self._shift(evidence))

    def _gate(self, evidence: Mapping[str, np.ndarray]) -> np.ndarray:
        if not hasattr(self, "gate_"):
            return np.log(np.maximum(evidence["p_seen"], _TINY)) - np.log(np.maximum(evidence["p_unseen"], _TINY))
        return evidence["confidences"] @ self.gate_[:-1] + self.gate_[-1]

    def _shift(self, evidence: Mapping[str, np.ndarray]) -> np.ndarray | float:
        """What the gate has to exceed the threshold by before a row is decided for seen."""
        softness = getattr(self, "softness_", 1.0)
        if self.smoothing == "hard" or not hasattr(self, "gate_"):
            return 0.0
        s, u = np.clip(evidence["p_seen"], _TINY, 1), np.clip(evidence["p_unseen"], _TINY, 1)
        if self.smoothing == "none":
            return softness * (np.log(u / np.maximum(evidence["unseen_mass"], _TINY)) - np.log(s))
        return softness * logit(crossing(s, u, len(self.seen_), len(self.unseen_)))


def crossing(s: np.ndarray, u: np.ndarray, n_seen: int, n_unseen: int) -> np.ndarray:
    """Weight pS (n,) at which both smoothed sides are equal: the root in (0, 1) of ``c pS^2 - (s + u + c) pS + u``.

    Parameters
    ----------
    s, u : ndarray, shape (n,)
        Largest seen and unseen posterior, above 0 and at most 1.
    n_seen, n_unseen : int
        Numbers of classes; ``c = 1 / n_seen - 1 / n_unseen``.
    """
    c = 1.0 / n_seen - 1.0 / n_unseen
    b = s + u + c
    root = 2.0 * u / (b + np.sqrt(np.maximum(b * b - 4.0 * c * u, 0.0)))  # stable also where c is 0
    return np.clip(root, _TINY, 1.0 - 1e-9)


def _largest(p: np.ndarray) -> np.ndarray:
    """The five largest columns of every row, descending, with zeros where there are fewer."""
    k = min(TOP, p.shape[1])
    found = np.sort(np.partition(p, p.shape[1] - k, axis=1)[:, -k:], axis=1)[:, ::-1]
    return np.pad(found, ((0, 0), (0, TOP - k))).astype(np.float64)
