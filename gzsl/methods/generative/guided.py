"""Wasserstein GANs whose features a frozen classifier of the seen classes should recognise."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from gzsl.heads import SoftmaxHead
from gzsl.methods.generative.adversarial import AdversarialGenerator
from gzsl.methods.iterative import Sizes
from gzsl.nn.batches import Batch, TrainingRows
from gzsl.nn.losses.classification import frozen_softmax_loss
from gzsl.nn.wgan import Terms
from gzsl.params import param


class GuidedGenerator(AdversarialGenerator):
    """An adversarial generator with the classification term of f-CLSWGAN."""

    cls_weight: float = param(default=0.01, low=0.0, high=1e4, symbol="β", doc="weight of the classification loss")
    pretrain_epochs: int = param(default=50, low=1, high=10_000, doc="epochs of the frozen classifier")

    training_only: ClassVar[tuple[str, ...]] = ("critic_", "classifier_")

    def build_parts(self, sizes: Sizes, rng: torch.Generator) -> None:
        """Make the classifier to be frozen."""
        self.classifier_ = nn.Linear(sizes.n_features, sizes.n_seen).requires_grad_(False)

    def pretrain(self, rows: TrainingRows) -> None:
        """Train the classifier of the seen classes on real rows."""
        super().pretrain(rows)
        head = SoftmaxHead(lr=1e-3, batch_size=100, n_epochs=self.pretrain_epochs)
        state = head.fit(rows.x, rows.y, len(rows.table), rng=self.streams.fresh("pretrain"))
        self.classifier_.load_state_dict(state)

    def terms(self, batch: Batch, fake: Tensor) -> Terms:
        """The classification term."""
        loss = frozen_softmax_loss(fake, batch.y, self.classifier_.weight, self.classifier_.bias)
        return {"classification": (self.cls_weight, loss)}
