"""FREE's update against a plain one: refiner and centres learn in the critic's steps."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from harness import Start, adam, compare, critic_loss, generate, judge, layer, means_of, take_step
from torch import Tensor
from torch.nn import functional


def weighted_error(found: Tensor, expected: Tensor) -> Tensor:
    """Absolute errors with the weights that the squares over the length are: the released code's product."""
    away = found - expected
    weights = away**2 / (away**2).sum(1, keepdim=True).sqrt()
    return (weights * away.abs()).sum(1).mean()


class FREEReference:
    def __init__(self, start: Start) -> None:
        self.w, self.own = start.weights, start.settings
        self.weight = torch.tensor(float(self.own.gp_weight), dtype=torch.float64)
        self.for_generator = adam(start.under("generator_"), self.own.lr)
        self.for_encoder = adam(start.under("encoder_"), self.own.lr, (0.9, 0.999))
        self.for_critic = adam(start.under("critic_"), self.own.lr)
        self.for_refiner = adam(start.under("refiner_"), self.own.refiner_lr)
        self.for_centres = adam(start.under("centres_"), self.own.lr)

    def encode(self, x: Tensor, a: Tensor, eps: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        hidden = functional.leaky_relu(layer(self.w, "encoder_.trunk.layers.0", torch.cat([x, a], 1)), 0.2)
        hidden = functional.leaky_relu(layer(self.w, "encoder_.trunk.layers.1", hidden), 0.2)
        mean, logvar = layer(self.w, "encoder_.mean", hidden), layer(self.w, "encoder_.logvar", hidden)
        return mean, logvar, mean + eps * (logvar / 2).exp()

    def refine(self, x: Tensor, eps: Tensor) -> tuple[Tensor, Tensor]:
        """Mean of the code, and attributes read off a sample of it."""
        hidden = functional.leaky_relu(layer(self.w, "refiner_.layers.0", x), 0.2)
        mean, spread = layer(self.w, "refiner_.layers.1", hidden).chunk(2, 1)
        return mean, torch.sigmoid(mean + torch.sigmoid(spread) * eps)

    def centre_loss(self, mean: Tensor, y: Tensor, noise: Callable[[str], Tensor]) -> Tensor:
        """Hinge of the distance to the own centre against that to a wrong one, a row at a time."""
        centres, count, losses = self.w["centres_.weight"], len(self.w["centres_.weight"]), []
        shifts = (noise("negative") * (count - 1)).long() if self.own.negative == "random" else None
        for b, c in enumerate(y.tolist()):
            away = ((mean[b] - centres) ** 2).sum(1)
            wrong = [k for k in range(count) if k != c]
            other = min(wrong, key=lambda k: away[k].item()) if shifts is None else (c + 1 + int(shifts[b])) % count
            losses.append(torch.relu(self.own.margin + self.own.inner * away[c] - (1 - self.own.inner) * away[other]))
        return torch.stack(losses).mean()

    def critic_steps(
        self, x: Tensor, y: Tensor, a: Tensor, noise: Callable[[str], Tensor]
    ) -> dict[str, Tensor]:
        own = self.own
        fakes = generate(self.w, self.encode(x, a, noise("code"))[2], a, torch.sigmoid).detach()
        u, steps = noise("mix"), []
        for rows in torch.arange(len(x)).split(own.batch_size):
            score = lambda r, c=a[rows]: judge(self.w, r, c)  # noqa: E731
            found = critic_loss(score, x[rows], fakes[rows], u[rows], self.weight)
            found["critic"] = own.adversarial_weight * found["critic"]
            take_step(found["critic"], self.for_critic)
            mean, attributes = self.refine(x[rows], noise("reading"))
            found["centres"] = self.centre_loss(mean, y[rows], noise)
            found["real_attributes"] = weighted_error(attributes, a[rows])
            loss = own.centre_weight * found["centres"] + own.reconstruction_weight * found["real_attributes"]
            take_step(loss, self.for_refiner, self.for_centres)
            steps.append(found)
        found = means_of(steps)
        if own.penalty_rule == "adaptive":
            above, below = found["gradient_penalty"] > 1.05, found["gradient_penalty"] < 1.001
            self.weight = self.weight * 1.1 if above else self.weight / 1.1 if below else self.weight
        return {name: value.detach() for name, value in found.items()}

    def update(self, x: Tensor, y: Tensor, a: Tensor, noise: Callable[[str], Tensor]) -> dict[str, Tensor]:
        own, n = self.own, self.own.batch_size
        found = self.critic_steps(x, y, a, noise)
        x, a = x[-n:], a[-n:]
        mean, logvar, code = self.encode(x, a, noise("code"))
        fake = generate(self.w, code, a, torch.sigmoid)
        terms = {
            "reconstruction": functional.binary_cross_entropy(fake, x, reduction="sum") / n,
            "divergence": -0.5 * (1 + logvar - mean**2 - logvar.exp()).sum() / n,
            "adversarial": -judge(self.w, fake, a).mean(),
            "fake_attributes": weighted_error(self.refine(fake, noise("reading"))[1], a),
        }
        loss = terms["reconstruction"] + terms["divergence"] + own.adversarial_weight * terms["adversarial"]
        loss = loss + own.reconstruction_weight * terms["fake_attributes"]
        learning = [self.for_generator, self.for_encoder] + ([] if own.freeze_refiner else [self.for_refiner])
        take_step(loss, *learning)
        return found | terms | {"generator": loss}


@pytest.mark.parametrize(
    ("negative", "freeze", "rule"), [("random", False, "adaptive"), ("hardest", True, "fixed")]
)
def test_three_updates_of_free(negative: str, freeze: bool, rule: str) -> None:
    compare(
        "free", FREEReference, critic_steps=2, negative=negative, freeze_refiner=freeze, penalty_rule=rule,
        margin=6.0, refiner_lr=2e-2, reconstruction_weight=0.3,
    )  # fmt: skip
