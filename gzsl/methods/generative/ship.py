"""SHIP on vectors: an autoencoder that writes features of a class from its vector and noise."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor
from torch.nn.functional import normalize
from torch.optim import Optimizer

from gzsl.heads import Head, SoftmaxHead
from gzsl.methods.generative.base import Generator
from gzsl.methods.iterative import Sizes
from gzsl.methods.registry import register
from gzsl.nn.batches import Batch
from gzsl.nn.latent import kl_to_standard_normal, sample_code
from gzsl.nn.losses.reconstruction import squared_rows
from gzsl.nn.mlp import MLP
from gzsl.nn.optim import adam
from gzsl.nn.wgan import Terms, backpropagate, step, weighted_sum
from gzsl.params import param


@register(
    "ship",
    family="generative",
    settings=("inductive",),
    fidelity="partly from memory: unverified",
    cite="Wang et al., Improving Zero-Shot Generalization for CLIP with Synthesized Prompts, ICCV 2023, "
    "arXiv:2307.07397",
    year=2023,
    needs=("joint",),
    test_params=[
        {
            "n_epochs": 30, "batch_size": 32, "lr": 3e-3, "code_dim": 16, "encoder_dim": 64, "decoder_dim": 64,
            "n_synthetic": 30, "divergence_weight": 0.05,
            "head": {"name": "softmax", "batch_size": 32, "n_epochs": 20, "lr": 2e-2},
        }
    ],
)  # fmt: skip
class SHIP(Generator):
    """Features of a class are its vector and what a small network adds to it, from noise; a head learns from them.

    An encoder gives mean and variance of a code of a unit row x; the decoder gives ``x' = t + f(z, t)`` at unit
    length, t the class vector. ``|x' - x|^2`` and the divergence from N(0, 1) are minimised on seen rows; for unseen
    classes z is drawn.

    **Differences.** The paper writes prompts: the code becomes a bias of prompt vectors, and CLIP's text encoder with
    the class name makes features of them. Where vectors are all there is, the decoder above takes its place (ours),
    as residual of the class vector because texts and pictures lie apart. The paper tunes prompts or adapters on real
    and drawn features; here any head of the toolkit does. Rows should be at unit length (``preprocess.features:
    l2``).

    Notes
    -----
    ``divergence_weight`` 1 in sums over dimensions makes all drawn rows of a class alike when rows are short.
    """

    n_epochs: int = param(default=50, low=1, high=100_000, doc="passes over the training rows")
    batch_size: int = param(default=256, low=1, high=1_000_000, doc="rows a step")
    n_synthetic: int = param(default=200, low=1, high=1_000_000, doc="rows an unseen class, over all classes")
    head: Head = param(default_factory=SoftmaxHead, doc="classifier that is trained on real and synthetic rows")
    lr: float = param(default=1e-3, low=1e-7, high=1.0, log=True, tune=(1e-4, 1e-2), doc="learning rate of AdamW")
    code_dim: int = param(default=512, low=1, high=100_000, doc="size of the code")
    encoder_dim: int = param(default=2048, low=1, high=100_000, doc="hidden units of the encoder")
    decoder_dim: int = param(default=4096, low=1, high=100_000, doc="hidden units of the decoder")
    divergence_weight: float = param(
        default=1.0, low=0.0, high=1e4, log=False, tune=(1e-3, 1.0), doc="weight of the divergence"
    )

    training_only: ClassVar[tuple[str, ...]] = ("encoder_",)

    def build(self, sizes: Sizes, rng: torch.Generator) -> None:
        """Make encoder and decoder."""
        d, a, z = sizes.n_features, sizes.n_attributes, self.code_dim
        self.encoder_ = MLP([d, self.encoder_dim, 2 * z], rng=rng, activation="relu", init="torch-default")
        self.decoder_ = MLP([z + a, self.decoder_dim, d], rng=rng, activation="relu", init="torch-default")

    def optimisers(self) -> dict[str, Optimizer]:
        """One Adam."""
        parameters = [*self.decoder_.parameters(), *self.encoder_.parameters()]
        self._adam = adam(parameters, self.lr, beta1=0.9)
        return {"adam": self._adam}

    def update(self, batch: Batch) -> dict[str, Tensor]:
        """Take one step on reconstruction and divergence."""
        mean, logvar = self.encoder_(normalize(batch.x)).chunk(2, dim=1)
        code = sample_code(mean, logvar, self.streams.normal("code", *mean.shape))
        found = self.decode(code, batch.a)
        terms: Terms = {
            "reconstruction": (1.0, squared_rows(found, normalize(batch.x))),
            "divergence": (self.divergence_weight, kl_to_standard_normal(mean, logvar).mean()),
        }
        losses = backpropagate(terms, [self._adam])
        step(self._adam)
        return losses | {"sum": weighted_sum(terms).detach()}

    def decode(self, code: Tensor, a: Tensor) -> Tensor:
        """Features (n, d) at unit length of codes (n, z) and class vectors (n, a)."""
        t = normalize(a)
        return normalize(t + self.decoder_(torch.cat([code, t], dim=1)))

    def represent(self, x: Tensor) -> Tensor:
        """Rows at unit length."""
        return normalize(x)

    def as_made(self, x: Tensor) -> Tensor:
        """The same: rows that are made have unit length."""
        return self.represent(x)

    def sample(self, a: Tensor, rng: torch.Generator) -> Tensor:
        """Decode one code from the prior a class vector."""
        return self.decode(torch.randn(len(a), self.code_dim, generator=rng, device=a.device), a)
