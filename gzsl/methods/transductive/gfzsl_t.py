"""GFZSL with expectation-maximisation: the predicted Gaussians of unseen classes move to where unlabelled rows are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Self

import numpy as np

from gzsl.data import TrainView
from gzsl.methods.probabilistic.gfzsl import GFZSL
from gzsl.methods.registry import register
from gzsl.nn.class_shares import refuse_collapse
from gzsl.nn.pseudo_labels import as_rounds
from gzsl.params import param
from gzsl.semantics import Semantics
from gzsl.transduction.base import Pooled


@register(
    "gfzsl-t",
    family="transductive",
    settings=("transductive",),
    fidelity="replicated from code",
    cite="Verma & Rai, A Simple Exponential Family Framework for Zero-Shot Learning, ECML-PKDD 2017, arXiv:1707.08040",
    year=2017,
    needs=("unlabelled",),
    test_params=[{}, {"anchor": 5.0, "seen_gaussians": "regressed"}],
)
class GFZSLT(GFZSL):
    """A mixture of Gaussians, one a class, is fitted to unlabelled rows from the Gaussians that GFZSL predicts.

    Responsibilities ``r_ic ∝ π_c N(x_i; μ_c, σ²_c)`` and the moments they weigh are repeated until the labels of no
    row change: ``μ_c = (κ μ⁰_c + Σ r x) / (κ + Σ r)``, ``σ²_c`` likewise around the new mean, plus the floor. With the
    mixed test set seen classes are components too, which keep what their training rows say. A uniform or given prior
    fixes π; where it is estimated, π follows the responsibilities (``classifier``) or is found once.

    **Differences.** The released code stops after a fixed number of iterations and bounds covariances by a constant;
    here the floor of GFZSL does it. Its scoring adds the floor to all entries of a covariance matrix, off-diagonal ones
    included, which is taken for a mistake. The prior counts of the predicted Gaussian (κ) are ours; 0 is the paper.
    """

    n_iterations: int = param(default=100, low=1, high=10_000, doc="iterations at most")
    anchor: float = param(
        default=0.0, low=0.0, high=1e6, symbol="κ", tune=(0.0, 100.0), doc="rows that a predicted Gaussian counts for"
    )

    def _fit_grid(self, view: TrainView, copies: list[Self]) -> Iterator[Self]:
        X = view.unlabelled.to_array()
        for method in super()._fit_grid(view, copies):
            method._refine(view, X)
            yield method

    def gaussians(self, semantics: Semantics) -> tuple[np.ndarray, np.ndarray]:
        """Mean and variance of every class of a table, both (C, d) float64; refined ones where they are known."""
        means, variances = super().gaussians(semantics)
        place = {name: i for i, name in enumerate(self.unseen_classes_)} if hasattr(self, "refined_means_") else {}
        for c, name in enumerate(semantics.class_names):
            if name in place:
                means[c], variances[c] = self.refined_means_[place[name]], self.refined_variances_[place[name]]
        return means, variances

    def _refine(self, view: TrainView, X: np.ndarray) -> None:
        means, variances = self.gaussians(view.semantics)
        start, spread, candidates = means.copy(), variances.copy(), view.candidates
        scores = self._likelihoods(X, means, variances)
        told = Pooled(
            X, scores, self.classes_, candidates, view.class_prior, X[:0], np.empty(0, np.int64),
            view.semantics.table, lambda rows: self._likelihoods(rows, start, spread),
            lambda count: self._drawn(start[candidates], spread[candidates], count),
        )  # fmt: skip
        log_shares = np.log(np.maximum(told.shares(self.card.id), 1e-30))
        follows = view.class_prior.shares is None and view.class_prior.rule == "classifier"
        moving = np.isin(candidates, view.unseen)
        rounds = [candidates[scores[:, candidates].argmax(axis=1)]]
        for _ in range(self.n_iterations):
            raised = scores[:, candidates] * X.shape[1] + log_shares
            raised -= raised.max(axis=1, keepdims=True)
            r = np.exp(raised) / np.exp(raised).sum(axis=1, keepdims=True)
            if follows:
                log_shares = np.log(np.maximum(r.mean(axis=0), 1 / (10 * len(candidates))))
            for c, weight in zip(candidates[moving], r.T[moving], strict=True):
                means[c], variances[c] = self._moments(X, weight, start[c], spread[c])
            scores = self._likelihoods(X, means, variances)
            labels = candidates[(scores[:, candidates] * X.shape[1] + log_shares).argmax(axis=1)]
            if (labels == rounds[-1]).all():
                break
            rounds.append(labels)
        last = np.searchsorted(candidates, rounds[-1])
        refuse_collapse(last, candidates, self.classes_, self.card.id, view.class_prior)
        self.pseudo_labels_ = as_rounds(rounds)
        self.refined_means_, self.refined_variances_ = means[view.unseen], variances[view.unseen]

    def _moments(self, X: np.ndarray, r: np.ndarray, mean: np.ndarray, spread: np.ndarray) -> tuple[np.ndarray, ...]:
        """Weighted mean and variance (d,) of rows, with the predicted ones as some rows more."""
        total = self.anchor + r.sum()
        if total < 1e-6:
            return mean, spread
        found = (self.anchor * mean + r @ X) / total
        squares = r @ (X - found) ** 2 + self.anchor * (spread - self.floor + (mean - found) ** 2)
        return found, squares / total + self.floor

    def _likelihoods(self, X: np.ndarray, means: np.ndarray, variances: np.ndarray) -> np.ndarray:
        """Log-likelihoods over d, (n, C) float64, up to a number that all share."""
        precision = 1 / variances
        constant = (means**2 * precision).sum(axis=1) + np.log(variances).sum(axis=1)
        wide = X.astype(np.float64)
        return np.asarray(-0.5 * (wide**2 @ precision.T - 2 * wide @ (means * precision).T + constant) / X.shape[1])

    def _drawn(self, means: np.ndarray, variances: np.ndarray, count: int) -> np.ndarray:
        rng = np.random.default_rng(self._context.seed)
        noise = rng.normal(size=(len(means), count, means.shape[1]))
        rows = means[:, None] + noise * np.sqrt(variances)[:, None]
        return rows.reshape(-1, means.shape[1]).astype(np.float32)
