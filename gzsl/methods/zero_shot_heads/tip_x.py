"""TIP-X of SuS-X: supports compared with a row by what both say of the classes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gzsl.linear import softmax
from gzsl.methods import register
from gzsl.methods.zero_shot_heads.cache_head import CacheHead, CacheSide
from gzsl.methods.zero_shot_heads.prompt_views import unit
from gzsl.params import param
from gzsl.semantics import Semantics

TINY = 1e-30


@dataclass(frozen=True, eq=False)
class SignatureSide(CacheSide):
    """Besides: ``logs`` (C, C), the mean over supports of class c of log Q_m; the line of the rescaling."""

    logs: np.ndarray
    slope: float
    start: float


@register(
    "tip-x",
    family="zero_shot_heads",
    settings=("inductive", "transfer"),
    fidelity="replicated from code",
    cite="Udandarao, Gupta & Albanie, SuS-X: Training-Free Name-Only Transfer of Vision-Language Models, ICCV 2023, "
    "arXiv:2211.16198",
    year=2023,
    needs=("joint",),
    test_params=[{}, {"alpha": 0.0, "gamma": 5.0, "temperature": 0.1}],
)
class TipX(CacheHead):
    """Tip-Adapter, and a third term: how far a row's distribution over classes is from those of the supports.

    With ``P = softmax(x · t / τ)`` and ``Q_m = softmax(s_m · t / τ)``, a class scores ``s x · t_c + α A_c - γ
    ψ(D)_c``: A is Tip-Adapter's cache, D_c the mean of ``KL(P || Q_m)`` over its supports, ψ the map to the range of
    the affinities.

    **Differences.** Supports are labelled rows, or members of classes that have none (the paper draws or retrieves
    pictures by name). ψ's range is that of the supports among each other, not of the test rows: those scores would
    depend on each other. Means over supports replace sums, which would differ with their number.

    **Notes.** ``Σ_m KL(P || Q_m) / n_c = Σ P log P - P · L_c`` with ``L_c`` the mean of ``log Q_m``: supports fold
    into C vectors, and the term is one product of (n, C) and (C, C), whatever their number. Where α is 0 no row meets
    a support.
    """

    alpha: float = param(default=1.0, low=0.0, high=1e4, symbol="α", tune=(0.1, 10.0), doc="weight of the cache")
    beta: float = param(default=5.0, low=0.0, high=1e3, symbol="β", tune=(1.0, 50.0), doc="sharpness of the cache")
    gamma: float = param(default=1.0, low=0.0, high=1e4, symbol="γ", tune=(0.1, 30.0), doc="weight of the divergence")
    temperature: float = param(default=0.5, low=1e-3, high=1e3, log=True, symbol="τ", doc="of P and Q, on raw cosines")

    def class_side(self, semantics: Semantics) -> SignatureSide:
        """Fold the supports of a table."""
        side = super().class_side(semantics)
        keys, starts = side.supports.keys, side.supports.starts
        logs = np.log(softmax(keys @ side.centres.T / self.temperature) + TINY)
        folded = np.add.reduceat(logs, starts[:-1], axis=0) / side.supports.counts[:, None]
        divergences = class_divergences(np.exp(logs), folded)
        middles = unit(np.add.reduceat(keys, starts[:-1], axis=0))
        affinities = keys @ middles.T
        low, high = float(divergences.min()), float(divergences.max())
        slope = float(np.ptp(affinities)) / max(high - low, 1e-12)
        return SignatureSide(side.centres, side.supports, folded, slope, float(affinities.min()) - slope * low)

    def joint_scores(self, Z: np.ndarray, side: SignatureSide) -> np.ndarray:
        """Cosines, cache and divergence: (n, a) -> (n, C)."""
        cosines = Z @ side.centres.T
        found = self.scale * cosines
        if self.alpha:
            found += self.alpha * side.supports.affinities(Z, self.beta, True)
        if self.gamma:
            P = softmax(cosines / self.temperature)
            found -= self.gamma * (side.slope * class_divergences(P, side.logs) + side.start)
        return found


def class_divergences(P: np.ndarray, logs: np.ndarray) -> np.ndarray:
    """Mean ``KL(P_n || Q_m)`` over supports of class c, (n, C), of P (n, C) and the mean logarithms (C, C)."""
    return (P * np.log(P + TINY)).sum(axis=1, keepdims=True) - P @ logs.T
