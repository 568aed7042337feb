"""Bi-VAEGAN: f-VAEGAN whose rows of unseen classes are matched to unlabelled ones, in both directions."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional
from torch.optim import Optimizer

from gzsl.methods.generative.variational import VariationalGenerator
from gzsl.methods.iterative import Sizes
from gzsl.methods.registry import register
from gzsl.methods.transductive.regressing import INNER, RegressorTurns
from gzsl.nn.batches import Batch, TrainingRows
from gzsl.nn.critic import Critic
from gzsl.nn.decoupled import adamw
from gzsl.nn.frozen import frozen
from gzsl.nn.latent import kl_to_standard_normal
from gzsl.nn.losses.reconstruction import weighted_l1
from gzsl.nn.on_sphere import NormedEncoder, on_sphere, perturbed
from gzsl.nn.penalty_weight import adapted
from gzsl.nn.wgan import WGANGP, Terms
from gzsl.params import param


@register(
    "bi-vaegan",
    family="transductive",
    settings=("transductive",),
    fidelity="replicated from code",
    cite="Wang, Hao, Mu, Li, Wang & He, Bi-directional Distribution Alignment for Transductive Zero-Shot Learning, "
    "CVPR 2023, arXiv:2303.08698",
    year=2023,
    needs=("unlabelled",),
    test_params=[{
        "n_epochs": 30, "batch_size": 32, "hidden_dim": 64, "attribute_dim": 16, "lr": 5e-4, "n_synthetic": 40,
        "critic_steps": 2, "head": {"name": "softmax", "batch_size": 32, "n_epochs": 30, "lr": 1e-2},
    }],
)  # fmt: skip
class BiVAEGAN(RegressorTurns, VariationalGenerator):
    """Generate rows on a sphere that a critic cannot tell from unlabelled ones, and that lead back to class vectors.

    Rows have length r. Beside f-VAEGAN's conditional critic D of seen classes, D_u compares unlabelled rows with rows
    ``G(z, a_u)`` of classes drawn by the class prior. Every fifth step a regressor R (n, d) -> (n, a), unit length,
    learns ``W(R(x), a)`` of seen rows (`gzsl.nn.losses.reconstruction.weighted_l1`) against a critic D_a that
    compares what it makes of seen and unlabelled rows with class vectors. The generator's loss adds
    ``-γ_u D_u(G(z, a_u)) + β W(R(G(z, a_u)), a_u)``. The head sees ``[x, R(x), hidden of R]``.

    **Differences.** Released code draws unseen classes through the labels of the test rows (``class_prior: given``
    here) unless told otherwise, and keeps the epoch that is best on test. The three critics' penalties are in closed
    form, at interpolates moved to the sphere, those of class vectors to its radius too, as released. Rows of the
    regressor's turns are drawn with replacement; the encoder's batch normalisation sees the batches of all critic
    steps at once, released code one. Where the prior is estimated it starts uniform, without the
    unlabelled terms for ``inductive_epochs``; released code has k-means cluster what the head sees (``prior_rows``).
    """

    radius: float = param(default=1.0, low=1e-3, high=1e3, log=True, symbol="r", doc="length of rows")
    penalty_rule: str = param(default="adaptive", choices=("fixed", "adaptive"), doc="weights of penalties")
    critic_weight: float = param(default=10.0, low=0.0, high=1e6, symbol="γ_D", doc="of the loss of D")
    pool_critic_weight: float = param(default=10.0, low=0.0, high=1e6, doc="of the loss of D_u (gammaD_un)")
    pool_weight: float = param(default=10.0, low=0.0, high=1e6, symbol="γ_u", doc="of D_u's view of generated rows")
    cycle_weight: float = param(default=1.0, low=0.0, high=1e4, symbol="β", doc="of R's view of them")
    perturb_synthesis: float = param(default=0.0, low=0.0, high=10.0, doc="the same in synthesis (perb: 1)")
    inductive_epochs: int = param(default=1, low=0, high=100_000, doc="epochs without unlabelled rows; estimated prior")

    training_only: ClassVar[tuple[str, ...]] = ("critic_", "encoder_", "pool_critic_", "attribute_critic_")

    def build_parts(self, sizes: Sizes, rng: torch.Generator) -> None:
        """Make encoder, regressor and the two critics of unlabelled rows."""
        h, d, a = self.hidden_dim, sizes.n_features, sizes.n_attributes
        self.generator_.net._output = torch.nn.Identity()  # rows are put on the sphere by `decode`
        self.encoder_ = NormedEncoder(  # type: ignore[assignment]
            d, a, self.noise_dim_, hidden_dim=h, rng=rng
        )
        self.build_regressor(d, a, h, rng)
        self.pool_critic_ = Critic(d, rng=rng, hidden_dim=h)
        self.pool_critic_.output.bias.requires_grad_(False)
        self.epoch_ = 0

    def pretrain(self, rows: TrainingRows) -> None:
        """Start the weights of the penalties."""
        self.penalty_weight_ = torch.tensor(self.gp_weight, device=self.device)
        self.pool_penalty_weight_ = self.penalty_weight_.clone()

    def optimisers(self) -> dict[str, Optimizer]:
        """Adam with decoupled decay for every network."""
        parts = {name.rstrip("_"): network for name, network in self.networks().items()}
        made: dict[str, Optimizer] = {
            name: adamw([p for p in part.parameters() if p.requires_grad], self.lr) for name, part in parts.items()
        }
        self._opt, G = made, self.generator_
        self._step = WGANGP(
            G, self.critic_, made["generator"], made["critic"],
            n_critic=self.critic_steps, radius=self.radius,
            critic_weight=self.critic_weight, adversarial_weight=self.adversarial_weight, with_g=[made["encoder"]],
        )  # fmt: skip
        self._pool_step = WGANGP(
            G, self.pool_critic_, made["generator"], made["pool_critic"],
            n_critic=self.critic_steps, radius=self.radius,
            critic_weight=self.pool_critic_weight, adversarial_weight=self.pool_weight,
        )  # fmt: skip
        self._attribute_step = WGANGP(
            self.regressor_, self.attribute_critic_, made["regressor"], made["attribute_critic"], n_critic=INNER,
            critic_weight=2 * self.attribute_critic_weight, gp_weight=0.05, radius=self.radius,
        )  # fmt: skip
        return made

    def constants(self, rows: TrainingRows) -> dict[str, Tensor]:
        """Class vectors of all classes."""
        return {"_vectors": self.to_device(self._view.semantics.table)}

    @property
    def sees_pool(self) -> bool:
        """Whether unlabelled rows take part at present."""
        return self._view.class_prior.name != "estimated" or self.epoch_ >= self.inductive_epochs

    def update(self, batch: Batch) -> dict[str, Tensor]:
        """The regressor's turn every fifth step; critics; generator and encoder."""
        batch = Batch(self.on_sphere(batch.x), batch.y, batch.a)
        turn = self.due()
        losses = self.regress(self._attribute_step, self._opt["regressor"], self._vectors) if turn else {}
        return losses | super().update(batch)

    def critic_update(self, batch: Batch) -> dict[str, Tensor]:
        """Steps of D on seen rows, then of D_u on unlabelled ones; both weights of penalties follow."""
        losses = super().critic_update(batch)
        if not self.sees_pool:
            return losses
        n = self.critic_steps * self.batch_size
        real, self._classes = self.on_sphere(self.pool_batch(n)), self._vectors[self.pool_classes(n)]
        with torch.no_grad():
            fake = self.decode(self.streams.normal("pool noise", n, self.noise_dim_), self._classes)
        self._pool_step.gp_weight = self.pool_penalty_weight_
        found = self._pool_step.critic_steps_on(real, fake, None, self.streams.uniform("pool mix", n))
        if self.penalty_rule == "adaptive":
            self.pool_penalty_weight_ = adapted(self.pool_penalty_weight_, found["gradient_penalty"])
        return losses | {f"pool {name}": value for name, value in found.items()}

    def generator_update(self, batch: Batch) -> dict[str, Tensor]:
        """One step of generator and encoder: all rows that it needs are decoded in one pass."""
        n = len(batch)
        mean, logvar, code = self.encoded(batch)
        codes, vectors = [code], [batch.a]
        if self.fake_source == "prior":
            codes, vectors = [*codes, self.noise(n)], [*vectors, batch.a]
        if self.sees_pool:  # classes of the last step's unlabelled rows
            codes.append(self.streams.normal("pool noise", n, self.noise_dim_))
            vectors.append(self._classes[-n:])
        made = self.decode(torch.cat(codes), torch.cat(vectors)).split(n)
        terms: Terms = {
            "reconstruction": (self.vae_weight, self.reconstruction(made[0], batch.x)),
            "divergence": (self.vae_weight, kl_to_standard_normal(mean, logvar).mean(dim=-1)),
            "adversarial": self._step.adversarial(made[self.fake_source == "prior"], batch.a),
        }
        if self.sees_pool:
            terms["pool adversarial"] = self._pool_step.adversarial(made[-1], None)
            terms["cycle"] = (self.cycle_weight, weighted_l1(frozen(self.regressor_, made[-1]), vectors[-1]))
        return self._step.generator_step_on(terms)

    def on_epoch_end(self, epoch: int) -> None:
        """Estimate the prior anew where it is estimated."""
        self.epoch_ = epoch
        if self._view.class_prior.shares is None:
            self.prepare_scoring()
            self.follow_shares(self.rows_to_check(self._view.semantics.take(self._view.candidates)))

    def on_sphere(self, x: Tensor) -> Tensor:
        """Rows at the length r."""
        return on_sphere(x, self.radius)

    def decode(self, code: Tensor, a: Tensor, *, training: bool = True) -> Tensor:
        """Rows of codes and class vectors, on the sphere."""
        return self.on_sphere(self.generator_(code, a))

    def reconstruction(self, found: Tensor, expected: Tensor) -> Tensor:
        """Mean squared error of an entry, divided by the rows once more, as released: next to nothing."""
        return functional.mse_loss(found, expected) / len(found)

    def represent(self, x: Tensor) -> Tensor:
        """Rows, regressed class vectors and the regressor's hidden layer: (n, d) -> (n, d + a + h)."""
        x = self.on_sphere(x)
        hidden = self.regressor_.hidden(x)
        return torch.cat([x, self.regressor_.output(hidden), hidden], dim=1)

    def sample(self, a: Tensor, rng: torch.Generator) -> Tensor:
        """Decode one code from the prior a class vector, which may be perturbed."""
        noise = torch.rand(a.shape, generator=rng, device=a.device)
        return super().sample(perturbed(a, self.perturb_synthesis, noise), rng)
