"""Training iterations of f-VAEGAN and CADA-VAE against plain loops of the same mathematics.

Run ``python -m benchmarks.generator_iterations`` from the top of the checkout. Published sizes: 2048-d features, 85
attributes, 20,000 rows. The plain loops do what released code does: a permutation of all rows a batch, one pass of a
network for each use, a penalty that is differentiated twice, optimisers that are not fused. The methods' own `update`
is timed with the drawing of its batches.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.common import compare
from gzsl.data import FeatureRows, TrainView
from gzsl.methods import create
from gzsl.methods.generative.base import Generator
from gzsl.nn.batches import ShuffledPasses, TrainingRows
from gzsl.nn.critic import Critic
from gzsl.nn.generator import ConditionalGenerator
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
    """CADA-VAE as released: four decodings one by one, four groups of parameters under amsgrad."""

    def __init__(self, x: Tensor, y: Tensor, table: Tensor, batch: int = 50, z: int = 64) -> None:
        d, a = x.shape[1], table.shape[1]
        self.x, self.y, self.table, self.batch = x, y, table, batch
        self.encoders = nn.ModuleList([_two_layers(d, 1560, 2 * z), _two_layers(a, 1450, 2 * z)])
        self.decoders = nn.ModuleList([_two_layers(z, 1660, d), _two_layers(z, 665, a)])
        groups: list[dict[str, Any]] = [{"params": net.parameters()} for net in (*self.encoders, *self.decoders)]
        self.optimiser = torch.optim.Adam(groups, 1.5e-4, amsgrad=True, foreach=False)

    def iterate(self) -> None:
        """One step at full weights."""
        picked = torch.randperm(len(self.y))[: self.batch]
        rows = self.x[picked], self.table[self.y[picked]]
        stats = [net(row).chunk(2, dim=1) for net, row in zip(self.encoders, rows, strict=True)]
        codes = [mean + torch.randn(len(mean), 1).expand_as(mean) * logvar.exp() for mean, logvar in stats]
        own = sum((net(c) - r).abs().sum() for net, c, r in zip(self.decoders, codes, rows, strict=True))
        cross = sum((net(c) - r).abs().sum() for net, c, r in zip(self.decoders, codes[::-1], rows, strict=True))
        kl = sum(0.5 * (1 + logvar - mean.pow(2) - logvar.exp()).sum() for mean, logvar in stats)
        (m1, v1), (m2, v2) = stats
        apart = ((m1 - m2).pow(2).sum(1) + ((0.5 * v1).exp() - (0.5 * v2).exp()).pow(2).sum(1)).sqrt().sum()
        self.optimiser.zero_grad()
        (own - 0.25 * kl + 2.37 * cross + 8.13 * apart).backward()
        self.optimiser.step()


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


def main() -> None:
    torch.set_num_threads(THREADS)
    shown = view()
    x = torch.from_numpy(shown.features.to_array())
    y, table = torch.tensor(shown.seen_labels), torch.tensor(shown.seen_semantics.table, dtype=torch.float32)
    passes = ShuffledPasses(len(y), torch.Generator().manual_seed(0))
    rows = TrainingRows(x, y, table)
    vaegan = ready("f-vaegan", shown, penalty_rule="adaptive")
    plain = PlainVAEGAN(x, y, table)
    compare("f-VAEGAN iteration", lambda: vaegan.update(rows.batch(passes.next(5 * 64))), plain.iterate, target=2.0)
    cada = ready("cada-vae", shown, codes="released", cross_epochs=[0, 1], alignment_epochs=[0, 1])
    simple = PlainCADA(x, y, table)

    def ours() -> None:
        for _ in range(20):
            cada.update(rows.batch(passes.next(50)))

    def theirs() -> None:
        for _ in range(20):
            simple.iterate()

    compare("CADA-VAE, 20 iterations", ours, theirs, target=3.0)


if __name__ == "__main__":
    main()
