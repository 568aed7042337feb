"""Training iterations of f-VAEGAN and CADA-VAE against plain loops of the same mathematics.

Run ``python -m benchmarks.generator_iterations`` from the top of the checkout; with ``--cpu`` one thread is used and
its processor time counted, which a busy machine disturbs less. Published sizes: 2048-d features, 85 attributes, 20,000
rows. The plain loops do what released code does: a permutation of all rows a batch, one pass of a network for each use,
a penalty that is differentiated twice, optimisers that are not fused. The methods' own `update` is timed with the
drawing of its batches.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.common import compare, median_seconds
from benchmarks.wgan_iteration import peak
from gzsl.data import FeatureRows, TrainView
from gzsl.methods import create
from gzsl.methods.generative.base import Generator
from gzsl.nn.batches import ShuffledPasses, TrainingRows
from gzsl.nn.critic import Critic
from gzsl.nn.generator import ConditionalGenerator
from gzsl.nn.gradients import write_weight_gradient
from gzsl.nn.latent import ConditionalEncoder
from gzsl.nn.losses.gradient_penalty import gradient_penalty_autograd
from gzsl.semantics import Semantics

ROWS, FEATURES, ATTRIBUTES, SEEN, UNSEEN = 20_000, 2048, 85, 40, 10
THREADS = 2


def view() -> TrainView:
    """Random rows in [0, 1] of 40 classes."""
    rng = np.random.default_rng(0)
    table = rng.random((SEEN + UNSEEN, ATTRIBUTES))
    table /= np.linalg.norm(table, axis=1, keepdims=True)
    labels = np.arange(ROWS) % SEEN
    X = rng.random((ROWS, FEATURES), dtype=np.float32) ** 2
    names = tuple(f"c{k:02d}" for k in range(SEEN + UNSEEN))
    return TrainView(FeatureRows(X), labels, Semantics(table, names), np.arange(SEEN), np.arange(SEEN, SEEN + UNSEEN))


class PlainVAEGAN:
    """f-VAEGAN as it is usually written."""

    def __init__(self, x: Tensor, y: Tensor, table: Tensor, hidden: int = 4096, batch: int = 64) -> None:
        rng = torch.Generator().manual_seed(0)
        a = table.shape[1]
        self.x, self.y, self.table, self.batch = x, y, table, batch
        self.encoder = ConditionalEncoder(x.shape[1], a, a, rng=rng, hidden_dim=hidden)
        self.generator = ConditionalGenerator(a, a, x.shape[1], rng=rng, hidden_dim=hidden, output="sigmoid")
        self.critic = Critic(x.shape[1], a, rng=rng, hidden_dim=hidden)
        self.optimisers = [
            torch.optim.Adam(net.parameters(), 1e-4, betas=(0.5, 0.999), foreach=False)
            for net in (self.critic, self.generator, self.encoder)
        ]

    def draw(self) -> tuple[Tensor, Tensor]:
        """One batch from a fresh permutation of all rows."""
        picked = torch.randperm(len(self.y))[: self.batch]
        return self.x[picked], self.table[self.y[picked]]

    def decoded(self, x: Tensor, a: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Reconstruction, mean and log-variance."""
        mean, logvar = self.encoder(x, a)
        code = mean + torch.randn_like(mean) * (0.5 * logvar).exp()
        return self.generator(code, a), mean, logvar

    def iterate(self) -> None:
        """Five critic steps and one of generator and encoder."""
        self.critic.requires_grad_(True)
        for _ in range(5):
            x, a = self.draw()
            self.optimisers[0].zero_grad()
            (-10 * self.critic(x, a).mean()).backward()
            fake = self.decoded(x, a)[0].detach()
            (10 * self.critic(fake, a).mean()).backward()
            penalty = gradient_penalty_autograd(
                lambda rows, a=a: self.critic(rows, a), x, fake, torch.rand(self.batch)
            )  # fmt: skip
            (100 * penalty).backward()
            self.optimisers[0].step()
        self.critic.requires_grad_(False)
        for optimiser in self.optimisers[1:]:
            optimiser.zero_grad()
        found, mean, logvar = self.decoded(x, a)
        bce = functional.binary_cross_entropy(found + 1e-12, x, reduction="sum") / self.batch
        kl = -0.5 * (1 + logvar - mean.square() - logvar.exp()).sum() / self.batch
        (bce + kl - 10 * self.critic(found, a).mean()).backward()
        for optimiser in self.optimisers[1:]:
            optimiser.step()


class PlainCADA:
    """CADA-VAE as released: four decodings one by one, four groups of parameters under amsgrad, the loss read back."""

    def __init__(self, x: Tensor, y: Tensor, table: Tensor, batch: int = 50, z: int = 64) -> None:
        d, a = x.shape[1], table.shape[1]
        self.x, self.y, self.table, self.batch = x, y, table, batch
        self.trunks = nn.ModuleList([nn.Sequential(nn.Linear(n, h), nn.ReLU()) for n, h in ((d, 1560), (a, 1450))])
        self.means, self.logvars = (nn.ModuleList([nn.Linear(h, z) for h in (1560, 1450)]) for _ in range(2))
        self.decoders = nn.ModuleList([_two_layers(z, 1660, d), _two_layers(z, 665, a)])
        encoders = [[*self.trunks[k].parameters(), *self.means[k].parameters(), *self.logvars[k].parameters()]
                    for k in range(2)]  # fmt: skip
        groups: list[dict[str, Any]] = [{"params": p} for p in (*encoders, *(n.parameters() for n in self.decoders))]
        self.optimiser = torch.optim.Adam(groups, 1.5e-4, amsgrad=True, foreach=False)
        self.l1 = nn.L1Loss(reduction="sum")

    def iterate(self) -> float:
        """One step at full weights."""
        picked = torch.randperm(len(self.y))[: self.batch]
        rows = self.x[picked], self.table[self.y[picked]]
        hidden = [trunk(row) for trunk, row in zip(self.trunks, rows, strict=True)]
        (m1, m2), (v1, v2) = ([net(h) for net, h in zip(nets, hidden, strict=True)]
                              for nets in (self.means, self.logvars))  # fmt: skip
        codes = [m + torch.randn(len(m), 1).expand_as(m) * v.exp() for m, v in ((m1, v1), (m2, v2))]
        own = sum(self.l1(net(c), r) for net, c, r in zip(self.decoders, codes, rows, strict=True))
        cross = sum(self.l1(net(c), r) for net, c, r in zip(self.decoders, codes[::-1], rows, strict=True))
        kl = sum(0.5 * (1 + v - m.pow(2) - v.exp()).sum() for m, v in ((m1, v1), (m2, v2)))
        apart = ((m1 - m2).pow(2).sum(1) + (v1.exp().sqrt() - v2.exp().sqrt()).pow(2).sum(1)).sqrt().sum()
        self.optimiser.zero_grad()
        loss = own - 0.25 * kl + 2.37 * cross + 8.13 * apart
        loss.backward()
        self.optimiser.step()
        return float(loss.item())


