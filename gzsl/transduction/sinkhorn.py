"""Balanced assignment: scores of classes are moved until unlabelled rows fall to them as often as expected."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from gzsl.nn.class_shares import best_candidates
from gzsl.nn.pseudo_labels import as_rounds, spread_of
from gzsl.params import param
from gzsl.transduction.base import Pooled, State, Wrapper, register_wrapper


@register_wrapper("sinkhorn")
class Sinkhorn(Wrapper):
    """One bias a class, by which unlabelled rows are assigned in the proportions of the class prior.

    With scores s (m, k) and shares π the entropic transport plan ``P ∝ exp((s_ic + b_c) / (τ σ))`` has rows that sum
    to one and columns that sum to ``m π_c``; σ is the spread of the scores. The biases b, in the scores' own unit and
    without a mean over the shares, are all that is kept: a row is scored by itself, and a class that hardly any row
    is of moves no other.
    """

    temperature: float = param(
        default=0.2, low=1e-3, high=100.0, log=True, symbol="τ", tune=(0.02, 2.0), doc="softness of the assignment"
    )
    n_iterations: int = param(default=200, low=1, high=100_000, doc="scalings of rows and columns at most")

    def fit(self, pooled: Pooled, seed: int) -> tuple[State, np.ndarray]:
        """Find the biases."""
        own, shares = pooled.own, pooled.shares("sinkhorn")
        unit = self.temperature * spread_of(own)
        bias = balanced_biases(own / unit, shares, self.n_iterations) * unit
        whole = np.zeros(pooled.scores.shape[1], dtype=np.float32)
        whole[pooled.candidates] = bias - shares @ bias
        best = best_candidates(own + bias, pooled.candidates, pooled.names, "sinkhorn", pooled.prior)
        rounds = [pooled.candidates[own.argmax(axis=1)], pooled.candidates[best]]
        return {"bias": whole}, as_rounds(rounds)

    def scores(self, state: Mapping[str, np.ndarray], X: np.ndarray, scores: np.ndarray) -> np.ndarray:
        """Scores with the biases added."""
        return scores + state["bias"]


def balanced_biases(scores: np.ndarray, shares: np.ndarray, n_iterations: int, tolerance: float = 1e-4) -> np.ndarray:
    """Biases (k,) under which the rows' softmax has the wanted shares in the mean; largest relative error 1e-4.

    Parameters
    ----------
    scores : ndarray, shape (m, k)
        In units of the temperature.
    shares : ndarray, shape (k,)
        Sum to one; a class without any is left out.
    """
    kept = shares > 0
    S = np.asarray(scores[:, kept], dtype=np.float32)
    wanted = shares[kept] / shares[kept].sum()
    bias = np.zeros(len(wanted))
    plan = np.empty_like(S)
    for _ in range(n_iterations):
        np.add(S, bias.astype(np.float32), out=plan)
        plan -= plan.max(axis=1, keepdims=True)
        np.exp(plan, out=plan)
        found = (plan / plan.sum(axis=1, keepdims=True)).mean(axis=0, dtype=np.float64)
        if np.abs(found / wanted - 1).max() < tolerance:
            break
        bias += np.log(wanted) - np.log(np.maximum(found, 1e-30))
    whole = np.full(len(shares), bias.min(initial=0.0) - 1e3)
    whole[kept] = bias
    return whole
