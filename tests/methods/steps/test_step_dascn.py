"""DASCN's update against a plain one: two critics without conditions, two generators, both consistencies."""

from __future__ import annotations

from collections.abc import Callable

import torch
from harness import Start, adam, compare, critic_loss, generate, layer, means_of, take_step
from torch import Tensor
from torch.nn import functional


class DASCNReference:
    def __init__(self, start: Start) -> None:
        self.w, self.own = start.weights, start.settings
        self.centres = torch.stack([start.x[start.y == c].mean(0) for c in range(len(start.table))])
        self.for_generators = adam(start.under("generator_", "dual_."), self.own.lr)
        self.for_critic = adam(start.under("critic_"), self.own.lr)
        self.for_dual_critic = adam(start.under("dual_critic_"), self.own.lr)

    def judge(self, critic: str, rows: Tensor) -> Tensor:
        hidden = functional.leaky_relu(layer(self.w, f"{critic}.features", rows), 0.2)
        return layer(self.w, f"{critic}.output", hidden).squeeze(1)

    def read(self, z: Tensor, x: Tensor) -> Tensor:
        hidden = functional.leaky_relu(layer(self.w, "dual_.net.layers.0", torch.cat([z, x], 1)), 0.2)
        return layer(self.w, "dual_.net.layers.1", hidden)

    def cycle(self, x: Tensor, a: Tensor, noise: Callable[[str], Tensor]) -> tuple[Tensor, ...]:
        """x', a', a'' and x''."""
        made = generate(self.w, noise("noise"), a)
        read = self.read(noise("noise"), x)
        again = self.read(noise("noise"), made)
        return made, read, again, generate(self.w, noise("noise"), read)

    def update(self, x: Tensor, y: Tensor, a: Tensor, noise: Callable[[str], Tensor]) -> dict[str, Tensor]:
        n, own = self.own.batch_size, self.own
        made, read, again, remade = (one.detach() for one in self.cycle(x, a, noise))
        mix = noise("mix").split(2 * n)
        steps, dual = [], {}
        for rows, u in zip(torch.arange(len(x)).split(n), mix, strict=True):
            real, fake = torch.cat([x[rows], x[rows]]), torch.cat([made[rows], remade[rows]])
            found = critic_loss(lambda r: self.judge("critic_", r), real, fake, u, own.gp_weight)
            take_step(found["critic"], self.for_critic)
            steps.append(found)
            real, fake = torch.cat([a[rows], a[rows]]), torch.cat([read[rows], again[rows]])
            dual = critic_loss(lambda r: self.judge("dual_critic_", r), real, fake, u, own.gp_weight)
            take_step(dual["critic"], self.for_dual_critic)
        x, y, a = x[-n:], y[-n:], a[-n:]
        made, read, again, remade = self.cycle(x, a, noise)
        gaps = [((made[y == c].mean(0) - self.centres[c]) ** 2).sum() for c in y.unique()]
        terms = {
            "adversarial": -self.judge("critic_", made).mean() - self.judge("critic_", remade).mean(),
            "dual_adversarial": -self.judge("dual_critic_", read).mean() - self.judge("dual_critic_", again).mean(),
            "visual": torch.stack(gaps).mean(),
            "semantic": ((again - a) ** 2).sum(1).mean(),
            "classification": functional.nll_loss(layer(self.w, "classifier_", made).log_softmax(1), y),
        }
        weights = (1.0, own.dual_weight, own.visual_weight, own.semantic_weight, own.cls_weight)
        loss = sum(weight * term for weight, term in zip(weights, terms.values(), strict=True))
        take_step(loss, self.for_generators)
        return means_of(steps) | {f"dual_{name}": value for name, value in dual.items()} | terms | {"generator": loss}


def test_three_updates_of_dascn() -> None:
    weights = {"visual_weight": 0.3, "semantic_weight": 0.6, "dual_weight": 0.2, "cls_weight": 0.4}
    compare("dascn", DASCNReference, critic_steps=2, pretrain_epochs=2, **weights)
