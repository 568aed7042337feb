"""One WGAN-GP iteration of f-CLSWGAN against a plain autograd loop: same start, same random numbers.

Run ``python -m benchmarks.wgan_iteration`` from the top of the checkout.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from benchmarks.common import compare, median_seconds
from gzsl.nn.critic import Critic
from gzsl.nn.generator import ConditionalGenerator
from gzsl.nn.losses.classification import frozen_softmax_loss
from gzsl.nn.losses.gradient_penalty import gradient_penalty_autograd
from gzsl.nn.optim import adam
from gzsl.nn.wgan import WGANGP

BATCH, N_CRITIC = 64, 5
FEATURES, ATTRIBUTES, HIDDEN, CLASSES = 2048, 85, 4096, 40
LR, GP_WEIGHT, CLS_WEIGHT = 1e-4, 10.0, 0.01
TARGET = 2.0
CHECKED = 4  # later, rounding differences have gone through too many sign-like steps of Adam


@dataclass(frozen=True)
class Draw:
    """Everything random or read that one iteration uses."""

    x: Tensor
    a: Tensor
    y: Tensor
    noise: Tensor
    u: Tensor
    last_noise: Tensor


def draws(count: int, rng: torch.Generator, features: int = FEATURES) -> list[Draw]:
    """Features and attributes of random classes, shaped like AWA2 with ResNet-101 features."""
    table = torch.nn.functional.normalize(torch.rand(CLASSES, ATTRIBUTES, generator=rng), dim=1)
    centres = torch.rand(CLASSES, features, generator=rng).square()
    rows, made = BATCH * N_CRITIC, []
    for _ in range(count):
        y = torch.randint(CLASSES, (rows,), generator=rng)
        x = (centres[y] + 0.1 * torch.randn(rows, features, generator=rng)).clamp(0, 1)
        noise = torch.randn(rows, ATTRIBUTES, generator=rng)
        last = torch.randn(BATCH, ATTRIBUTES, generator=rng)
        made.append(Draw(x, table[y], y, noise, torch.rand(rows, generator=rng), last))
    return made


class Ours:
    """The toolkit's iteration."""

    def __init__(self, generator: nn.Module, critic: Critic, classifier: nn.Linear) -> None:
        generator, critic = copy.deepcopy(generator), copy.deepcopy(critic)
        self.classifier = classifier
        self.wgan = WGANGP(
            generator, critic, adam(generator.parameters(), LR), adam(critic.parameters(), LR),
            gp_weight=GP_WEIGHT, n_critic=N_CRITIC,
        )  # fmt: skip

    def iterate(self, d: Draw) -> dict[str, Tensor]:
        """Train on one draw and return the losses."""
        losses = self.wgan.critic_steps(d.x, d.a, d.noise, d.u)
        y, classifier = d.y[-BATCH:], self.classifier
        return losses | self.wgan.generator_step(
            d.a[-BATCH:],
            d.last_noise,
            lambda fake: {
                "cls": (CLS_WEIGHT, frozen_softmax_loss(fake, y, classifier.weight, classifier.bias))
            },
        )


