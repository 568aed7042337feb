"""Subspace regression: a network from class vectors to classifier weights that stay near the span of the seen ones."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from gzsl.data import TrainView
from gzsl.methods.descent import DescentMethod
from gzsl.methods.graph.injection import InjectedClassifier
from gzsl.methods.iterative import Sizes
from gzsl.methods.registry import register
from gzsl.nn.batches import Batch, TrainingRows
from gzsl.nn.mlp import MLP
from gzsl.params import param
from gzsl.semantics import Semantics


@register(
    "subspace-regression",
    family="graph",
    settings=("inductive",),
    fidelity="replicated from code",
    cite="After Akyürek, Akyürek, Wijaya & Andreas, Subspace Regularizers for Few-Shot Class Incremental Learning, "
    "ICLR 2022, arXiv:2110.07059; as a baseline of ICIS",
    year=2022,
    test_params=[{"n_epochs": 150, "hidden_dim": 64, "lr": 1e-2, "batch_size": 8}],
    needs=("classifier",),
)
class SubspaceRegression(InjectedClassifier, DescentMethod):
    """``ŵ_c = W2 ReLU(W1 a_c)``, (a,) -> (h,) -> (d + 1,), fitted to the rows of a trained classifier.

    Mean squared error over entries plus ``γ mean_c |ŵ_c - Q Q' ŵ_c|``, where the columns of Q (d + 1, s) span the seen
    classes' rows: the baseline "Sub. Reg." of image-free injection; see `gzsl.methods.graph.injection`.

    **Differences.** The released code has its stopping rule here too; here the number of epochs is a setting.
    """

    n_epochs: int = param(default=1000, low=1, high=100_000, doc="passes over the seen classes")
    batch_size: int = param(default=16, low=1, high=1_000_000, doc="classes a step")
    lr: float = param(default=1e-5, low=1e-8, high=10.0, log=True, tune=(1e-5, 1e-2), doc="learning rate of Adam")
    hidden_dim: int = param(default=2048, low=1, high=100_000, symbol="h", doc="hidden units")
    span_weight: float = param(default=1e-3, low=0.0, high=1e4, symbol="γ", doc="weight of the distance from the span")

    def _place(self, view: TrainView) -> None:
        self._take_classifier(view)
        basis = np.linalg.qr(self.seen_weights_.T.astype(np.float64))[0]
        self._basis = self.to_device(basis)
        self.rows = TrainingRows(  # type: ignore[misc]
            self.to_device(self.seen_weights_), torch.arange(len(view.seen), device=self.device),
            self.to_device(view.seen_semantics.table),
        )  # fmt: skip
        self._build()

    def rows_a_step(self, available: int) -> int:
        """All classes at most."""
        return min(self.batch_size, available)

    def build(self, sizes: Sizes, rng: torch.Generator) -> None:
        """Make the network."""
        self.network_ = MLP([sizes.n_attributes, self.hidden_dim, sizes.n_features + 1], rng=rng, activation="relu")

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Squared error, and the distance from the span."""
        rows = self.network_(batch.a)
        away = rows - rows @ self._basis @ self._basis.T
        distance = (away.square().sum(dim=1) + 1e-12).sqrt().mean()
        return {"regression": (rows - batch.x).square().mean(), "span": self.span_weight * distance}

    def predicted(self, semantics: Semantics) -> np.ndarray:
        """Regressed rows (C, d + 1)."""
        with torch.inference_mode():
            return self.network_(self.to_device(semantics.table)).cpu().numpy()
