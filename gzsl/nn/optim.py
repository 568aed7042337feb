"""Adam as feature-generating networks use it, in its fastest form for the device."""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor
from torch.optim import Adam

FUSED_DEVICES = ("cpu", "cuda")


def adam(
    parameters: Iterable[Tensor],
    lr: float,
    *,
    beta1: float = 0.5,
    beta2: float = 0.999,
    weight_decay: float = 0.0,
    amsgrad: bool = False,
) -> Adam:
    """Make an Adam optimiser that updates each parameter in one pass over memory where that is supported.

    Parameters
    ----------
    parameters : iterable of Tensor
        Leaf tensors of one device.
    lr : float
        Learning rate.
    beta1, beta2 : float
        Decays of the mean gradient and of the mean squared gradient; the released code of the f-CLSWGAN
        family uses 0.5 and 0.999.
    weight_decay : float
        Weight of the squared parameters, added to the gradient.
    amsgrad : bool
        Divide by the largest mean squared gradient so far.
    """
    members = list(parameters)
    fused = all(p.is_floating_point() and p.device.type in FUSED_DEVICES for p in members)
    return Adam(members, lr=lr, betas=(beta1, beta2), weight_decay=weight_decay, amsgrad=amsgrad, fused=fused)
