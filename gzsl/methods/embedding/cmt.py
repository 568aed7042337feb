"""Cross-modal transfer: features regressed on class vectors by a small network; the nearest vector wins."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from gzsl.methods.descent import DescentMethod, negative_squared_distances
from gzsl.methods.iterative import Sizes
from gzsl.methods.registry import register
from gzsl.nn.batches import Batch
from gzsl.nn.mlp import MLP
from gzsl.params import param
from gzsl.semantics import Semantics


@register(
    "cmt",
    family="embedding",
    settings=("inductive",),
    fidelity="from paper",
    cite="Socher, Ganjoo, Manning & Ng, Zero-Shot Learning Through Cross-Modal Transfer, NIPS 2013, arXiv:1301.3666",
    year=2013,
    test_params=[{"n_epochs": 30, "batch_size": 32, "lr": 3e-3, "hidden_dim": 50}],
)
class CMT(DescentMethod):
    """A two-layer tanh network from features to class vectors.

    ``f(x) = W2 tanh(W1 x + b1) + b2``, (d,) -> (a,), minimises the mean over rows of ``|a_y - f(x)|²`` plus weight
    decay; a class scores ``-|f(x) - a_c|²``, over unseen or over all classes. The gate of the paper, which sends a
    row to the seen or to the unseen classes first, is the method ``cmt-star``.

    **Differences.** Biases and weight decay, which the formula of the paper lacks and its released code has; Adam on
    batches instead of L-BFGS; no sparsity penalty on the hidden units (released code only).

    Notes
    -----
    Regression pulls everything towards the mean class vector; standardised class vectors (``normalise: zscore``)
    condition it far better than unit-length ones.
    """

    n_epochs: int = param(default=50, low=1, high=100_000, doc="passes over the training rows, at most")
    batch_size: int = param(default=256, low=1, high=1_000_000, doc="rows a step (ours)")
    weight_decay: float = param(
        default=1e-4, low=0.0, high=1e3, tune=(0.0, 1e-2), doc="weight of half the squared weights, in the gradient"
    )
    hidden_dim: int = param(default=500, low=1, high=100_000, symbol="h", doc="hidden units")

    def build(self, sizes: Sizes, rng: torch.Generator) -> None:
        """Make the network."""
        layers = [sizes.n_features, self.hidden_dim, sizes.n_attributes]
        self.network_ = MLP(layers, rng=rng, activation="tanh", init="torch-default")

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Mean squared distance from the vectors of the rows' classes."""
        return {"regression": ((self.network_(batch.x) - batch.a) ** 2).sum(dim=1).mean()}

    @torch.inference_mode()
    def embed(self, X: np.ndarray) -> Tensor:
        """Predicted class vector (n, a) of every row."""
        found: Tensor = self.network_(torch.from_numpy(np.asarray(X, dtype=np.float32)).to(self.device))
        return found

    def attribute_evidence(self, X: np.ndarray) -> np.ndarray:
        """Predicted class vector (n, a) of the rows."""
        return self.embed(X).cpu().numpy()

    def _scores(self, X: np.ndarray, semantics: Semantics) -> np.ndarray:
        return negative_squared_distances(self.embed(X), self.to_device(semantics.table)).cpu().numpy()
