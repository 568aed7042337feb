"""Training iterations of Bi-VAEGAN against a plain loop of the same mathematics.

``python -m benchmarks.bi_vaegan_iteration``; with ``--cpu`` one thread is used and its processor time counted. Sizes as
published for CUB: 2048-d features, 312 attributes, 4096 hidden units, batches of 64, five critic steps; 20,000 rows and
3,000 unlabelled ones. One turn is five iterations: the regressor and its critic have theirs in the first. The plain
loop does what released code does: a fresh permutation a batch, one pass of a network for each use, penalties that are
differentiated twice, one optimiser a network that is not fused.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.common import compare, median_seconds
from gzsl.data import FeatureRows, TrainView
from gzsl.data.pool import ClassPrior
from gzsl.methods import create
from gzsl.nn.batches import ShuffledPasses, TrainingRows
from gzsl.nn.critic import Critic
from gzsl.nn.generator import ConditionalGenerator
from gzsl.nn.losses.gradient_penalty import gradient_penalty_autograd
from gzsl.nn.losses.reconstruction import weighted_l1
from gzsl.nn.mlp import MLP
from gzsl.nn.on_sphere import NormedEncoder, on_sphere
from gzsl.semantics import Semantics

ROWS, POOL, FEATURES, ATTRIBUTES, SEEN, UNSEEN, BATCH = 20_000, 3_000, 2048, 312, 150, 50, 64
THREADS, STEPS, EVERY, INNER = 2, 5, 5, 5


def view(rows: int = ROWS) -> TrainView:
    """Random rows in [0, 1] of 150 classes, and unlabelled ones of 50 more."""
    rng = np.random.default_rng(0)
    table = rng.random((SEEN + UNSEEN, ATTRIBUTES))
    table /= np.linalg.norm(table, axis=1, keepdims=True)
    X, pool = (rng.random((n, FEATURES), dtype=np.float32) ** 2 for n in (rows, POOL))
    names = tuple(f"c{k:03d}" for k in range(SEEN + UNSEEN))
    seen, unseen = np.arange(SEEN), np.arange(SEEN, SEEN + UNSEEN)
    made = TrainView(FeatureRows(X), np.arange(rows) % SEEN, Semantics(table, names), seen, unseen)
    prior = ClassPrior.uniform(unseen, SEEN + UNSEEN)
    return replace(made, setting="transductive", unlabelled_features=FeatureRows(pool), prior=prior)


class PlainBiVAEGAN:
    """Bi-VAEGAN as it is usually written, rows of length one, fakes from codes of real rows."""

    def __init__(self, rows: TrainingRows, pool: Tensor, unseen: Tensor, hidden: int = 4096) -> None:
        rng, d, a = torch.Generator().manual_seed(0), FEATURES, ATTRIBUTES
        self.rows, self.pool, self.unseen = rows, pool, unseen
        self.encoder = NormedEncoder(d, a, a, hidden_dim=hidden, rng=rng)
        self.generator = ConditionalGenerator(a, a, d, rng=rng, hidden_dim=hidden, output="none")
        self.critic = Critic(d, a, rng=rng, hidden_dim=hidden)
        self.pool_critic = Critic(d, rng=rng, hidden_dim=hidden)
        self.regressor = MLP([d, hidden, a], rng=rng, output="unit")
        self.attribute_critic = Critic(a, rng=rng, hidden_dim=100)
        nets = ("encoder", "generator", "critic", "pool_critic", "regressor", "attribute_critic")
        self.opt = {
            name: torch.optim.AdamW(getattr(self, name).parameters(), 2e-4, (0.5, 0.999), foreach=False)
            for name in nets
        }  # fmt: skip
        self.step = 0

    def seen_batch(self) -> tuple[Tensor, Tensor]:
        """One batch from a fresh permutation of all rows."""
        picked = torch.randperm(len(self.rows.y))[:BATCH]
        return on_sphere(self.rows.x[picked], 1.0), self.rows.table[self.rows.y[picked]]

    def pool_batch(self) -> tuple[Tensor, Tensor]:
        """Unlabelled rows, and class vectors drawn uniformly."""
        picked = torch.randperm(len(self.pool))[:BATCH]
        return on_sphere(self.pool[picked], 1.0), self.unseen[torch.randint(len(self.unseen), (BATCH,))]

    def made(self, code: Tensor, a: Tensor) -> Tensor:
        """Rows of codes."""
        return on_sphere(self.generator(code, a), 1.0)

    def judge(self, name: str, net: Callable[..., Tensor], real: Tensor, fake: Tensor, weight: float) -> None:
        """One step of a critic."""
        self.opt[name].zero_grad()
        (-weight * net(real).mean()).backward()
        (weight * net(fake).mean()).backward()
        penalty = gradient_penalty_autograd(lambda r: net(on_sphere(r, 1.0)), real, fake, torch.rand(len(real)))
        (10 * weight * penalty).backward()
        self.opt[name].step()

    def turn(self) -> None:
        """Five steps of the critic of class vectors, five of the regressor."""
        for _ in range(INNER):
            (x, a), (p, b) = self.seen_batch(), self.pool_batch()
            fakes = torch.cat([self.regressor(x), self.regressor(p)]).detach()
            self.judge("attribute_critic", self.attribute_critic, torch.cat([a, b]), fakes, 10.0)
        for _ in range(INNER):
            (x, a), (p, _) = self.seen_batch(), self.pool_batch()
            self.opt["regressor"].zero_grad()
            mapped, other = self.regressor(x), self.regressor(p)
            view = self.attribute_critic(mapped).mean() + self.attribute_critic(other).mean()
            (weighted_l1(mapped, a) - 0.1 * view).backward()
            self.opt["regressor"].step()

    def encoded(self, x: Tensor, a: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Mean, log-variance and a code."""
        mean, logvar = self.encoder(x, a)
        return mean, logvar, mean + torch.randn_like(mean) * (0.5 * logvar).exp()

    def iterate(self) -> None:
        """The regressor's turn where it is due, critics, generator and encoder."""
        if self.step % EVERY == 0:
            self.turn()
        self.step += 1
        for _ in range(STEPS):
            x, a = self.seen_batch()
            fake = self.made(self.encoded(x, a)[2], a).detach()
            self.judge("critic", lambda r, a=a: self.critic(r, a), x, fake, 10.0)
            p, b = self.pool_batch()
            self.judge("pool_critic", self.pool_critic, p, self.made(torch.randn_like(b), b).detach(), 10.0)
        self.generate(x, a, b)

    def generate(self, x: Tensor, a: Tensor, b: Tensor) -> None:
        """One step of generator and encoder, the other networks held still."""
        still: list[nn.Module] = [self.critic, self.pool_critic, self.regressor]
        for net in still:
            net.requires_grad_(False)
        for name in ("generator", "encoder"):
            self.opt[name].zero_grad()
        mean, logvar, code = self.encoded(x, a)
        found, unseen = self.made(code, a), self.made(torch.randn_like(b), b)
        kl = -0.5 * (1 + logvar - mean.square() - logvar.exp()).sum() / BATCH
        loss = functional.mse_loss(found, x) / BATCH + kl - 10 * self.critic(found, a).mean()
        (loss - 10 * self.pool_critic(unseen).mean() + 10 * weighted_l1(self.regressor(unseen), b)).backward()
        for name in ("generator", "encoder"):
            self.opt[name].step()
        for net in still:
            net.requires_grad_(True)


