"""Prototypical networks in their zero-shot form: prototypes are embedded class vectors of unit length."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from gzsl.methods.descent import DescentMethod, negative_squared_distances
from gzsl.methods.iterative import Sizes
from gzsl.methods.registry import register
from gzsl.nn.batches import Batch
from gzsl.nn.mlp import MLP
from gzsl.params import param
from gzsl.semantics import Semantics


@register(
    "protonet",
    family="embedding",
    settings=("inductive",),
    fidelity="from paper",
    cite="Snell, Swersky & Zemel, Prototypical Networks for Few-Shot Learning, NIPS 2017, arXiv:1703.05175",
    year=2017,
    test_params=[
        {"n_epochs": 40, "batch_size": 40, "lr": 5e-3, "n_dims": 32, "n_ways": 10, "n_queries": 4},
        {"n_epochs": 30, "batch_size": 40, "lr": 5e-3, "n_dims": 32, "sampling": "rows"},
    ],
)
class PrototypicalNetwork(DescentMethod):
    """Two linear maps into one space, trained by a softmax over squared distances on balanced episodes.

    With ``f(x) = W x + b``, (d,) -> (k,), and prototypes ``c = g(a) / |g(a)|`` of a linear g, (a,) -> (k,), an
    episode of n classes with q rows each minimises the mean of ``-log softmax_c(-|f(x) - c|²)`` at the true class.
    Prototypes have unit length, rows do not: their length acts as a temperature.

    **Differences.** An epoch has as many episodes as batches of ``batch_size`` rows; the paper does not say how
    many. Its maps may or may not have biases: ours do. ``sampling: rows`` (ours) takes shuffled rows and all seen
    classes, the limit of many ways. Features of ten views a picture are not used.

    Notes
    -----
    More classes an episode than at test help, and squared distances do better than cosines, says the paper.
    """

    n_epochs: int = param(default=50, low=1, high=100_000, doc="passes over the training rows, at most")
    batch_size: int = param(
        default=500, low=1, high=1_000_000, doc="rows a step; with episodes: of rows for one of them"
    )
    lr: float = param(default=1e-4, low=1e-8, high=10.0, log=True, tune=(1e-5, 1e-2), doc="learning rate of Adam")
    weight_decay: float = param(
        default=1e-5, low=0.0, high=1e3, doc="weight of half the squared weights, in the gradient"
    )
    n_dims: int = param(default=1024, low=1, high=100_000, symbol="k", doc="dimensions of the common space")
    n_ways: int = param(
        default=50, low=2, high=100_000, symbol="n", doc="classes an episode; all, where there are fewer"
    )
    n_queries: int = param(default=10, low=1, high=100_000, symbol="q", doc="rows of every class an episode")
    sampling: str = param(
        default="episodes", choices=("episodes", "rows"), doc="balanced episodes, or shuffled rows (ours)"
    )

    def build(self, sizes: Sizes, rng: torch.Generator) -> None:
        """Make both maps."""
        self.rows_map_ = MLP([sizes.n_features, self.n_dims], rng=rng, init="torch-default")
        self.classes_map_ = MLP([sizes.n_attributes, self.n_dims], rng=rng, init="torch-default", output="unit")

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Cross-entropy over the classes of an episode, or of the batch over all seen classes."""
        assert self.rows is not None
        x, y, classes = batch.x, batch.y, torch.arange(len(self.rows.table), device=self.device)
        if self.sampling == "episodes":
            x, y, classes = self._episode()
        return {"classification": cross_entropy(self._outputs(x, self.rows.table[classes]), y)}

    def _episode(self) -> tuple[Tensor, Tensor, Tensor]:
        """Rows (n q, d), the place of each one's class among the episode's, and those classes (n,)."""
        assert self.rows is not None
        n_seen = len(self.rows.table)
        classes = self.streams.uniform("ways", n_seen).argsort()[: self.n_ways]
        order, counts = self._members()
        drawn = self.streams.uniform("queries", len(classes), self.n_queries) * counts[classes, None]
        starts = (counts.cumsum(0) - counts)[classes, None]
        rows = order[(starts + drawn.long().minimum(counts[classes, None] - 1)).flatten()]
        places = torch.arange(len(classes), device=self.device).repeat_interleave(self.n_queries)
        return self.rows.x[rows], places, classes

    def _members(self) -> tuple[Tensor, Tensor]:
        """Row numbers sorted by class, and the size of every class; computed once a fit."""
        assert self.rows is not None
        if getattr(self, "_members_of", None) is not self.rows:
            sizes = torch.bincount(self.rows.y, minlength=len(self.rows.table))
            self._sorted, self._members_of = (self.rows.y.argsort(stable=True), sizes), self.rows
        return self._sorted

    def _outputs(self, x: Tensor, table: Tensor) -> Tensor:
        return negative_squared_distances(self.rows_map_(x), self.classes_map_(table))

    def _scores(self, X: np.ndarray, semantics: Semantics) -> np.ndarray:
        with torch.inference_mode():
            return self._outputs(torch.from_numpy(X).to(self.device), self.to_device(semantics.table)).cpu().numpy()
