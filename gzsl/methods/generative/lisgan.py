"""LisGAN: generated rows should be near soul samples of their class."""

from __future__ import annotations

from typing import ClassVar

import torch
from sklearn.cluster import KMeans
from torch import Tensor

from gzsl.methods.generative.guided import GuidedGenerator
from gzsl.methods.registry import register
from gzsl.nn.batches import Batch, TrainingRows
from gzsl.nn.losses.class_structure import nearest_prototype
from gzsl.nn.stacking import take
from gzsl.nn.wgan import Terms
from gzsl.params import param


@register(
    "lisgan",
    family="generative",
    settings=("inductive", "transductive"),
    fidelity="replicated from code",
    cite="Li, Jing, Lu, Ding, Zhu & Huang, Leveraging the Invariant Side of Generative Zero-Shot Learning, CVPR 2019, "
    "arXiv:1904.04092",
    year=2019,
    test_params=[
        {
            "n_epochs": 20,
            "batch_size": 32,
            "hidden_dim": 64,
            "lr": 5e-3,
            "n_synthetic": 40,
            "pretrain_epochs": 5,
            "mean_samples": 4,
            "head": {"name": "softmax", "batch_size": 32, "n_epochs": 10},
        }
    ],  # fmt: skip
)
class LisGAN(GuidedGenerator):
    """f-CLSWGAN with two terms about soul samples, the cluster centres of each class's real rows.

    With ``s_k^c`` the k-means centres of class c, the generator's loss has besides the terms of f-CLSWGAN
    ``w_s mean_b min_k ||G(z_b, a_b) - s_k^y||²`` and
    ``w_m mean_c min_k ||mean_j G(z_j, a_c) - s_k^c||²`` over all seen classes, with fresh rows in every step.

    **Differences.** The released classifier is transductive in every setting: it labels the test rows it is surest
    of and learns from them. Here that is a head of its own, ``head: {name: cascade}``, which needs
    ``setting: transductive``; with the softmax head the method is inductive. The released certainty tends to pick
    the least certain rows (``certainty: released``). ``classes_per_step`` may bound the work of the second term,
    which generates rows of every seen class in each step (null: all, as released).
    """

    pretrain_epochs: int = param(default=100, low=1, high=10_000, doc="epochs of the frozen classifier")
    n_souls: int = param(default=3, low=1, high=1000, doc="soul samples a class")
    sample_weight: float = param(
        default=0.001, low=0.0, high=1e3, doc="weight of rows near soul samples (proto_param2)"
    )
    mean_weight: float = param(default=0.01, low=0.0, high=1e3, doc="weight of means near soul samples (proto_param1)")
    mean_samples: int = param(default=20, low=1, high=1000, doc="rows a class whose mean is taken in each step")
    classes_per_step: int | None = param(
        default=None, low=1, high=100_000, doc="seen classes whose means are taken in each step; null: all"
    )

    stackable: ClassVar[bool] = True
    training_only: ClassVar[tuple[str, ...]] = ("critic_", "classifier_")

    def pretrain(self, rows: TrainingRows) -> None:
        """Train the classifier and find the soul samples."""
        super().pretrain(rows)
        self.souls_ = torch.stack([self._souls(rows.x[rows.y == c]) for c in range(len(rows.table))])

    def _souls(self, x: Tensor) -> Tensor:
        """Cluster centres of one class, (k, d); repeated when it has fewer rows."""
        k = min(self.n_souls, len(x))
        if k == len(x):
            return x[torch.arange(self.n_souls, device=x.device) % k]
        seed = int(self.streams.fresh("souls", device="cpu").initial_seed() % 2**32)
        found = KMeans(k, n_init=10, random_state=seed).fit(x.cpu().numpy()).cluster_centers_
        return torch.as_tensor(found, dtype=x.dtype, device=x.device)

    def terms(self, batch: Batch, fake: Tensor) -> Terms:
        """Classification, and the two terms about soul samples."""
        assert self.rows is not None
        table, m = self.rows.table, self.mean_samples
        n_classes = table.shape[-2]
        picked = torch.arange(n_classes, device=table.device).expand(table.shape[:-1])
        if self.classes_per_step is not None and self.classes_per_step < n_classes:
            picked = self.streams.uniform("classes", n_classes).topk(self.classes_per_step).indices
        a = take(table, picked).repeat_interleave(m, dim=-2)
        made = self.generator_(self.noise(a.shape[-2]), a)
        means = made.unflatten(-2, (picked.shape[-1], m)).mean(dim=-2)
        return super().terms(batch, fake) | {
            "near_souls": (self.sample_weight, nearest_prototype(fake, take(self.souls_, batch.y))),
            "means_near_souls": (self.mean_weight, nearest_prototype(means, take(self.souls_, picked))),
        }
