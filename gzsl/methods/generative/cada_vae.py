"""CADA-VAE: aligned variational autoencoders of features and of class vectors."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor
from torch.optim import Optimizer

from gzsl.heads import Head, SoftmaxHead
from gzsl.methods.generative.base import Generator
from gzsl.methods.iterative import Sizes
from gzsl.methods.registry import register
from gzsl.nn.aligned_gradients import AlignedAutoencoders
from gzsl.nn.batches import Batch
from gzsl.nn.mlp import MLP
from gzsl.nn.optim import adam
from gzsl.nn.wgan import Terms, step, weighted_sum
from gzsl.params import param


@register(
    "cada-vae",
    family="generative",
    settings=("inductive",),
    fidelity="replicated from code",
    cite="Schönfeld, Ebrahimi, Sinha, Darrell & Akata, Generalized Zero- and Few-Shot Learning via Aligned Variational "
    "Autoencoders, CVPR 2019, arXiv:1812.01784",
    year=2019,
    test_params=[
        {
            "n_epochs": 30,
            "batch_size": 32,
            "lr": 2e-3,
            "code_dim": 16,
            "feature_dims": [64, 64],
            "attribute_dims": [64, 64],
            "n_synthetic": 60,
            "n_real": 40,
            "cross_epochs": [0, 5],
            "alignment_epochs": [0, 1],
            "alignment_weight": 0.5,
            "divergence_weight": 0.05,
            "codes": codes,
            "head": {"name": "softmax", "batch_size": 32, "n_epochs": 20, "lr": 2e-2},
        }
        for codes in ("gaussian", "released")
    ],  # fmt: skip
)
class CADAVAE(Generator):
    """Two autoencoders whose codes of a row and of its class vector mean the same; a softmax on codes decides.

    Encoders of features and of class vectors give mean μ and log-variance of a code; each decoder decodes the
    codes of both. With all terms summed over rows and dimensions,
    ``L = L1(D_x(z_x), x) + L1(D_a(z_a), a) + β_t KL + γ_t [L1(D_x(z_a), x) + L1(D_a(z_x), a)] + δ_t W₂``, where W₂
    is the distance between the two Gaussians and the weights rise linearly between two epochs each. The head
    learns from sampled codes, of real rows for seen classes and of class vectors for unseen ones, and sees μ(x).

    **Differences.** The released code samples ``μ + ε exp(log σ²)`` with one ε for all dimensions of a row:
    ``codes: released``, on which published numbers rest. It takes the first 200 rows of a class instead of random
    ones, and a permutation of all rows a batch instead of shuffled passes. Published head epochs (21 to 39 by
    dataset) were chosen on validation classes by the authors.

    Notes
    -----
    Weights follow the epoch number, so that fewer epochs stop earlier on the same path.
    """

    n_epochs: int = param(default=100, low=1, high=100_000, doc="passes over the training rows")
    batch_size: int = param(default=50, low=1, high=1_000_000, doc="rows a step")
    n_synthetic: int = param(default=400, low=1, high=1_000_000, doc="codes an unseen class, over all classes")
    n_real: int = param(default=200, low=1, high=1_000_000, doc="codes a seen class")
    head: Head = param(default_factory=SoftmaxHead, doc="classifier of codes")
    lr: float = param(default=1.5e-4, low=1e-7, high=1.0, log=True, tune=(1e-5, 1e-2), doc="learning rate, amsgrad")
    code_dim: int = param(default=64, low=1, high=10_000, doc="size of the code")
    feature_dims: list[int] = param(
        default_factory=lambda: [1560, 1660], doc="hidden units of the features' encoder and decoder"
    )
    attribute_dims: list[int] = param(
        default_factory=lambda: [1450, 665], doc="hidden units of the class vectors' encoder and decoder"
    )
    divergence_weight: float = param(default=0.25, low=0.0, high=1e4, symbol="β", doc="final weight of the divergence")
    cross_weight: float = param(default=2.37, low=0.0, high=1e4, symbol="γ", doc="final weight of cross-reconstruction")
    alignment_weight: float = param(default=8.13, low=0.0, high=1e4, symbol="δ", doc="final weight of the alignment")
    divergence_epochs: list[int] = param(default_factory=lambda: [0, 93], doc="epochs between which β rises")
    cross_epochs: list[int] = param(default_factory=lambda: [21, 75], doc="epochs between which γ rises")
    alignment_epochs: list[int] = param(default_factory=lambda: [6, 22], doc="epochs between which δ rises")
    codes: str = param(default="gaussian", choices=("gaussian", "released"), doc="how codes are sampled")

    training_only: ClassVar[tuple[str, ...]] = ("attribute_decoder_",)
    scoring_only: ClassVar[tuple[str, ...]] = (*Generator.scoring_only, "n_real")

    def build(self, sizes: Sizes, rng: torch.Generator) -> None:
        """Make the two encoders and the two decoders."""
        z, options = self.code_dim, {"rng": rng, "activation": "relu", "init": "xavier-half"}
        for kind, size, dims in (
            ("feature", sizes.n_features, self.feature_dims),
            ("attribute", sizes.n_attributes, self.attribute_dims),
        ):
            setattr(self, f"{kind}_encoder_", MLP([size, dims[0], 2 * z], **options))  # type: ignore[arg-type]
            setattr(self, f"{kind}_decoder_", MLP([z, dims[1], size], **options))  # type: ignore[arg-type]
        self.epoch_ = 0

    def optimisers(self) -> dict[str, Optimizer]:
        """One Adam with amsgrad."""
        networks = [network for _, network in sorted(self.networks().items())]
        parameters = [p for network in networks for p in network.parameters()]
        self._adam = adam(parameters, self.lr, beta1=0.9, amsgrad=True)
        return {"adam": self._adam}

    def on_epoch_end(self, epoch: int) -> None:
        """Count epochs: the weights follow them."""
        self.epoch_ = epoch

    def update(self, batch: Batch) -> dict[str, Tensor]:
        """Take one step on all terms, summed over rows and dimensions, with their present weights."""
        weights = {
            "divergence": self._rising(self.divergence_weight, self.divergence_epochs),
            "cross": self._rising(self.cross_weight, self.cross_epochs),
            "alignment": self._rising(self.alignment_weight, self.alignment_epochs),
        }
        n, width = len(batch), 1 if self.codes == "released" else self.code_dim
        noise = torch.cat([self.streams.normal(f"code {kind}", n, width) for kind in ("x", "a")])
        losses = self.autoencoders().gradients(batch.x, batch.a, noise, power=self._power(), **weights)
        step(self._adam)
        weighted: Terms = {name: (weights.get(name, 1.0), value) for name, value in losses.items()}
        return losses | {"sum": weighted_sum(weighted)}

    def autoencoders(self) -> AlignedAutoencoders:
        """The four networks."""
        names = [f"{kind}_{role}_" for role in ("encoder", "decoder") for kind in ("feature", "attribute")]
        return AlignedAutoencoders(*(getattr(self, name) for name in names))

    def _power(self) -> float:
        """Power of the variance that the noise of codes is multiplied with."""
        return 1.0 if self.codes == "released" else 0.5

    def _rising(self, weight: float, epochs: list[int]) -> float:
        start, end = epochs
        return weight * min(1.0, max(0.0, (self.epoch_ - start) / max(1, end - start)))

    def _drawn_codes(self, encoder: str, rows: Tensor, rng: torch.Generator) -> Tensor:
        mean, logvar = self.networks()[encoder](rows).chunk(2, dim=1)
        shape = (len(mean), 1) if self.codes == "released" else mean.shape
        return mean + torch.randn(shape, generator=rng, device=mean.device) * (self._power() * logvar).exp()

    def represent(self, x: Tensor) -> Tensor:
        """Mean codes: (n, d) -> (n, z)."""
        return self.networks()["feature_encoder_"](x).chunk(2, dim=1)[0]

    def real_rows(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """Sampled codes of ``n_real`` random rows a class; rows repeat where a class has fewer."""
        assert self.rows is not None
        rng = self.streams.fresh("real codes")
        picked = []
        for c in y[y >= 0].unique().tolist():
            members = torch.nonzero(y == c).flatten()
            order = torch.randperm(len(members), generator=rng, device=rng.device).to(members.device)
            picked.append(members[order][torch.arange(self.n_real, device=members.device) % len(members)])
        rows = torch.cat(picked)
        return self._drawn_codes("feature_encoder_", self.rows.x[rows], rng), y[rows]

    def synthetic_rows(self, a: Tensor, rng: torch.Generator) -> Tensor:
        """Sampled codes of class vectors: (m, a) -> (m, z)."""
        return self._drawn_codes("attribute_encoder_", a, rng)

    def sample(self, a: Tensor, rng: torch.Generator) -> Tensor:
        """Features decoded from sampled codes of class vectors."""
        return self.networks()["feature_decoder_"](self.synthetic_rows(a, rng))
