"""SABR's update against a plain one: a GAN of codes, whose generator has a batch of its own and two frozen readers."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from harness import Start, adam, compare, critic_loss, generate, judge, layer, means_of, take_step
from torch import Tensor
from torch.nn import functional

from gzsl.methods import create
from gzsl.methods.generative.sabr import LatentSpace


class SABRReference:
    def __init__(self, start: Start) -> None:
        self.w, self.own, self.table = start.weights, start.settings, start.table
        self.for_generator = adam(start.under("generator_"), self.own.lr)
        self.for_critic = adam(start.under("critic_"), self.own.lr)

    def update(self, x: Tensor, y: Tensor, a: Tensor, noise: Callable[[str], Tensor]) -> dict[str, Tensor]:
        n, count = self.own.batch_size, self.own.critic_steps
        assert len(x) == (count + 1) * n
        codes = (torch.relu(layer(self.w, "latent_.layer.layers.0", x)) / self.w["latent_.top"]).detach()
        z, u = noise("noise"), noise("mix")
        steps = []
        for rows in torch.arange(count * n).split(n):
            fake = generate(self.w, z[rows], a[rows]).detach()
            found = critic_loss(lambda r, c=a[rows]: judge(self.w, r, c), codes[rows], fake, u[rows], 10.0)
            take_step(found["critic"], self.for_critic)
            steps.append(found)
        y, a = y[count * n :], a[count * n :]
        fake = generate(self.w, noise("noise"), a)
        semantic = -((layer(self.w, "regressor_", fake) @ self.table.T).log_softmax(1)[torch.arange(n), y]).sum()
        terms = {
            "adversarial": -judge(self.w, fake, a).mean(),
            "classification": functional.nll_loss(layer(self.w, "classifier_", fake).log_softmax(1), y),
        }
        released_weight = 0.01  # of the sum over a batch
        loss = terms["adversarial"] + self.own.cls_weight * (terms["classification"] + released_weight * semantic)
        take_step(loss, self.for_generator)
        return means_of(steps) | terms | {"semantic": semantic / n, "generator": loss}


@pytest.mark.parametrize("critic_dim", [6, 9])
def test_three_updates_of_sabr(critic_dim: int) -> None:
    small = {"latent_dim": 5, "latent_epochs": 2, "latent_lr": 1e-2, "critic_dim": critic_dim}
    compare("sabr", SABRReference, critic_steps=3, cls_weight=0.5, semantic_weight=0.01 * 8, **small)


def test_the_critic_of_sabr_is_wider_than_its_generator_as_released() -> None:
    method = create("sabr")
    assert (method.hidden_dim, method.critic_dim) == (2048, 4096)


def test_a_unit_that_training_rows_never_woke_makes_no_huge_codes() -> None:
    space = LatentSpace(3, 4, torch.Generator().manual_seed(0))
    weight, bias = space.layer.parameters()
    with torch.no_grad():
        weight.copy_(torch.tensor([[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 1e-3]]))
        bias.zero_()
    seen = torch.tensor([[1.0, 0.5, 0], [0.5, 1, 1e-4]])  # units 2 and 3 sleep, or nearly
    top = space.measure(seen)
    torch.testing.assert_close(top, torch.tensor([1, 1, 0.1 * 2.0001001 / 4, 0.1 * 2.0001001 / 4]))
    assert space(seen).max() <= 1
    assert space(torch.ones(1, 3)).max() < 25  # it was a million
    space.measure(torch.zeros(2, 3))
    assert space(torch.ones(1, 3)).isfinite().all()
