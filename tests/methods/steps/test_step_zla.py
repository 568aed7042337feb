"""ZLA's update against a plain one: a Wasserstein GAN with nothing beside the adversarial term."""

from __future__ import annotations

from collections.abc import Callable

import torch
from harness import Start, adam, compare, critic_loss, generate, judge, means_of, take_step
from torch import Tensor


class ZLAReference:
    def __init__(self, start: Start) -> None:
        self.w, self.own = start.weights, start.settings
        self.for_generator = adam(start.under("generator_"), self.own.lr)
        self.for_critic = adam(start.under("critic_"), self.own.lr)

    def update(self, x: Tensor, y: Tensor, a: Tensor, noise: Callable[[str], Tensor]) -> dict[str, Tensor]:
        z, u = noise("noise"), noise("mix")
        steps = []
        for rows in torch.arange(len(x)).split(self.own.batch_size):
            fake = generate(self.w, z[rows], a[rows]).detach()
            found = critic_loss(lambda r, c=a[rows]: judge(self.w, r, c), x[rows], fake, u[rows], self.own.gp_weight)
            take_step(found["critic"], self.for_critic)
            steps.append(found)
        a = a[-self.own.batch_size :]
        adversarial = -judge(self.w, generate(self.w, noise("noise"), a), a).mean()
        take_step(adversarial, self.for_generator)
        return means_of(steps) | {"adversarial": adversarial, "generator": adversarial}


def test_three_updates_of_zla() -> None:
    compare("zla", ZLAReference, critic_steps=3, noise_dim=5, head={"name": "logit-adjusted", "n_epochs": 1})
