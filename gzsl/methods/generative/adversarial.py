"""Conditional Wasserstein GANs: what they share, so that a method writes its own terms alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from gzsl.errors import MethodError
from gzsl.methods.generative.base import Generator
from gzsl.methods.iterative import Sizes
from gzsl.nn.batches import Batch, TrainingRows
from gzsl.nn.critic import Critic
from gzsl.nn.generator import ConditionalGenerator
from gzsl.nn.optim import adam
from gzsl.nn.wgan import WGANGP, Terms
from gzsl.params import param

OUTPUTS = ("relu", "sigmoid", "tanh", "none")
RANGES = {"relu": (0.0, float("inf")), "sigmoid": (0.0, 1.0), "tanh": (-1.0, 1.0)}
TOLERANCE = 1e-4


class AdversarialGenerator(Generator):
    """A generator of features from noise and class vectors that is trained against a critic with gradient penalty.

    A subclass adds what makes its method: networks in `build_parts`, terms of the generator's loss in `terms`,
    terms of what learns in the critic's steps in `critic_terms`. Networks in `with_generator` are trained in the
    generator's steps, those in `with_critic` in the critic's.
    """

    lr: float = param(default=1e-4, low=1e-7, high=1.0, log=True, tune=(1e-5, 1e-3), doc="learning rate of Adam")
    critic_steps: int = param(default=5, low=1, high=100, symbol="n_critic", doc="critic steps a generator step")
    gp_weight: float = param(default=10.0, low=0.0, high=1e4, symbol="λ", doc="weight of the gradient penalty")
    hidden_dim: int = param(default=4096, low=1, high=100_000, doc="hidden units of generator and critic")
    noise_dim: int | None = param(
        default=None, low=1, high=100_000, symbol="d_z", doc="noise dimensions; null: as many as attributes"
    )
    output: str = param(default="relu", choices=OUTPUTS, doc="what keeps features in range at the generator's end")

    training_only: ClassVar[tuple[str, ...]] = ("critic_",)
    conditional_critic: ClassVar[bool] = True
    fresh_generator_batch: ClassVar[bool] = False
    hidden_activation: ClassVar[str] = "leaky-relu"

    @property
    def batches_per_update(self) -> int:  # type: ignore[override]
        """One batch a critic step; the generator step reuses the last one, or has one of its own."""
        return self.critic_steps + self.fresh_generator_batch

    def build(self, sizes: Sizes, rng: torch.Generator) -> None:
        """Make generator and critic, then the parts of the method."""
        self.noise_dim_ = self.noise_dim or sizes.n_attributes
        self.generator_ = ConditionalGenerator(
            self.noise_dim_, sizes.n_attributes, sizes.n_features,
            rng=rng, hidden_dim=self.hidden_dim, output=self.output,
            activation=self.hidden_activation, init=self.initial_weights(),
        )  # fmt: skip
        condition = sizes.n_attributes if self.conditional_critic else 0
        self.critic_ = Critic(
            sizes.n_features, condition, rng=rng, hidden_dim=self.critic_units(), init=self.initial_weights()
        )
        self.critic_.output.bias.requires_grad_(False)  # it cancels in every term: nothing could train it
        self.build_parts(sizes, rng)

    def build_parts(self, sizes: Sizes, rng: torch.Generator) -> None:
        """Make further networks; a subclass that builds on another calls that one's as well."""

    def pretrain(self, rows: TrainingRows) -> None:
        """Refuse features that the generator's output cannot reach."""
        low, high = RANGES.get(self.output, (-torch.inf, torch.inf))
        least, most = (float(value) for value in rows.x.aminmax())
        if least < low - TOLERANCE or most > high + TOLERANCE:
            raise MethodError(
                f"{self.card.id}: features: found values from {least:.3g} to {most:.3g}, expected {low:g} to {high:g} "
                f"for output: {self.output}; scale them (preprocess: {{features: minmax}}) or choose another output"
            )

    def with_generator(self) -> Sequence[nn.Module]:
        """Networks that the generator's steps train besides the generator."""
        return ()

    def with_critic(self) -> Sequence[nn.Module]:
        """Networks that the critic's steps train besides the critic, on `critic_terms`."""
        return ()

    def part_rate(self) -> float:
        """Learning rate of the networks of `with_generator` and `with_critic`."""
        return self.lr

    def initial_weights(self) -> str:
        """How generator and critic start, a key of `gzsl.nn.init.INITS`."""
        return "released-gan"

    def critic_units(self) -> int:
        """Hidden units of the critic."""
        return self.hidden_dim

    def mean_decay(self) -> float:
        """Decay of Adam's mean gradient, of generator, critic and companions."""
        return 0.5

    def critic_rate(self) -> float:
        """Learning rate of the critic."""
        return self.lr

    def optimisers(self) -> dict[str, Optimizer]:
        """Adam with the momenta of the released code for generator and critic, and for their companions."""
        made: dict[str, Optimizer] = {
            "generator": adam(self.generator_.parameters(), self.lr, beta1=self.mean_decay()),
            "critic": adam(_learning([self.critic_]), self.critic_rate(), beta1=self.mean_decay()),
        }
        for name, networks in (("with_generator", self.with_generator()), ("with_critic", self.with_critic())):
            if networks:
                made[name] = adam(_learning(networks), self.part_rate(), beta1=self.mean_decay())
        self._step = WGANGP(
            self.generator_, self.critic_, made["generator"], made["critic"], gp_weight=self.gp_weight,
            n_critic=self.critic_steps, with_g=[made[n] for n in ("with_generator",) if n in made],
            with_d=[made[n] for n in ("with_critic",) if n in made],
        )  # fmt: skip
        return made

    def update(self, batch: Batch) -> dict[str, Tensor]:
        """Take the critic steps, then one generator step on the last batch."""
        judged = batch.part(slice(self.critic_steps * self.batch_size))
        return self.critic_update(judged) | self.generator_update(batch.last(self.batch_size))

    def critic_update(self, batch: Batch) -> dict[str, Tensor]:
        """Take the critic steps on fakes from one pass of the generator."""
        with torch.no_grad():
            fake = self.fakes(batch)
        condition = batch.a if self.conditional_critic else None
        mix = self.penalised(batch)
        has_terms = type(self).critic_terms is not AdversarialGenerator.critic_terms
        extra = (lambda rows: self.critic_terms(batch.part(rows), fake[..., rows, :])) if has_terms else None
        return self._step.critic_steps_on(batch.x, fake, condition, mix, extra)

    def penalised(self, batch: Batch) -> Tensor:
        """Places of the penalised rows between fake (0) and real (1), one a row, (n,), or one a feature, (n, d)."""
        return self.streams.uniform("mix", len(batch))

    def generator_update(self, batch: Batch) -> dict[str, Tensor]:
        """Take one generator step on the classes of a batch."""
        fake = self.fakes(batch)
        terms: Terms = {"adversarial": self._step.adversarial(fake, batch.a)}
        return self._step.generator_step_on(terms | self.terms(batch, fake))

    def fakes(self, batch: Batch) -> Tensor:
        """Synthetic rows (n, d) of the classes of a batch."""
        return self.generator_(self.noise(len(batch)), batch.a)

    def noise(self, n: int) -> Tensor:
        """Noise of training, (n, z)."""
        return self.streams.normal("noise", n, self.noise_dim_)

    def terms(self, batch: Batch, fake: Tensor) -> Terms:
        """Terms of the generator's loss besides the adversarial one: ``{name: (weight, 0-d value)}``."""
        return {}

    def critic_terms(self, batch: Batch, fake: Tensor) -> Terms:
        """Terms that networks of `with_critic` learn from in each critic step."""
        return {}

    def sample(self, a: Tensor, rng: torch.Generator) -> Tensor:
        """Generate one row a class vector, with fresh noise."""
        noise = torch.randn(len(a), self.noise_dim_, generator=rng, device=a.device)
        return self.generator_(noise, a)


def _learning(networks: Sequence[nn.Module]) -> Iterator[nn.Parameter]:
    return (p for network in networks for p in network.parameters() if p.requires_grad)