def _two_layers(n_in: int, hidden: int, n_out: int) -> nn.Module:
    return nn.Sequential(nn.Linear(n_in, hidden), nn.ReLU(), nn.Linear(hidden, n_out))


def ready(name: str, shown: TrainView, **options: Any) -> Generator:
    """A method after one short fit, so that its networks and optimisers exist."""
    few = np.arange(4 * SEEN)
    small = TrainView(
        FeatureRows(shown.features.to_array()[few]), shown.labels[few], shown.semantics, shown.seen, shown.unseen
    )
    method = create(name, n_epochs=1, n_synthetic=2, head={"name": "prototype"}, **options).fit(small)
    assert isinstance(method, Generator)
    return method


def compare_vaegan(shown: TrainView, rows: TrainingRows, clock: Callable[[], float]) -> None:
    """f-VAEGAN against its plain loop."""
    passes = ShuffledPasses(len(rows), torch.Generator().manual_seed(0))
    method = ready("f-vaegan", shown, penalty_rule="adaptive")
    plain = PlainVAEGAN(rows.x, rows.y, rows.table)
    compare(
        "f-VAEGAN iteration", lambda: method.update(rows.batch(passes.next(5 * 64))), plain.iterate,
        target=2.0, rounds=5, clock=clock,
    )  # fmt: skip


def compare_cada(shown: TrainView, rows: TrainingRows, clock: Callable[[], float], count: int = 10) -> None:
    """CADA-VAE against its plain loop, and what is left to gain: products at the peak or at their shapes, and Adam."""
    passes = ShuffledPasses(len(rows), torch.Generator().manual_seed(0))
    method: Any = ready("cada-vae", shown, codes="released", cross_epochs=[0, 1], alignment_epochs=[0, 1])
    plain = PlainCADA(rows.x, rows.y, rows.table)

    def ours() -> None:
        for _ in range(count):
            method.update(rows.batch(passes.next(50)))

    def theirs() -> None:
        for _ in range(count):
            plain.iterate()

    compare(f"CADA-VAE, {count} iterations", ours, theirs, target=3.0, clock=clock)
    their_one = median_seconds(plain.iterate, 9, clock)
    with FlopCounterMode(display=False) as counter:
        method.update(rows.batch(passes.next(50)))
    work, rate = counter.get_total_flops(), peak(rounds=7, clock=clock)
    one, adam, their_adam = (
        1e3 * median_seconds(step, 9, clock)
        for step in (lambda: method.update(rows.batch(passes.next(50))), method._adam.step, plain.optimiser.step)
    )
    print(
        f"  one of ours: {one:.1f} ms; {work / 1e9:.2f} GFLOP in products, {1e3 * work / rate:.1f} ms at the peak of "
        f"{rate / 1e9:.0f} GFLOP/s ({1e5 * work / rate / one:.0f} %); Adam {adam:.1f} ms, theirs {their_adam:.1f} ms"
    )
    alone = 1e3 * median_seconds(large_products(method), 9, clock)
    print(
        f"  its five large products with nothing between them {alone:.1f} ms; with Adam {alone + adam:.1f} ms, so that "
        f"{1e3 * their_one / (alone + adam):.2f} x of the plain loop is the most, without all that is small"
    )


def large_products(method: Any, n: int = 50) -> Callable[[], None]:
    """The products of the features' encoder and decoder in one iteration, one after the other."""
    into, out = method.feature_encoder_.layers[0].weight, method.feature_decoder_.layers[1].weight
    x, pull = torch.rand(n, into.shape[1]), torch.rand(n, len(into))
    hidden, error = torch.rand(2 * n, out.shape[1]), torch.rand(2 * n, len(out))

    @torch.no_grad()
    def multiply() -> None:
        torch.mm(x, into.t())
        write_weight_gradient(into, pull, x)
        torch.mm(hidden, out.t())
        torch.mm(error, out)
        write_weight_gradient(out, error, hidden)

    return multiply


def main(arguments: list[str]) -> None:
    alone = "--cpu" in arguments
    torch.set_num_threads(1 if alone else THREADS)
    clock = time.thread_time if alone else time.perf_counter
    shown = view()
    table = torch.tensor(shown.seen_semantics.table, dtype=torch.float32)
    rows = TrainingRows(torch.from_numpy(shown.features.to_array()), torch.tensor(shown.seen_labels), table)
    compare_cada(shown, rows, clock)
    compare_vaegan(shown, rows, clock)


if __name__ == "__main__":
    main(sys.argv[1:])
