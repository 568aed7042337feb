"""CIZSL: mixtures of classes should look real and like no seen class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import Optimizer

from gzsl.methods.generative.adversarial import OUTPUTS, AdversarialGenerator
from gzsl.methods.iterative import Sizes
from gzsl.methods.registry import register
from gzsl.nn.batches import Batch, TrainingRows
from gzsl.nn.critic import Critic
from gzsl.nn.frozen import frozen
from gzsl.nn.init import linear
from gzsl.nn.losses.class_structure import class_means, distance_of_means
from gzsl.nn.losses.classification import frozen_softmax_loss
from gzsl.nn.losses.divergence import sharma_mittal_to_uniform
from gzsl.nn.optim import adam
from gzsl.nn.wgan import Terms
from gzsl.params import param


@register(
    "cizsl",
    family="generative",
    settings=("inductive",),
    fidelity="replicated from code",
    cite="Elhoseiny & Elfeki, Creativity Inspired Zero-Shot Learning, ICCV 2019, arXiv:1904.01109",
    year=2019,
    test_params=[
        {
            "n_epochs": 20,
            "batch_size": 32,
            "hidden_dim": 64,
            "lr": 5e-3,
            "n_synthetic": 40,
            "head": {"name": "softmax", "batch_size": 32, "n_epochs": 10},
        }
    ],  # fmt: skip
)
class CIZSL(AdversarialGenerator):
    """GAZSL's generator, which also has to make believable rows of classes that do not exist.

    The critic sees rows alone and has a second head that names the seen class; it learns from real and generated
    rows. The generator's loss: the adversarial term, half the classification loss, the distance of class means to
    real ones, and for class vectors mixed of two random ones of the batch the adversarial term again and the
    Sharma-Mittal divergence of the class posterior from the uniform distribution, whose two orders are learnt.

    **Differences.** The released code inverts the exponent of the divergence and rescales it to [0, 1] within the
    batch: ``divergence: released``. It mixes class vectors of a batch of their own before the critic's steps instead
    of those of the generator's batch after them, uses text reduced by a linear layer (here class vectors enter as
    they are) and decides by the 20 nearest of 60 generated rows a class; ``head: {name: knn, k: 20, metric: cosine}``
    comes near.
    """

    n_synthetic: int = param(default=60, low=1, high=1_000_000, doc="synthetic rows an unseen class, over all classes")
    output: str = param(default="tanh", choices=OUTPUTS, doc="what keeps features in range at the generator's end")
    cls_weight: float = param(default=0.5, low=0.0, high=1e4, doc="weight of the classification loss")
    mean_weight: float = param(
        default=1.0, low=0.0, high=1e4, symbol="λ_c", doc="weight of the distance of class means"
    )
    creative_weight: float = param(default=0.1, low=0.0, high=1e4, doc="weight of the divergence of mixed classes")
    realism_weight: float = param(default=1.0, low=0.0, high=1e4, doc="weight of the adversarial term of mixed classes")
    weight_decay: float = param(
        default=0.001, low=0.0, high=10.0, doc="weight of the generator's squared weights, biases left out"
    )
    divergence: str = param(default="paper", choices=("paper", "released"), doc="formula of the divergence")

    conditional_critic: ClassVar[bool] = False
    fresh_generator_batch: ClassVar[bool] = True
    hidden_activation: ClassVar[str] = "leaky-relu-0.01"
    training_only: ClassVar[tuple[str, ...]] = ("critic_", "class_head_", "orders_")

    def initial_weights(self) -> str:
        """Xavier's, of all networks."""
        return "xavier-normal"

    def build_parts(self, sizes: Sizes, rng: torch.Generator) -> None:
        """Make the class head, and the orders of the divergence; the critic has ReLU."""
        self.critic_.slope = 0.0
        self.class_head_ = linear(self.hidden_dim, sizes.n_seen, init=self.initial_weights(), rng=rng)
        self.orders_ = nn.ParameterList([torch.zeros(()), torch.zeros(())])

    def with_critic(self) -> Sequence[nn.Module]:
        """The class head learns with the critic."""
        return (self.class_head_,)

    def optimisers(self) -> dict[str, Optimizer]:
        """Adam with β₁ = 0.5 and β₂ = 0.9; the orders have one of their own."""
        made = super().optimisers()
        made["orders"] = adam(self.orders_.parameters(), self.lr)
        self._step.with_g = (*self._step.with_g, made["orders"])
        for name in ("generator", "critic", "with_critic"):
            for group in made[name].param_groups:
                group["betas"] = (0.5, 0.9)
        (group,) = made["generator"].param_groups
        biases = [p for p in group["params"] if p.ndim == 1]
        group["params"] = [p for p in group["params"] if p.ndim > 1]
        made["generator"].add_param_group({**group, "params": biases})
        group["weight_decay"] = 2 * self.weight_decay
        return made

    def pretrain(self, rows: TrainingRows) -> None:
        """Take the real means."""
        super().pretrain(rows)
        self.centres_ = class_means(rows.x, rows.y, len(rows.table))[0]

    def critic_terms(self, batch: Batch, fake: Tensor) -> Terms:
        """The class head names the class of real and of generated rows."""
        hidden = self.critic_.hidden(torch.cat([batch.x, fake]))
        real, made = self.class_head_(hidden).chunk(2)
        return {
            "classes_of_real": (1.0, functional.cross_entropy(real, batch.y)),
            "classes_of_fake": (1.0, functional.cross_entropy(made, batch.y)),
        }

    def terms(self, batch: Batch, fake: Tensor) -> Terms:
        """Classification and means of the batch's classes; realism and creativity of mixed ones."""
        head = self.class_head_
        mixed = self.generator_(self.noise(len(batch)), self.mixed(batch.a))
        hidden, output = self._hidden(mixed), self.critic_.output  # one pass of the critic for both of its heads
        posterior = functional.linear(hidden, head.weight.detach(), head.bias.detach()).softmax(dim=1)
        named = frozen_softmax_loss(self._hidden(fake), batch.y, head.weight, head.bias)
        return {
            "classification": (self.cls_weight, named),
            "means": (self.mean_weight, distance_of_means(fake, batch.y, self.centres_)),
            "creativity": (self.creative_weight, self.creativity(posterior)),
            "realism": (
                self.realism_weight, -functional.linear(hidden, output.weight.detach(), output.bias.detach()).mean()
            ),
        }  # fmt: skip

    def mixed(self, a: Tensor) -> Tensor:
        """Class vectors between two random ones of the batch, as long as those are on average."""
        first, second = (a[self.streams.uniform("pairs", len(a)).argsort()] for _ in range(2))
        share = 0.2 + 0.6 * self.streams.uniform("shares", len(a))[:, None]
        return functional.normalize(torch.lerp(second, first, share), dim=1) * a.norm(dim=1).mean()

    def creativity(self, posterior: Tensor) -> Tensor:
        """Mean divergence of posteriors from the uniform distribution, 0-d; small is creative."""
        alpha, beta = (0.2 + 0.6 * order.sigmoid() for order in self.orders_)
        found = sharma_mittal_to_uniform(posterior, alpha, beta, as_released=self.divergence == "released")
        if self.divergence == "released":
            found = (found - found.min()) / (found.max() - found.min()).clamp_min(1e-12)
        return found.mean()

    def _hidden(self, x: Tensor) -> Tensor:
        """Hidden layer of the frozen critic."""
        hidden: Tensor = frozen(_CriticHidden(self.critic_), x)
        return hidden


class _CriticHidden(nn.Module):
    """A critic without its last layer."""

    def __init__(self, critic: Critic) -> None:
        super().__init__()
        self.critic = critic

    def forward(self, x: Tensor) -> Tensor:
        return self.critic.hidden(x)
