"""Tip-Adapter: class vectors and a cache of labelled rows, without training."""

from __future__ import annotations

import numpy as np

from gzsl.methods import register
from gzsl.methods.zero_shot_heads.cache_head import CacheHead, CacheSide
from gzsl.params import param


@register(
    "tip-adapter",
    family="zero_shot_heads",
    settings=("inductive", "transfer"),
    fidelity="replicated from code",
    cite="Zhang et al., Tip-Adapter: Training-free Adaption of CLIP for Few-shot Classification, ECCV 2022, "
    "arXiv:2207.09519",
    year=2022,
    needs=("joint",),
    test_params=[{}, {"class_balance": False, "alpha": 3.0}, {"search": True}],
)
class TipAdapter(CacheHead):
    """Cosines with class vectors, and what the labelled rows nearest to a row say.

    With class vectors t_c and supports s_m (a few labelled rows a class), a class scores
    ``s x · t_c + α Σ_{m of c} exp(-β (1 - x · s_m))``.

    **Differences.** A class without a labelled row has its members as supports, shifted by the distance of the mean
    row from the mean class vector (SuS-X's idea with texts instead of drawn pictures). ``class_balance`` (ours)
    averages over the supports of a class instead of adding them up, so that classes with more of them do not win by
    that: with k supports a class, α is k times the released one. Released code takes α = 1.17 and β = 1 as a start and
    searches both on a validation set; ``search`` (ours) does so on the supports, for a setting that has no such set.
    Features are not augmented: a support is one row, not ten crops.

    **Notes.** Reads seen rows, and a few labels of unseen classes where the protocol has them. Every row meets
    every support: M / C products of rows and class vectors, in blocks.
    """

    alpha: float = param(default=1.17, low=0.0, high=1e4, symbol="α", tune=(0.1, 10.0), doc="weight of the cache")
    beta: float = param(default=1.0, low=0.0, high=1e3, symbol="β", tune=(0.5, 20.0), doc="sharpness of the cache")
    class_balance: bool = param(default=True, doc="mean over the supports of a class instead of their sum (ours)")

    @property
    def balanced(self) -> bool:
        """As ``class_balance`` says."""
        return self.class_balance

    def joint_scores(self, Z: np.ndarray, side: CacheSide) -> np.ndarray:
        """Scaled cosines and cache: (n, a) -> (n, C)."""
        alpha, beta, _ = self.strengths()
        found = side.supports.affinities(Z, beta, self.balanced)
        found *= alpha
        found += (self.scale * Z) @ side.centres.T
        return found
