"""SABR, transductive: a second generator, tied to that of seen classes, is matched to unlabelled rows."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor
from torch.optim import Optimizer

from gzsl.methods.generative.sabr import SABR
from gzsl.methods.iterative import Sizes
from gzsl.methods.registry import register
from gzsl.methods.transductive.base import PooledTrainer
from gzsl.nn.batches import Batch, TrainingRows
from gzsl.nn.critic import Critic
from gzsl.nn.generator import ConditionalGenerator
from gzsl.nn.optim import adam
from gzsl.nn.wgan import WGANGP, Terms
from gzsl.params import param


@register(
    "sabr-t",
    family="transductive",
    settings=("transductive",),
    fidelity="partly from memory: unverified",
    cite="Paul, Krishnan & Munjal, Semantically Aligned Bias Reducing Zero Shot Learning, CVPR 2019, arXiv:1904.07659",
    year=2019,
    needs=("unlabelled",),
    test_params=[{
        "n_epochs": 25, "seen_epochs": 1, "batch_size": 32, "hidden_dim": 64, "critic_dim": 64, "lr": 5e-3,
        "pool_lr": 2e-3, "n_synthetic": 40, "latent_dim": 48, "latent_epochs": 20, "latent_lr": 5e-3,
        "tie_weight": 0.5, "head": {"name": "softmax", "batch_size": 32, "n_epochs": 10},
    }],
)  # fmt: skip
class SABRT(PooledTrainer, SABR):
    """After SABR's generator of seen classes is trained, one of the classes of unlabelled rows follows it.

    For the first ``seen_epochs`` it is SABR. Then an unconditional critic D_u compares codes ``ψ(x)`` of unlabelled
    rows with ``G_u(z, c)`` of classes drawn by the class prior, and G_u, of the same shape as SABR's generator G_s,
    minimises ``-E D_u(G_u(z, c)) + λ/2 Σ_layers ||W_u - W_s||²`` with G_s frozen. Rows of unseen classes come from G_u.

    **Fidelity.** The second stage follows the released code; the latent space is SABR's, whose code was not found. The
    released batches of unseen class vectors have the true labels of the unlabelled rows beside them; here classes are
    drawn independently (``class_prior: given`` knows their shares). Released code starts G_u at random
    (``start: random``), the paper, from memory, from G_s.
    """

    n_epochs: int = param(default=100, low=1, high=100_000, doc="passes over the training rows, of both stages")
    seen_epochs: int = param(default=40, low=0, high=100_000, doc="passes of the first stage")
    tie_weight: float = param(default=0.008, low=0.0, high=1e4, symbol="λ", doc="of the way from G_s (regulariser)")
    pool_lr: float = param(default=1e-4, low=1e-7, high=1.0, log=True, doc="learning rate of the second stage")
    start: str = param(default="random", choices=("random", "seen"), doc="G_u's first weights; seen: those of G_s")

    stackable: ClassVar[bool] = False
    training_only: ClassVar[tuple[str, ...]] = ("critic_", "classifier_", "regressor_", "pool_critic_")

    def build_parts(self, sizes: Sizes, rng: torch.Generator) -> None:
        """Make the generator and the critic of the second stage."""
        super().build_parts(sizes, rng)
        self.pool_generator_ = ConditionalGenerator(
            self.noise_dim_, sizes.n_attributes, sizes.n_features, rng=rng, hidden_dim=self.hidden_dim,
            output=self.output, init=self.initial_weights(),
        )  # fmt: skip
        self.pool_critic_ = Critic(
            sizes.n_features, rng=rng, hidden_dim=self.critic_units(), init=self.initial_weights()
        )
        self.pool_critic_.output.bias.requires_grad_(False)
        self.epoch_ = 0

    def optimisers(self) -> dict[str, Optimizer]:
        """As SABR, and one each for the generator and the critic of the second stage."""
        made = super().optimisers()
        made["pool generator"] = adam(self.pool_generator_.parameters(), self.pool_lr)
        learning = [p for p in self.pool_critic_.parameters() if p.requires_grad]
        made["pool critic"] = adam(learning, self.pool_lr)
        self._pool_step = WGANGP(
            self.pool_generator_, self.pool_critic_, made["pool generator"], made["pool critic"],
            gp_weight=self.gp_weight, n_critic=self.critic_steps,
        )  # fmt: skip
        return made

    def constants(self, rows: TrainingRows) -> dict[str, Tensor]:
        """Class vectors of all classes."""
        return super().constants(rows) | {"_vectors": self.to_device(self._view.semantics.table)}

    def update(self, batch: Batch) -> dict[str, Tensor]:
        """One iteration of the stage that is due."""
        return super().update(batch) if self.epoch_ < self.seen_epochs else self.pool_update()

    def pool_update(self) -> dict[str, Tensor]:
        """Steps of the critic of unlabelled codes, then one of their generator."""
        n = self.critic_steps * self.batch_size
        with torch.no_grad():
            real, fake = self.latent_(self.pool_batch(n)), self._made(n)
        found = self._pool_step.critic_steps_on(real, fake, None, self.streams.uniform("pool mix", n))
        theirs = dict(self.generator_.named_parameters())
        ties = [
            (ours - theirs[name].detach()).square().sum()
            for name, ours in self.pool_generator_.named_parameters() if name.endswith("weight")
        ]  # fmt: skip
        terms: Terms = {
            "adversarial": self._pool_step.adversarial(self._made(self.batch_size), None),
            "tie": (self.tie_weight, 0.5 * torch.stack(ties).sum()),
        }
        found |= self._pool_step.generator_step_on(terms)
        return {f"pool {name}": value for name, value in found.items()}

    def on_epoch_end(self, epoch: int) -> None:
        """Begin the second stage when it is due, and estimate the prior where it is estimated."""
        self.epoch_ = epoch
        if epoch == self.seen_epochs and self.start == "seen":
            self.pool_generator_.load_state_dict(self.generator_.state_dict())
        if epoch >= self.seen_epochs and self._view.class_prior.shares is None:
            self.prepare_scoring()
            self.follow_shares()

    def sample(self, a: Tensor, rng: torch.Generator) -> Tensor:
        """Codes: of unseen classes by the second generator, once it is trained."""
        noise = torch.randn(len(a), self.noise_dim_, generator=rng, device=a.device)
        if self.epoch_ <= self.seen_epochs:
            return self.generator_(noise, a)
        seen = self.class_vectors_[[self.classes_.index(name) for name in self.seen_classes_]]
        kinds, place = a.unique(dim=0, return_inverse=True)
        own = (kinds[:, None] == self.to_device(seen)).all(dim=2).any(dim=1)[place]
        found = self.pool_generator_(noise, a)
        found[own] = self.generator_(noise[own], a[own])
        return found

    def _made(self, n: int) -> Tensor:
        noise = self.streams.normal("pool noise", n, self.noise_dim_)
        return self.pool_generator_(noise, self._vectors[self.pool_classes(n)])
