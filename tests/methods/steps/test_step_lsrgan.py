"""LsrGAN's update against a plain one: a step on seen classes, then one on unseen classes that teaches P as well."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from harness import SEEN, Start, adam, compare, critic_loss, generate, judge, layer, means_of, take_step
from torch import Tensor
from torch.nn import functional

NEIGHBOURS = 3
EPOCHS = 4


class LsrGANReference:
    """Seen classes are the first ``SEEN`` of all in `unit_view`, so that their numbers are the same among all."""

    def __init__(self, start: Start) -> None:
        self.start, self.w, self.own = start, start.weights, start.settings
        self.for_generator = adam(start.under("generator_"), self.own.lr)
        self.for_critic = adam(start.under("critic_"), self.own.lr)
        self.real_means = [start.x[start.y == c].mean(0) for c in range(SEEN)]
        self.for_classifier = self.pretrained()
        self.cls_weight = self.own.cls_weight

    def pretrained(self) -> torch.optim.Adam:
        """P learns real rows with one Adam of rate 1e-3, which goes on in the loop."""
        rng = self.start.method.streams.fresh("pretrain")
        weight = (torch.randn(self.w["classifier_.weight"].shape, generator=rng) * 0.02).requires_grad_()
        bias = torch.zeros(len(weight), requires_grad=True)
        learning = adam([weight, bias], self.own.classifier_lr)
        x, y = self.start.x.float(), self.start.y
        for _ in range(self.own.pretrain_epochs):
            for rows in torch.randperm(len(x), generator=rng).split(100):
                take_step(functional.cross_entropy(functional.linear(x[rows], weight, bias), y[rows]), learning)
        own = self.start.under("classifier_")
        torch.testing.assert_close(own[0].float(), weight, rtol=0, atol=1e-6)
        for mine, theirs in zip(own, (weight, bias), strict=True):
            mine.data = theirs.detach().double()
        going_on = adam(own, self.own.classifier_lr)
        going_on.load_state_dict(learning.state_dict())
        return going_on

    def on_epoch_end(self, epoch: int) -> None:
        if epoch == self.own.cls_halved_after:
            self.cls_weight = self.cls_weight / 2

    def relation(self, fake: Tensor, y: Tensor, vectors: Tensor) -> Tensor:
        """Sum over the classes of a batch, and over their neighbours, of what leaves the band, a neighbour."""
        total = torch.zeros((), dtype=fake.dtype)
        for c in y.unique().tolist():
            mean = fake[y == c].mean(0)
            alike = functional.cosine_similarity(vectors[c][None], self.start.table)
            for i in alike.argsort(descending=True)[:NEIGHBOURS].tolist():
                found = functional.cosine_similarity(mean, self.real_means[i], dim=0)
                over, under = found - (alike[i] + self.own.above), (alike[i] - self.own.below) - found
                total = total + over.clamp_min(0) ** 2 + under.clamp_min(0) ** 2
        total = total / NEIGHBOURS
        return total.detach() if self.own.relation == "released" else total

    def update(self, x: Tensor, y: Tensor, a: Tensor, noise: Callable[[str], Tensor]) -> dict[str, Tensor]:
        n, own = self.own.batch_size, self.own
        z, u, steps = noise("noise"), noise("mix"), []
        for rows in torch.arange(len(x)).split(n):
            fake = generate(self.w, z[rows], a[rows]).detach()
            found = critic_loss(lambda r, c=a[rows]: judge(self.w, r, c), x[rows], fake, u[rows], own.gp_weight)
            take_step(found["critic"], self.for_critic)
            steps.append(found)
        x, y, a = x[-n:], y[-n:], a[-n:]
        fake = generate(self.w, noise("noise"), a)
        present = y.unique().tolist()
        seen = {
            "adversarial": -judge(self.w, fake, a).mean(),
            "classification": functional.cross_entropy(layer(self.w, "classifier_", fake), y),
            "means": torch.stack([(fake[y == c].mean(0) - self.real_means[c]).norm() for c in present]).sum() / SEEN,
            "relation": self.relation(fake, y, self.start.table),
        }
        loss = (
            seen["adversarial"] + self.cls_weight * seen["classification"]
            + own.mean_weight * seen["means"] + own.relation_weight * seen["relation"]
        )  # fmt: skip
        take_step(loss, self.for_generator)
        picked = (noise("unseen") * len(self.start.unseen)).long()
        fake = generate(self.w, noise("noise"), self.start.unseen[picked])
        unseen = {
            "unseen_classification": functional.cross_entropy(layer(self.w, "classifier_", fake), SEEN + picked),
            "unseen_relation": self.relation(fake, picked, self.start.unseen),
            "real_classification": functional.cross_entropy(layer(self.w, "classifier_", x), y),
        }
        second = (
            own.unseen_cls_weight * unseen["unseen_classification"] + own.relation_weight * unseen["unseen_relation"]
            + self.cls_weight * unseen["real_classification"]
        )  # fmt: skip
        take_step(second, self.for_generator, self.for_classifier)
        return means_of(steps) | seen | unseen | {"generator": loss}


@pytest.mark.parametrize("relation", ["differentiable", "released"])
def test_three_updates_of_lsrgan(relation: str) -> None:
    compare(
        "lsrgan", LsrGANReference, critic_steps=2, relation=relation, neighbours=NEIGHBOURS, pretrain_epochs=2,
        below=0.02, above=0.01, cls_weight=0.5, unseen_cls_weight=0.7, relation_weight=20.0, lr=1e-4,
    )  # fmt: skip


@pytest.mark.parametrize("epochs_before", [EPOCHS - 1, EPOCHS])
def test_the_classification_weight_is_halved_once_where_asked_for(epochs_before: int) -> None:
    compare(
        "lsrgan", LsrGANReference, critic_steps=1, neighbours=NEIGHBOURS, pretrain_epochs=1, cls_weight=0.5,
        cls_halved_after=EPOCHS, epochs_before=epochs_before, steps=2,
    )  # fmt: skip
