"""f-CLSWGAN: a conditional Wasserstein GAN whose features a classifier of the seen classes recognises."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from gzsl.heads import SoftmaxHead
from gzsl.methods.card import register
from gzsl.methods.generative.base import Generator
from gzsl.methods.iterative import Sizes
from gzsl.nn.batches import Batch, TrainingRows
from gzsl.nn.critic import Critic
from gzsl.nn.generator import ConditionalGenerator
from gzsl.nn.losses.classification import frozen_softmax_loss
from gzsl.nn.optim import adam
from gzsl.nn.wgan import WGANGP, Terms
from gzsl.params import param


@register(
    "f-clswgan",
    family="generative",
    settings=("inductive",),
    fidelity="replicated from code",
    cite="Xian, Lorenz, Schiele & Akata, Feature Generating Networks, CVPR 2018, arXiv:1712.00981",
    year=2018,
    test_params=[
        {
            "n_epochs": 20, "batch_size": 32, "hidden_dim": 64, "lr": 5e-3, "n_synthetic": 40, "pretrain_epochs": 5,
            "head": {"name": "softmax", "batch_size": 32, "n_epochs": 10},
        }
    ],  # fmt: skip
)
class FCLSWGAN(Generator):
    """Generate features of unseen classes with a WGAN-GP conditioned on class vectors.

    The critic D (x, a) -> (n,) minimises ``E D(G(z,a),a) - E D(x,a) + λ E (||∇ₓ D(x̂,a)|| - 1)²`` on rows
    x (n, d) of seen classes with class vectors a (n, a); the generator G (z, a) -> (n, d) minimises
    ``-E D(G(z,a),a) + β E[-log P(y | G(z,a))]`` where P is a softmax classifier that was trained on real
    seen rows and is frozen. A softmax head is then trained on real seen and synthetic unseen rows.

    **Differences from released code.** Batches come from shuffled passes over the rows instead of a
    permutation of all rows a batch. The head's batch size is a setting of its own (there it is the number
    of synthetic rows: recipes of published settings write it out). The number of epochs is chosen on
    validation classes or given; the released family of code reports the best epoch on test. The generator
    step reuses the class vectors of the last critic batch, as the authors' code does. The gradient
    penalty is evaluated in closed form, equal to the differentiated one.

    Notes
    -----
    Needs features scaled to [0, 1] by the training range (``preprocess: {features: minmax}``). Training for
    too long lowers U; the number of epochs is the most sensitive hyper-parameter.
    """

    lr: float = param(default=1e-4, low=1e-7, high=1.0, log=True, doc="learning rate of generator and critic")
    critic_steps: int = param(default=5, low=1, high=100, symbol="n_critic", doc="critic steps a generator step")
    gp_weight: float = param(default=10.0, low=0.0, high=1e4, symbol="λ", doc="weight of the gradient penalty")
    cls_weight: float = param(default=0.01, low=0.0, high=1e4, symbol="β", doc="weight of the classification loss")
    hidden_dim: int = param(default=4096, low=1, high=100_000, doc="hidden units of generator and critic")
    noise_dim: int | None = param(
        default=None, low=1, high=100_000, symbol="d_z", doc="noise dimensions; null: as many as attributes"
    )
    output: str = param(
        default="relu", choices=("relu", "sigmoid", "none"), doc="what keeps features in range at the generator's end"
    )
    pretrain_epochs: int = param(default=50, low=1, high=10_000, doc="epochs of the frozen classifier")

    training_only: ClassVar[tuple[str, ...]] = ("critic_", "classifier_")

    @property
    def batches_per_update(self) -> int:  # type: ignore[override]
        """One batch a critic step; the generator step reuses the last one."""
        return self.critic_steps

    def build(self, sizes: Sizes, rng: torch.Generator) -> None:
        """Make generator, critic and the classifier to be frozen."""
        self.noise_dim_ = self.noise_dim or sizes.n_attributes
        self.generator_ = ConditionalGenerator(
            self.noise_dim_, sizes.n_attributes, sizes.n_features,
            rng=rng, hidden_dim=self.hidden_dim, output=self.output,
        )  # fmt: skip
        self.critic_ = Critic(sizes.n_features, sizes.n_attributes, rng=rng, hidden_dim=self.hidden_dim)
        self.critic_.output.bias.requires_grad_(False)  # it cancels in every term: nothing could train it
        self.classifier_ = nn.Linear(sizes.n_features, sizes.n_seen).requires_grad_(False)

    def pretrain(self, rows: TrainingRows) -> None:
        """Train the classifier of the seen classes on real rows."""
        head = SoftmaxHead(lr=1e-3, batch_size=100, n_epochs=self.pretrain_epochs)
        state = head.fit(rows.x, rows.y, len(rows.table), rng=self.streams.fresh("pretrain"))
        self.classifier_.load_state_dict(state)

    def optimisers(self) -> dict[str, Optimizer]:
        """Adam with the momenta of the paper for each network; the classifier has none."""
        generator, critic = (adam(net.parameters(), self.lr) for net in (self.generator_, self.critic_))
        self._step = WGANGP(
            self.generator_, self.critic_, generator, critic, gp_weight=self.gp_weight, n_critic=self.critic_steps
        )
        return {"generator": generator, "critic": critic}

    def update(self, batch: Batch) -> dict[str, Tensor]:
        """Take the critic steps, then one generator step."""
        n = len(batch)
        noise = self.streams.normal("noise", n, self.noise_dim_)
        mix = self.streams.uniform("mix", n)
        losses = self._step.critic_steps(batch.x, batch.a, noise, mix)
        last = slice(n - self.batch_size, n)
        y = batch.y[last]

        def classification(fake: Tensor) -> Terms:
            loss = frozen_softmax_loss(fake, y, self.classifier_.weight, self.classifier_.bias)
            return {"classification": (self.cls_weight, loss)}

        noise = self.streams.normal("noise", self.batch_size, self.noise_dim_)
        return losses | self._step.generator_step(batch.a[last], noise, classification)

    def sample(self, a: Tensor, rng: torch.Generator) -> Tensor:
        """Generate one row a class vector, with fresh noise."""
        noise = torch.randn(len(a), self.noise_dim_, generator=rng, device=a.device)
        return self.generator_(noise, a)
