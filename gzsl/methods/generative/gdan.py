"""GDAN: a conditional VAE, a regressor and one critic of pairs teach each other."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import Optimizer

from gzsl.heads import Head, KNNHead
from gzsl.methods.generative.base import Generator
from gzsl.methods.iterative import Sizes
from gzsl.methods.registry import register
from gzsl.nn.batches import Batch, TrainingRows
from gzsl.nn.latent import kl_to_standard_normal, sample_code
from gzsl.nn.losses.reconstruction import squared_rows
from gzsl.nn.mlp import MLP
from gzsl.nn.optim import adam
from gzsl.nn.wgan import Terms, backpropagate, step
from gzsl.params import param


@register(
    "gdan",
    family="generative",
    settings=("inductive",),
    fidelity="replicated from code",
    cite="Huang, Wang, Yu & Wang, Generative Dual Adversarial Network for Generalized Zero-Shot Learning, CVPR 2019, "
    "arXiv:1811.04857",
    year=2019,
    test_params=[
        {
            "n_epochs": 30,
            "batch_size": 32,
            "lr": 5e-3,
            "encoder_dim": 64,
            "bottleneck_dim": 64,
            "code_dim": 16,
            "critic_dim": 64,
            "regressor_dim": 64,
            "pretrain_epochs": 10,
            "n_synthetic": 40,
            "noise": noise,
            "head": {"name": "softmax", "batch_size": 32, "n_epochs": 10},
        }
        for noise in ("normal", "uniform")
    ],  # fmt: skip
)
class GDAN(Generator):
    """Generate features of a class with a VAE, read class vectors off features, and judge pairs of both.

    The encoder E (n, d) gives mean and log-variance of a code, the decoder G ([a, z]) -> (n, d), the regressor
    R (n, d) -> (n, a), the discriminator D([x, a]) -> (n,) with least squares. D learns
    ``(D(x,a)-1)² + D(x',a)² + θ₃ D(x,R(x))² + D(x,a⁻)²`` with ``a⁻`` the vector of another class; the others
    ``L_VAE + (D(x',a)-1)² + θ₁ [(R(x')-a)² + (G(E(x),R(x))-x)²] + θ₂ (R(x)-a)² + θ₃ (D(x,R(x))-1)²``. The VAE is
    trained alone first. The head is the nearest neighbour among real seen and synthetic rows.

    **Differences.** The released code draws its noise from U(0, 1) in training and sampling (``noise: uniform``;
    the paper's normal noise is the default). It never clears gradients while the VAE is trained alone
    (``pretrain_gradients: accumulated``), so that the growing sum outweighs the weight decay; its authors cleared
    them in a later commit and took that back, so the published rate and passes (150 to 670) were chosen with it. In
    that pretraining it keeps one order of rows for all passes; here each pass has its own. It learns from the train
    split without the validation classes, so that those can never be predicted, which is not offered.
    """

    n_synthetic: int = param(default=500, low=1, high=1_000_000, doc="synthetic rows an unseen class")
    head: Head = param(default_factory=KNNHead, doc="classifier of real and synthetic rows")
    lr: float = param(default=1e-5, low=1e-8, high=1.0, log=True, tune=(1e-5, 1e-3), doc="learning rate of Adam")
    weight_decay: float = param(default=0.01, low=0.0, high=10.0, doc="weight of the squared parameters")
    encoder_dim: int = param(default=1200, low=1, high=100_000, doc="units of the encoder's first layer")
    bottleneck_dim: int = param(default=600, low=1, high=100_000, doc="units of its second and of the decoder's layer")
    code_dim: int = param(default=100, low=1, high=100_000, symbol="d_z", doc="size of the code")
    regressor_dim: int = param(default=512, low=1, high=100_000, doc="hidden units of the regressor")
    critic_dim: int = param(default=800, low=1, high=100_000, doc="hidden units of the discriminator")
    dropout: float = param(default=0.3, low=0.0, high=0.95, doc="after the encoder's first layer")
    cycle_weight: float = param(default=0.1, low=0.0, high=1e4, symbol="θ₁", doc="weight of both cycles")
    regression_weight: float = param(default=0.1, low=0.0, high=1e4, symbol="θ₂", doc="weight of the regression")
    dual_weight: float = param(default=0.1, low=0.0, high=1e4, symbol="θ₃", doc="weight of judged regressions")
    pretrain_epochs: int = param(default=150, low=0, high=100_000, doc="epochs of the VAE alone")
    pretrain_gradients: str = param(
        default="cleared", choices=("cleared", "accumulated"), doc="of the VAE alone; accumulated as released"
    )
    noise: str = param(default="normal", choices=("normal", "uniform"), doc="of codes; uniform as released")

    batches_per_update: ClassVar[int] = 2
    training_only: ClassVar[tuple[str, ...]] = ("encoder_", "moments_", "regressor_", "critic_")

    def build(self, sizes: Sizes, rng: torch.Generator) -> None:
        """Make encoder, decoder, regressor and discriminator."""
        d, a, z = sizes.n_features, sizes.n_attributes, self.code_dim
        init = {"rng": rng, "activation": "relu", "init": "torch-default"}
        self.encoder_ = MLP([d, self.encoder_dim], output="relu", **init)  # type: ignore[arg-type]
        self.moments_ = MLP([self.encoder_dim, self.bottleneck_dim, 2 * z], **init)  # type: ignore[arg-type]
        self.decoder_ = MLP([a + z, self.bottleneck_dim, d], output="relu", **init)  # type: ignore[arg-type]
        self.regressor_ = MLP([d, self.regressor_dim, a], output="relu", **init)  # type: ignore[arg-type]
        self.critic_ = MLP([d + a, self.critic_dim, 1], **init)  # type: ignore[arg-type]

    def optimisers(self) -> dict[str, Optimizer]:
        """Adam with β₁ = 0.8, for the discriminator and for the rest."""
        rest = nn.ModuleList([self.encoder_, self.moments_, self.decoder_, self.regressor_])
        self._adams = tuple(
            adam(part.parameters(), self.lr, beta1=0.8, weight_decay=self.weight_decay) for part in (self.critic_, rest)
        )
        return {"critic": self._adams[0], "rest": self._adams[1]}

    def pretrain(self, rows: TrainingRows) -> None:
        """Train the VAE alone."""
        vae = nn.ModuleList([self.encoder_, self.moments_, self.decoder_])
        optimiser = adam(vae.parameters(), self.lr, beta1=0.9, weight_decay=self.weight_decay)
        order = self.streams.fresh("pretrain", device="cpu")
        cleared = (optimiser,) if self.pretrain_gradients == "cleared" else ()
        for _ in range(self.pretrain_epochs):
            for picked in torch.randperm(len(rows), generator=order).split(self.batch_size):
                batch = rows.batch(picked)
                found, divergence = self.autoencode(batch.x, batch.a)
                backpropagate({"vae": (1.0, self._vae(found, batch.x, divergence))}, cleared)
                step(optimiser)

    def autoencode(self, x: Tensor, a: Tensor) -> tuple[Tensor, Tensor]:
        """Reconstruction under class vectors ``a``, (n, d), and the mean divergence of the codes, 0-d."""
        hidden = self.encoder_(x)
        mean, logvar = self.moments_(self.streams.dropout(hidden, self.dropout)).chunk(2, dim=1)
        noise = self.streams.normal if self.noise == "normal" else self.streams.uniform
        code = sample_code(mean, logvar, noise("code", *mean.shape))
        return self.decoder_(torch.cat([a, code], dim=1)), kl_to_standard_normal(mean, logvar).mean()

    def update(self, batch: Batch) -> dict[str, Tensor]:
        """One step of the discriminator on the first half, one of the others on the second."""
        half = self.batch_size
        judged = self._judge(batch.part(slice(0, half)))
        losses = backpropagate(judged, self._adams[:1])
        step(self._adams[0])
        losses |= backpropagate(self._learn(batch.part(slice(half, 2 * half))), self._adams)
        step(self._adams[1])
        return losses

    def _judge(self, batch: Batch) -> Terms:
        assert self.rows is not None
        x, a, table = batch.x, batch.a, self.rows.table
        with torch.no_grad():
            fake, regressed = self.autoencode(x, a)[0], self.regressor_(x)
        drawn = (self.streams.uniform("negative", len(batch)) * max(1, len(table) - 1)).long()
        wrong = table[(batch.y + 1 + drawn) % len(table)]
        return {
            "judge_real": (1.0, (self._score(x, a) - 1).square().mean()),
            "judge_fake": (1.0, self._score(fake, a).square().mean()),
            "judge_regressed": (self.dual_weight, self._score(x, regressed).square().mean()),
            "judge_wrong": (1.0, self._score(x, wrong).square().mean()),
        }

    def _learn(self, batch: Batch) -> Terms:
        x, a = batch.x, batch.a
        fake, divergence = self.autoencode(x, a)
        regressed = self.regressor_(x)
        again = self.autoencode(x, regressed)[0]
        cycles = functional.mse_loss(self.regressor_(fake), a) + functional.mse_loss(again, x)
        return {
            "vae": (1.0, self._vae(fake, x, divergence)),
            "adversarial": (1.0, (self._score(fake, a) - 1).square().mean()),
            "cycles": (self.cycle_weight, cycles),
            "regression": (self.regression_weight, functional.mse_loss(regressed, a)),
            "dual": (self.dual_weight, (self._score(x, regressed) - 1).square().mean()),
        }

    def _score(self, x: Tensor, a: Tensor) -> Tensor:
        found: Tensor = self.critic_(torch.cat([x, a], dim=1))
        return found.squeeze(1)

    def _vae(self, found: Tensor, x: Tensor, divergence: Tensor) -> Tensor:
        return 0.5 * squared_rows(found, x) + divergence

    def sample(self, a: Tensor, rng: torch.Generator) -> Tensor:
        """Decode one code from the prior a class vector."""
        draw = torch.randn if self.noise == "normal" else torch.rand
        code = draw(len(a), self.code_dim, generator=rng, device=a.device)
        return self.decoder_(torch.cat([a, code], dim=1))
