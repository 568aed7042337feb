"""Adam with decoupled weight decay."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from gzsl.nn.optim import FusedAdam


class DecoupledAdam(FusedAdam):
    """`torch.optim.AdamW`: weights shrink by ``lr`` times the decay before each step of Adam, which sees no decay."""

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Take one step; there is no closure."""
        for group in self.param_groups:
            members = self.learning(group)
            if members:
                torch._foreach_mul_(members, 1 - group["lr"] * group["decay"])
        super().step()


vars(DecoupledAdam.step)["hooked"] = True  # as in `gzsl.nn.optim`


def adamw(parameters: Iterable[Tensor], lr: float, *, beta1: float = 0.5, decay: float = 0.01) -> DecoupledAdam:
    """Make an optimiser of leaf tensors on one device; torch's default decay is 0.01."""
    made = DecoupledAdam(list(parameters), lr=lr, betas=(beta1, 0.999))
    for group in made.param_groups:
        group["decay"] = decay
    return made
