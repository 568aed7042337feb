"""Losses of a WGAN-GP critic and their gradients, written out by hand: no graph, no second pass."""

from __future__ import annotations

import torch
from torch import Tensor

from gzsl.nn.critic import Critic
from gzsl.nn.gradients import gradient_buffer as _gradient
from gzsl.nn.stacking import affine, over

DOT_ROWS = 256
SMALLEST = 1e-12

Weight = float | Tensor


@torch.no_grad()
def critic_gradients(
    critic: Critic,
    real: Tensor,
    fake: Tensor,
    a: Tensor | None,
    u: Tensor,
    *,
    gp_weight: Weight,
    critic_weight: Weight = 1.0,
    radius: float | None = None,
) -> dict[str, Tensor]:
    """Overwrite the gradients of the critic's parameters with those of its loss.

    The loss is ``critic_weight * (mean D(fake) - mean D(real) + gp_weight * penalty)``, with the penalty of
    `gzsl.nn.losses.gradient_penalty.gradient_penalty`. Three properties of a critic with one
    piecewise-linear hidden layer make this cheap. Hidden layers of interpolated rows are interpolated hidden
    layers, so only real and fake rows are multiplied, in one stack. The gradient of the first layer is one
    product of stacked rows, where a penalised row enters with its slopes times ``w2`` on one side and the
    derivative of the penalty on the other. And multiplying the weights into a hidden unit by t and the one
    out of it by 1/t changes nothing, so that (differentiate at t = 1) the gradient of the latter follows
    from that of the former. Where the critic is a stack (`gzsl.nn.stacking`), all shapes have a leading axis, and
    weights may have it.

    Parameters
    ----------
    critic : Critic
        Parameters are read; their ``.grad`` buffers are made where missing, then overwritten.
    real, fake : Tensor, shape (n, d)
        Features.
    a : Tensor, shape (n, a), or None
        Class vectors of both.
    u : Tensor, shape (n,) or (n, d)
        Place of the penalised rows between fake (0) and real (1); one a feature costs a product more.
    gp_weight, critic_weight : float or 0-d Tensor
        Weights of the penalty and of the whole loss.
    radius : float, optional
        Length that interpolated rows are brought to before they are judged. It scales what the first layer makes of
        them, row by row, and costs no product either; places have to be one a row.

    Returns
    -------
    dict of str to Tensor
        0-d ``wasserstein`` (mean D(real) - mean D(fake)), ``gradient_penalty`` (without its weight) and
        ``critic`` (the loss).
    """
    n, first = real.shape[-2], critic.features
    rows = real.new_empty(*real.shape[:-2], 3 * n, real.shape[-1])  # real, fake, derivative of the penalty
    rows[..., :n, :], rows[..., n : 2 * n, :] = real, fake
    pre = _stacked_preactivations(critic, rows[..., : 2 * n, :], a, u, radius)
    out_weight = _non_zero(critic.output.weight.squeeze(-2))
    left = critic.slopes(pre).mul_(out_weight.unsqueeze(-2))  # dD/dpre of every row

    scores = (pre[..., : 2 * n, :] * left[..., : 2 * n, :]).sum(-1).unflatten(-1, (2, n)).mean(-1)
    gradient = left[..., 2 * n :, :] @ first.weight
    norm = torch.linalg.vector_norm(gradient, dim=-1, keepdim=True)
    penalty = (norm - 1).square().squeeze(-1).mean(-1)
    pull = (2 / n) * over(gp_weight * critic_weight, norm.ndim) * (norm - 1) / norm.clamp_min(SMALLEST)
    torch.mul(gradient, pull, out=rows[..., 2 * n :, :])

    share = over(critic_weight / n, left.ndim)
    left[..., :n, :] *= -share
    left[..., n : 2 * n, :] *= share
    _write_gradients(critic, left, rows, a, out_weight)
    wasserstein = scores[..., 0] - scores[..., 1]
    return {
        "wasserstein": wasserstein,
        "gradient_penalty": penalty,
        "critic": critic_weight * (gp_weight * penalty - wasserstein),
    }


def _stacked_preactivations(
    critic: Critic, both: Tensor, a: Tensor | None, u: Tensor, radius: float | None
) -> Tensor:
    """Hidden layer before its activation of real, fake and interpolated rows: (2n, d) -> (3n, h)."""
    n, first = both.shape[-2] // 2, critic.features
    pre = both.new_empty(*both.shape[:-2], 3 * n, first.out_features)
    affine(both, first.weight, first.bias, out=pre[..., : 2 * n, :])
    if critic.condition is not None:
        assert a is not None
        pre[..., : 2 * n, :].unflatten(-2, (2, n)).add_((a @ critic.condition.weight.mT).unsqueeze(-3))
    if u.ndim == both.ndim:  # one a feature: hidden layers are not between those of the two rows
        between = torch.lerp(both[..., n:, :], both[..., :n, :], u)
        pre[..., 2 * n :, :] = critic.preactivation(between, a)
    else:
        torch.lerp(pre[..., n : 2 * n, :], pre[..., :n, :], u.unsqueeze(-1), out=pre[..., 2 * n :, :])
        if radius is not None:
            between = torch.lerp(both[..., n:, :], both[..., :n, :], u.unsqueeze(-1))
            length = torch.linalg.vector_norm(between, dim=-1, keepdim=True).clamp_min(SMALLEST)
            still = first.bias.unsqueeze(-2) if critic.condition is None or a is None else critic_shift(critic, a)
            pre[..., 2 * n :, :] = (pre[..., 2 * n :, :] - still) * (radius / length) + still
    return pre


def critic_shift(critic: Critic, a: Tensor) -> Tensor:
    """What the first layer adds to features: its bias and the part of class vectors, (n, h)."""
    assert critic.condition is not None
    return a @ critic.condition.weight.mT + critic.features.bias.unsqueeze(-2)


def _write_gradients(
    critic: Critic, left: Tensor, rows: Tensor, a: Tensor | None, out_weight: Tensor
) -> None:
    """Turn ``left`` (3n, h) and ``rows`` (3n, d) into gradients of all parameters."""
    n, first = left.shape[-2] // 3, critic.features
    torch.matmul(left.mT, rows, out=_gradient(first.weight))
    pairs = left[..., :n, :] + left[..., n : 2 * n, :]  # real and fake row of the same class nearly cancel: first
    torch.sum(pairs, dim=-2, out=_gradient(first.bias))
    invariant = _row_dots(first.weight, _gradient(first.weight)) + first.bias * _gradient(first.bias)
    if critic.condition is not None:
        assert a is not None
        weight = critic.condition.weight
        torch.matmul(pairs.mT, a, out=_gradient(weight))
        invariant += _row_dots(weight, _gradient(weight))
    torch.div(invariant, out_weight, out=_gradient(critic.output.weight).squeeze(-2))
    _gradient(critic.output.bias).zero_()


def _row_dots(left: Tensor, right: Tensor) -> Tensor:
    """Scalar products of rows, in blocks that stay in the cache: (h, d), (h, d) -> (h,)."""
    blocks = zip(*(table.flatten(0, -2).split(DOT_ROWS) for table in (left, right)), strict=True)
    return torch.cat([torch.linalg.vecdot(one, other) for one, other in blocks]).view(left.shape[:-1])


def _non_zero(weight: Tensor) -> Tensor:
    """The weights with zeros replaced by something tiny, so that one can divide by them."""
    return torch.where(weight.abs() < SMALLEST, SMALLEST, weight)
