"""CIZSL's update against a plain one: a critic with two heads, then a generator on a batch of its own."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from harness import SEEN, Start, adam, compare, layer, means_of, penalty, take_step
from torch import Tensor
from torch.nn import functional


class CIZSLReference:
    def __init__(self, start: Start) -> None:
        self.w, self.own = start.weights, start.settings
        self.for_generator = adam(start.under("generator_"), self.own.lr, (0.5, 0.9))
        self.for_critic = adam(start.under("critic_", "class_head_"), self.own.lr, (0.5, 0.9))
        self.for_orders = adam(start.under("orders_"), self.own.lr)
        self.real_means = [start.x[start.y == c].mean(0) for c in range(SEEN)]

    def generate(self, z: Tensor, a: Tensor) -> Tensor:
        hidden = functional.leaky_relu(layer(self.w, "generator_.net.layers.0", torch.cat([z, a], 1)))
        return layer(self.w, "generator_.net.layers.1", hidden).tanh()

    def judge(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Score and class logits; the critic does not see class vectors."""
        hidden = layer(self.w, "critic_.features", x).relu()
        return layer(self.w, "critic_.output", hidden).squeeze(1), layer(self.w, "class_head_", hidden)

    def creativity(self, p: Tensor) -> Tensor:
        """Sharma-Mittal divergence from the uniform distribution, mean over rows."""
        alpha, beta = (0.2 + self.w[f"orders_.{i}"].sigmoid() / (1 / 0.6) for i in range(2))
        q = torch.full_like(p, 1 / SEEN)
        inner = ((p + 1e-5) ** alpha * q ** (1 - alpha)).sum(1)
        if self.own.divergence == "paper":
            return ((inner ** ((1 - beta) / (1 - alpha)) - 1) / (beta - 1)).mean()
        found = (inner ** ((1 - alpha) / (1 - beta)) - 1) / (beta - 1)
        return ((found - found.min()) / (found.max() - found.min())).mean()

    def update(self, x: Tensor, y: Tensor, a: Tensor, noise: Callable[[str], Tensor]) -> dict[str, Tensor]:
        n, own = self.own.batch_size, self.own
        assert len(x) == (own.critic_steps + 1) * n
        z, u, steps = noise("noise"), noise("mix"), []
        for rows in torch.arange(own.critic_steps * n).split(n):
            fake = self.generate(z[rows], a[rows]).detach()
            (real, of_real), (made, of_made) = self.judge(x[rows]), self.judge(fake)
            wasserstein = real.mean() - made.mean()
            gradient = penalty(lambda r: self.judge(r)[0], x[rows], fake, u[rows])
            found = {
                "wasserstein": wasserstein, "gradient_penalty": gradient,
                "critic": own.gp_weight * gradient - wasserstein,
                "classes_of_real": functional.cross_entropy(of_real, y[rows]),
                "classes_of_fake": functional.cross_entropy(of_made, y[rows]),
            }  # fmt: skip
            take_step(found["critic"] + found["classes_of_real"] + found["classes_of_fake"], self.for_critic)
            steps.append(found)
        y, a = y[-n:], a[-n:]
        fake = self.generate(noise("noise"), a)
        score, classes = self.judge(fake)
        z, one, other = noise("noise"), a[noise("pairs").argsort()], a[noise("pairs").argsort()]
        share = 0.2 + 0.6 * noise("shares")[:, None]
        mixed = functional.normalize(share * one + (1 - share) * other) * a.norm(dim=1).mean()
        believed, posterior = self.judge(self.generate(z, mixed))
        away = [(fake[y == c].mean(0) - self.real_means[c]).norm() for c in y.unique().tolist()]
        terms = {
            "adversarial": -score.mean(),
            "classification": functional.cross_entropy(classes, y),
            "means": torch.stack(away).sum() / SEEN,
            "creativity": self.creativity(posterior.softmax(1)),
            "realism": -believed.mean(),
        }
        loss = (
            terms["adversarial"] + own.cls_weight * terms["classification"] + own.mean_weight * terms["means"]
            + own.creative_weight * terms["creativity"] + own.realism_weight * terms["realism"]
        )  # fmt: skip
        squares = sum((w**2).sum() for name, w in self.w.items() if name.startswith("generator_") and "weight" in name)
        take_step(loss + own.weight_decay * squares, self.for_generator, self.for_orders)
        return means_of(steps) | terms | {"generator": loss}


@pytest.mark.parametrize("divergence", ["paper", "released"])
def test_three_updates_of_cizsl(divergence: str) -> None:
    compare(
        "cizsl", CIZSLReference, critic_steps=3, divergence=divergence, creative_weight=0.5, weight_decay=0.05,
        realism_weight=0.7, mean_weight=2.0,
    )  # fmt: skip
