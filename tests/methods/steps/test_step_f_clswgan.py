"""f-CLSWGAN's update against a plain one: critic steps on fresh batches, then the generator on the last of them."""

from __future__ import annotations

from collections.abc import Callable

import torch
from harness import Start, adam, compare, critic_loss, generate, judge, layer, means_of, take_step
from torch import Tensor
from torch.nn import functional


class FCLSWGANReference:
    def __init__(self, start: Start) -> None:
        self.start, self.w, self.own = start, start.weights, start.settings
        self.for_generator = adam(start.under("generator_"), self.own.lr)
        self.for_critic = adam(start.under("critic_"), self.own.lr)

    def update(self, x: Tensor, y: Tensor, a: Tensor, noise: Callable[[str], Tensor]) -> dict[str, Tensor]:
        n = self.own.batch_size
        z, u = noise("noise"), noise("mix")
        steps = []
        for rows in torch.arange(len(x)).split(n):
            fake = generate(self.w, z[rows], a[rows]).detach()
            found = critic_loss(lambda r, c=a[rows]: judge(self.w, r, c), x[rows], fake, u[rows], self.own.gp_weight)
            take_step(found["critic"], self.for_critic)
            steps.append(found)
        y, a = y[-n:], a[-n:]
        fake = generate(self.w, noise("noise"), a)
        terms = {
            "adversarial": -judge(self.w, fake, a).mean(),
            "classification": functional.nll_loss(layer(self.w, "classifier_", fake).log_softmax(1), y),
        }
        loss = terms["adversarial"] + self.own.cls_weight * terms["classification"]
        take_step(loss, self.for_generator)
        return means_of(steps) | terms | {"generator": loss}


def test_three_updates_of_f_clswgan() -> None:
    compare("f-clswgan", FCLSWGANReference, critic_steps=5, cls_weight=0.5, pretrain_epochs=2)


def test_three_updates_of_f_clswgan_with_another_size_of_noise_and_one_critic_step() -> None:
    compare("f-clswgan", FCLSWGANReference, critic_steps=1, noise_dim=3, gp_weight=3.0, pretrain_epochs=2)
