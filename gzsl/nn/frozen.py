"""Networks that are used without learning from it."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch.func import functional_call


def frozen(network: nn.Module, *inputs: Tensor) -> Any:
    """Output of a network whose weights are constants: gradients reach the inputs alone, and cost no more."""
    constants = {name: parameter.detach() for name, parameter in network.named_parameters()}
    return functional_call(network, constants, inputs)
