"""TIP-X of SuS-X: supports compared with a row by what both say of the classes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gzsl.methods import register
from gzsl.methods.zero_shot_heads.cache_head import CacheHead, CacheSide
from gzsl.methods.zero_shot_heads.prompt_views import row_blocks, unit
from gzsl.params import param
from gzsl.semantics import Semantics


@dataclass(frozen=True, eq=False)
class SignatureSide(CacheSide):
    """Besides: what the supports' distributions fold into, and the line of the rescaling.

    Attributes
    ----------
    middles : ndarray, shape (C, a)
        Mean support of every class over the temperature.
    totals : ndarray, shape (C,)
        Mean over supports of the logarithm of what their softmax is divided by.
    slope, start : float
        ψ(D) is ``slope D + start``.
    """

    middles: np.ndarray
    totals: np.ndarray
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

    **Notes.** With ``log Q_m = s_m · t / τ - z_m``, the mean of ``KL(P || Q_m)`` over the supports of a class is ``Σ
    P log P - (P T) · s̄_c / τ + z̄_c``: supports fold into one vector and one number a class, whatever their number,
    and the term costs two products. Where α is 0 no row meets a support.
    """

    alpha: float = param(default=1.0, low=0.0, high=1e4, symbol="α", tune=(0.1, 10.0), doc="weight of the cache")
    beta: float = param(default=5.0, low=0.0, high=1e3, symbol="β", tune=(1.0, 50.0), doc="sharpness of the cache")
    gamma: float = param(default=1.0, low=0.0, high=1e4, symbol="γ", tune=(0.1, 30.0), doc="weight of the divergence")
    temperature: float = param(default=0.5, low=1e-3, high=1e3, log=True, symbol="τ", doc="of P and Q, on raw cosines")

    def class_side(self, semantics: Semantics) -> SignatureSide:
        """Fold the supports of a table."""
        side = super().class_side(semantics)
        keys, starts, counts = side.supports.keys, side.supports.starts[:-1], side.supports.counts
        totals = np.empty(len(keys), dtype=np.float32)
        for where in row_blocks(len(keys), 8 * len(counts)):
            totals[where] = _log_sum_exp(keys[where] @ side.centres.T / self.temperature)
        means = np.add.reduceat(keys, starts, axis=0) / counts[:, None].astype(np.float32)
        middles, folded = means / self.temperature, np.add.reduceat(totals, starts) / counts
        D = class_divergences(unit(means) @ side.centres.T / self.temperature, side.centres, middles, folded)
        alike = unit(means) @ unit(means).T
        low, high = float(D.min()), float(D.max())
        slope = float(np.ptp(alike)) / max(high - low, 1e-12)
        start = float(alike.min()) - slope * low
        return SignatureSide(side.centres, side.supports, middles, folded.astype(np.float32), slope, start)

    def joint_scores(self, Z: np.ndarray, side: SignatureSide) -> np.ndarray:
        """Cosines, cache and divergence: (n, a) -> (n, C)."""
        cosines = Z @ side.centres.T
        found = self.scale * cosines
        if self.alpha:
            found += self.alpha * side.supports.affinities(Z, self.beta, True)
        if self.gamma:
            cosines /= self.temperature
            D = class_divergences(cosines, side.centres, side.middles, side.totals)
            found -= self.gamma * side.slope * D
            found -= self.gamma * side.start
        return found


def class_divergences(logits: np.ndarray, T: np.ndarray, middles: np.ndarray, totals: np.ndarray) -> np.ndarray:
    """Mean ``KL(P_n || Q_m)`` over the supports of every class, (n, C).

    Parameters
    ----------
    logits : ndarray, shape (n, C)
        ``x · t / τ``, of which P is the softmax.
    T : ndarray, shape (C, a)
        Class vectors.
    middles, totals : ndarray
        See `SignatureSide`.
    """
    P = np.exp(logits - logits.max(axis=1, keepdims=True))
    P /= P.sum(axis=1, keepdims=True)
    negative_entropy = np.einsum("nc,nc->n", P, logits) - _log_sum_exp(logits)
    found = (P @ T) @ -middles.T
    found += totals
    found += negative_entropy[:, None]
    return found


def _log_sum_exp(logits: np.ndarray) -> np.ndarray:
    top = logits.max(axis=1)
    found: np.ndarray = top + np.log(np.exp(logits - top[:, None]).sum(axis=1))
    return found
