"""SDGZSL's update against a plain one: networks, dropout, batch statistics, schedules, and whose turn it is."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from harness import Start, compare, layer, take_step
from torch import Tensor
from torch.nn import functional

SMALL = {"hidden_dim": 6, "bottleneck_dim": 5, "code_dim": 3, "part_dim": 4, "relation_dim": 5}
REST = ("encoder_", "decoder_", "splitter_", "joiner_", "relation_")


def leaky(x: Tensor) -> Tensor:
    return functional.leaky_relu(x, 0.2)


class SDGZSLReference:
    def __init__(self, start: Start) -> None:
        self.w, self.own, self.table = start.weights, start.settings, start.table
        own = self.own
        made = (torch.optim.Adam(start.under(part), lr=own.lr, weight_decay=own.weight_decay) for part in REST)
        self.for_rest = list(made)
        self.for_discriminator = torch.optim.Adam(
            start.under("discriminator_"), lr=own.lr, weight_decay=own.weight_decay
        )
        self.epoch, self.coin = 0, 0

    def on_epoch_end(self, epoch: int) -> None:
        self.epoch = epoch

    def dropped(self, x: Tensor, share: float) -> Tensor:
        return torch.where(self.noise("dropout") >= share, x / (1 - share), 0.0) if share else x

    def normalised(self, name: str, x: Tensor) -> Tensor:
        """Batch normalisation with 0.8 under the root; the kept statistics move by a tenth."""
        mean, variance = x.mean(0), x.var(0, unbiased=False)
        for what, value in (("mean", mean), ("var", x.var(0))):
            key = f"decoder_.norms.{name}.running_{what}"
            self.w[key] = 0.9 * self.w[key] + 0.1 * value.detach()
        weight, bias = self.w[f"decoder_.norms.{name}.weight"], self.w[f"decoder_.norms.{name}.bias"]
        return weight * (x - mean) / (variance + 0.8).sqrt() + bias

    def vae(self, x: Tensor, a: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """x^, and the mean and variance of the code."""
        own, w = self.own, self.w
        hidden = leaky(layer(w, "encoder_.trunk.layers.0", torch.cat([x, a], 1)))
        hidden = leaky(self.dropped(layer(w, "encoder_.trunk.layers.1", hidden), own.encoder_dropout))
        hidden = layer(w, "encoder_.trunk.layers.2", hidden)
        mean = layer(w, "encoder_.mean", hidden)
        variance = functional.softplus(self.dropped(layer(w, "encoder_.variance", hidden), 0.2))
        z = mean + variance.sqrt() * self.noise("code")
        hidden = leaky(self.dropped(layer(w, "decoder_.net.layers.0", torch.cat([z, a], 1)), own.decoder_dropout))
        hidden = self.normalised("0", layer(w, "decoder_.net.layers.1", hidden))
        hidden = self.dropped(hidden, own.decoder_dropout)
        hidden = self.normalised("1", layer(w, "decoder_.net.layers.2", hidden))
        hidden = leaky(self.dropped(hidden, own.decoder_dropout))
        return leaky(layer(w, "decoder_.net.layers.3", hidden)), mean, variance

    def split(self, both: Tensor) -> tuple[Tensor, Tensor]:
        """Codes of the autoencoder and what it makes of them."""
        share = self.own.split_dropout
        codes = self.dropped(leaky(layer(self.w, "splitter_.layers.0", both)), share)
        hidden = self.dropped(leaky(layer(self.w, "joiner_.layers.0", codes)), share)
        return codes, self.dropped(leaky(layer(self.w, "joiner_.layers.1", hidden)), share)

    def relation(self, semantic: Tensor, y: Tensor) -> Tensor:
        """Squared error of the relation of every row with every class of the batch."""
        present = y.unique()
        first = torch.cat([self.w["relation_.rows.weight"], self.w["relation_.vectors.weight"]], 1)
        found = torch.empty(len(y), len(present), dtype=torch.float64)
        for k, c in enumerate(present):
            pairs = torch.cat([semantic, self.table[c].expand(len(y), -1)], 1)
            hidden = torch.relu(functional.linear(pairs, first, self.w["relation_.rows.bias"]))
            found[:, k] = torch.sigmoid(layer(self.w, "relation_.output", hidden)).squeeze(1)
        return functional.mse_loss(found, (y[:, None] == present).double())

    def judge(self, codes: Tensor) -> Tensor:
        found = layer(self.w, "discriminator_.layers.0", codes)
        return torch.sigmoid(found) if self.own.discriminator == "released" else found

    def teach(self, codes: Tensor) -> Tensor:
        n, k = len(codes), self.own.part_dim
        mixed = torch.cat([part[self.noise("shuffle").argsort()] for part in (codes[:, :k], codes[:, k:])], 1)
        whole = functional.cross_entropy(self.judge(codes), torch.zeros(n, dtype=torch.long))
        return whole + functional.cross_entropy(self.judge(mixed), torch.ones(n, dtype=torch.long))

    def update(self, x: Tensor, y: Tensor, a: Tensor, noise: Callable[[str], Tensor]) -> dict[str, Tensor]:
        self.noise, own, n = noise, self.own, len(x)
        fake, mean, variance = self.vae(x, a)
        codes, rebuilt = self.split(torch.cat([fake, x]))
        both, k = (codes[:n], codes[n:]), own.part_dim
        gaps = [self.judge(half) for half in both]
        terms = {
            "reconstruction": ((fake - x) ** 2).sum() / n,
            "divergence": -0.5 * (1 + variance.log() - mean**2 - variance).sum() / n,
            "split": functional.mse_loss(rebuilt[:n], x) + functional.mse_loss(rebuilt[n:], x),
            "relation": self.relation(both[0][:, :k], y) + self.relation(both[1][:, :k], y),
            "correlation": sum((gap[:, 0] - gap[:, 1]).mean() for gap in gaps),
        }
        loss = terms["reconstruction"] + min(1.0, own.divergence_rise * self.epoch) * terms["divergence"]
        loss = loss + terms["split"] + own.relation_weight * terms["relation"]
        if self.coin > 0:  # the discriminator is used
            loss = loss + own.correlation_weight * min(1.0, own.correlation_rise * self.epoch) * terms["correlation"]
        take_step(loss, *self.for_rest)
        taught = sum(self.teach(half.detach()) for half in both)
        if self.coin > 0:
            self.coin -= 1
        else:  # or it learns
            self.coin = own.discriminator_every
            take_step(own.discriminator_weight * taught, self.for_discriminator)
        # the mean of both halves is what ours reports for the autoencoder
        return terms | {"split": terms["split"] / 2, "discriminator": taught.detach()}


@pytest.mark.parametrize("discriminator", ["released", "logits"])
def test_updates_of_sdgzsl(discriminator: str) -> None:
    dropout = {"encoder_dropout": 0.2, "decoder_dropout": 0.3, "split_dropout": 0.1}
    weights = {"relation_weight": 3.0, "correlation_weight": 0.7, "correlation_rise": 0.2, "divergence_rise": 0.1}
    compare(
        "sdgzsl", SDGZSLReference, steps=4, epochs_before=2, discriminator=discriminator, discriminator_every=2,
        weight_decay=0.01, **dropout, **weights, **SMALL,
    )  # fmt: skip


def test_the_first_epoch_of_sdgzsl_weighs_neither_divergence_nor_correlation() -> None:
    weights = {"correlation_weight": 100.0, "correlation_rise": 1.0, "divergence_rise": 1.0}
    compare("sdgzsl", SDGZSLReference, encoder_dropout=0.0, decoder_dropout=0.0, split_dropout=0.0, **weights, **SMALL)