def ready(shown: TrainView) -> Any:
    """The method after one short fit, so that its networks and optimisers exist, about to give the regressor a turn."""
    few = TrainView(
        FeatureRows(shown.features.to_array()[: 4 * SEEN]), shown.labels[: 4 * SEEN], shown.semantics, shown.seen,
        shown.unseen,
    )  # fmt: skip
    few = replace(few, setting="transductive", unlabelled_features=shown.unlabelled_features, prior=shown.prior)
    method: Any = create(
        "bi-vaegan", n_epochs=1, n_synthetic=2, head={"name": "prototype"}, critic_steps=STEPS, hidden_dim=4096,
        fake_source="reconstruction", penalty_rule="adaptive", cycle_weight=10.0, attribute_weight=0.1, lr=2e-4,
    ).fit(few)  # fmt: skip
    method.step_ = 0
    return method


def main(arguments: list[str]) -> None:
    alone = "--cpu" in arguments
    torch.set_num_threads(1 if alone else THREADS)
    clock = time.thread_time if alone else time.perf_counter
    shown = view()
    table = torch.tensor(shown.seen_semantics.table, dtype=torch.float32)
    rows = TrainingRows(torch.from_numpy(shown.features.to_array()), torch.tensor(shown.seen_labels), table)
    passes = ShuffledPasses(len(rows), torch.Generator().manual_seed(0))
    method = ready(shown)
    unseen = torch.tensor(shown.unseen_semantics.table, dtype=torch.float32)
    plain = PlainBiVAEGAN(rows, torch.from_numpy(shown.unlabelled.to_array()), unseen)

    def ours() -> None:
        for _ in range(EVERY):
            method.update(rows.batch(passes.next(STEPS * BATCH)))

    def theirs() -> None:
        for _ in range(EVERY):
            plain.iterate()

    compare("Bi-VAEGAN, 5 iterations", ours, theirs, target=2.0, rounds=3, clock=clock)
    adam = sum(median_seconds(opt.step, 3, clock) * n for opt, n in _steps(method))
    print(f"  of ours, in fused AdamW: {1e3 * adam:.0f} ms")


def _steps(method: Any) -> list[tuple[Any, int]]:
    """Optimisers of the large networks, and their steps in five iterations."""
    made = method._opt
    per_turn = {"critic": EVERY * STEPS, "pool_critic": EVERY * STEPS, "generator": EVERY, "encoder": EVERY,
                "regressor": INNER}  # fmt: skip
    return [(made[name], count) for name, count in per_turn.items()]


if __name__ == "__main__":
    main(sys.argv[1:])
