"""Gaussian codes: encoders, samples from them, and how far they are from each other."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gzsl.nn.init import linear
from gzsl.nn.mlp import MLP


class ConditionalEncoder(nn.Module):
    """E([x, a]): features and class vectors to mean and log-variance of a code.

    Two LeakyReLU(0.2) hidden layers, of ``hidden_dim`` and of twice the code's size, as the f-VAEGAN lineage has.

    Parameters
    ----------
    feature_dim, condition_dim, code_dim : int
        Sizes of a feature row, of a class vector and of the code.
    rng : torch.Generator
        Source of the initial weights.
    hidden_dim : int
        Units of the first hidden layer.
    """

    def __init__(
        self, feature_dim: int, condition_dim: int, code_dim: int, *, rng: torch.Generator, hidden_dim: int = 4096
    ) -> None:
        super().__init__()
        sizes = [feature_dim + condition_dim, hidden_dim, 2 * code_dim]
        self.trunk = MLP(sizes, rng=rng, output="leaky-relu")
        self.mean = linear(2 * code_dim, code_dim, init="released-gan", rng=rng)
        self.logvar = linear(2 * code_dim, code_dim, init="released-gan", rng=rng)

    def forward(self, x: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance: (n, d), (n, a) -> (n, z), (n, z)."""
        hidden = self.trunk(torch.cat([x, condition], dim=-1))
        return self.mean(hidden), self.logvar(hidden)


def sample_code(mean: Tensor, logvar: Tensor, noise: Tensor) -> Tensor:
    """Draw from a Gaussian: mean plus noise times the standard deviation, (n, z)."""
    return mean + noise * (0.5 * logvar).exp()


def kl_to_standard_normal(mean: Tensor, logvar: Tensor) -> Tensor:
    """Divergence of every row's Gaussian from N(0, 1), (n, z) -> (n,)."""
    return 0.5 * (mean.square() + logvar.exp() - 1 - logvar).sum(dim=-1)


def wasserstein_between(mean: Tensor, logvar: Tensor, other_mean: Tensor, other_logvar: Tensor) -> Tensor:
    """2-Wasserstein distance between diagonal Gaussians, row by row, (n, z) -> (n,)."""
    spread = (0.5 * logvar).exp() - (0.5 * other_logvar).exp()
    squares = (mean - other_mean).square().sum(dim=1) + spread.square().sum(dim=1)
    return squares.clamp_min(1e-12).sqrt()
