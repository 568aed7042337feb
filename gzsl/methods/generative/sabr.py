"""SABR, inductive: generate in a latent space that tells both class and semantics."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from gzsl.heads.softmax import shuffled_batches
from gzsl.methods.generative.adversarial import AdversarialGenerator
from gzsl.methods.iterative import Sizes
from gzsl.methods.registry import register
from gzsl.nn.batches import Batch, TrainingRows
from gzsl.nn.init import linear
from gzsl.nn.losses.classification import frozen_softmax_loss
from gzsl.nn.mlp import MLP
from gzsl.nn.optim import adam
from gzsl.nn.wgan import Terms, backpropagate, step
from gzsl.params import param

QUIET = 0.1  # of the mean largest code: units with less are divided by this


class LatentSpace(nn.Module):
    """``ψ(x) = ReLU(W x) / top``: non-negative codes, at most 1 on training rows."""

    top: Tensor

    def __init__(self, n_features: int, n_codes: int, rng: torch.Generator) -> None:
        super().__init__()
        self.layer = MLP([n_features, n_codes], rng=rng, output="relu", init="torch-default")
        self.register_buffer("top", torch.ones(n_codes))

    def forward(self, x: Tensor) -> Tensor:
        """Codes: (n, d) -> (n, k)."""
        return self.layer(x) / self.top

    @torch.no_grad()
    def measure(self, x: Tensor) -> Tensor:
        """Take each unit's largest code of some rows for its ``top`` (k,), and return it.

        A unit that these rows never or hardly woke may be woken by others: it gets a tenth of the units' mean.
        """
        top = torch.cat([self.layer(block) for block in x.split(8192)]).amax(dim=0)
        self.top.copy_(top.clamp_min(QUIET * float(top.mean()) or 1.0))
        return self.top


@register(
    "sabr",
    family="generative",
    settings=("inductive",),
    fidelity="partly from memory: unverified",
    cite="Paul, Krishnan & Munjal, Semantically Aligned Bias Reducing Zero Shot Learning, CVPR 2019, arXiv:1904.07659",
    year=2019,
    test_params=[
        {
            "n_epochs": 20,
            "batch_size": 32,
            "hidden_dim": 64,
            "critic_dim": 64,
            "lr": 5e-3,
            "n_synthetic": 40,
            "latent_dim": 48,
            "latent_epochs": 20,
            "latent_lr": 5e-3,
            "head": {"name": "softmax", "batch_size": 32, "n_epochs": 10},
        }
    ],  # fmt: skip
)
class SABR(AdversarialGenerator):
    """Learn codes that a classifier and a semantic regressor agree on; generate codes of unseen classes.

    Codes ``ψ(x)`` (n, k) are trained with ``CE(P(ψ), y) + γ CE(R(ψ) Aᵀ, y)`` where P is a linear classifier of the
    seen classes and R (n, k) -> (n, a) is compared with their class vectors A. A conditional WGAN then generates
    codes; its generator's loss adds ``w (CE(P(ĉ), y) + w_s Σ_b CE(R(ĉ) Aᵀ, y))`` with P and R frozen. The head sees
    codes.

    **Fidelity.** The generator follows the released code, in its two sizes and in that the generator's step has a
    batch of its own. The released semantic term is a sum over the batch of 128 rows (weight 0.01 a row; here
    ``semantic_weight`` times the mean, 1.28). The code that learns the latent space was not found and the paper's
    section could not be opened: one ReLU layer with dropout, γ = 1 and what quiet units are divided by are ours.
    The transductive SABR-T is not part of this method.
    """

    hidden_dim: int = param(default=2048, low=1, high=100_000, doc="hidden units of the generator")
    critic_dim: int = param(default=4096, low=1, high=100_000, doc="hidden units of the critic")
    latent_dim: int = param(default=1024, low=1, high=100_000, doc="size of a code")
    latent_epochs: int = param(default=50, low=1, high=100_000, doc="epochs of the latent space (ours)")
    latent_lr: float = param(default=1e-4, low=1e-8, high=1.0, log=True, doc="its learning rate (ours)")
    latent_dropout: float = param(default=0.2, low=0.0, high=0.95, doc="of features while it is trained (ours)")
    alignment_weight: float = param(default=1.0, low=0.0, high=1e4, symbol="γ", doc="of semantics in it (ours)")
    cls_weight: float = param(default=0.1, low=0.0, high=1e4, doc="weight of both classification terms")
    semantic_weight: float = param(default=1.28, low=0.0, high=1e4, doc="weight of the semantic one among them")

    training_only: ClassVar[tuple[str, ...]] = ("critic_", "classifier_", "regressor_")

    fresh_generator_batch: ClassVar[bool] = True
    makes_codes: ClassVar[bool] = True

    def critic_units(self) -> int:
        """The critic is wider than the generator."""
        return self.critic_dim

    def build(self, sizes: Sizes, rng: torch.Generator) -> None:
        """Make the latent space with its two readers, then the GAN of codes."""
        k = self.latent_dim
        self.latent_ = LatentSpace(sizes.n_features, k, rng).requires_grad_(False)
        self.classifier_ = linear(k, sizes.n_seen, init="torch-default", rng=rng).requires_grad_(False)
        self.regressor_ = linear(k, sizes.n_attributes, init="torch-default", rng=rng).requires_grad_(False)
        super().build(replace(sizes, n_features=k), rng)

    def pretrain(self, rows: TrainingRows) -> None:
        """Train the latent space on real rows, and freeze it."""
        parts = nn.ModuleList([self.latent_, self.classifier_, self.regressor_]).requires_grad_(True)
        optimiser = adam(parts.parameters(), self.latent_lr, beta1=0.9)
        rng = self.streams.fresh("latent")
        for picked in shuffled_batches(self.latent_epochs, self.batch_size, len(rows), rng, rows.x.device):
            x = rows.x[picked]
            kept = torch.rand(x.shape, generator=rng, device=x.device) >= self.latent_dropout
            codes, y = self.latent_(x * kept / (1 - self.latent_dropout)), rows.y[picked]
            semantic = functional.cross_entropy(self.regressor_(codes) @ rows.table.T, y)
            named = functional.cross_entropy(self.classifier_(codes), y)
            backpropagate({"named": (1.0, named), "semantic": (self.alignment_weight, semantic)}, (optimiser,))
            step(optimiser)
        parts.requires_grad_(False)
        top = self.latent_.measure(rows.x)
        for reader in (self.classifier_, self.regressor_):  # they were trained on codes before scaling
            reader.weight.mul_(top)

    def update(self, batch: Batch) -> dict[str, Tensor]:
        """Take the steps of the GAN on the codes of a batch."""
        return super().update(replace(batch, x=self.latent_(batch.x)))

    def terms(self, batch: Batch, fake: Tensor) -> Terms:
        """Both classification terms of generated codes."""
        assert self.rows is not None
        named = frozen_softmax_loss(fake, batch.y, self.classifier_.weight, self.classifier_.bias)
        aligned = functional.cross_entropy(self.regressor_(fake) @ self.rows.table.T, batch.y)
        return {
            "classification": (self.cls_weight, named),
            "semantic": (self.cls_weight * self.semantic_weight, aligned),
        }

    def represent(self, x: Tensor) -> Tensor:
        """Codes of features: (n, d) -> (n, k)."""
        return self.latent_(x)

    def synthetic_rows(self, a: Tensor, rng: torch.Generator) -> Tensor:
        """Generated codes, which are what the head sees: (m, a) -> (m, k)."""
        return self.sample(a, rng)
