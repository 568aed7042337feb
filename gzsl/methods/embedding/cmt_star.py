"""Cross-modal transfer with its gate: a novelty detector decides between seen and unseen classes."""

from __future__ import annotations

from typing import Self

import numpy as np
import torch
from torch import nn

from gzsl.data import TrainView
from gzsl.linear import fit_linear, softmax_loss
from gzsl.methods.descent import negative_squared_distances
from gzsl.methods.embedding.cmt import CMT
from gzsl.methods.embedding.outlying import GaussianNovelty, OutlierNovelty
from gzsl.methods.iterative import Sizes
from gzsl.methods.registry import register
from gzsl.nn.batches import TrainingRows
from gzsl.params import param
from gzsl.semantics import Semantics

NEVER = 1e-12  # keeps logarithms finite; far below any probability that decides


@register(
    "cmt-star",
    family="embedding",
    settings=("inductive",),
    fidelity="from paper",
    cite="Socher, Ganjoo, Manning & Ng, Zero-Shot Learning Through Cross-Modal Transfer, NIPS 2013, arXiv:1301.3666",
    year=2013,
    test_params=[
        {"n_epochs": 30, "batch_size": 32, "lr": 3e-3, "hidden_dim": 50},
        {"n_epochs": 20, "batch_size": 32, "lr": 3e-3, "hidden_dim": 30, "detector": "loop", "n_neighbours": 5},
    ],
)
class CMTStar(CMT):
    """CMT, with a detector that says how probable it is that a row is of an unseen class.

    ``P(y | x) = P(new | x) P(y | new, x) + (1 - P(new | x)) P(y | seen, x)``: for seen classes a softmax regression on
    the features, for unseen ones a Gaussian around their vectors at the mapped row f(x). P(new | x) comes from f(x):
    0 or 1 from Gaussians around the seen class vectors (``detector: gaussian``; a row is new where even the best
    density is below that of a chosen share of held-out seen rows), or from local outlier probabilities (``loop``).
    Scores are ``log P(y | x)``; where all classes are unseen they rank as CMT does.

    **Differences.** The detector's statistics come from a held-out part of the seen rows: on rows that the network
    was trained on they are too tight, and every image looks new. The released code divides the squared
    distances of a class by the size of the whole data and the outlier score by an extra sqrt(2): neither is kept.
    One share of rejected rows stands for the paper's thresholds a class.
    """

    detector: str = param(default="gaussian", choices=("gaussian", "loop"), doc="novelty detector of the paper")
    new_share: float = param(
        default=0.2, low=0.0, high=1.0, tune=(0.01, 0.8), doc="gaussian: share of held-out seen rows taken for new"
    )
    n_neighbours: int = param(default=20, low=1, high=100_000, symbol="k", doc="loop: neighbours")
    outlier_factor: float = param(default=3.0, low=1e-3, high=1e3, symbol="λ", doc="loop: standard distances")
    holdout: float = param(default=0.2, low=0.01, high=0.9, doc="share of each seen class's rows kept for the detector")
    l2: float = param(default=1e-4, low=1e-12, high=1e6, log=True, doc="weight decay of the softmax over seen classes")

    def _place(self, view: TrainView) -> None:
        super()._place(view)
        assert self.rows is not None
        keep = torch.from_numpy(_training_mask(view.seen_labels, self.holdout, self._context.seed)).to(self.device)
        x, y, table = self.rows.x, self.rows.y, self.rows.table
        self._held = TrainingRows(x[~keep], y[~keep], table)
        self.rows = TrainingRows(x[keep], y[keep], table)  # type: ignore[misc]

    def build(self, sizes: Sizes, rng: torch.Generator) -> None:
        """Make the network, and the softmax that `pretrain` fits."""
        super().build(sizes, rng)
        self.softmax_ = nn.Linear(sizes.n_features, sizes.n_seen).requires_grad_(False)

    def pretrain(self, rows: TrainingRows) -> None:
        """Fit the softmax over the seen classes."""
        labels = rows.y.cpu().numpy()
        model = fit_linear(rows.x.cpu().numpy(), len(rows.table), softmax_loss(labels), self.l2, n_iterations=100)
        self.softmax_.weight.copy_(torch.from_numpy(model.weights.T.copy()))
        self.softmax_.bias.copy_(torch.from_numpy(model.bias))

    def prepare_scoring(self) -> Self:
        """Fit the detector on the held-out rows, mapped by the present network."""
        assert self.rows is not None
        held = self._held if len(self._held) else self.rows
        mapped, labels = self.embed(held.x.cpu().numpy()).cpu().numpy().astype(np.float64), held.y.cpu().numpy()
        centres = self.rows.table.cpu().numpy().astype(np.float64)
        gaussian = GaussianNovelty.of(mapped, labels, centres, self.new_share)
        self.centres_, self.variances_, self.threshold_ = centres, gaussian.variances, gaussian.threshold
        if self.detector == "loop":
            outlier = OutlierNovelty.of(mapped, self.n_neighbours, self.outlier_factor)
            self.context_, self.spreads_, self.outlier_scale_ = outlier.context, outlier.spreads, outlier.scale
            self.n_neighbours_ = outlier.n_neighbours
        return self

    def novelty(self, X: np.ndarray) -> np.ndarray:
        """Probability (n,) that each row is of an unseen class."""
        mapped = self.embed(X).cpu().numpy().astype(np.float64)
        if self.detector == "gaussian":
            return GaussianNovelty(self.centres_, self.variances_, self.threshold_).probability(mapped)
        return OutlierNovelty(
            self.context_, self.spreads_, self.outlier_scale_, self.n_neighbours_, self.outlier_factor
        ).probability(mapped)

    def _scores(self, X: np.ndarray, semantics: Semantics) -> np.ndarray:
        place = {name: i for i, name in enumerate(self.seen_classes_)}
        rows = np.array([place.get(name, -1) for name in semantics.class_names])
        found = np.empty((len(X), len(rows)), dtype=np.float32)
        new = torch.from_numpy(np.clip(self.novelty(X), NEVER, 1 - NEVER)).float().clamp_min(NEVER)
        with torch.inference_mode():
            seen = self.softmax_(torch.from_numpy(X).to(self.device)).log_softmax(dim=1).cpu()
            table = self.to_device(semantics.table[rows < 0])
            unseen = negative_squared_distances(self.embed(X), table) / (2 * float(self.variances_.mean()))
            unseen = unseen.log_softmax(dim=1).cpu() if len(table) else unseen.cpu()
        found[:, rows < 0] = (unseen + new.log()[:, None]).numpy()
        found[:, rows >= 0] = (seen[:, rows[rows >= 0]] + (1 - new).clamp_min(NEVER).log()[:, None]).numpy()
        return found


def _training_mask(labels: np.ndarray, holdout: float, seed: int) -> np.ndarray:
    """True for rows that are trained on; of every class at least one."""
    from gzsl.data.folds import holdout_mask

    return ~holdout_mask(labels, holdout, np.random.default_rng([seed, 2]))
