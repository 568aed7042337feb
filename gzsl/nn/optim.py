"""Adam and SGD as the networks here use them: torch's arithmetic without what torch's wrappers cost.

The first use of an optimiser of torch imports its compiler, which takes more than a second of every process, and each
step looks for compilers, captured graphs and profilers. What is here calls the same kernels directly: the same bits.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor
from torch.optim import SGD, Adam, Optimizer
from torch.optim.sgd import sgd as sgd_step

FUSED_DEVICES = ("cpu", "cuda")


class Direct(Optimizer):
    """An optimiser whose groups, clearing and steps do not go through torch's wrappers."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        vars(cls.step)["hooked"] = True  # torch wraps the steps of classes that lack this

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Take a group of leaf tensors with its settings."""
        self.param_groups.append({**self.defaults, **param_group, "params": list(param_group["params"])})

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients; the buffers go, whatever ``set_to_none`` says."""
        for group in self.param_groups:
            for parameter in group["params"]:
                parameter.grad = None

    def learning(self, group: dict[str, Any]) -> list[Tensor]:
        """Parameters of a group that have a gradient."""
        return [parameter for parameter in group["params"] if parameter.grad is not None]


def gradients(members: Iterable[Tensor]) -> list[Tensor]:
    """Gradients of parameters that have one."""
    return [parameter.grad for parameter in members if parameter.grad is not None]


class FusedAdam(Direct, Adam):
    """`torch.optim.Adam` of leaf tensors on one device, in one pass over memory a parameter."""

    kernel = staticmethod(torch._fused_adam_)

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Take one step; there is no closure."""
        for group in self.param_groups:
            members = self.learning(group)
            if not members:
                continue
            states = [self.state[parameter] or self._open(parameter, group["amsgrad"]) for parameter in members]
            steps = [state["step"] for state in states]
            torch._foreach_add_(steps, 1)
            self.kernel(
                members,
                gradients(members),
                [state["exp_avg"] for state in states],
                [state["exp_avg_sq"] for state in states],
                [state["max_exp_avg_sq"] for state in states] if group["amsgrad"] else [],
                steps,
                lr=group["lr"], beta1=group["betas"][0], beta2=group["betas"][1], eps=group["eps"],
                weight_decay=group["weight_decay"], amsgrad=group["amsgrad"], maximize=False,
                grad_scale=None, found_inf=None,
            )  # fmt: skip

    def _open(self, parameter: Tensor, amsgrad: bool) -> dict[str, Tensor]:
        state = self.state[parameter]
        state["step"] = torch.zeros((), device=parameter.device)
        for name in ("exp_avg", "exp_avg_sq", *(["max_exp_avg_sq"] if amsgrad else [])):
            state[name] = torch.zeros_like(parameter, memory_format=torch.preserve_format)
        return state


class DirectSGD(Direct, SGD):
    """`torch.optim.SGD` of dense leaf tensors on one device."""

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Take one step; there is no closure."""
        for group in self.param_groups:
            members = self.learning(group)
            if not members:
                continue
            velocities = [self.state[parameter].get("momentum_buffer") for parameter in members]
            sgd_step(
                members, gradients(members), velocities, foreach=False,
                lr=group["lr"], momentum=group["momentum"], dampening=group["dampening"], nesterov=group["nesterov"],
                weight_decay=group["weight_decay"], maximize=False,
            )  # fmt: skip
            if group["momentum"]:
                for parameter, velocity in zip(members, velocities, strict=True):
                    self.state[parameter]["momentum_buffer"] = velocity


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
    return (FusedAdam if fused else Adam)(
        members, lr=lr, betas=(beta1, beta2), weight_decay=weight_decay, amsgrad=amsgrad, fused=fused
    )


def sgd(
    parameters: Iterable[Tensor], lr: float, *, momentum: float = 0.0, weight_decay: float = 0.0, nesterov: bool = False
) -> SGD:
    """Make an SGD optimiser.

    Parameters
    ----------
    parameters : iterable of Tensor
        Leaf tensors of one device.
    lr : float
        Learning rate.
    momentum : float
        Share of the last step that is taken again.
    weight_decay : float
        Weight of half the squared parameters.
    nesterov : bool
        Take the gradient where the momentum leads.
    """
    return DirectSGD(list(parameters), lr=lr, momentum=momentum, weight_decay=weight_decay, nesterov=nesterov)
