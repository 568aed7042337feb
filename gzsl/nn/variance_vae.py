"""The conditional autoencoder of SDGZSL: variances instead of their logarithms, dropout, batch normalisation."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from gzsl.nn.init import linear
from gzsl.nn.mlp import MLP, leaky_relu

Dropout = Callable[[Tensor, float], Tensor]
VARIANCE_DROPOUT, NORM_EPS, NORM_MOMENTUM, SMALLEST = 0.2, 0.8, 0.1, 1e-12


def kept(x: Tensor, share: float) -> Tensor:
    """No dropout."""
    return x


class VarianceEncoder(nn.Module):
    """E([x, a]): two wide layers and a narrow one without activation, then the mean and the variance of a code.

    Parameters
    ----------
    feature_dim, condition_dim, code_dim : int
        Sizes of a feature row, of a class vector and of the code.
    rng : torch.Generator
        Source of the initial weights.
    hidden_dim, bottleneck_dim : int
        Units of the two wide layers and of the narrow one.
    dropout : float
        Share dropped after the second layer; of what becomes the variance it is always a fifth.
    """

    def __init__(
        self, feature_dim: int, condition_dim: int, code_dim: int, *, rng: torch.Generator,
        hidden_dim: int = 2048, bottleneck_dim: int = 128, dropout: float = 0.4,
    ) -> None:  # fmt: skip
        super().__init__()
        self.dropout = dropout
        sizes = [feature_dim + condition_dim, hidden_dim, hidden_dim, bottleneck_dim]
        self.trunk = MLP(sizes, rng=rng, init="torch-default")
        self.mean, self.variance = (linear(bottleneck_dim, code_dim, init="torch-default", rng=rng) for _ in range(2))

    def forward(self, x: Tensor, condition: Tensor, drop: Dropout = kept) -> tuple[Tensor, Tensor]:
        """Mean and variance: (n, d), (n, a) -> (n, z), (n, z)."""
        first, second, narrow = self.trunk.layers
        hidden = leaky_relu(drop(second(leaky_relu(first(torch.cat([x, condition], dim=1)))), self.dropout))
        hidden = narrow(hidden)
        return self.mean(hidden), functional.softplus(drop(self.variance(hidden), VARIANCE_DROPOUT))


class NormalisedDecoder(nn.Module):
    """G([z, a]): three hidden layers, the last two normalised over the batch, to features through LeakyReLU(0.2).

    The second hidden layer has no activation. Batch normalisation adds 0.8 to variances, as released.

    Parameters
    ----------
    code_dim, condition_dim, feature_dim : int
        Sizes of the code, of a class vector and of a feature row.
    rng : torch.Generator
        Source of the initial weights.
    hidden_dim : int
        Units of each hidden layer.
    dropout : float
        Share dropped in each hidden layer.
    """

    def __init__(
        self, code_dim: int, condition_dim: int, feature_dim: int, *, rng: torch.Generator,
        hidden_dim: int = 2048, dropout: float = 0.5,
    ) -> None:  # fmt: skip
        super().__init__()
        self.dropout = dropout
        sizes = [code_dim + condition_dim, hidden_dim, hidden_dim, hidden_dim, feature_dim]
        self.net = MLP(sizes, rng=rng, init="torch-default")
        self.norms = nn.ModuleList(nn.BatchNorm1d(hidden_dim, NORM_EPS, NORM_MOMENTUM) for _ in range(2))

    def forward(self, code: Tensor, condition: Tensor, drop: Dropout | None = None) -> Tensor:
        """Features: (n, z), (n, a) -> (n, d); with ``drop`` in training, without it by the kept statistics."""
        first, second, third, last = self.net.layers
        training, drop = drop is not None, drop or kept
        hidden = leaky_relu(drop(first(torch.cat([code, condition], dim=1)), self.dropout))
        hidden = drop(_normalised(self.norms[0], second(hidden), training), self.dropout)
        hidden = leaky_relu(drop(_normalised(self.norms[1], third(hidden), training), self.dropout))
        return leaky_relu(last(hidden))


def _normalised(norm: nn.Module, x: Tensor, training: bool) -> Tensor:
    """Batch normalisation in a mode that the caller gives: a network's own mode would outlive the call."""
    assert isinstance(norm, nn.BatchNorm1d)
    return functional.batch_norm(
        x, norm.running_mean, norm.running_var, norm.weight, norm.bias, training, NORM_MOMENTUM, NORM_EPS
    )


def kl_of_variance(mean: Tensor, variance: Tensor) -> Tensor:
    """Divergence of every row's Gaussian from N(0, 1), (n, z) -> (n,)."""
    variance = variance.clamp_min(SMALLEST)
    return 0.5 * (mean.square() + variance - 1 - variance.log()).sum(dim=-1)
