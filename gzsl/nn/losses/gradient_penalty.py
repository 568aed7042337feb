"""Gradient penalty of WGAN-GP, in closed form for piecewise-linear critics and by autograd for any."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from gzsl.nn.critic import Critic


def unit_norm_penalty(gradient: Tensor) -> Tensor:
    """Mean squared difference of row lengths from one: (n, d) -> 0-d."""
    return (torch.linalg.vector_norm(gradient, dim=1) - 1).square().mean()


def interpolate(real: Tensor, fake: Tensor, u: Tensor) -> Tensor:
    """Points between real and fake rows, ``u real + (1 - u) fake``: (n, d), (n, d), (n,) -> (n, d)."""
    return torch.lerp(fake, real, u[:, None])


def input_gradient(weights: Sequence[Tensor], slopes: Sequence[Tensor]) -> Tensor:
    """Gradient of a piecewise-linear network with one output with respect to its input, row by row.

    Where every activation has slope ``slopes[l]``, the network is linear, and its gradient is the product of
    its weights and slopes from the output to the input. Slopes are constant almost everywhere, so ordinary
    differentiation of the result with respect to the weights is exact, without differentiating twice.

    Parameters
    ----------
    weights : sequence of Tensor, shapes (h1, d), (h2, h1), ..., (1, h)
        Weights of the layers, first layer first.
    slopes : sequence of Tensor, shapes (n, h1), (n, h2), ...
        Slopes of the hidden activations at the rows; one fewer than ``weights``.

    Returns
    -------
    Tensor, shape (n, d)
    """
    gradient = weights[-1]
    for weight, slope in zip(reversed(weights[:-1]), reversed(slopes), strict=True):
        gradient = (gradient * slope) @ weight
    return gradient


def gradient_penalty(critic: Critic, real: Tensor, fake: Tensor, a: Tensor | None, u: Tensor) -> Tensor:
    """Penalty ``mean_b (||dD/dx|| - 1)^2`` between real and fake rows, in closed form.

    The gradient is taken with respect to features alone, never to class vectors. With ``m`` the slopes of
    the hidden layer it is ``(m * w2) @ Wx``, so that biases and condition weights get no gradient.

    Parameters
    ----------
    critic : Critic
        Its weights receive gradients.
    real, fake : Tensor, shape (n, d)
        Features.
    a : Tensor, shape (n, a), or None
        Class vectors of both.
    u : Tensor, shape (n,)
        Place between fake (0) and real (1).

    Returns
    -------
    Tensor, 0-d
    """
    with torch.no_grad():
        slopes = critic.slopes(critic.preactivation(interpolate(real, fake, u), a))
    return unit_norm_penalty(input_gradient([critic.features.weight, critic.output.weight], [slopes]))


def gradient_penalty_autograd(
    score: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor, u: Tensor
) -> Tensor:
    """Penalty of `gradient_penalty` for any differentiable critic, by differentiating twice.

    Parameters
    ----------
    score : callable
        Rows (n, d) to scores (n,).
    real, fake : Tensor, shape (n, d)
        Features.
    u : Tensor, shape (n,)
        Place between fake (0) and real (1).

    Returns
    -------
    Tensor, 0-d
    """
    between = interpolate(real, fake, u).detach().requires_grad_()
    (gradient,) = torch.autograd.grad(score(between).sum(), between, create_graph=True)
    return unit_norm_penalty(gradient)
