"""Semantic similarity embedding: images and class vectors as histograms over the seen classes."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.optim import Optimizer

from gzsl.data import TrainView
from gzsl.errors import MethodError
from gzsl.methods.embedding.bilinear import pull_from_weights, violations
from gzsl.methods.embedding.rectified import RectifiedHistograms
from gzsl.methods.embedding.simplex import simplex_codes
from gzsl.methods.iterative import IterativeMethod, Sizes
from gzsl.methods.registry import register
from gzsl.nn.batches import Batch, TrainingRows
from gzsl.nn.optim import adam
from gzsl.params import param
from gzsl.semantics import Semantics
from gzsl.semantics.unit_length import at_unit_length

FEWEST_CLASSES = 3


@register(
    "sse",
    family="embedding",
    settings=("inductive",),
    fidelity="from paper",
    cite="Zhang & Saligrama, Zero-Shot Learning via Semantic Similarity Embedding, ICCV 2015, arXiv:1509.04767",
    year=2015,
    test_params=[
        {"n_epochs": 20, "batch_size": 32, "lr": 3e-2, "code_ridge": 0.1},
        {"n_epochs": 10, "batch_size": 32, "lr": 3e-2, "code_ridge": 0.1, "features": "relu", "learn_thresholds": True},
    ],
)
class SSE(IterativeMethod):
    """Compare an image with a class by their mixtures of seen classes.

    A class vector is written as a mixture z_c of the seen ones: ``min |a_c - z_c A|² / 2 + γ |z_c|² / 2`` over the
    simplex. An image has ``Π_s(x) = w · φ_s(x)`` for every seen class s, with rectified features ``φ_s(x) = min(x,
    v_s)`` (``int``) or ``max(0, x - v_s)`` (``relu``) at thresholds v_s (d,), and ``f(x, c) = Π(x) · z_c``. With
    margins ``Δ(y, c) = 1 - cos(a_y, a_c)``, w (d,) and v minimise ``|w|²`` plus hinges ``[Δ + f(x, c) - f(x,
    y)]_+`` of rows and of the means of classes.

    **Differences.** Hinges are minimised by Adam on batches, the class means being those of the batch, instead of a
    linear SVM in alternation with a concave-convex step; thresholds stay at the class means by default, as the
    paper does during its cross-validation (``learn_thresholds`` trains them, kept non-negative).

    Notes ----- Needs non-negative features (not z-scored or centred ones). A step costs rows times seen classes
    times d element-wise operations: fine for tens of classes, slow for SUN's 645. A small γ makes the codes of seen
    classes one-hot, which looks well on seen classes and transfers nothing.
    """

    n_epochs: int = param(default=10, low=1, high=100_000, doc="passes over the training rows, at most")
    batch_size: int = param(default=256, low=1, high=1_000_000, doc="rows a step (ours)")
    lr: float = param(
        default=1e-2, low=1e-8, high=10.0, log=True, tune=(1e-4, 1e-1), doc="learning rate of Adam (ours)"
    )
    code_ridge: float = param(
        default=10.0, low=1e-6, high=1e6, log=True, symbol="γ", tune=(1e-3, 1e2), doc="ridge of the class codes"
    )
    row_weight: float = param(default=1.0, low=0.0, high=1e6, symbol="λ3", doc="weight of the hinges of rows")
    mean_weight: float = param(default=1.0, low=0.0, high=1e6, symbol="λ2", doc="weight of the hinges of class means")
    weight_decay: float = param(
        default=1e-4, low=0.0, high=1e3, doc="weight of |w|²/2 and |v|²/2 (the paper's 1 and λ1)"
    )
    features: str = param(default="int", choices=("int", "relu"), doc="rectified features: intersection or ReLU")
    learn_thresholds: bool = param(default=False, doc="train the thresholds too, not only w")

    def _fit(self, view: TrainView) -> None:
        if len(view.seen) < FEWEST_CLASSES:
            raise MethodError(
                f"sse: found {len(view.seen)} seen classes, expected at least {FEWEST_CLASSES}: images are described "
                "by their similarity to seen classes; use more of them, or another method"
            )
        lowest = min(float(block.min()) for _, block in view.features.blocks())
        if lowest < 0:
            raise MethodError(
                f"sse: found negative training features (down to {lowest:g}), expected non-negative ones; "
                "use preprocess: {features: none}, l2, max or minmax"
            )
        super()._fit(view)

    def build(self, sizes: Sizes, rng: torch.Generator) -> None:
        """Make w and v; `pretrain` places the thresholds."""
        self.histograms_ = RectifiedHistograms(
            sizes.n_features, sizes.n_seen, self.features, self.learn_thresholds
        )

    def _place(self, view: TrainView) -> None:
        super()._place(view)
        self.anchors_ = at_unit_length(view.seen_semantics.table.astype(np.float64))
        self._codes = self.to_device(simplex_codes(self.anchors_, self.anchors_, self.code_ridge))
        self._margins = self.to_device(1 - self.anchors_ @ self.anchors_.T)

    def pretrain(self, rows: TrainingRows) -> None:
        """Put every threshold at the mean of its class."""
        self.histograms_.place_thresholds(rows)

    def optimisers(self) -> dict[str, Optimizer]:
        """One Adam for w and, where they are learnt, v."""
        trained = [p for p in self.histograms_.parameters() if p.requires_grad]
        self._adam = adam(trained, self.lr, beta1=0.9, weight_decay=self.weight_decay)
        return {"adam": self._adam}

    @torch.no_grad()
    def update(self, batch: Batch) -> dict[str, Tensor]:
        """Take one step; gradients are written out, so that the rectified features never exist as a whole."""
        losses, pull = self.pull(self.histograms_(batch.x) @ self._codes.T, batch.y)
        self.histograms_.set_gradients(batch.x, pull @ self._codes)
        self._adam.step()
        self.histograms_.thresholds.clamp_min_(0)
        return losses

    def pull(self, scores: Tensor, y: Tensor) -> tuple[dict[str, Tensor], Tensor]:
        """Hinges of the rows and of the class means of a batch, and their gradient (n, s) by the scores (n, s)."""
        present, place, counts = y.unique(return_inverse=True, return_counts=True)
        sums = torch.zeros(len(present), scores.shape[1]).to(scores).index_add(0, place, scores)
        rows, row_pull = self._hinges(scores, y, self.row_weight)
        means, mean_pull = self._hinges(sums / counts[:, None], present, self.mean_weight)
        return {"rows": rows, "means": means}, row_pull + (mean_pull / counts[:, None])[place]

    def _hinges(self, scores: Tensor, y: Tensor, weight: float) -> tuple[Tensor, Tensor]:
        hinges, share = violations(scores, y, self._margins[y].to(scores)), weight / scores.numel()
        return share * hinges.sum(), pull_from_weights(share * (hinges > 0).to(scores.dtype), y)

    def _scores(self, X: np.ndarray, semantics: Semantics) -> np.ndarray:
        table = at_unit_length(semantics.table.astype(np.float64))
        codes = self.to_device(simplex_codes(table, self.anchors_, self.code_ridge))
        with torch.inference_mode():
            blocks = torch.from_numpy(X).to(self.device).split(self.batch_size)
            return torch.cat([self.histograms_(block) @ codes.T for block in blocks]).cpu().numpy()
