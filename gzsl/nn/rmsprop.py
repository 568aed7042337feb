"""RMSprop without what torch's wrappers cost; see `gzsl.nn.optim`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor
from torch.optim import RMSprop

from gzsl.nn.optim import Direct, gradients


class DirectRMSprop(Direct, RMSprop):
    """`torch.optim.RMSprop` of dense leaf tensors on one device, not centred."""

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Take one step; there is no closure."""
        for group in self.param_groups:
            members = self.learning(group)
            if not members:
                continue
            pulls = gradients(members)
            if group["weight_decay"]:
                pulls = list(torch._foreach_add(pulls, members, alpha=group["weight_decay"]))
            squares = [self._buffer(p, "square_avg") for p in members]
            torch._foreach_mul_(squares, group["alpha"])
            torch._foreach_addcmul_(squares, pulls, pulls, 1 - group["alpha"])
            scales = torch._foreach_sqrt(squares)
            torch._foreach_add_(scales, group["eps"])
            if group["momentum"]:
                buffers = [self._buffer(p, "momentum_buffer") for p in members]
                torch._foreach_mul_(buffers, group["momentum"])
                torch._foreach_addcdiv_(buffers, pulls, scales)
                torch._foreach_add_(members, buffers, alpha=-group["lr"])
            else:
                torch._foreach_addcdiv_(members, pulls, scales, -group["lr"])

    def _buffer(self, parameter: Tensor, name: str) -> Tensor:
        state = self.state[parameter]
        if name not in state:
            state[name] = torch.zeros_like(parameter, memory_format=torch.preserve_format)
        found: Tensor = state[name]
        return found


def rmsprop(
    parameters: Iterable[Tensor], lr: float, *, momentum: float = 0.0, weight_decay: float = 0.0
) -> RMSprop:
    """Make an RMSprop optimiser with torch's decay 0.99 of the mean squared gradient.

    Parameters
    ----------
    parameters : iterable of Tensor
        Leaf tensors of one device.
    lr : float
        Learning rate.
    momentum : float
        Share of the last step that is taken again.
    weight_decay : float
        Weight of half the squared parameters, in the gradient.
    """
    return DirectRMSprop(list(parameters), lr=lr, momentum=momentum, weight_decay=weight_decay)
