"""Latent embeddings: several bilinear maps, of which every pair of image and class picks its best."""

from __future__ import annotations

import torch
from torch import Tensor

from gzsl.methods.embedding.bilinear import BilinearRanking, pull_from_weights, violations
from gzsl.methods.registry import register
from gzsl.params import param


@register(
    "latem",
    family="embedding",
    settings=("inductive",),
    fidelity="from paper",
    cite="Xian et al., Latent Embeddings for Zero-Shot Classification, CVPR 2016, arXiv:1603.08895",
    year=2016,
    test_params=[
        {"n_epochs": 60, "batch_size": 32, "lr": 0.1, "n_maps": 2},
        {"n_epochs": 30, "batch_size": 32, "lr": 0.1, "n_maps": 3, "negatives": "all"},
    ],
)
class LatEm(BilinearRanking):
    """A piecewise-linear compatibility ``F(x, c) = max_k x^T W_k a_c`` trained on random wrong classes.

    For a row x (d,) one wrong class c is drawn; if ``F(x, c) + Δ > F(x, y)``, the map that scored c is moved away from
    ``x a_c^T`` and the map that scored y towards ``x a_y^T`` (W is (K, d, a)). A draw that does not violate the
    margin does nothing. ``negatives: all`` (ours) averages over all wrong classes instead of drawing one.

    **Differences.** Batches whose steps add up instead of single rows. K is fixed or chosen on validation classes, as
    in the paper's first variant; its second one, which prunes maps that few samples choose, is not there. The
    authors' code was not seen.

    Notes
    -----
    The maximum over maps favours unusual class vectors; in its own paper LatEm falls behind SJE on CUB's attributes.
    """

    n_maps: int = param(default=6, low=1, high=64, symbol="K", doc="number of maps; the paper chooses among 2 to 10")
    negatives: str = param(
        default="one", choices=("one", "all"), doc="one: a random wrong class a row, as in the paper; all: their mean"
    )

    def count_maps(self) -> int:
        """Number of maps ``K``."""
        return self.n_maps

    def pull(self, scores: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Violation of a random wrong class, or the mean over all of them."""
        hinges, n_wrong = violations(scores, y, self.margin), max(scores.shape[1] - 1, 1)
        if self.negatives == "one":
            step = (self.streams.uniform("negatives", len(y)) * n_wrong).long().clamp_max(n_wrong - 1)
            drawn = (y + 1 + step) % scores.shape[1]
            share = torch.zeros_like(scores).scatter(1, drawn[:, None], 1.0)
        else:
            share = torch.full_like(scores, 1 / n_wrong)
        return (share * hinges).sum(dim=1), pull_from_weights(share * (hinges > 0), y)
