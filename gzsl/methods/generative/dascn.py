"""DASCN: a GAN from class vectors to features, and a second one back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from gzsl.methods.generative.guided import GuidedGenerator
from gzsl.methods.iterative import Sizes
from gzsl.methods.registry import register
from gzsl.nn.batches import Batch, TrainingRows
from gzsl.nn.critic import Critic
from gzsl.nn.critic_gradients import critic_gradients
from gzsl.nn.generator import ConditionalGenerator
from gzsl.nn.losses.class_structure import class_means, distance_of_means
from gzsl.nn.losses.reconstruction import squared_rows
from gzsl.nn.optim import adam
from gzsl.nn.wgan import Terms
from gzsl.params import param


@register(
    "dascn",
    family="generative",
    settings=("inductive",),
    fidelity="partly from memory: unverified",
    cite="Ni, Zhang & Xie, Dual Adversarial Semantics-Consistent Network for Generalized Zero-Shot Learning, NeurIPS "
    "2019, arXiv:1907.05570",
    year=2019,
    test_params=[
        {
            "n_epochs": 40,
            "batch_size": 32,
            "hidden_dim": 64,
            "lr": 5e-3,
            "n_synthetic": 40,
            "pretrain_epochs": 5,
            "critic_steps": 5, "semantic_weight": 1.0, "cls_weight": 1.0,
            "head": {"name": "softmax", "batch_size": 32, "n_epochs": 10},
        }
    ],  # fmt: skip
)
class DASCN(GuidedGenerator):
    """Generate features from class vectors, class vectors from those, and features from these again.

    With ``x' = G(z, a)``, ``a' = R(x)``, ``a'' = R(x')`` and ``x'' = G(z', a')``, a critic of features tells
    x from x' and x'', one of class vectors a from a' and a''; both are unconditional. The generators minimise their
    adversarial terms, ``β CLS(x')``, ``w_v mean_c ||mean x'_c - mean x_c||²`` (visual consistency) and
    ``w_s mean ||a'' - a||²`` (semantic consistency).

    **Fidelity.** No code was found and the paper's formulas could not be opened: that there are a primal and a dual
    GAN with these two kinds of consistency is from its abstract; the conditioning of the critics, the exact terms
    and all weights are from memory or ours.
    """

    visual_weight: float = param(default=0.1, low=0.0, high=1e4, doc="weight of the visual consistency (ours)")
    semantic_weight: float = param(default=0.1, low=0.0, high=1e4, doc="weight of the semantic consistency (ours)")
    dual_weight: float = param(
        default=0.1, low=0.0, high=1e4, doc="weight of the adversarial terms of class vectors (ours)"
    )

    conditional_critic: ClassVar[bool] = False
    training_only: ClassVar[tuple[str, ...]] = ("critic_", "classifier_", "dual_", "dual_critic_")

    def build_parts(self, sizes: Sizes, rng: torch.Generator) -> None:
        """Make the classifier, the generator of class vectors and their critic."""
        super().build_parts(sizes, rng)
        self.dual_ = ConditionalGenerator(
            self.noise_dim_, sizes.n_features, sizes.n_attributes, rng=rng, hidden_dim=self.hidden_dim, output="none"
        )
        self.dual_critic_ = Critic(sizes.n_attributes, rng=rng, hidden_dim=self.hidden_dim)
        self.dual_critic_.output.bias.requires_grad_(False)

    def with_generator(self) -> Sequence[nn.Module]:
        """The generator of class vectors learns with that of features."""
        return (self.dual_,)

    def optimisers(self) -> dict[str, Optimizer]:
        """As every adversarial generator, and one for the critic of class vectors."""
        made = super().optimisers()
        made["dual_critic"] = adam([p for p in self.dual_critic_.parameters() if p.requires_grad], self.lr)
        self._dual_adam = made["dual_critic"]
        return made

    def pretrain(self, rows: TrainingRows) -> None:
        """Train the classifier; take the real means."""
        super().pretrain(rows)
        self.centres_ = class_means(rows.x, rows.y, len(rows.table))[0]

    def cycle(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """x', x'' (n, d) and a', a'' (n, a) of a batch."""
        n = len(batch)
        made = self.generator_(self.noise(n), batch.a)
        read, read_again = self.dual_(self.noise(n), batch.x), self.dual_(self.noise(n), made)
        return made, self.generator_(self.noise(n), read), read, read_again

    def critic_update(self, batch: Batch) -> dict[str, Tensor]:
        """Take the steps of both critics; each sees a batch's real rows against two kinds of generated ones."""
        with torch.no_grad():
            made, remade, read, read_again = self.cycle(batch)
        x, fake = _paired(self.batch_size, (batch.x, batch.x), (made, remade))
        mix = self.streams.uniform("mix", len(x))
        losses = self._step.critic_steps_on(x, fake, None, mix)
        a, fake_a = _paired(self.batch_size, (batch.a, batch.a), (read, read_again))
        for rows in torch.arange(len(a), device=a.device).split(2 * self.batch_size):
            found = critic_gradients(
                self.dual_critic_, a[rows], fake_a[rows], None, mix[rows], gp_weight=self.gp_weight
            )
            self._dual_adam.step()
        return losses | {f"dual_{name}": value for name, value in found.items()}

    def generator_update(self, batch: Batch) -> dict[str, Tensor]:
        """Take one step of both generators."""
        made, remade, read, read_again = self.cycle(batch)
        judged = self.dual_critic_.frozen(torch.cat([read, read_again])).mean()
        terms: Terms = {
            "adversarial": (1.0, -2 * self.critic_.frozen(torch.cat([made, remade])).mean()),
            "dual_adversarial": (self.dual_weight, -2 * judged),
            "visual": (self.visual_weight, distance_of_means(made, batch.y, self.centres_, squared=True)),
            "semantic": (self.semantic_weight, squared_rows(read_again, batch.a)),
        }
        return self._step.generator_step_on(terms | self.terms(batch, made))


def _paired(size: int, *pairs: tuple[Tensor, Tensor]) -> list[Tensor]:
    """Put the batches of two tensors next to each other, so that each step sees one of both."""
    return [torch.cat([part for both in zip(*(t.split(size) for t in pair), strict=True) for part in both])
            for pair in pairs]  # fmt: skip
