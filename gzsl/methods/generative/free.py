"""FREE: f-VAEGAN with a network that refines features of all classes alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from gzsl.methods.generative.variational import VariationalGenerator
from gzsl.methods.iterative import Sizes
from gzsl.methods.registry import register
from gzsl.nn.batches import Batch
from gzsl.nn.frozen import frozen
from gzsl.nn.losses.class_structure import centre_margin, hardest_centres
from gzsl.nn.losses.reconstruction import weighted_l1
from gzsl.nn.mlp import MLP
from gzsl.nn.optim import adam
from gzsl.nn.wgan import Terms
from gzsl.params import param


@register(
    "free",
    family="generative",
    settings=("inductive",),
    fidelity="replicated from code",
    cite="Chen, Wang, Xia, Peng, You, Zheng & Shao, FREE: Feature Refinement for Generalized Zero-Shot Learning, "
    "ICCV 2021, arXiv:2107.13807",
    year=2021,
    test_params=[
        {
            "n_epochs": 20,
            "batch_size": 32,
            "hidden_dim": 64,
            "lr": 5e-3,
            "n_synthetic": 40,
            "refiner_lr": 5e-3,
            "margin": 20.0,
            "negative": negative,
            "freeze_refiner": negative == "random",
            "head": {"name": "softmax", "batch_size": 32, "n_epochs": 10},
        }
        for negative in ("hardest", "random")
    ],  # fmt: skip
)
class FREE(VariationalGenerator):
    """f-VAEGAN, and a refiner whose code is near its class's centre and tells the attributes.

    The refiner R (n, d) -> (n, 2a) gives mean μ and spread s of a code; attributes are read off as
    ``â = sigmoid(μ + s ε)``. Within the critic's steps it minimises, on real rows, the margin centre loss
    (`gzsl.nn.losses.class_structure.centre_margin`) of μ and the weighted error of ``â``; generated rows should be
    readable too. The head sees ``[x, hidden(x), sigmoid(μ(x))]``.

    **Differences.** The released code reads attributes off a sampled code at test time too, so that a row's scores
    change from call to call; here the mean is used. It never clears the centres' gradients, which add up over the
    whole run; here they are cleared. Its negative centre is a random one, which may be the own, for CUB, FLO and
    SUN (``negative: random``, here never the own), the nearest wrong one otherwise. Its unused heads are left out.
    The paper shows the centre loss on generated features as well; the code, and this, use real ones.

    Notes
    -----
    Needs features in [0, 1] and attributes in [0, 1] (``normalise: l2`` of non-negative ones).
    """

    critic_steps: int = param(default=1, low=1, high=100, symbol="n_critic", doc="critic steps a generator step")
    centre_weight: float = param(default=0.5, low=0.0, high=1e4, symbol="λ_SAMC", doc="weight of the centre loss")
    inner: float = param(default=0.8, low=0.0, high=1.0, symbol="γ", doc="weight of the own centre in it")
    margin: float = param(default=200.0, low=0.0, high=1e6, symbol="Δ", doc="of the centre loss, in squared units")
    negative: str = param(default="random", choices=("random", "hardest"), doc="which wrong centre to stay away from")
    reconstruction_weight: float = param(default=0.001, low=0.0, high=1e4, doc="weight of the attributes' error")
    refiner_lr: float = param(default=1e-4, low=1e-8, high=1.0, log=True, doc="learning rate of the refiner")
    freeze_refiner: bool = param(default=False, doc="let the refiner learn from real rows alone")

    training_only: ClassVar[tuple[str, ...]] = ("critic_", "encoder_", "centres_")

    def build_parts(self, sizes: Sizes, rng: torch.Generator) -> None:
        """Make encoder, refiner and centres."""
        super().build_parts(sizes, rng)
        a = sizes.n_attributes
        self.refiner_ = MLP([sizes.n_features, self.hidden_dim, 2 * a], rng=rng)
        self.centres_ = nn.Embedding(sizes.n_seen, a, _weight=torch.randn(sizes.n_seen, a, generator=rng))

    def with_critic(self) -> Sequence[nn.Module]:
        """The refiner learns from real rows in the critic's steps."""
        return (self.refiner_,)

    def part_rate(self) -> float:
        """Learning rate of the refiner."""
        return self.refiner_lr

    def optimisers(self) -> dict[str, Optimizer]:
        """As f-VAEGAN, and one for the centres; the refiner's steps with the generator too, unless frozen."""
        made = super().optimisers()
        made["centres"] = adam(self.centres_.parameters(), self.lr)
        self._step.with_d = (*self._step.with_d, made["centres"])
        if not self.freeze_refiner:
            self._step.with_g = (*self._step.with_g, made["with_critic"])
        return made

    def critic_terms(self, batch: Batch, fake: Tensor) -> Terms:
        """Centre loss and attributes of real rows."""
        mean, attributes = self._read(self.refiner_(batch.x))
        centres = self.centres_.weight
        if self.negative == "hardest":
            other = hardest_centres(mean, batch.y, centres)
        else:
            drawn = self.streams.uniform("negative", len(batch)) * (len(centres) - 1)
            other = (batch.y + 1 + drawn.long()) % len(centres)
        margin = centre_margin(mean, batch.y, centres, other, self.inner, self.margin)
        error = weighted_l1(attributes, batch.a)
        return {"centres": (self.centre_weight, margin), "real_attributes": (self.reconstruction_weight, error)}

    def terms(self, batch: Batch, fake: Tensor) -> Terms:
        """Attributes of generated rows."""
        found = frozen(self.refiner_, fake) if self.freeze_refiner else self.refiner_(fake)
        return {"fake_attributes": (self.reconstruction_weight, weighted_l1(self._read(found)[1], batch.a))}

    def _read(self, found: Tensor) -> tuple[Tensor, Tensor]:
        mean, spread = found.chunk(2, dim=1)
        code = mean + spread.sigmoid() * self.streams.normal("reading", *mean.shape)
        return mean, code.sigmoid()

    def represent(self, x: Tensor) -> Tensor:
        """Features, the refiner's hidden layer and attributes of the mean code: (n, d) -> (n, d + h + a)."""
        hidden = self.refiner_.hidden(x)
        mean = self.refiner_.output(hidden).chunk(2, dim=1)[0]
        return torch.cat([x, hidden, mean.sigmoid()], dim=1)
