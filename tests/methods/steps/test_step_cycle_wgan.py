"""cycle-WGAN's update against a plain one: a critic step, then a generator step with the frozen regressor's error."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from harness import SEEN, A, D, Start, adam, compare, critic_loss, generate, judge, layer, means_of, take_step
from torch import Tensor
from torch.nn import functional

from gzsl.methods import create
from gzsl.methods.iterative import Sizes


class CycleReference:
    def __init__(self, start: Start) -> None:
        self.w, self.own = start.weights, start.settings
        betas = (self.own.beta1, 0.999)
        self.for_generator = adam(start.under("generator_"), self.own.lr, betas)
        self.for_critic = adam(start.under("critic_"), self.own.critic_lr, betas)
        self.pretrained(start)

    def pretrained(self, start: Start) -> None:
        """The regressor went from Xavier's weights, or from the mean class vector, by Adam on the mean square."""
        again: Any = create("cycle-wgan", **vars(self.own))
        again.build(Sizes(D, A, SEEN), start.method.streams.fresh("init"))
        weight, bias = again.regressor_.weight.detach(), again.regressor_.bias.detach()
        x, a = start.x.float(), start.table[start.y].float()
        if self.own.weights == "released-gan":
            weight, bias = torch.zeros_like(weight), a.mean(0)
        weight, bias = weight.clone().requires_grad_(), bias.clone().requires_grad_()
        learning = adam([weight, bias], self.own.regressor_lr, (self.own.beta1, 0.999))
        rng = start.method.streams.fresh("regressor")
        for _ in range(self.own.regressor_epochs):
            for rows in torch.randperm(len(x), generator=rng).split(self.own.batch_size):
                take_step(((functional.linear(x[rows], weight, bias) - a[rows]) ** 2).mean(), learning)
        torch.testing.assert_close(self.w["regressor_.weight"].float(), weight, rtol=0, atol=1e-6)
        torch.testing.assert_close(self.w["regressor_.bias"].float(), bias, rtol=0, atol=1e-6)

    def update(self, x: Tensor, y: Tensor, a: Tensor, noise: Callable[[str], Tensor]) -> dict[str, Tensor]:
        n, own = self.own.batch_size, self.own
        z, u, steps = noise("noise"), noise("mix"), []
        assert u.shape == ((len(x), D) if own.penalty_points == "released" else (len(x),))
        for rows in torch.arange(len(x)).split(n):
            fake = generate(self.w, z[rows], a[rows]).detach()
            found = critic_loss(lambda r, c=a[rows]: judge(self.w, r, c), x[rows], fake, u[rows], own.gp_weight)
            take_step(found["critic"], self.for_critic)
            steps.append(found)
        y, a = y[-n:], a[-n:]
        fake = generate(self.w, noise("noise"), a)
        terms = {
            "adversarial": -judge(self.w, fake, a).mean(),
            "classification": functional.cross_entropy(layer(self.w, "classifier_", fake), y),
            "cycle": ((layer(self.w, "regressor_", fake) - a) ** 2).mean(),
        }
        loss = terms["adversarial"] + own.cls_weight * terms["classification"] + own.cycle_weight * terms["cycle"]
        take_step(loss, self.for_generator)
        return means_of(steps) | terms | {"generator": loss}


@pytest.mark.parametrize("points", ["row", "released"])
@pytest.mark.parametrize(("weights", "beta1"), [("xavier-uniform", 0.9), ("released-gan", 0.5)])
def test_three_updates_of_cycle_wgan(points: str, weights: str, beta1: float) -> None:
    compare(
        "cycle-wgan", CycleReference, penalty_points=points, weights=weights, beta1=beta1, critic_lr=3e-2,
        cycle_weight=2.0, cls_weight=0.3, critic_steps=2, pretrain_epochs=1, regressor_epochs=2,
    )  # fmt: skip
