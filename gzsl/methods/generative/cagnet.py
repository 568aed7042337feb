"""CaGNet's contextual generator of pixel features, over the regions of a picture."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from torch.optim import Optimizer

from gzsl.data.view import TrainView
from gzsl.methods.generative.base import Generator
from gzsl.methods.iterative import Sizes
from gzsl.methods.registry import register
from gzsl.nn.batches import Batch
from gzsl.nn.losses.matching import class_kernel_distance
from gzsl.nn.mlp import MLP
from gzsl.nn.optim import adam
from gzsl.nn.wgan import backpropagate
from gzsl.params import param

BANDWIDTHS = (2.0, 5.0, 10.0, 20.0, 40.0, 60.0)
ROWS_AT_ONCE = 256
LEAST = 1e-6


@register(
    "cagnet",
    family="generative",
    settings=("inductive",),
    fidelity="replicated from code",
    cite="Gu et al., Context-Aware Feature Generation for Zero-Shot Semantic Segmentation, ACM MM 2020, "
    "arXiv:2008.06893",
    year=2020,
    needs=("regions",),
    test_params=[{
        "n_epochs": 16, "batch_size": 32, "hidden_dim": 64, "code_dim": 4, "code_weight": 10.0, "n_cells": 3,
        "lr": 3e-3, "critic_lr": 2e-3, "n_synthetic": 40, "head": {"name": "softmax", "batch_size": 32, "n_epochs": 10},
    }],
)  # fmt: skip
class CaGNet(Generator):
    """Generate features of regions from a class vector and a code of the context in which a region stands.

    A contextual module sees a region f_r (d,) beside the mean of its picture and gives a code k (c,), with mean and
    variance, drawn towards N(0, 1). The generator G (a, k) -> (d,) makes the region anew. A discriminator tells real
    regions from made ones (absolute errors of a sigmoid, as the released "lsgan" is), and names the class. G and the
    contextual module minimise ``|1 - D(G)| + 50 MMD + 100 KL`` and a squared error, where MMD is the distance of
    made from real regions by Gaussian kernels, class by class. A picture of an unseen class is the mean of R regions
    that are made with codes from N(0, 1), a share of each code common to the picture; a head learns from such rows
    and real means.

    **Differences.** The paper segments pictures, with a network that learns (DeepLabV2), 600-d sigmoid features and
    labels a pixel; segmentation needs masks and is not here: regions are given and frozen, every region has its
    picture's label, background included, and what is classified is the picture. Its contextual module is a pyramid of
    convolutions; here it sees the mean of the picture, so that regions have no order. The released kernel loss runs
    over neighbouring pixels of equal label as if each run were a class; here over classes. Part of the code is common
    to a picture, since the mean of independent regions would hardly differ between pictures (ours). Its finetuning of
    the pixel classifier on made features of unseen classes is the head's work here. The weight of the reconstruction
    is ours: the paper has the term, the released code replaces it by the kernels.

    Notes
    -----
    Needs features scaled to [0, 1] (``preprocess: {features: minmax}``).
    """

    n_epochs: int = param(default=30, low=1, high=100_000, doc="passes over the training rows")
    batch_size: int = param(default=32, low=1, high=1_000_000, doc="pictures a step")
    lr: float = param(default=2e-4, low=1e-7, high=1.0, log=True, tune=(1e-5, 1e-2), doc="learning rate of G")
    critic_lr: float = param(default=2.5e-4, low=1e-7, high=1.0, log=True, doc="learning rate of the discriminator")
    hidden_dim: int = param(default=1024, low=1, high=100_000, doc="hidden units")
    code_dim: int = param(default=64, low=2, high=100_000, symbol="c", doc="of the contextual code; 600 in the paper")
    n_cells: int = param(default=8, low=1, high=10_000, doc="regions a picture that a step looks at")
    matching_weight: float = param(default=50.0, low=0.0, high=1e4, doc="weight of the kernel distance")
    code_weight: float = param(default=100.0, low=0.0, high=1e4, doc="weight of the codes' divergence, a mean")
    reconstruction_weight: float = param(default=10.0, low=0.0, high=1e4, doc="weight of the squared error of regions")
    class_weight: float = param(default=1.0, low=0.0, high=1e4, doc="weight of the discriminator's classes")

    training_only: ClassVar[tuple[str, ...]] = ("critic_", "context_")

    def build(self, sizes: Sizes, rng: torch.Generator) -> None:
        """Make contextual module, generator and discriminator."""
        d, a, h, c = sizes.n_features, sizes.n_attributes, self.hidden_dim, self.code_dim
        self.context_ = MLP([2 * d, h, 2 * c], rng=rng, init="torch-default")
        self.generator_ = MLP([a + c, h, h, d], rng=rng, output="sigmoid", init="torch-default")
        self.critic_ = MLP([d, h, 1 + sizes.n_seen], rng=rng, activation="relu", init="torch-default")

    def optimisers(self) -> dict[str, Optimizer]:
        """Adam for both sides, with the momenta of the released code."""
        made = [*self.generator_.parameters(), *self.context_.parameters()]
        self._makes, self._judges = adam(made, self.lr), adam(self.critic_.parameters(), self.critic_lr)
        return {"generator": self._makes, "critic": self._judges}

    def update(self, batch: Batch) -> dict[str, Tensor]:
        """Take one step of the discriminator, then one of the generator."""
        x, y, a, context = self._cells(batch)
        fake, mean, log_var = self._made(x, a, context)
        judged = self._judged(x, fake.detach(), y)
        _step(self._judges, judged)
        terms = {"adversarial": (1 - self.critic_(fake)[:, 0].sigmoid()).abs().mean()}
        if self.matching_weight:
            terms["matching"] = self.matching_weight * class_kernel_distance(fake, x, y, BANDWIDTHS)
        if self.code_weight:
            terms["codes"] = self.code_weight * (mean**2 + log_var.exp() - 1 - log_var).mean() / 2
        if self.reconstruction_weight:
            terms["reconstruction"] = self.reconstruction_weight * ((fake - x) ** 2).mean()
        _step(self._makes, terms)
        return {name: value.detach() for name, value in (judged | terms).items()}

    def _cells(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Some regions of every picture (m, d), with classes, class vectors, and the means of their pictures."""
        n, n_regions = batch.x.shape[:2]
        count = min(self.n_cells, n_regions)
        chosen = self.streams.uniform("cells", n, n_regions).argsort(dim=1)[:, :count]
        x = batch.x.gather(1, chosen[:, :, None].expand(-1, -1, batch.x.shape[2])).flatten(0, 1)
        context = batch.x.mean(dim=1).repeat_interleave(count, dim=0)
        return x, batch.y.repeat_interleave(count), batch.a.repeat_interleave(count, dim=0), context

    def _made(self, x: Tensor, a: Tensor, context: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        mean, log_var = self.context_(torch.cat([x, context], dim=1)).chunk(2, dim=1)
        log_var = log_var.clamp(-8, 8)
        code = mean + (log_var / 2).exp() * self.streams.normal("code", *mean.shape)
        return self.generator_(torch.cat([a, code], dim=1)), mean, log_var

    def _judged(self, x: Tensor, fake: Tensor, y: Tensor) -> dict[str, Tensor]:
        real, made = self.critic_(x), self.critic_(fake)
        terms = {"critic": (1 - real[:, 0].sigmoid()).mean() + made[:, 0].sigmoid().mean()}
        if self.class_weight:
            terms["classes"] = self.class_weight * cross_entropy(real[:, 1:], y)
        return terms

    def sample(self, a: Tensor, rng: torch.Generator) -> Tensor:
        """Means (m, d) of pictures that are made region by region."""
        made = [self._pictures(some, rng) for some in a.split(ROWS_AT_ONCE)]
        return torch.cat(made) if made else a.new_empty(0, self.n_features_)

    def _pictures(self, a: Tensor, rng: torch.Generator) -> Tensor:
        half = self.code_dim // 2
        common = torch.randn(len(a), 1, half, generator=rng, device=a.device).expand(-1, self.n_regions_, -1)
        own = torch.randn(len(a), self.n_regions_, self.code_dim - half, generator=rng, device=a.device)
        vectors = a[:, None].expand(-1, self.n_regions_, -1)
        found: Tensor = self.generator_(torch.cat([vectors, common, own], dim=2).flatten(0, 1))
        return found.view(len(a), self.n_regions_, -1).mean(dim=1)

    def _place(self, view: TrainView) -> None:
        means = view.features.pooled.to_array()
        self.mean_, self.spread_ = means.mean(axis=0), np.maximum(means.std(axis=0), LEAST)
        super()._place(view)

    def represent(self, x: Tensor) -> Tensor:
        """Means of regions as standard scores, since they differ little; rows that were made are means already."""
        return (self.as_made(x) - self.to_device(self.mean_)) / self.to_device(self.spread_)

    def as_made(self, x: Tensor) -> Tensor:
        """Means of regions."""
        return x.mean(dim=1) if x.ndim == 3 else x

    def real_rows(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """Means of real pictures, read some at a time."""
        assert self.rows is not None
        keep = torch.nonzero(y >= 0).flatten()
        found = [self.represent(self.rows.x[some]) for some in keep.split(ROWS_AT_ONCE)]
        return torch.cat(found), y[keep]


def _step(optimiser: Optimizer, terms: dict[str, Tensor]) -> None:
    backpropagate({name: (1.0, value) for name, value in terms.items()}, [optimiser])
    optimiser.step()
