"""The optimisers take torch's steps, bit for bit, and do not bring torch's compiler."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.optim import SGD, Adam, AdamW, Optimizer

from gzsl.nn.checkpoint import optimiser_state, restore_optimiser
from gzsl.nn.decoupled import adamw
from gzsl.nn.optim import adam, sgd

Made = Callable[[list[Tensor]], Optimizer]


def drawn(seed: int) -> list[Tensor]:
    rng = torch.Generator().manual_seed(seed)
    return [torch.randn(*shape, generator=rng) for shape in ((3, 4), (5,), (2, 2))]


def stepped(optimiser: Optimizer, members: list[Tensor], seeds: range, without: int | None = None) -> list[Tensor]:
    for seed in seeds:
        for place, (member, gradient) in enumerate(zip(members, drawn(seed), strict=True)):
            member.grad = None if place == without else gradient
        optimiser.step()
    return members


ADAM: list[dict[str, Any]] = [{}, {"weight_decay": 0.01}, {"amsgrad": True, "beta1": 0.9}]
SGDS: list[dict[str, Any]] = [{}, {"weight_decay": 0.01}, {"momentum": 0.9, "nesterov": True}]


def pair(kind: str, options: dict[str, Any]) -> tuple[Made, Made]:
    if kind == "sgd":
        return lambda members: sgd(members, 0.1, **options), lambda members: SGD(members, lr=0.1, **options)
    if kind == "adamw":
        return lambda members: adamw(members, 0.1), lambda members: AdamW(members, 0.1, (0.5, 0.999), fused=True)
    given = dict(options)
    betas = (given.pop("beta1", 0.5), 0.999)
    return (
        lambda members: adam(members, 0.1, **options),
        lambda members: Adam(members, lr=0.1, betas=betas, fused=True, **given),
    )


CASES: list[tuple[str, dict[str, Any]]] = [("adamw", {}), *(("adam", o) for o in ADAM), *(("sgd", o) for o in SGDS)]


@pytest.mark.parametrize(("kind", "options"), CASES)
def test_steps_are_those_of_torch_bit_for_bit(kind: str, options: dict[str, Any]):
    ours, theirs = pair(kind, options)
    mine, other = drawn(0), drawn(0)
    for made, members in ((ours(mine), mine), (theirs(other), other)):
        stepped(made, members, range(1, 4))
        made.param_groups[0]["lr"] = 0.03
        stepped(made, members, range(4, 6), without=1)  # a parameter without a gradient stays where it is
    assert all(torch.equal(a, b) for a, b in zip(mine, other, strict=True))
    assert not torch.equal(mine[1], drawn(0)[1])


@pytest.mark.parametrize(("kind", "options"), [("adam", ADAM[2]), ("sgd", SGDS[2])])
def test_a_restored_optimiser_goes_on_with_the_same_bits(kind: str, options: dict[str, Any]):
    make = pair(kind, options)[0]
    whole, parted = drawn(0), drawn(0)
    stepped(make(whole), whole, range(1, 6))
    first = make(parted)
    stepped(first, parted, range(1, 3))
    kept = {name: tensor.clone() for name, tensor in optimiser_state(first).items()}
    again = [member.clone() for member in parted]
    second = make(again)
    stepped(second, [member.clone() for member in again], range(1, 2))  # what it had is forgotten
    restore_optimiser(second, kept)
    stepped(second, again, range(3, 6))
    assert all(torch.equal(a, b) for a, b in zip(whole, again, strict=True))


def test_cleared_gradients_are_none():
    members = drawn(0)
    optimiser = adam(members, 0.1)
    stepped(optimiser, members, range(1, 2))
    optimiser.zero_grad()
    assert [member.grad for member in members] == [None, None, None]
    before = [member.clone() for member in members]
    optimiser.step()
    assert all(torch.equal(a, b) for a, b in zip(members, before, strict=True))


def test_a_fit_does_not_import_torchs_compiler():
    program = (
        "import sys, torch\n"
        "from gzsl.nn.checkpoint import optimiser_state\n"
        "from gzsl.nn.optim import adam, sgd\n"
        "for make in (adam, sgd):\n"
        "    p = torch.zeros(3)\n"
        "    p.grad = torch.ones(3)\n"
        "    made = make([p], 0.1)\n"
        "    made.step()\n"
        "    optimiser_state(made)\n"
        "    made.zero_grad()\n"
        "print('torch._dynamo' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
