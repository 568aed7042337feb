"""Multi-layer perceptrons: one builder for encoders, decoders and regressors."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from gzsl.nn.init import linear

SLOPE = 0.2


def leaky_relu(x: Tensor) -> Tensor:
    """LeakyReLU of slope 0.2, the hidden activation of the WGAN family."""
    return functional.leaky_relu(x, SLOPE)


def nearly_relu(x: Tensor) -> Tensor:
    """LeakyReLU of slope 0.01, PyTorch's default."""
    return functional.leaky_relu(x, 0.01)


def identity(x: Tensor) -> Tensor:
    """Return ``x``."""
    return x


def unit_rows(x: Tensor) -> Tensor:
    """Scale rows to unit Euclidean length."""
    return functional.normalize(x, dim=-1)


ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "none": identity,
    "relu": torch.relu,
    "leaky-relu": leaky_relu,
    "leaky-relu-0.01": nearly_relu,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "unit": unit_rows,
}


class MLP(nn.Module):
    """Linear layers with one activation between them and another after the last.

    Parameters
    ----------
    sizes : sequence of int
        Input, hidden and output sizes; at least two.
    rng : torch.Generator
        Source of the initial weights; they depend on nothing else.
    activation, output : str
        Hidden and output activation, keys of `ACTIVATIONS`.
    init : str
        Initial weights, a key of `gzsl.nn.init.INITS`.

    Raises
    ------
    KeyError
        For an unknown activation or ``init``.
    """

    def __init__(
        self,
        sizes: Sequence[int],
        *,
        rng: torch.Generator,
        activation: str = "leaky-relu",
        output: str = "none",
        init: str = "released-gan",
    ) -> None:
        super().__init__()
        pairs = zip(sizes[:-1], sizes[1:], strict=True)
        self.layers = nn.ModuleList(linear(n_in, n_out, init=init, rng=rng) for n_in, n_out in pairs)
        self._activation, self._output = ACTIVATIONS[activation], ACTIVATIONS[output]

    def hidden(self, x: Tensor) -> Tensor:
        """Activations before the last layer: (n, sizes[0]) -> (n, sizes[-2])."""
        for layer in list(self.layers)[:-1]:
            x = self._activation(layer(x))
        return x

    def output(self, hidden: Tensor) -> Tensor:
        """Last layer and its activation: (n, sizes[-2]) -> (n, sizes[-1])."""
        return self._output(self.layers[-1](hidden))

    def forward(self, x: Tensor) -> Tensor:
        """Apply all layers: (n, sizes[0]) -> (n, sizes[-1])."""
        return self.output(self.hidden(x))
