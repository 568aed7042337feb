"""Variational autoencoder and Wasserstein GAN that share a decoder: the core of the f-VAEGAN lineage."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from gzsl.methods.generative.adversarial import OUTPUTS, AdversarialGenerator
from gzsl.methods.iterative import Sizes
from gzsl.nn.batches import Batch, TrainingRows
from gzsl.nn.latent import ConditionalEncoder, kl_to_standard_normal, sample_code
from gzsl.nn.losses.reconstruction import bce_rows
from gzsl.nn.optim import adam
from gzsl.nn.penalty_weight import adapted
from gzsl.nn.wgan import Terms
from gzsl.params import param


class VariationalGenerator(AdversarialGenerator):
    """An adversarial generator that also decodes what an encoder makes of real rows.

    Subclasses may change `decode` and add to `terms`.
    """

    output: str = param(default="sigmoid", choices=OUTPUTS, doc="what keeps features in range at the generator's end")
    adversarial_weight: float = param(
        default=10.0, low=0.0, high=1e6, symbol="γ", doc="weight of the adversarial term, and of the critic's loss"
    )
    vae_weight: float = param(default=1.0, low=0.0, high=1e4, doc="weight of reconstruction and divergence")
    fake_source: str = param(
        default="reconstruction", choices=("reconstruction", "prior"),
        doc="what the critic judges: rows decoded from codes of real ones, or from noise",
    )  # fmt: skip
    penalty_rule: str = param(
        default="fixed", choices=("fixed", "adaptive"),
        doc="weight of the gradient penalty: as given, or adapted to the penalty as released code does",
    )  # fmt: skip

    training_only: ClassVar[tuple[str, ...]] = ("critic_", "encoder_")

    def build_parts(self, sizes: Sizes, rng: torch.Generator) -> None:
        """Make the encoder."""
        self.encoder_ = ConditionalEncoder(
            sizes.n_features, sizes.n_attributes, self.noise_dim_, rng=rng, hidden_dim=self.hidden_dim
        )

    def pretrain(self, rows: TrainingRows) -> None:
        """Start the weight of the penalty."""
        super().pretrain(rows)
        self.penalty_weight_ = torch.tensor(self.gp_weight, device=self.device)

    def with_generator(self) -> Sequence[nn.Module]:
        """Nothing: the encoder's optimiser has momenta of its own."""
        return ()

    def optimisers(self) -> dict[str, Optimizer]:
        """As every adversarial generator, and Adam with its default momenta for the encoder."""
        made = super().optimisers()
        made["encoder"] = adam(self.encoder_.parameters(), self.lr, beta1=0.9)
        self._step.with_g = (*self._step.with_g, made["encoder"])
        self._step.adversarial_weight = self._step.critic_weight = self.adversarial_weight
        return made

    def critic_update(self, batch: Batch) -> dict[str, Tensor]:
        """Take the critic steps, then adapt the weight of the penalty."""
        self._step.gp_weight = self.penalty_weight_
        losses = super().critic_update(batch)
        if self.penalty_rule == "adaptive":
            self.penalty_weight_ = adapted(self.penalty_weight_, losses["gradient_penalty"])
        return losses

    def decode(self, code: Tensor, a: Tensor, *, training: bool = True) -> Tensor:
        """Features of codes and class vectors: (n, z), (n, a) -> (n, d)."""
        return self.generator_(code, a)

    def encoded(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        """Mean, log-variance and a sample of the code of every row, (n, z) each."""
        mean, logvar = self.encoder_(batch.x, batch.a)
        return mean, logvar, sample_code(mean, logvar, self.streams.normal("code", *mean.shape[-2:]))

    def fakes(self, batch: Batch) -> Tensor:
        """Rows that the critic judges."""
        from_code = self.fake_source == "reconstruction"
        return self.decode(self.encoded(batch)[2] if from_code else self.noise(len(batch)), batch.a)

    def generator_update(self, batch: Batch) -> dict[str, Tensor]:
        """Take one step of generator and encoder."""
        mean, logvar, code = self.encoded(batch)
        found = self.decode(code, batch.a)
        fake = found if self.fake_source == "reconstruction" else self.decode(self.noise(len(batch)), batch.a)
        divergence = kl_to_standard_normal(mean, logvar).mean(dim=-1)
        terms: Terms = {
            "reconstruction": (self.vae_weight, self.reconstruction(found, batch.x)),
            "divergence": (self.vae_weight, divergence),
            "adversarial": self._step.adversarial(fake, batch.a),
        }
        return self._step.generator_step_on(terms | self.terms(batch, fake))

    def reconstruction(self, found: Tensor, expected: Tensor) -> Tensor:
        """Error of reconstructed rows, summed over dimensions and averaged over rows."""
        return bce_rows(found, expected)

    def sample(self, a: Tensor, rng: torch.Generator) -> Tensor:
        """Decode one code from the prior a class vector."""
        noise = torch.randn(len(a), self.noise_dim_, generator=rng, device=a.device)
        return self.decode(noise, a, training=False)
