"""CE-GZSL: a Wasserstein GAN and an embedding that contrasts rows and classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from gzsl.methods.generative.adversarial import AdversarialGenerator
from gzsl.methods.iterative import Sizes
from gzsl.methods.registry import register
from gzsl.nn.batches import Batch
from gzsl.nn.comparator import Comparator
from gzsl.nn.frozen import frozen
from gzsl.nn.losses.contrastive import supervised_contrastive
from gzsl.nn.mlp import MLP
from gzsl.nn.wgan import Terms
from gzsl.params import param


@register(
    "ce-gzsl",
    family="generative",
    settings=("inductive",),
    fidelity="replicated from code",
    cite="Han, Fu, Chen & Yang, Contrastive Embedding for Generalized Zero-Shot Learning, CVPR 2021, arXiv:2103.16173",
    year=2021,
    test_params=[
        {
            "n_epochs": 20,
            "batch_size": 32,
            "hidden_dim": 64,
            "lr": 5e-3,
            "n_synthetic": 40,
            "embedding_dim": 64,
            "contrast_dim": 32,
            "comparator_dim": 32,
            "head": {"name": "softmax", "batch_size": 32, "n_epochs": 10},
        }
    ],  # fmt: skip
)
class CEGZSL(AdversarialGenerator):
    """Classify in an embedding of real and generated features that is learnt beside the critic.

    An embedding network gives ``h = ReLU(W x)`` and from it a unit-length code. Within the critic's steps, codes of
    real rows minimise the supervised contrastive loss (among instances) and a comparator F(h, a) the cross-entropy
    of picking the row's class vector among those of the seen classes. The generator's loss adds both, frozen, on
    generated rows; instances are contrasted with each other and with the batch's real ones. The head sees ``h``.

    **Differences.** The released code clears the comparator's gradients once an epoch, so that they add up over all
    critic steps (``comparator_gradients: epoch``); here they are cleared in every step. Batch sizes of 2048 to 4096
    are part of the published recipes: the contrast is among the rows of a batch.
    """

    instance_weight: float = param(default=0.001, low=0.0, high=1e4, doc="weight of the contrast among rows, generator")
    class_weight: float = param(default=0.001, low=0.0, high=1e4, doc="weight of the contrast among classes, generator")
    instance_temperature: float = param(default=0.1, low=1e-3, high=100.0, symbol="τ_e", doc="divides cosines")
    class_temperature: float = param(default=0.1, low=1e-3, high=100.0, symbol="τ_s", doc="divides comparisons")
    embedding_dim: int = param(default=2048, low=1, high=100_000, doc="units of the embedding")
    contrast_dim: int = param(default=512, low=1, high=100_000, doc="size of the code that is contrasted")
    comparator_dim: int = param(default=2048, low=1, high=100_000, doc="hidden units of the comparator")
    comparator_gradients: str = param(
        default="step", choices=("step", "epoch"), doc="when they are cleared; until then they add up"
    )
    decay_every: int | None = param(
        default=None, low=1, high=100_000, doc="epochs after which learning rates are multiplied by 0.99; null: never"
    )

    training_only: ClassVar[tuple[str, ...]] = ("critic_", "comparator_")

    def build_parts(self, sizes: Sizes, rng: torch.Generator) -> None:
        """Make embedding and comparator."""
        wide, code = self.embedding_dim, self.contrast_dim
        self.embedding_ = MLP([sizes.n_features, wide, code], rng=rng, activation="relu", output="unit")
        self.comparator_ = Comparator(wide, sizes.n_attributes, rng=rng, hidden_dim=self.comparator_dim)

    def with_critic(self) -> Sequence[nn.Module]:
        """Embedding and comparator learn beside the critic."""
        return (self.embedding_, self.comparator_)

    def critic_terms(self, batch: Batch, fake: Tensor) -> Terms:
        """Contrasts of real rows."""
        assert self.rows is not None
        hidden = self.embedding_.hidden(batch.x)
        codes = self.embedding_.output(hidden)
        logits = self.comparator_(hidden, self.rows.table) / self.class_temperature
        contrast = supervised_contrastive(codes, batch.y, self.instance_temperature)
        terms: Terms = {"instances": (1.0, contrast), "classes": (1.0, functional.cross_entropy(logits, batch.y))}
        return terms | ({"before": (1.0, self._before())} if self.comparator_gradients == "epoch" else {})

    def critic_update(self, batch: Batch) -> dict[str, Tensor]:
        """Take the critic steps; what older gradients add is no loss."""
        losses = super().critic_update(batch)
        losses.pop("before", None)
        return losses

    def _before(self) -> Tensor:
        """What has the comparator's gradients of the steps before as its gradient: their product with the weights."""
        known = [(p * p.grad).sum() for p in self.comparator_.parameters() if p.grad is not None]
        return torch.stack(known).sum() if known else torch.zeros((), device=self.device)

    def terms(self, batch: Batch, fake: Tensor) -> Terms:
        """Contrasts of generated rows, through the frozen networks."""
        assert self.rows is not None
        hidden = frozen(_Hidden(self.embedding_), fake)
        with torch.no_grad():
            real = self.embedding_(batch.x)
        codes = torch.cat([frozen(_Output(self.embedding_), hidden), real])
        logits = frozen(self.comparator_, hidden, self.rows.table) / self.class_temperature
        contrast = supervised_contrastive(codes, batch.y.repeat(2), self.instance_temperature)
        return {
            "fake_instances": (self.instance_weight, contrast),
            "fake_classes": (self.class_weight, functional.cross_entropy(logits, batch.y)),
        }

    def on_epoch_end(self, epoch: int) -> None:
        """Clear the comparator's gradients; let the learning rates fall."""
        self.comparator_.zero_grad(set_to_none=True)
        if self.decay_every and epoch % self.decay_every == 0:
            for optimiser in (self._step.opt_g, self._step.opt_d, *self._step.with_d):
                for group in optimiser.param_groups:
                    group["lr"] *= 0.99

    def represent(self, x: Tensor) -> Tensor:
        """The embedding: (n, d) -> (n, h)."""
        return self.embedding_.hidden(x)


class _Hidden(nn.Module):
    """The part of an MLP before its last layer."""

    def __init__(self, mlp: MLP) -> None:
        super().__init__()
        self.mlp = mlp

    def forward(self, x: Tensor) -> Tensor:
        return self.mlp.hidden(x)


class _Output(_Hidden):
    """The last layer of an MLP."""

    def forward(self, x: Tensor) -> Tensor:
        return self.mlp.output(x)
