"""TIP-X of SuS-X: supports compared with a row by what both say of the classes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.linalg.blas import sgemm

from gzsl.methods import register
from gzsl.methods.zero_shot_heads.cache_head import CacheHead, CacheSide
from gzsl.methods.zero_shot_heads.prompt_views import PromptViews, row_blocks, unit
from gzsl.params import param

GAMMAS = (0.1, 1.0, 10.0, 100.0)  # of the search
ROWS = 2048  # that are scored together
COLD = 1 / 80  # temperatures from which on exponentials stay within single precision without a shift


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

    def folded(self, gamma: float) -> np.ndarray:
        """What ``[Σ_c P_c t_c, H, 1]`` is multiplied with for ``-γ ψ(D)``, (a + 2, C)."""
        weight = -gamma * self.slope
        last = [np.full(len(self.totals), weight), weight * self.totals - gamma * self.start]
        return np.concatenate([-weight * self.middles.T, last]).astype(np.float32)


@register(
    "tip-x",
    family="zero_shot_heads",
    settings=("inductive", "transfer"),
    fidelity="replicated from code",
    cite="Udandarao, Gupta & Albanie, SuS-X: Training-Free Name-Only Transfer of Vision-Language Models, ICCV 2023, "
    "arXiv:2211.16198",
    year=2023,
    needs=("joint",),
    test_params=[{}, {"alpha": 0.0, "gamma": 5.0, "temperature": 0.1}, {"search": True}, {"temperature": 0.005}],
)
class TipX(CacheHead):
    """Tip-Adapter, and a third term: how far a row's distribution over classes is from those of the supports.

    With ``P = softmax(x · t / τ)`` and ``Q_m = softmax(s_m · t / τ)``, a class scores ``s x · t_c + α A_c - γ
    ψ(D)_c``: A is Tip-Adapter's cache, D_c the mean of ``KL(P || Q_m)`` over its supports, ψ the map to the range of
    the affinities.

    **Differences.** Supports are labelled rows, or members of classes that have none (the paper draws or retrieves
    pictures by name). ψ's range is that of the supports among each other, not of the test rows: those scores would
    depend on each other. Means over supports replace sums, which would differ with their number. Released code
    searches α, β and γ on a validation set; ``search`` (ours) does so on the supports.

    **Notes.** With ``log Q_m = s_m · t / τ - z_m``, the mean of ``KL(P || Q_m)`` over the supports of a class is ``Σ
    P log P - (P T) · s̄_c / τ + z̄_c``: supports fold into one vector and one number a class, whatever their number,
    and the term costs two products besides that with the class vectors. Where α is 0 no row meets a support.
    """

    alpha: float = param(default=1.0, low=0.0, high=1e4, symbol="α", tune=(0.1, 10.0), doc="weight of the cache")
    beta: float = param(default=5.0, low=0.0, high=1e3, symbol="β", tune=(1.0, 50.0), doc="sharpness of the cache")
    gamma: float = param(default=1.0, low=0.0, high=1e4, symbol="γ", tune=(0.1, 30.0), doc="weight of the divergence")
    temperature: float = param(default=0.5, low=1e-3, high=1e3, log=True, symbol="τ", doc="of P and Q, on raw cosines")

    def side_of(self, views: PromptViews, labels: np.ndarray) -> SignatureSide:
        """Fold the supports."""
        side = super().side_of(views, labels)
        keys, starts, counts = side.supports.keys, side.supports.starts[:-1], side.supports.counts
        totals = np.empty(len(keys), dtype=np.float32)
        for where in row_blocks(len(keys), 8 * len(counts)):
            totals[where] = log_sum_exp(keys[where] @ side.centres.T / self.temperature)
        means = np.add.reduceat(keys, starts, axis=0) / counts[:, None].astype(np.float32)
        middles, folded = means / self.temperature, np.add.reduceat(totals, starts) / counts
        D = class_divergences(unit(means), side.centres, middles, folded, self.temperature)
        alike = unit(means) @ unit(means).T
        low, high = float(D.min()), float(D.max())
        slope = float(np.ptp(alike)) / max(high - low, 1e-12)
        start = float(alike.min()) - slope * low
        return SignatureSide(side.centres, side.supports, middles, folded.astype(np.float32), slope, start)

    def without_cache(self, Z: np.ndarray, labels: np.ndarray, side: CacheSide) -> Iterator[tuple[float, np.ndarray]]:
        """Cosines less divergences; of a support from itself the divergence is 0, so that the others' mean is known."""
        assert isinstance(side, SignatureSide)
        D = class_divergences(Z, side.centres, side.middles, side.totals, self.temperature)
        counts = side.supports.counts[labels]
        D[np.arange(len(Z)), labels] *= counts / (counts - 1)
        for gamma in GAMMAS:
            yield gamma, self.scale * (Z @ side.centres.T) - gamma * (side.slope * D + side.start)

    def joint_scores(self, Z: np.ndarray, side: SignatureSide) -> np.ndarray:
        """Cosines, cache and divergence: (n, a) -> (n, C)."""
        alpha, beta, gamma = self.strengths()
        found = np.empty((len(Z), len(side.centres)), dtype=np.float32)
        folded, plain = side.folded(gamma), self.scale * self.temperature
        for start in range(0, len(Z), ROWS):
            block, x = found[start : start + ROWS], Z[start : start + ROWS]
            expected, negative_entropy = expected_vectors(x, side.centres, self.temperature, block)
            left = np.column_stack([expected, negative_entropy, np.ones(len(block), dtype=np.float32)])
            # block = left @ folded + scale τ block, in one pass over it: transposed, since BLAS stores columns
            sgemm(1.0, folded.T, left.T, beta=plain, c=block.T, trans_a=False, overwrite_c=True)
        if alpha:
            found += alpha * side.supports.affinities(Z, beta, True)
        return found


