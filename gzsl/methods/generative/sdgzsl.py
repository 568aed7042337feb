"""SDGZSL: decide by the part of a feature that attributes explain."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import Optimizer

from gzsl.errors import MethodError
from gzsl.methods.generative.base import Generator
from gzsl.methods.iterative import Sizes
from gzsl.methods.registry import register
from gzsl.nn.batches import Batch, TrainingRows
from gzsl.nn.comparator import Comparator
from gzsl.nn.losses.reconstruction import squared_rows
from gzsl.nn.mlp import MLP
from gzsl.nn.optim import adam
from gzsl.nn.variance_vae import NormalisedDecoder, VarianceEncoder, kl_of_variance
from gzsl.nn.wgan import Terms, backpropagate, step
from gzsl.params import param


@register(
    "sdgzsl",
    family="generative",
    settings=("inductive",),
    fidelity="replicated from code",
    cite="Chen, Luo, Qiu, Wang, Huang, Li & Zhang, Semantics Disentangling for Generalized Zero-Shot Learning, ICCV "
    "2021, arXiv:2101.07978",
    year=2021,
    test_params=[
        {
            "n_epochs": 40, "batch_size": 32, "lr": 5e-3, "hidden_dim": 64, "part_dim": 48, "relation_dim": 64,
            "bottleneck_dim": 32, "encoder_dropout": 0.1, "decoder_dropout": 0.1, "split_dropout": 0.0,
            "code_dim": 8, "n_synthetic": 40, "relation_weight": 10.0, "divergence_rise": 0.1,
            "correlation_rise": 0.01, "correlation_weight": 0.01, "discriminator": discriminator,
            "head": {"name": "softmax", "batch_size": 32, "n_epochs": 30, "lr": 3e-2},
        }
        for discriminator in ("released", "logits")
    ],  # fmt: skip
)
class SDGZSL(Generator):
    """A conditional VAE generates; an autoencoder splits features into a semantic part and the rest.

    The VAE decodes features from a code and a class vector. The autoencoder's code ``[h_s, h_n]`` of generated and
    real rows reconstructs the real row; a relation network F(h_s, a) should be 1 for the row's class vector and 0
    for the other classes of the batch; a discriminator of whole codes against codes with the two parts of different
    rows estimates their total correlation, which is minimised in turn with its training. The head sees ``h_s``.

    Both rising weights are 0 in the first epoch, and the discriminator learns in the first step and then in every
    (k+1)-th one.

    **Differences.** Networks, dropout and schedules are those of the released code. Its discriminator squashes its
    outputs with a sigmoid before the cross-entropy (``discriminator: released``, the default), which bounds what the
    other networks can gain from it; with ``logits`` that has no bound, and any but a tiny weight of the correlation
    lets the semantic part grow. The relation network compares with all seen classes of the batch through one product
    instead of pairs in a loop. Batches run over the end of a pass into the next one; the released code leaves the
    rows of an incomplete batch out.
    """

    lr: float = param(default=1e-4, low=1e-8, high=1.0, log=True, tune=(1e-5, 1e-2), doc="learning rate of Adam")
    weight_decay: float = param(default=1e-6, low=0.0, high=10.0, doc="weight of the squared parameters")
    hidden_dim: int = param(default=2048, low=1, high=100_000, doc="units of the VAE's and the joiner's layers")
    bottleneck_dim: int = param(default=128, low=1, high=100_000, doc="units of the encoder's last layer")
    encoder_dropout: float = param(default=0.4, low=0.0, high=0.95, doc="in the VAE's encoder")
    decoder_dropout: float = param(default=0.5, low=0.0, high=0.95, doc="in the VAE's decoder")
    split_dropout: float = param(default=0.2, low=0.0, high=0.95, doc="in the autoencoder, of its outputs as well")
    code_dim: int = param(default=20, low=1, high=100_000, symbol="d_z", doc="size of the VAE's code")
    part_dim: int = param(default=1024, low=1, high=100_000, doc="size of each of the two parts (S_dim, NS_dim)")
    relation_dim: int = param(default=2048, low=1, high=100_000, doc="hidden units of the relation network")
    relation_weight: float = param(default=1.0, low=0.0, high=1e4, symbol="ga", doc="weight of the relation loss")
    correlation_weight: float = param(default=0.3, low=0.0, high=1e4, symbol="β", doc="final weight of the correlation")
    correlation_rise: float = param(default=0.001, low=0.0, high=1.0, doc="share of that weight gained in an epoch")
    divergence_rise: float = param(default=0.001, low=0.0, high=1.0, doc="weight of the divergence gained in an epoch")
    discriminator_weight: float = param(default=0.3, low=0.0, high=1e4, doc="weight of the discriminator's loss (dis)")
    discriminator_every: int = param(default=3, low=1, high=1000, doc="steps between those of the discriminator")
    discriminator: str = param(default="released", choices=("logits", "released"), doc="released: squashed twice")

    training_only: ClassVar[tuple[str, ...]] = ("encoder_", "joiner_", "relation_", "discriminator_")

    def build(self, sizes: Sizes, rng: torch.Generator) -> None:
        """Make VAE, autoencoder, relation network and discriminator."""
        d, a, h, part = sizes.n_features, sizes.n_attributes, self.hidden_dim, self.part_dim
        self.encoder_ = VarianceEncoder(
            d, a, self.code_dim, rng=rng, hidden_dim=h, bottleneck_dim=self.bottleneck_dim,
            dropout=self.encoder_dropout,
        )  # fmt: skip
        self.decoder_ = NormalisedDecoder(self.code_dim, a, d, rng=rng, hidden_dim=h, dropout=self.decoder_dropout)
        self.splitter_ = MLP([d, 2 * part], rng=rng, output="leaky-relu", init="torch-default")
        self.joiner_ = MLP([2 * part, h, d], rng=rng, output="leaky-relu", init="torch-default")
        self.relation_ = Comparator(
            part, a, rng=rng, hidden_dim=self.relation_dim, activation="relu", init="torch-default"
        )
        self.relation_.output.bias.requires_grad_(True)
        self.discriminator_ = MLP([2 * part, 2], rng=rng, init="torch-default")
        self.epoch_, self.steps_ = 0, 0

    def pretrain(self, rows: TrainingRows) -> None:
        """Refuse batches of one row, which cannot be normalised."""
        if self.batch_size < 2:
            raise MethodError(f"{self.card.id}: batch_size: found {self.batch_size}, expected at least 2")

    def optimisers(self) -> dict[str, Optimizer]:
        """Adam for the discriminator and for the rest."""
        rest = nn.ModuleList([self.encoder_, self.decoder_, self.splitter_, self.joiner_, self.relation_])
        self._adams = tuple(
            adam(part.parameters(), self.lr, beta1=0.9, weight_decay=self.weight_decay)
            for part in (rest, self.discriminator_)
        )
        return {"rest": self._adams[0], "discriminator": self._adams[1]}

    def on_epoch_end(self, epoch: int) -> None:
        """Count epochs: two weights follow them."""
        self.epoch_ = epoch

    def update(self, batch: Batch) -> dict[str, Tensor]:
        """Take one step; now and then the discriminator learns instead of being used."""
        x, a = batch.x, batch.a
        drop = self.streams.dropout
        mean, variance = self.encoder_(x, a, drop)
        code = mean + variance.sqrt() * self.streams.normal("code", *mean.shape)
        fake = self.decoder_(code, a, drop)
        parts = drop(self.splitter_(torch.cat([fake, x])), self.split_dropout)
        rebuilt = drop(self.joiner_.output(drop(self.joiner_.hidden(parts), self.split_dropout)), self.split_dropout)
        rising = self.correlation_weight * min(1.0, self.correlation_rise * self.epoch_)
        teaching = self.steps_ % (self.discriminator_every + 1) == 0
        self.steps_ += 1
        terms: Terms = {
            "reconstruction": (1.0, squared_rows(fake, x)),
            "divergence": (min(1.0, self.divergence_rise * self.epoch_), kl_of_variance(mean, variance).mean()),
            "split": (2.0, functional.mse_loss(rebuilt, torch.cat([x, x]))),
            "relation": (self.relation_weight, self.relation(parts, batch)),
            "correlation": (0.0 if teaching else rising, self.correlation(parts)),
        }
        losses = backpropagate(terms, self._adams)
        step(self._adams[0])
        if teaching:
            taught = self.teach(parts.detach())
            losses |= backpropagate({"discriminator": (self.discriminator_weight, taught)}, self._adams[1:])
            step(self._adams[1])
        else:
            losses["discriminator"] = self.teach(parts.detach()).detach()
        return losses

    def relation(self, parts: Tensor, batch: Batch) -> Tensor:
        """Squared error of the relation of semantic parts with the classes of the batch, generated plus real, 0-d."""
        assert self.rows is not None
        table = self.rows.table
        present = torch.zeros(len(table), device=table.device).index_fill_(0, batch.y, 1.0)
        found = self.relation_(parts[:, : self.part_dim], table).sigmoid()
        truth = functional.one_hot(batch.y, len(table)).to(found.dtype).repeat(2, 1)
        return 2 * ((found - truth).square() * present).sum() / (present.sum() * len(found))

    def correlation(self, parts: Tensor) -> Tensor:
        """Estimated total correlation of the two parts, generated plus real, 0-d."""
        found = self._judged(parts)
        return 2 * (found[:, 0] - found[:, 1]).mean()

    def teach(self, parts: Tensor) -> Tensor:
        """Loss of the discriminator: whole codes are class 0, those of different rows class 1, 0-d."""
        n = len(parts) // 2
        shuffled = torch.cat([self._shuffled(half) for half in parts.split(n)])
        whole = functional.cross_entropy(
            self._judged(parts), torch.zeros(len(parts), dtype=torch.int64, device=parts.device)
        )
        mixed = functional.cross_entropy(
            self._judged(shuffled), torch.ones(len(parts), dtype=torch.int64, device=parts.device)
        )
        return 2 * (whole + mixed)

    def _judged(self, parts: Tensor) -> Tensor:
        found: Tensor = self.discriminator_(parts)
        return found.sigmoid() if self.discriminator == "released" else found

    def _shuffled(self, parts: Tensor) -> Tensor:
        halves = parts.split(self.part_dim, dim=1)
        return torch.cat([h[self.streams.uniform("shuffle", len(h)).argsort()] for h in halves], dim=1)

    def represent(self, x: Tensor) -> Tensor:
        """The semantic part: (n, d) -> (n, part_dim)."""
        return self.splitter_(x)[:, : self.part_dim]

    def sample(self, a: Tensor, rng: torch.Generator) -> Tensor:
        """Decode one code from the prior a class vector."""
        code = torch.randn(len(a), self.code_dim, generator=rng, device=a.device)
        return self.decoder_(code, a)
