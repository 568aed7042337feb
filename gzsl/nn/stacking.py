"""Several networks of the same shape as one, with a leading axis; the same code serves one network and a stack.

Shapes below are written for one network. A stack of S has ``(S, ...)`` throughout: parameters, rows, labels, class
vectors, noise and losses. Nothing mixes the members of a stack, so that each is trained as it would be alone.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional


class Linear(nn.Linear):
    """A linear layer that may be stacked."""

    def forward(self, x: Tensor) -> Tensor:
        """Apply the layer: (n, i) -> (n, o)."""
        return affine(x, self.weight, self.bias)


def affine(x: Tensor, weight: Tensor, bias: Tensor | None = None, out: Tensor | None = None) -> Tensor:
    """``x Wᵀ + b``.

    Parameters
    ----------
    x : Tensor, shape (n, i)
        Rows.
    weight, bias : Tensor, shapes (o, i) and (o,)
        Of the layer.
    out : Tensor, shape (n, o), optional
        Where the result is written, without a graph; the bias must be given then.
    """
    if out is not None:
        assert bias is not None
        if weight.ndim == 2:
            return torch.addmm(bias, x, weight.mT, out=out)
        return torch.baddbmm(bias.unsqueeze(-2), x, weight.mT, out=out)
    if weight.ndim == 2:
        return functional.linear(x, weight, bias)
    return torch.bmm(x, weight.mT) if bias is None else torch.baddbmm(bias.unsqueeze(-2), x, weight.mT)


def take(table: Tensor, rows: Tensor) -> Tensor:
    """Rows of a table by number: (C, ...), (n,) -> (n, ...)."""
    if rows.ndim == 1:
        return table[rows]
    return table[torch.arange(len(rows), device=rows.device)[:, None], rows]


def over(weight: float | Tensor, ndim: int) -> float | Tensor:
    """A weight, or the weights (S,) of a stack, to be multiplied with tensors of ``ndim`` axes."""
    if isinstance(weight, Tensor) and weight.ndim:
        return weight.reshape(-1, *[1] * (ndim - 1))
    return weight


def stack_modules(members: Sequence[nn.Module]) -> nn.Module:
    """One module with all parameters and buffers of modules of the same structure along a new first axis.

    The parameters and buffers of the members become views of it: what changes the stack in place changes them.
    """
    stacked = copy.deepcopy(members[0])
    for name, parameter in stacked.named_parameters():
        joined = torch.stack([member.get_parameter(name).detach() for member in members])
        _put(stacked, name, nn.Parameter(joined, requires_grad=parameter.requires_grad))
        for member, part in zip(members, joined, strict=True):
            member.get_parameter(name).data = part
    for name, _ in list(stacked.named_buffers()):
        joined = torch.stack([member.get_buffer(name) for member in members])
        _put(stacked, name, joined)
        for member, part in zip(members, joined, strict=True):
            _put(member, name, part)
    return stacked


def own_storage(module: nn.Module) -> None:
    """Give a member of a stack parameters and buffers of its own again."""
    for parameter in module.parameters():
        parameter.data = parameter.data.clone()
    for name, buffer in list(module.named_buffers()):
        _put(module, name, buffer.clone())


def _put(module: nn.Module, name: str, value: Tensor) -> None:
    owner, _, member = name.rpartition(".")
    setattr(module.get_submodule(owner), member, value)
