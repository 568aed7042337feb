"""Metric-learning consistency: an attribute predictor and a metric in attribute space, learnt together."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import softplus

from gzsl.methods.descent import DescentMethod
from gzsl.methods.embedding.consistency import ConsistencyNetwork, start_from_ridge
from gzsl.methods.iterative import Sizes
from gzsl.methods.registry import register
from gzsl.nn.batches import Batch, TrainingRows
from gzsl.params import param
from gzsl.semantics import Semantics


@register(
    "bucher",
    family="embedding",
    settings=("inductive",),
    fidelity="from paper",
    cite="Bucher, Herbin & Jurie, Improving Semantic Embedding Consistency, ECCV 2016, arXiv:1607.08085",
    year=2016,
    test_params=[
        {"n_epochs": 20, "batch_size": 32, "lr": 3e-3},
        {"n_epochs": 40, "batch_size": 32, "lr": 1e-2, "init": "normal", "negatives": "sampled"},
    ],
)
class Bucher(DescentMethod):
    """Predict attributes so that they lie near those of the own class, in a metric that is learnt as well.

    With ``Â(x) = max(0, x W_X + b)``, W_X (d, a), and ``S²(x, c) = |(Â(x) - a_c) W_A|²``, W_A (a, m), every row x
    of class y is paired with its own class and with wrong ones: ``[1 - (τ - S²(x, y))]_+ + [1 + (τ - S²(x, c))]_+``
    ``+ λ |a_y - Â(x)|² + (μ / n) (|W_X|² + |b|² + |W_A|²)``, averaged over rows; τ is learnt. A class scores
    ``-S²``.

    **Differences.** A row meets all wrong classes, their hinges averaged, instead of one drawn at random
    (``negatives: sampled`` is the paper's). Weights start from a ridge regression to the attributes and from the
    directions that tell classes apart best relative to its residuals (``init: normal`` is the paper's, which takes
    the best of five restarts). τ is positive by softplus. Class attributes, not those of single images.

    Notes
    -----
    Attributes should be non-negative, about 0 to 1 (``normalise: minmax``). The sizes of λ and μ are the paper's for a
    sum over the pairs of rows.
    """

    n_epochs: int = param(default=30, low=1, high=100_000, doc="passes over the training rows, at most")
    batch_size: int = param(default=100, low=1, high=1_000_000, doc="rows a step")
    attribute_weight: float = param(
        default=0.1, low=0.0, high=1e6, symbol="λ", tune=(0.05, 1.0), doc="weight of the attribute regression"
    )
    norm_weight: float = param(
        default=0.1, low=0.0, high=1e6, symbol="μ", tune=(0.01, 10.0), doc="weight of the squared weights, over rows"
    )
    metric_share: float = param(
        default=0.4, low=0.01, high=2.0, symbol="m / a", tune=(0.2, 1.2), doc="dimensions of the metric an attribute"
    )
    negatives: str = param(
        default="all", choices=("all", "sampled"), doc="all wrong classes (ours), or one at random as in the paper"
    )
    init: str = param(
        default="ridge", choices=("ridge", "normal"), doc="where weights start: closed form (ours), or random"
    )

    def build(self, sizes: Sizes, rng: torch.Generator) -> None:
        """Make the predictor and the metric."""
        n_dims = max(1, round(self.metric_share * sizes.n_attributes))
        self.network_ = ConsistencyNetwork(sizes, n_dims, rng)

    @torch.no_grad()
    def pretrain(self, rows: TrainingRows) -> None:
        """Start from the closed form."""
        if self.init == "ridge":
            start_from_ridge(self.network_, rows)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Hinges of matching and other pairs, regression, and squared weights."""
        assert self.rows is not None
        net, n = self.network_, len(batch.y)
        predicted = net.attributes(batch.x)
        distances, tau = net.distances(predicted, self.rows.table), softplus(net.tau)
        own = distances.gather(1, batch.y[:, None])
        share = self._shares(batch.y, distances.shape[1])
        squares = net.weight.square().sum() + net.bias.square().sum() + net.metric.square().sum()
        return {
            "match": (1 - tau + own).clamp_min(0).mean(),
            "mismatch": ((1 + tau - distances).clamp_min(0) * share).sum() / n,
            "attributes": self.attribute_weight * (predicted - batch.a).square().sum(dim=1).mean(),
            "norm": self.norm_weight / len(self.rows) * squares,
        }

    def _shares(self, y: Tensor, n_classes: int) -> Tensor:
        """Weight (n, s) of every wrong class; rows add up to 1."""
        if self.negatives == "all":
            share = torch.full((len(y), n_classes), 1 / max(n_classes - 1, 1), device=y.device)
            return share.scatter(1, y[:, None], 0.0)
        step = (self.streams.uniform("negatives", len(y)) * (n_classes - 1)).long().clamp_max(n_classes - 2)
        drawn = (y + 1 + step) % n_classes
        return torch.zeros(len(y), n_classes, device=y.device).scatter(1, drawn[:, None], 1.0)

    def _scores(self, X: np.ndarray, semantics: Semantics) -> np.ndarray:
        with torch.inference_mode():
            predicted = self.network_.attributes(torch.from_numpy(X).to(self.device))
            return -self.network_.distances(predicted, self.to_device(semantics.table)).cpu().numpy()
