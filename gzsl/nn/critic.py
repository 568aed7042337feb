"""Wasserstein critic with one hidden layer."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import skip_init

from gzsl.nn.init import linear
from gzsl.nn.mlp import SLOPE
from gzsl.nn.stacking import Linear, affine


class Critic(nn.Module):
    """D(x, a) = w2 . LeakyReLU(Wx x + Wa a + b1) + b2.

    The columns of the first layer that see features and those that see class vectors are separate matrices
    (``features`` and ``condition``): the penalty needs the former alone, and rows of a power of two multiply
    a third faster than rows of, say, 2048 + 85. Initial weights are those of one joint layer.

    Parameters
    ----------
    feature_dim : int
        Size d of a feature row.
    condition_dim : int
        Size of a class vector; 0 makes an unconditional critic.
    rng : torch.Generator
        Source of the initial weights.
    hidden_dim : int
        Hidden units h.
    init : str
        Initial weights, a key of `gzsl.nn.init.INITS`.
    slope : float
        Of the hidden activation where its input is negative; 0 makes it a ReLU.
    """

    def __init__(
        self,
        feature_dim: int,
        condition_dim: int = 0,
        *,
        rng: torch.Generator,
        hidden_dim: int = 4096,
        init: str = "released-gan",
        slope: float = SLOPE,
    ) -> None:
        super().__init__()
        self.slope = slope
        joint = linear(feature_dim + condition_dim, hidden_dim, init=init, rng=rng)
        self.features = skip_init(Linear, feature_dim, hidden_dim)
        self.condition = skip_init(Linear, condition_dim, hidden_dim, bias=False) if condition_dim else None
        self.output = linear(hidden_dim, 1, init=init, rng=rng)
        with torch.no_grad():
            self.features.weight.copy_(joint.weight[:, :feature_dim])
            self.features.bias.copy_(joint.bias)
            if self.condition is not None:
                self.condition.weight.copy_(joint.weight[:, feature_dim:])

    def preactivation(self, x: Tensor, a: Tensor | None = None) -> Tensor:
        """Hidden layer before its activation: (n, d), (n, a) -> (n, h)."""
        pre = self.features(x)
        return pre if self.condition is None else pre + self.condition(a)

    def slopes(self, pre: Tensor) -> Tensor:
        """Derivative of the activation: 1 where ``pre`` is positive, else the slope; no gradient flows."""
        return (pre.detach() > 0).to(pre.dtype).mul_(1 - self.slope).add_(self.slope)

    def forward(self, x: Tensor, a: Tensor | None = None) -> Tensor:
        """Score rows.

        Parameters
        ----------
        x : Tensor, shape (n, d)
            Features.
        a : Tensor, shape (n, a), optional
            Class vectors; not used by an unconditional critic.

        Returns
        -------
        Tensor, shape (n,)
        """
        return self.output(self.hidden(x, a)).squeeze(-1)

    def hidden(self, x: Tensor, a: Tensor | None = None) -> Tensor:
        """Hidden layer: (n, d), (n, a) -> (n, h)."""
        return functional.leaky_relu(self.preactivation(x, a), self.slope)

    def frozen(self, x: Tensor, a: Tensor | None = None) -> Tensor:
        """Score rows as `forward` does, with gradients for ``x`` alone.

        A generator step through this costs no gradients of the critic's weights.
        """
        pre = affine(x, self.features.weight.detach(), self.features.bias.detach())
        if self.condition is not None and a is not None:
            pre = pre + affine(a, self.condition.weight.detach())
        hidden = functional.leaky_relu(pre, self.slope)
        return affine(hidden, self.output.weight.detach(), self.output.bias.detach()).squeeze(-1)
