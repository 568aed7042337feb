"""Deep embedding model: class vectors mapped into feature space, where the nearest one wins."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from gzsl.methods.descent import DescentMethod, negative_squared_distances
from gzsl.methods.iterative import Sizes
from gzsl.methods.registry import register
from gzsl.nn.batches import Batch, TrainingRows
from gzsl.nn.mlp import MLP
from gzsl.params import param
from gzsl.semantics import Semantics


@register(
    "dem",
    family="embedding",
    settings=("inductive",),
    fidelity="replicated from code",
    cite="Zhang, Xiang & Gong, Learning a Deep Embedding Model for Zero-Shot Learning, CVPR 2017, arXiv:1611.05088",
    year=2017,
    test_params=[
        {"n_epochs": 60, "batch_size": 64, "lr": 3e-3, "hidden_dim": 64},
        {"n_epochs": 30, "batch_size": 64, "lr": 3e-3, "hidden_dim": 32, "fit_to": "rows", "distance": "cosine"},
    ],
)
class DEM(DescentMethod):
    """A two-layer network from class vectors to features; an image belongs to the nearest mapped class.

    ``g(a) = ReLU(W2 ReLU(W1 a + b1) + b2)``, (a,) -> (d,), minimises the mean over rows and dimensions of
    ``(g(a_y) - x)²`` plus weight decay. Mapping classes into feature space, not images into attribute space,
    keeps single prototypes from attracting everything. Scores are ``-|x - g(a_c)|² / d``, or the cosine.

    **Differences.** All rows of a class share one input, so the loss is a weighted regression to the class means plus a
    constant: Σ_c (n_c / n) |g(a_c) - μ_c|² / d. ``fit_to: means`` takes full steps on it and never looks at single
    rows; ``rows`` is the released loop, of which it is the expectation. ``output: none`` drops the last ReLU, which
    needs non-negative features. Initial weights are uniform within 1/sqrt(inputs) instead of a truncated normal of
    0.1. The released script reports the best epoch on test; here epochs are chosen on validation classes.

    Notes
    -----
    Batches set only the number of steps an epoch when ``fit_to`` is ``means``. Class vectors of unit length carry
    entries near 1/sqrt(a); scale them up (``normalise: l2-sqrt-dim``).
    """

    n_epochs: int = param(default=50, low=1, high=100_000, doc="passes over the training rows, at most")
    lr: float = param(default=1e-4, low=1e-8, high=10.0, log=True, tune=(1e-5, 1e-2), doc="learning rate of Adam")
    weight_decay: float = param(
        default=1e-3, low=0.0, high=1e3, symbol="λ", tune=(0.0, 1e-2), doc="weight of half the squared weights"
    )
    hidden_dim: int = param(default=1600, low=1, high=100_000, doc="hidden units; the released code has 1600, CUB 1200")
    output: str = param(
        default="relu", choices=("relu", "none"), doc="relu as released, for non-negative features; none for others"
    )
    fit_to: str = param(default="means", choices=("means", "rows"), doc="regress to class means (exact) or to rows")
    distance: str = param(
        default="euclidean", choices=("euclidean", "cosine"), doc="how rows and prototypes are compared; CUB: cosine"
    )

    def build(self, sizes: Sizes, rng: torch.Generator) -> None:
        """Make the network."""
        layers = [sizes.n_attributes, self.hidden_dim, sizes.n_features]
        self.network_ = MLP(layers, rng=rng, activation="relu", output=self.output, init="torch-default")

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Mean squared difference of mapped classes from their means, or from the rows of the batch."""
        assert self.rows is not None
        if self.fit_to == "rows":
            return {"regression": ((self.network_(batch.a) - batch.x) ** 2).mean()}
        means, shares = self._class_means(self.rows)
        return {"regression": (shares * ((self.network_(self.rows.table) - means) ** 2).mean(dim=1)).sum()}

    def _class_means(self, rows: TrainingRows) -> tuple[Tensor, Tensor]:
        """Means (s, d) and shares of rows (s,), computed once a fit."""
        if getattr(self, "_means_of", None) is not rows:
            counts = torch.bincount(rows.y, minlength=len(rows.table)).to(rows.x.dtype)
            sums = torch.zeros(len(rows.table), rows.x.shape[1], device=rows.x.device).index_add(0, rows.y, rows.x)
            self._means, self._means_of = (sums / counts[:, None], counts / counts.sum()), rows
        return self._means

    def _scores(self, X: np.ndarray, semantics: Semantics) -> np.ndarray:
        with torch.inference_mode():
            x, prototypes = torch.from_numpy(X).to(self.device), self.network_(self.to_device(semantics.table))
            if self.distance == "cosine":
                return (normalize(x) @ normalize(prototypes).T).cpu().numpy()
            return (negative_squared_distances(x, prototypes) / X.shape[1]).cpu().numpy()
