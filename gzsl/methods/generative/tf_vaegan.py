"""TF-VAEGAN: f-VAEGAN with a semantic decoder that feeds back into the generator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from gzsl.methods.generative.variational import VariationalGenerator
from gzsl.methods.iterative import Sizes
from gzsl.methods.registry import register
from gzsl.nn.batches import Batch
from gzsl.nn.frozen import frozen
from gzsl.nn.losses.reconstruction import weighted_l1
from gzsl.nn.mlp import MLP
from gzsl.nn.optim import adam
from gzsl.nn.wgan import Terms
from gzsl.params import param


@register(
    "tf-vaegan",
    family="generative",
    settings=("inductive",),
    fidelity="replicated from code",
    cite="Narayan, Gupta, Khan, Snoek & Shao, Latent Embedding Feedback and Discriminative Features for Zero-Shot "
    "Classification, ECCV 2020, arXiv:2003.07833",
    year=2020,
    test_params=[
        {
            "n_epochs": 20,
            "batch_size": 32,
            "hidden_dim": 64,
            "lr": 5e-3,
            "n_synthetic": 40,
            "decoder_lr": 5e-3,
            "feedback_lr": 5e-3,
            "head": {"name": "softmax", "batch_size": 32, "n_epochs": 10},
        },
        {
            "n_epochs": 20,
            "batch_size": 32,
            "hidden_dim": 64,
            "lr": 5e-3,
            "n_synthetic": 40,
            "freeze_decoder": True,
            "fake_source": "prior",
            "decoder_lr": 5e-3,
            "head": {"name": "softmax", "batch_size": 32, "n_epochs": 10},
        },
    ],  # fmt: skip
)
class TFVAEGAN(VariationalGenerator):
    """f-VAEGAN whose generator is corrected by what a semantic decoder sees in its first output.

    The decoder R (n, d) -> (n, a), unit length, learns ``R(x) ≈ a`` on real rows within the critic's steps. With
    ``h`` its hidden layer, a feedback network F turns ``h`` of a first output into a shift of the generator's hidden
    layer: ``x̃ = G(z, a; δ F(h))``. Generated rows should be decodable too: the generator's loss has
    ``w · R-loss(R(x̃), a)`` besides the terms of f-VAEGAN. The head sees ``[x, R(x), h(x)]`` of real, synthetic and
    test rows. Error of attributes: `gzsl.nn.losses.reconstruction.weighted_l1`.

    **Differences.** The released code passes over the data twice an epoch, first without feedback, then with; here
    odd epochs train without and even ones with feedback. It feeds the decoder's view of the reconstruction back
    even when the judged row comes from noise; here each row is corrected by its own. The fakes of an iteration's critic
    steps are made together, before the decoder's steps among them; there each is made after the step before it.

    Notes
    -----
    Needs features in [0, 1]; class vectors of unit length (``normalise: l2``), which the decoder's output has.
    """

    reconstruction_weight: float = param(
        default=0.01, low=0.0, high=1e4, doc="weight of the attributes' reconstruction (recons_weight)"
    )
    feedback_strength: float = param(default=1.0, low=0.0, high=100.0, symbol="δ", doc="of the shift in training (a1)")
    synthesis_strength: float = param(default=1.0, low=0.0, high=100.0, doc="of the shift in synthesis (a2)")
    decoder_lr: float = param(default=1e-4, low=1e-8, high=1.0, log=True, doc="learning rate of the decoder")
    feedback_lr: float = param(default=1e-5, low=1e-8, high=1.0, log=True, doc="learning rate of the feedback")
    freeze_decoder: bool = param(default=False, doc="let the decoder learn from real rows alone")

    stackable: ClassVar[bool] = True
    training_only: ClassVar[tuple[str, ...]] = ("critic_", "encoder_")

    def build_parts(self, sizes: Sizes, rng: torch.Generator) -> None:
        """Make encoder, decoder and feedback."""
        super().build_parts(sizes, rng)
        h = self.hidden_dim
        self.decoder_ = MLP([sizes.n_features, h, sizes.n_attributes], rng=rng, output="unit")
        self.feedback_ = MLP([h, h, h], rng=rng, output="leaky-relu")
        self.epoch_ = 0

    def with_critic(self) -> Sequence[nn.Module]:
        """The decoder learns from real rows in the critic's steps."""
        return (self.decoder_,)

    def part_rate(self) -> float:
        """Learning rate of the decoder."""
        return self.decoder_lr

    def optimisers(self) -> dict[str, Optimizer]:
        """As f-VAEGAN, and one for the feedback; the decoder's steps with the generator too, unless frozen."""
        made = super().optimisers()
        made["feedback"] = adam(self.feedback_.parameters(), self.feedback_lr)
        own = (made["feedback"],) if self.freeze_decoder else (made["feedback"], made["with_critic"])
        self._step.with_g = (*self._step.with_g, *own)
        return made

    def on_epoch_end(self, epoch: int) -> None:
        """Count epochs: even ones train with feedback."""
        self.epoch_ = epoch

    def decode(self, code: Tensor, a: Tensor, *, training: bool = True) -> Tensor:
        """Generate, look at the result through the decoder, and generate again with the correction."""
        first: Tensor = self.generator_(code, a)
        if training and self.epoch_ % 2 == 0:
            return first
        with torch.no_grad():
            seen = self.decoder_.hidden(first)
        strength = self.feedback_strength if training else self.synthesis_strength
        return self.generator_(code, a, strength * self.feedback_(seen))

    def critic_terms(self, batch: Batch, fake: Tensor) -> Terms:
        """Reconstruction of the attributes of real rows."""
        return {"real_attributes": (self.reconstruction_weight, weighted_l1(self.decoder_(batch.x), batch.a))}

    def terms(self, batch: Batch, fake: Tensor) -> Terms:
        """Reconstruction of the attributes of generated rows."""
        found = frozen(self.decoder_, fake) if self.freeze_decoder else self.decoder_(fake)
        return {"fake_attributes": (self.reconstruction_weight, weighted_l1(found, batch.a))}

    def represent(self, x: Tensor) -> Tensor:
        """Features, decoded attributes and the decoder's hidden layer: (n, d) -> (n, d + a + h)."""
        hidden = self.decoder_.hidden(x)
        return torch.cat([x, self.decoder_.output(hidden), hidden], dim=1)
