"""Gradients written out by hand: kept buffers, products into them, and the two passes of a two-layer network."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from gzsl.nn.mlp import MLP

VECTOR_BYTES = 32
BLOCK_ROWS = 64


def gradient_buffer(parameter: Tensor) -> Tensor:
    """Gradient buffer of a parameter, kept from step to step: fresh pages cost as much as the product."""
    if parameter.grad is None:
        parameter.grad = torch.empty_like(parameter)
    return parameter.grad


def write_weight_gradient(weight: Tensor, pull: Tensor, rows: Tensor) -> None:
    """Overwrite the gradient of a layer's weight.

    BLAS libraries write a matrix slowly when its rows do not begin at multiples of the vector width, as those of 1660
    floats: half the speed on AVX2. In blocks of a few rows they are as fast as otherwise.

    Parameters
    ----------
    weight : Tensor, shape (o, i)
        Its ``.grad`` becomes ``pullᵀ rows``.
    pull : Tensor, shape (n, o)
        Gradient of the loss with respect to the layer's output.
    rows : Tensor, shape (n, i)
        Input of the layer.
    """
    out = gradient_buffer(weight)
    if out.device.type == "cpu" and out.shape[1] * out.element_size() % VECTOR_BYTES:
        for part, block in zip(pull.split(BLOCK_ROWS, dim=1), out.split(BLOCK_ROWS), strict=True):
            torch.mm(part.t(), rows, out=block)
    else:
        torch.mm(pull.t(), rows, out=out)


def two_layers(net: MLP) -> tuple[nn.Linear, nn.Linear]:
    """The layers of a network that has two."""
    first, second = net.layers
    return cast(nn.Linear, first), cast(nn.Linear, second)


@torch.no_grad()
def two_layer_pass(net: MLP, rows: Tensor) -> tuple[Tensor, Tensor]:
    """Hidden layer after its ReLU and output of ``[i, h, o]`` with linear output: (n, i) -> (n, h), (n, o)."""
    first, second = two_layers(net)
    hidden = torch.addmm(first.bias, rows, first.weight.t()).relu_()
    return hidden, torch.addmm(second.bias, hidden, second.weight.t())


@torch.no_grad()
def two_layer_gradients(net: MLP, rows: Tensor, hidden: Tensor, pull: Tensor) -> Tensor:
    """Overwrite the gradients of all parameters of a network that `two_layer_pass` went through.

    Parameters
    ----------
    net : MLP
        Two layers, ReLU between them, linear output.
    rows, hidden : Tensor, shapes (n, i) and (n, h)
        Input and hidden layer.
    pull : Tensor, shape (n, o)
        Gradient of the loss with respect to the output.

    Returns
    -------
    Tensor, shape (n, h)
        Gradient with respect to the hidden layer before its ReLU; times the first layer's weight it is the gradient
        with respect to ``rows``.
    """
    first, second = two_layers(net)
    write_weight_gradient(second.weight, pull, hidden)
    torch.sum(pull, dim=0, out=gradient_buffer(second.bias))
    back = torch.mm(pull, second.weight).mul_(hidden > 0)
    write_weight_gradient(first.weight, back, rows)
    torch.sum(back, dim=0, out=gradient_buffer(first.bias))
    return back
