"""cycle-WGAN: attributes should be readable off generated features."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from gzsl.heads.softmax import shuffled_batches
from gzsl.methods.generative.guided import GuidedGenerator
from gzsl.methods.iterative import Sizes
from gzsl.methods.registry import register
from gzsl.nn.batches import Batch, TrainingRows
from gzsl.nn.init import linear
from gzsl.nn.optim import adam
from gzsl.nn.wgan import Terms
from gzsl.params import param


@register(
    "cycle-wgan",
    family="generative",
    settings=("inductive",),
    fidelity="replicated from code",
    cite="Felix, Kumar, Reid & Carneiro, Multi-modal Cycle-Consistent Generalized Zero-Shot Learning, ECCV 2018, "
    "arXiv:1808.00136",
    year=2018,
    test_params=[
        {
            "n_epochs": 40,
            "critic_steps": 3,
            "batch_size": 32,
            "hidden_dim": 64,
            "lr": 5e-3,
            "n_synthetic": 40,
            "critic_lr": 5e-3,
            "cls_weight": 0.01,
            "pretrain_epochs": 5,
            "regressor_epochs": 20,
            "regressor_lr": 1e-2,
            "head": {"name": "softmax", "batch_size": 32, "n_epochs": 10},
        }
    ],  # fmt: skip
)
class CycleWGAN(GuidedGenerator):
    """A WGAN whose features a frozen linear regressor should map back to the class vector.

    The regressor R (n, d) -> (n, a) is trained on real rows first. The generator's loss adds
    ``β_R mean (R(G(z, a)) - a)²`` to the adversarial term, and with ``cls_weight`` above 0 the classification term
    of f-CLSWGAN (the paper's cycle-CLSWGAN). One critic step a generator step, at ten times its learning rate.

    **Differences.** The released code draws the penalised point of a row feature by feature, which leaves the line
    between real and generated row (``penalty_points: released``; a row has one place on the line otherwise). Its
    final classifier has a ReLU on its logits, ``head: {name: relu-softmax}``, and holds a tenth of the training rows
    out, which is not offered. It ends in an Adam with β₁ = 0.9 and Xavier's initial weights, as the defaults here; the
    regressor starts as generator and critic do, or with ``weights: released-gan`` from the mean class vector. Learning
    rates of the GAN and of the regressor fall with the epochs there (SUN's by a factor of 19, the others' little);
    here they stay. The paper's variant that generates unseen classes in training (cycle-UWGAN) is not offered.
    """

    critic_steps: int = param(default=1, low=1, high=100, symbol="n_critic", doc="critic steps a generator step")
    critic_lr: float = param(default=1e-3, low=1e-7, high=1.0, log=True, doc="learning rate of the critic")
    cls_weight: float = param(default=0.0, low=0.0, high=1e4, symbol="β", doc="weight of the classification loss")
    cycle_weight: float = param(default=0.01, low=0.0, high=1e4, symbol="β_R", doc="weight of the cycle loss")
    beta1: float = param(default=0.9, low=0.0, high=0.9999, symbol="β₁", doc="decay of Adam's mean gradient")
    weights: str = param(
        default="xavier-uniform", choices=("xavier-uniform", "released-gan"), doc="how the networks start"
    )
    penalty_points: str = param(
        default="row", choices=("row", "released"), doc="what is drawn to place a penalised point; released: features"
    )
    regressor_epochs: int = param(default=40, low=1, high=100_000, doc="epochs of the frozen regressor")
    regressor_lr: float = param(default=1e-4, low=1e-8, high=1.0, log=True, doc="its learning rate")

    stackable: ClassVar[bool] = True
    training_only: ClassVar[tuple[str, ...]] = ("critic_", "classifier_", "regressor_")

    def build_parts(self, sizes: Sizes, rng: torch.Generator) -> None:
        """Make the classifier and the regressor."""
        super().build_parts(sizes, rng)
        self.regressor_ = linear(sizes.n_features, sizes.n_attributes, init="xavier-uniform", rng=rng)
        self.regressor_.requires_grad_(False)

    def initial_weights(self) -> str:
        """As given."""
        return self.weights

    def mean_decay(self) -> float:
        """As given."""
        return self.beta1

    def penalised(self, batch: Batch) -> Tensor:
        """One place a row between the real one and the generated one, or one a feature."""
        if self.penalty_points == "row":
            return super().penalised(batch)
        return self.streams.uniform("mix", *batch.x.shape[-2:])

    def critic_rate(self) -> float:
        """The critic's own."""
        return self.critic_lr

    def pretrain(self, rows: TrainingRows) -> None:
        """Train classifier and regressor on real rows."""
        super().pretrain(rows)
        rng = self.streams.fresh("regressor")
        if self.weights == "released-gan":
            nn.init.zeros_(self.regressor_.weight)
            self.regressor_.bias.copy_(rows.table[rows.y].mean(dim=0))
        learning = self.regressor_.requires_grad_(True)
        optimiser = adam(learning.parameters(), self.regressor_lr, beta1=self.beta1)
        for picked in shuffled_batches(self.regressor_epochs, self.batch_size, len(rows), rng, rows.x.device):
            batch = rows.batch(picked)
            loss = functional.mse_loss(learning(batch.x), batch.a)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
        self.regressor_.requires_grad_(False)

    def terms(self, batch: Batch, fake: Tensor) -> Terms:
        """Cycle loss and classification."""
        cycle = functional.mse_loss(self.regressor_(fake), batch.a, reduction="none").mean(dim=(-2, -1))
        return super().terms(batch, fake) | {"cycle": (self.cycle_weight, cycle)}