class Plain:
    """The loop as it is usually written: three passes a critic update, a penalty differentiated twice."""

    def __init__(self, generator: nn.Module, critic: Critic, classifier: nn.Linear) -> None:
        self.generator, self.critic = copy.deepcopy(generator), copy.deepcopy(critic)
        self.classifier = classifier
        self.opt_g = torch.optim.Adam(self.generator.parameters(), LR, betas=(0.5, 0.999), foreach=False)
        self.opt_d = torch.optim.Adam(self.critic.parameters(), LR, betas=(0.5, 0.999), foreach=False)

    def critic_step(self, x: Tensor, a: Tensor, noise: Tensor, u: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Take one critic update and return distance, penalty and loss."""
        self.opt_d.zero_grad()
        real = self.critic(x, a).mean()
        real.neg().backward()
        fake_rows = self.generator(noise, a)
        fake = self.critic(fake_rows.detach(), a).mean()
        fake.backward()
        penalty = gradient_penalty_autograd(lambda rows: self.critic(rows, a), x, fake_rows.detach(), u)
        (GP_WEIGHT * penalty).backward()
        self.opt_d.step()
        return real.detach() - fake.detach(), penalty.detach(), (fake - real + GP_WEIGHT * penalty).detach()

    def iterate(self, d: Draw) -> dict[str, Tensor]:
        """Train on one draw and return the losses."""
        self.critic.requires_grad_(True)
        parts = [t.split(BATCH) for t in (d.x, d.a, d.noise, d.u)]
        steps = [torch.stack(self.critic_step(*batch)) for batch in zip(*parts, strict=True)]
        means = torch.stack(steps).mean(0)
        self.critic.requires_grad_(False)
        self.opt_g.zero_grad()
        fake = self.generator(d.last_noise, d.a[-BATCH:])
        adversarial = -self.critic(fake, d.a[-BATCH:]).mean()
        cls = nn.functional.cross_entropy(self.classifier(fake), d.y[-BATCH:])
        (adversarial + CLS_WEIGHT * cls).backward()
        self.opt_g.step()
        names = ("wasserstein", "gradient_penalty", "critic")
        losses = dict(zip(names, means, strict=True))
        return losses | {"adversarial": adversarial.detach(), "cls": cls.detach()}


def check_equal(ours: Ours, plain: Plain, steps: list[Draw]) -> None:
    """Raise AssertionError where a loss differs by more than 1e-5, relative."""
    for number, draw in enumerate(steps):
        mine, theirs = ours.iterate(draw), plain.iterate(draw)
        for name, value in theirs.items():
            found, expected = float(mine[name]), float(value)
            close = abs(found - expected) <= 1e-5 * abs(expected) + 1e-6
            assert close, f"{name} at iteration {number}: found {found}, expected {expected}"


def multiplications() -> float:
    """Floating-point operations of the products in one iteration of ours."""
    generator = 2 * HIDDEN * (2 * ATTRIBUTES + FEATURES)
    critic = 2 * HIDDEN * FEATURES
    condition = 2 * HIDDEN * ATTRIBUTES
    step = generator + 2 * critic + condition + critic + 3 * critic + condition
    last = generator + critic + condition + critic + 2 * 2 * HIDDEN * FEATURES + 2 * HIDDEN * 2 * ATTRIBUTES
    return BATCH * (N_CRITIC * step + last)


def peak(size: int = 2048, rounds: int = 15, clock: Callable[[], float] = time.perf_counter) -> float:
    """Floating-point operations a second of a square product, median of some."""
    one, other, out = torch.randn(size, size), torch.randn(size, size), torch.empty(size, size)
    return 2 * size**3 / median_seconds(lambda: torch.mm(one, other, out=out), rounds, clock)


def main() -> None:
    torch.set_num_threads(2)
    rng = torch.Generator().manual_seed(0)
    generator = ConditionalGenerator(ATTRIBUTES, ATTRIBUTES, FEATURES, rng=rng, hidden_dim=HIDDEN)
    critic = Critic(FEATURES, ATTRIBUTES, rng=rng, hidden_dim=HIDDEN)
    classifier = nn.Linear(FEATURES, CLASSES).requires_grad_(False)
    torch.nn.init.normal_(classifier.weight, 0, 0.02, generator=rng)
    ours, plain = Ours(generator, critic, classifier), Plain(generator, critic, classifier)
    steps = draws(8, rng)
    check_equal(ours, plain, steps[:CHECKED])

    one = steps[0]
    compare("WGAN-GP iteration", lambda: ours.iterate(one), lambda: plain.iterate(one), target=TARGET)
    times = []
    for draw in steps:
        start = time.perf_counter()
        ours.iterate(draw)
        times.append(time.perf_counter() - start)
    best, rate = sorted(times)[len(times) // 2], peak()
    print(
        f"ours: {1e3 * best:.0f} ms, {multiplications() / 1e9:.1f} GFLOP in products, "
        f"{multiplications() / best / rate:.0%} of the {rate / 1e9:.0f} GFLOP/s of torch.mm here"
    )


if __name__ == "__main__":
    main()
