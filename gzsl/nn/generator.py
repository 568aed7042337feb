"""Conditional generator of features."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gzsl.nn.mlp import MLP


class ConditionalGenerator(nn.Module):
    """G([z, a]): noise and class vectors to features, with one hidden layer, LeakyReLU(0.2) as a rule.

    Parameters
    ----------
    noise_dim, condition_dim, out_dim : int
        Sizes of the noise, of a class vector and of a feature row.
    rng : torch.Generator
        Source of the initial weights.
    hidden_dim : int
        Hidden units.
    output : str
        Output activation: ``relu`` (f-CLSWGAN), ``sigmoid`` (f-VAEGAN), ``none``, or another key of
        `gzsl.nn.mlp.ACTIVATIONS`.
    activation : str
        Hidden activation, a key of the same.
    init : str
        Initial weights, a key of `gzsl.nn.init.INITS`.
    """

    def __init__(
        self,
        noise_dim: int,
        condition_dim: int,
        out_dim: int,
        *,
        rng: torch.Generator,
        hidden_dim: int = 4096,
        output: str = "relu",
        activation: str = "leaky-relu",
        init: str = "released-gan",
    ) -> None:
        super().__init__()
        sizes = [noise_dim + condition_dim, hidden_dim, out_dim]
        self.net = MLP(sizes, rng=rng, activation=activation, output=output, init=init)

    def forward(self, noise: Tensor, condition: Tensor, shift: Tensor | None = None) -> Tensor:
        """Generate one row of features for each row of noise.

        Parameters
        ----------
        noise : Tensor, shape (n, noise_dim)
            Noise, or a latent code.
        condition : Tensor, shape (n, condition_dim)
            Class vectors.
        shift : Tensor, shape (n, hidden_dim), optional
            Added to the hidden layer, as the feedback of TF-VAEGAN.

        Returns
        -------
        Tensor, shape (n, out_dim)
        """
        hidden = self.net.hidden(torch.cat([noise, condition], dim=-1))
        return self.net.output(hidden if shift is None else hidden + shift)
