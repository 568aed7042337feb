"""Adam with decoupled weight decay."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from gzsl.nn.optim import FusedAdam


class DecoupledAdam(FusedAdam):
    """`torch.optim.AdamW`: weights shrink by ``lr`` times the decay before each step of Adam, which sees no decay."""

    kernel = staticmethod(torch._fused_adamw_)  # shrinks in the same pass over memory


def adamw(parameters: Iterable[Tensor], lr: float, *, beta1: float = 0.5, decay: float = 0.01) -> DecoupledAdam:
    """Make an optimiser of leaf tensors on one device; torch's default decay is 0.01."""
    return DecoupledAdam(list(parameters), lr=lr, betas=(beta1, 0.999), weight_decay=decay)
