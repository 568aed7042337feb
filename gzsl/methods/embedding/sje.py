"""Structured joint embedding: a bilinear compatibility trained against the worst violator."""

from __future__ import annotations

import torch
from torch import Tensor

from gzsl.methods.embedding.bilinear import BilinearRanking, pull_from_weights, violations
from gzsl.methods.registry import register


@register(
    "sje",
    family="embedding",
    settings=("inductive",),
    fidelity="from paper",
    cite="Akata, Reed, Walter, Lee & Schiele, Evaluation of Output Embeddings, CVPR 2015, arXiv:1409.8403",
    year=2015,
    test_params=[{"n_epochs": 30, "batch_size": 32, "lr": 0.1}],
)
class SJE(BilinearRanking):
    """Rank the true class above the one wrong class that violates the margin most.

    A row x (d,) loses ``max_c [Δ 1(c != y) + F(x, c) - F(x, y)]``, the structured hinge of Crammer and Singer, with
    ``F(x, c) = x^T W a_c``, W (d, a). Only one class a row is pushed down, so more epochs are needed than for ALE.

    **Differences.** Batches whose steps add up instead of single rows; one class table (the paper also mixes
    several, with weights chosen on validation classes). A widespread re-implementation standardises the projected
    row before it looks for the worst class but updates without: not offered.
    """

    def pull(self, scores: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """The largest violation of every row."""
        worst, column = violations(scores, y, self.margin).max(dim=1)
        pushed = torch.zeros_like(scores).scatter(1, column[:, None], (worst > 0).to(scores.dtype)[:, None])
        return worst, pull_from_weights(pushed, y)
