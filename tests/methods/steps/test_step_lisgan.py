"""LisGAN's update against a plain one: f-CLSWGAN's, and rows and class means near the soul samples."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from harness import SEEN, Start, adam, compare, critic_loss, generate, judge, layer, means_of, take_step
from torch import Tensor
from torch.nn import functional


class LisGANReference:
    def __init__(self, start: Start) -> None:
        self.w, self.own, self.table = start.weights, start.settings, start.table
        self.for_generator = adam(start.under("generator_"), self.own.lr)
        self.for_critic = adam(start.under("critic_"), self.own.lr)
        self.souls = start.method.souls_.double()

    def nearest(self, row: Tensor, c: int) -> Tensor:
        return torch.stack([((row - soul) ** 2).sum() for soul in self.souls[c]]).min()

    def update(self, x: Tensor, y: Tensor, a: Tensor, noise: Callable[[str], Tensor]) -> dict[str, Tensor]:
        n, own = self.own.batch_size, self.own
        z, u, steps = noise("noise"), noise("mix"), []
        for rows in torch.arange(len(x)).split(n):
            fake = generate(self.w, z[rows], a[rows]).detach()
            found = critic_loss(lambda r, c=a[rows]: judge(self.w, r, c), x[rows], fake, u[rows], own.gp_weight)
            take_step(found["critic"], self.for_critic)
            steps.append(found)
        y, a = y[-n:], a[-n:]
        fake = generate(self.w, noise("noise"), a)
        classes = list(range(SEEN))
        if own.classes_per_step is not None:
            classes = noise("classes").argsort(descending=True)[: own.classes_per_step].tolist()
        z = noise("noise").split(own.mean_samples)
        means = [generate(self.w, z[i], self.table[c].expand(len(z[i]), -1)).mean(0) for i, c in enumerate(classes)]
        near_rows = [self.nearest(row, c) for row, c in zip(fake, y.tolist(), strict=True)]
        near_means = [self.nearest(mean, c) for mean, c in zip(means, classes, strict=True)]
        terms = {
            "adversarial": -judge(self.w, fake, a).mean(),
            "classification": functional.cross_entropy(layer(self.w, "classifier_", fake), y),
            "near_souls": torch.stack(near_rows).mean(),
            "means_near_souls": torch.stack(near_means).mean(),
        }
        loss = (
            terms["adversarial"] + own.cls_weight * terms["classification"]
            + own.sample_weight * terms["near_souls"] + own.mean_weight * terms["means_near_souls"]
        )  # fmt: skip
        take_step(loss, self.for_generator)
        return means_of(steps) | terms | {"generator": loss}


@pytest.mark.parametrize("classes", [None, 2])
def test_three_updates_of_lisgan(classes: int | None) -> None:
    compare(
        "lisgan", LisGANReference, critic_steps=2, classes_per_step=classes, mean_samples=3, sample_weight=0.3,
        mean_weight=0.4, cls_weight=0.5, pretrain_epochs=2,
    )  # fmt: skip
