"""Attribute label embedding: a bilinear compatibility trained by a weighted approximate ranking loss."""

from __future__ import annotations

import torch
from torch import Tensor

from gzsl.methods.embedding.bilinear import BilinearRanking, pull_from_weights, violations
from gzsl.methods.registry import register


@register(
    "ale",
    family="embedding",
    settings=("inductive",),
    fidelity="from paper",
    cite="Akata, Perronnin, Harchaoui & Schmid, Label-Embedding for Image Classification, TPAMI 2016, arXiv:1503.08677",
    year=2013,
    test_params=[{"n_epochs": 30, "batch_size": 32, "lr": 0.1}],
)
class ALE(BilinearRanking):
    """Rank the true class first with a loss that weighs violations by the rank of the true class.

    A row x (d,) and a class with vector a_c (a,) have the compatibility ``F(x, c) = x^T W a_c``, W (d, a). With
    ``r`` wrong classes inside the margin, a row loses ``(l_r / r) Σ_c [Δ + F(x, c) - F(x, y)]_+`` where
    ``l_r = Σ_{i<=r} 1/i``: the top of the ranking counts most. No explicit regulariser: the number of epochs,
    chosen on validation classes, is one.

    **Differences.** The paper draws wrong classes until one violates the margin and estimates ``r`` from the
    number of draws; here all seen classes are scored, so ``r`` and the sum are exact (the objective that the
    estimate stands for), and rows are taken in batches whose steps add up. Initial weights are N(0, 1/d).
    A widespread re-implementation ranks by cosine on validation and by the inner product on test; here
    it is the inner product throughout.

    Notes
    -----
    Features of unit length take a step size near 0.1, z-scored ones 10 to 100 times less. The scale of the scores
    grows with the epochs, so a calibration constant belongs to one number of epochs.
    """

    def pull(self, scores: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Violations weighted by ``l_r / r``; the weight itself is held constant."""
        hinges = violations(scores, y, self.margin)
        violated = hinges > 0
        rank = violated.sum(dim=1)
        harmonic = torch.cumsum(1 / torch.arange(1, scores.shape[1] + 1).to(scores), dim=0)
        weight = torch.where(rank > 0, harmonic[(rank - 1).clamp_min(0)] / rank.clamp_min(1), 0.0)
        return weight * hinges.sum(dim=1), pull_from_weights(weight[:, None] * violated, y)