def expected_vectors(
    Z: np.ndarray, T: np.ndarray, temperature: float, logits: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """``Σ_c P_c t_c`` (n, a) and ``Σ_c P_c log P_c`` (n,) for ``P = softmax(Z T' / τ)`` of unit rows.

    ``logits`` (n, C), where given, holds ``Z T' / τ`` afterwards.
    """
    warmth = np.float32(temperature)
    logits = np.matmul(Z / warmth, T.T, out=logits)
    shift = logits.max(axis=1) if temperature < COLD else np.zeros(len(Z), dtype=np.float32)
    P = np.exp(logits - shift[:, None] if temperature < COLD else logits)
    sums, expected = P.sum(axis=1), P @ T
    expected /= sums[:, None]
    # Σ P log P is the mean logit, which is that of the mean class vector, less the logarithm of the sum
    return expected, np.einsum("na,na->n", expected, Z) / warmth - shift - np.log(sums)


def class_divergences(
    Z: np.ndarray, T: np.ndarray, middles: np.ndarray, totals: np.ndarray, temperature: float
) -> np.ndarray:
    """Mean ``KL(P_n || Q_m)`` over the supports of every class, (n, C).

    Parameters
    ----------
    Z : ndarray, shape (n, a)
        Rows at unit length.
    T : ndarray, shape (C, a)
        Class vectors at unit length.
    middles, totals : ndarray
        See `SignatureSide`.
    temperature : float
        τ.
    """
    expected, negative_entropy = expected_vectors(Z, T, temperature)
    found: np.ndarray = totals - expected @ middles.T
    found += negative_entropy[:, None]
    return found


def log_sum_exp(logits: np.ndarray) -> np.ndarray:
    """Logarithm of the sum of the exponentials of each row, (n,)."""
    top = logits.max(axis=1)
    found: np.ndarray = top + np.log(np.exp(logits - top[:, None]).sum(axis=1))
    return found
