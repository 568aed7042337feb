"""Parts of generators whose rows lie on a sphere."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from gzsl.nn.init import linear


def on_sphere(x: Tensor, radius: float) -> Tensor:
    """Rows (n, d) at a length."""
    return radius * functional.normalize(x, dim=-1)


def perturbed(a: Tensor, strength: float, uniform: Tensor) -> Tensor:
    """Class vectors (n, a) raised entry by entry by a random share, at unit length; as they are without strength."""
    return functional.normalize(a * (1 + strength * uniform), dim=-1) if strength else a


class NormedEncoder(nn.Module):
    """E([x, a]) with one hidden layer and batch normalisation: (n, d), (n, a) -> mean and log-variance (n, z)."""

    def __init__(
        self, feature_dim: int, condition_dim: int, code_dim: int, *, hidden_dim: int, rng: torch.Generator
    ) -> None:
        super().__init__()
        self.layer = linear(feature_dim + condition_dim, hidden_dim, init="torch-default", rng=rng)
        self.norm = nn.BatchNorm1d(hidden_dim)
        self.mean = linear(hidden_dim, code_dim, init="torch-default", rng=rng)
        self.logvar = linear(hidden_dim, code_dim, init="torch-default", rng=rng)

    def forward(self, x: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of the codes."""
        hidden = functional.leaky_relu(self.norm(self.layer(torch.cat([x, condition], dim=-1))), 0.2)
        return self.mean(hidden), self.logvar(hidden)
