"""Initial weights from a generator of random numbers, the same on every device."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.utils import skip_init

from gzsl.nn.stacking import Linear

INIT_STD = 0.02


def released_gan(layer: nn.Linear, rng: torch.Generator) -> None:
    """Weights from N(0, 0.02), biases 0: the released code of f-CLSWGAN and of its descendants.

    Parameters
    ----------
    layer : nn.Linear
        Changed in place, on any device.
    rng : torch.Generator
        Random numbers are drawn where it lives and then moved.
    """
    _set(layer.weight, torch.randn(layer.weight.shape, generator=rng, device=rng.device) * INIT_STD)
    if layer.bias is not None:
        _set(layer.bias, torch.zeros(layer.bias.shape))


def torch_default(layer: nn.Linear, rng: torch.Generator) -> None:
    """Weights and biases uniform within 1/sqrt(inputs), as ``nn.Linear`` draws them. See `released_gan`."""
    bound = 1 / math.sqrt(layer.in_features)
    for tensor in (layer.weight, layer.bias):
        if tensor is not None:
            uniform = torch.rand(tensor.shape, generator=rng, device=rng.device)
            _set(tensor, uniform * (2 * bound) - bound)


def xavier_normal(layer: nn.Linear, rng: torch.Generator) -> None:
    """Weights from N(0, 2 / (inputs + outputs)), biases 0. See `released_gan`."""
    std = math.sqrt(2 / (layer.in_features + layer.out_features))
    _set(layer.weight, torch.randn(layer.weight.shape, generator=rng, device=rng.device) * std)
    if layer.bias is not None:
        _set(layer.bias, torch.zeros(layer.bias.shape))


def xavier_uniform(layer: nn.Linear, rng: torch.Generator) -> None:
    """Weights uniform within sqrt(6 / (inputs + outputs)), biases 0: TensorFlow's Xavier. See `released_gan`."""
    _xavier(layer, rng, 1.0)


def xavier_half(layer: nn.Linear, rng: torch.Generator) -> None:
    """Weights uniform with half of Xavier's bound, biases 0: the released code of CADA-VAE. See `released_gan`."""
    _xavier(layer, rng, 0.5)


def _xavier(layer: nn.Linear, rng: torch.Generator, gain: float) -> None:
    bound = gain * math.sqrt(6 / (layer.in_features + layer.out_features))
    uniform = torch.rand(layer.weight.shape, generator=rng, device=rng.device)
    _set(layer.weight, uniform * (2 * bound) - bound)
    if layer.bias is not None:
        _set(layer.bias, torch.zeros(layer.bias.shape))


INITS: dict[str, Callable[[nn.Linear, torch.Generator], None]] = {
    "released-gan": released_gan,
    "torch-default": torch_default,
    "xavier-normal": xavier_normal,
    "xavier-uniform": xavier_uniform,
    "xavier-half": xavier_half,
}


def linear(n_in: int, n_out: int, *, init: str, rng: torch.Generator) -> Linear:
    """Make a linear layer whose weights depend on ``rng`` alone.

    Parameters
    ----------
    n_in, n_out : int
        Sizes.
    init : str
        A key of `INITS`.
    rng : torch.Generator
        Source of the initial weights.

    Raises
    ------
    KeyError
        For an unknown ``init``.
    """
    layer: Linear = skip_init(Linear, n_in, n_out)
    INITS[init](layer, rng)
    return layer


@torch.no_grad()
def _set(tensor: Tensor, values: Tensor) -> None:
    tensor.copy_(values)
