"""CE-GZSL's update against a plain one: embedding and comparator learn beside the critic."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from harness import Start, adam, compare, critic_loss, generate, judge, layer, means_of, take_step, unit_view
from torch import Tensor
from torch.nn import functional

from gzsl.methods import create
from gzsl.methods.stacked import Fit
from gzsl.methods.stacked.members import started

CREATED = {"batch_size": 8, "hidden_dim": 6, "comparator_gradients": "epoch"}


def contrast(codes: Tensor, y: Tensor, temperature: float) -> Tensor:
    """Supervised contrastive loss, an anchor at a time; anchors without a partner are left out."""
    losses = []
    for i in range(len(codes)):
        others = [j for j in range(len(codes)) if j != i]
        likeness = {j: codes[i] @ codes[j] / temperature for j in others}
        everything = torch.stack([likeness[j].exp() for j in others]).sum().log()
        partners = [likeness[j] - everything for j in others if y[j] == y[i]]
        if partners:
            losses.append(-torch.stack(partners).mean())
    return torch.stack(losses).mean()


class CEGZSLReference:
    def __init__(self, start: Start) -> None:
        self.w, self.own, self.table = start.weights, start.settings, start.table
        self.for_generator = adam(start.under("generator_"), self.own.lr)
        self.for_critic = adam(start.under("critic_", "embedding_", "comparator_"), self.own.lr)
        self.comparator = start.under("comparator_")
        self.sums: list[Tensor] | None = None

    def released_step(self, loss: Tensor) -> None:
        """A step with the comparator's gradients of all steps of the epoch."""
        self.for_critic.zero_grad()
        loss.backward()
        found = [p.grad.clone() for p in self.comparator if p.grad is not None]
        self.sums = found if self.sums is None else [a + b for a, b in zip(self.sums, found, strict=True)]
        for p, total in zip(self.comparator, self.sums, strict=True):
            p.grad = total.clone()
        self.for_critic.step()

    def embed(self, x: Tensor) -> tuple[Tensor, Tensor]:
        hidden = torch.relu(layer(self.w, "embedding_.layers.0", x))
        return hidden, functional.normalize(layer(self.w, "embedding_.layers.1", hidden), dim=1)

    def choose(self, hidden: Tensor, y: Tensor) -> Tensor:
        """Cross-entropy of picking a row's class vector among all, a row at a time."""
        first = torch.cat([self.w["comparator_.rows.weight"], self.w["comparator_.vectors.weight"]], 1)
        scores = []
        for row in hidden:
            pairs = torch.cat([row.expand(len(self.table), -1), self.table], 1)
            inner = functional.leaky_relu(functional.linear(pairs, first, self.w["comparator_.rows.bias"]), 0.2)
            scores.append(layer(self.w, "comparator_.output", inner).squeeze(1))
        return functional.cross_entropy(torch.stack(scores) / self.own.class_temperature, y)

    def update(self, x: Tensor, y: Tensor, a: Tensor, noise: Callable[[str], Tensor]) -> dict[str, Tensor]:
        n, own = self.own.batch_size, self.own
        z, u = noise("noise"), noise("mix")
        steps = []
        for rows in torch.arange(len(x)).split(n):
            fake = generate(self.w, z[rows], a[rows]).detach()
            found = critic_loss(lambda r, c=a[rows]: judge(self.w, r, c), x[rows], fake, u[rows], own.gp_weight)
            hidden, codes = self.embed(x[rows])
            found["instances"] = contrast(codes, y[rows], own.instance_temperature)
            found["classes"] = self.choose(hidden, y[rows])
            loss = found["critic"] + found["instances"] + found["classes"]
            if own.comparator_gradients == "epoch":
                self.released_step(loss)
            else:
                take_step(loss, self.for_critic)
            steps.append(found)
        x, y, a = x[-n:], y[-n:], a[-n:]
        fake = generate(self.w, noise("noise"), a)
        hidden, codes = self.embed(fake)
        both = torch.cat([codes, self.embed(x)[1].detach()])
        terms = {
            "adversarial": -judge(self.w, fake, a).mean(),
            "fake_instances": contrast(both, torch.cat([y, y]), own.instance_temperature),
            "fake_classes": self.choose(hidden, y),
        }
        loss = terms["adversarial"] + own.instance_weight * terms["fake_instances"]
        loss = loss + own.class_weight * terms["fake_classes"]
        take_step(loss, self.for_generator)
        return means_of(steps) | terms | {"generator": loss}


@pytest.mark.parametrize("cleared", ["step", "epoch"])
def test_three_updates_of_ce_gzsl(cleared: str) -> None:
    small = {"embedding_dim": 6, "contrast_dim": 3, "comparator_dim": 5}
    weights = {"instance_weight": 0.4, "class_weight": 0.7, "instance_temperature": 0.3, "class_temperature": 0.6}
    compare("ce-gzsl", CEGZSLReference, critic_steps=2, comparator_gradients=cleared, **small, **weights)


def test_older_gradients_of_the_comparator_are_forgotten_at_the_end_of_an_epoch() -> None:
    method = create("ce-gzsl", **CREATED)
    with started([Fit(method, unit_view(), seed=3)]) as (loop,):
        method.update(loop.rows.batch(loop.passes.next(loop.draw)))
        weights = [p for p in method.comparator_.parameters() if p.grad is not None]  # type: ignore[attr-defined]
        assert len(weights) >= 3
        method.on_epoch_end(1)  # type: ignore[attr-defined]
        assert all(p.grad is None for p in weights)
