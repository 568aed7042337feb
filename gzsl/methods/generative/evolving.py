"""Class vectors that evolve while a generator is trained: the plug-in of DSP."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import Optimizer

from gzsl.methods.generative.adversarial import AdversarialGenerator
from gzsl.methods.iterative import Sizes
from gzsl.nn.batches import Batch
from gzsl.nn.frozen import frozen
from gzsl.nn.init import linear
from gzsl.nn.losses.class_structure import class_means
from gzsl.nn.mlp import MLP, leaky_relu, unit_rows
from gzsl.nn.optim import adam
from gzsl.nn.stacking import take
from gzsl.nn.wgan import Terms, backpropagate, step
from gzsl.params import param


class Evolution(nn.Module):
    """``a + LeakyReLU(W a)``, of unit length; ``W`` starts small, near the identity map."""

    def __init__(self, size: int, rng: torch.Generator) -> None:
        super().__init__()
        self.layer = linear(size, size, init="released-gan", rng=rng)

    def forward(self, a: Tensor) -> Tensor:
        """The next class vectors: (n, a) -> (n, a)."""
        return unit_rows(a + leaky_relu(self.layer(a)))


class EvolvingPrototypes(AdversarialGenerator):
    """Mixed into a generator, before it: its conditions follow what features say of their classes.

    A mapper V (n, d) -> (n, a), unit length, reads class vectors off features; an evolver E maps the present
    prototype of a class to the next one. Prototypes start as the class vectors and move a little towards E's output
    in every step; they condition generator and critic in place of the class vectors. An unseen class is synthesised
    from ``α a + (1 - α) E(a)``, and the head sees ``[x, E(V(x))]``, the same for real, synthetic and test rows.
    """

    unseen_share: float = param(default=0.9, low=0.0, high=1.0, symbol="α", doc="of the given vector, unseen (ours)")
    momentum: float = param(default=0.9, low=0.0, high=1.0, symbol="β", doc="of prototypes (ours)")
    cycle_weight: float = param(default=0.1, low=0.0, high=1e4, symbol="λ_SCyc", doc="of the semantic cycle (ours)")
    evolution_weight: float = param(default=0.6, low=0.0, high=1e4, symbol="λ_V2S", doc="of seen semantics (ours)")
    anchor_weight: float = param(default=1.0, low=0.0, high=1e4, symbol="λ_S2S", doc="of given vectors (ours)")
    mapper_lr: float = param(default=1e-4, low=1e-8, high=1.0, log=True, doc="of mapper and evolver (ours)")

    def build_parts(self, sizes: Sizes, rng: torch.Generator) -> None:
        """Make the host's parts, the mapper and the evolver."""
        super().build_parts(sizes, rng)
        self.mapper_ = MLP([sizes.n_features, self.hidden_dim, sizes.n_attributes], rng=rng, output="unit")
        self.evolver_ = Evolution(sizes.n_attributes, rng)

    def optimisers(self) -> dict[str, Optimizer]:
        """The host's, and one each for mapper and evolver; prototypes start as the class vectors."""
        assert self.rows is not None
        made = super().optimisers()
        made["mapper"], made["evolver"] = (adam(n.parameters(), self.mapper_lr) for n in (self.mapper_, self.evolver_))
        self._evolver_adam, self._mapper_adam = made["evolver"], made["mapper"]
        self._given = unit_rows(self.rows.table)
        if not hasattr(self, "prototypes_"):
            self.prototypes_ = self._given.clone()
        return made

    def update(self, batch: Batch) -> dict[str, Tensor]:
        """The host's steps under the present prototypes, then one of the evolver."""
        self._step.with_g = (*(o for o in self._step.with_g if o is not self._mapper_adam), self._mapper_adam)
        evolved = replace(batch, a=take(self.prototypes_, batch.y))
        losses = super().update(evolved)
        return losses | self.evolve(evolved.last(self.batch_size))

    def terms(self, batch: Batch, fake: Tensor) -> Terms:
        """The host's terms, and the semantic cycle of real and generated rows."""
        read = self.mapper_(torch.cat([batch.x, fake], dim=-2))  # one pass, one gradient of the mapper's weights
        away = (read - torch.cat([take(self._given, batch.y), batch.a], dim=-2)).abs().sum(dim=-1)
        return super().terms(batch, fake) | {"semantic_cycle": (self.cycle_weight, 2 * away.mean(dim=-1))}

    def evolve(self, batch: Batch) -> dict[str, Tensor]:
        """Train the evolver on what the mapper reads off the batch's classes, and move their prototypes."""
        n_classes = self.prototypes_.shape[-2]
        with torch.no_grad():
            read = self.mapper_(torch.cat([batch.x, self.fakes(batch)], dim=-2))
            target, counts = class_means(read, torch.cat([batch.y, batch.y], dim=-1), n_classes)
        present = (counts > 0).to(target.dtype)
        found = self.evolver_(self.prototypes_)
        away = 1 - functional.cosine_similarity(found, target, dim=-1)
        moved = (found - self._given).abs().sum(dim=-1)
        terms: Terms = {
            "evolution": (self.evolution_weight, (away * present).sum(dim=-1) / present.sum(dim=-1)),
            "anchor": (self.anchor_weight, (moved * present).sum(dim=-1) / present.sum(dim=-1)),
        }
        losses = backpropagate(terms, (self._evolver_adam,))
        step(self._evolver_adam)
        with torch.no_grad():
            rate = (1 - self.momentum) * present.unsqueeze(-1)
            self.prototypes_ = unit_rows(torch.lerp(self.prototypes_, frozen(self.evolver_, self.prototypes_), rate))
        return losses

    def sample(self, a: Tensor, rng: torch.Generator) -> Tensor:
        """Synthesise from a mixture of the given and the evolved class vectors."""
        given = unit_rows(a)
        return super().sample(self.unseen_share * given + (1 - self.unseen_share) * self.evolver_(given), rng)

    def represent(self, x: Tensor) -> Tensor:
        """What the host's head sees, and the evolved class vector that the mapper reads off each row."""
        return torch.cat([super().represent(x), self.evolver_(self.mapper_(x))], dim=1)
