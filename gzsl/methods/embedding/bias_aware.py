"""Bias-aware learner: a tempered cosine softmax whose entropy tells classes it was not trained on."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, log_softmax, normalize
from torch.optim import Optimizer

from gzsl.methods.descent import DescentMethod
from gzsl.methods.iterative import Sizes
from gzsl.methods.registry import register
from gzsl.nn.batches import Batch
from gzsl.nn.init import linear
from gzsl.nn.optim import sgd
from gzsl.params import param
from gzsl.semantics import Semantics


class Regressor(nn.Module):
    """Rows (n, d) to class vectors (n, a): three layers with ReLUs, dropout after the first."""

    def __init__(self, sizes: Sizes, hidden: int, rng: torch.Generator) -> None:
        super().__init__()
        self.first = linear(sizes.n_features, 2 * hidden, init="torch-default", rng=rng)
        self.second = linear(2 * hidden, hidden, init="torch-default", rng=rng)
        self.last = linear(hidden, sizes.n_attributes, init="torch-default", rng=rng)

    def forward(self, x: Tensor, kept: Tensor | None = None) -> Tensor:
        """Map rows; ``kept`` (n, 2h) multiplies the first hidden layer while training."""
        hidden = torch.relu(self.first(x))
        hidden = hidden if kept is None else hidden * kept
        return self.last(torch.relu(self.second(hidden)))


@register(
    "bias-aware",
    family="embedding",
    settings=("inductive",),
    fidelity="from paper",
    cite="Thong & Snoek, Bias-Awareness for Zero-Shot Learning the Seen and Unseen, BMVC 2020, arXiv:2008.11185",
    year=2020,
    test_params=[
        {"n_epochs": 30, "lr": 0.05, "hidden_dim": 32, "dropout": 0.0, "batch_size": 32},
        {"n_epochs": 30, "lr": 0.05, "hidden_dim": 32, "momentum": 0.0, "batch_size": 32},
    ],
)
class BiasAware(DescentMethod):
    """Regress rows to class vectors under a softmax of cosines over T, less certain on classes left out of training.

    ``p(c | x) = softmax_c cos(f(x), a_c) / T`` with a three-layer f, (d,) -> (a,). The cross-entropy of seen rows is
    joined by a margin on mean entropies of the two groups of columns, H_S and H_U (sums of -p log p, not
    renormalised): ``[m + H_S(seen) - H_S(unseen)]_+ + [m + H_U(unseen) - H_U(seen)]_+``, so that rows are certain
    among the columns of their own group and uncertain among the others.

    **Differences.** The paper has generated features of unseen classes for the second group; here, without a
    generator, a share of the seen classes plays it, drawn anew every epoch and left out of that epoch's cross-entropy
    (``entropy_weight: 0`` is the paper's mode without generated features, in which temperature alone acts). Scores
    are the cosines over T, log-probabilities up to a constant a row: at T = 0.05 probabilities saturate, and the
    released code's shift of probabilities becomes a step. That shift is picked on the test rows there; here it is
    calibrated stacking. The learning rate falls along a cosine to 0 over ``n_epochs``.

    Notes
    -----
    The paper uses sentence embeddings for CUB, whose numbers do not compare with those of 312 attributes.
    """

    n_epochs: int = param(default=15, low=1, high=100_000, doc="passes over the training rows")
    lr: float = param(default=0.01, low=1e-8, high=10.0, log=True, tune=(1e-4, 1.0), doc="learning rate of SGD")
    momentum: float = param(default=0.9, low=0.0, high=0.999, doc="Nesterov momentum")
    weight_decay: float = param(default=5e-5, low=0.0, high=1e3, doc="weight of half the squared weights")
    hidden_dim: int = param(default=1024, low=1, high=100_000, symbol="h", doc="units; the first layer: twice")
    dropout: float = param(default=0.5, low=0.0, high=0.95, doc="after the first layer")
    temperature: float = param(default=0.05, low=1e-3, high=10.0, log=True, symbol="T", doc="of the cosines")
    entropy_weight: float = param(default=0.1, low=0.0, high=100.0, symbol="w", doc="weight of the entropy margins")
    margin: float = param(default=0.2, low=0.0, high=10.0, symbol="m", doc="between mean entropies")
    left_out: float = param(default=0.2, low=0.01, high=0.9, doc="share of seen classes that play unseen (ours)")

    def build(self, sizes: Sizes, rng: torch.Generator) -> None:
        """Make the regressor and draw the classes that play unseen first."""
        self.regressor_ = Regressor(sizes, self.hidden_dim, rng)
        self._draw(1)

    def optimisers(self) -> dict[str, Optimizer]:
        """SGD with Nesterov momentum."""
        self._optimiser = sgd(
            self.trainable(), self.lr,
            momentum=self.momentum, nesterov=self.momentum > 0, weight_decay=self.weight_decay,
        )  # fmt: skip
        return {"sgd": self._optimiser}

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Cross-entropy of rows of trained classes, and both entropy margins."""
        assert self.rows is not None
        shape = (len(batch), 2 * self.hidden_dim)
        kept = (self.streams.uniform("dropout", *shape) >= self.dropout) / (1 - self.dropout)
        logits = self._logits(self.regressor_(batch.x, kept), self.rows.table)
        if not self.entropy_weight:
            return {"classification": cross_entropy(logits, batch.y)}
        playing = self.playing_.to(logits.device)
        return margin_losses(logits, batch.y, playing, self.margin, self.entropy_weight)

    def on_epoch_end(self, epoch: int) -> None:
        """Follow the cosine, and let other classes play unseen."""
        angle = math.pi * min(epoch, self.n_epochs) / self.n_epochs
        for group in self._optimiser.param_groups:
            group["lr"] = self.lr * 0.5 * (1 + math.cos(angle))
        self._draw(epoch + 1)

    def _draw(self, epoch: int) -> None:
        n_seen = len(self.seen_classes_)
        count = min(max(1, round(self.left_out * n_seen)), n_seen - 1)
        order = torch.randperm(n_seen, generator=self.streams.fresh("left-out", str(epoch), device="cpu"))
        self.playing_ = torch.zeros(n_seen, dtype=torch.bool)
        self.playing_[order[:count]] = True

    def _logits(self, mapped: Tensor, table: Tensor) -> Tensor:
        return normalize(mapped) @ normalize(table).T / self.temperature

    def _scores(self, X: np.ndarray, semantics: Semantics) -> np.ndarray:
        with torch.inference_mode():
            mapped = self.regressor_(torch.from_numpy(X).to(self.device))
            return self._logits(mapped, self.to_device(semantics.table)).cpu().numpy()


def margin_losses(logits: Tensor, y: Tensor, playing: Tensor, margin: float, weight: float) -> dict[str, Tensor]:
    """Cross-entropy of trained classes among themselves, and margins between mean entropies of the two groups.

    Parameters
    ----------
    logits : Tensor, shape (n, s)
        Over all seen classes.
    y : Tensor, shape (n,)
        Class of each row.
    playing : Tensor of bool, shape (s,)
        Which classes play unseen.
    margin, weight : float
        Of the entropies.
    """
    unseen = playing[y].to(logits.dtype)
    seen = 1 - unseen
    among = logits.masked_fill(playing, -1e9)
    wrong = cross_entropy(among, torch.where(playing[y], 0, y), reduction="none")
    logs = log_softmax(logits, dim=1)
    parts = -logs.exp() * logs
    h_seen, h_unseen = parts[:, ~playing].sum(dim=1), parts[:, playing].sum(dim=1)

    def mean(values: Tensor, mask: Tensor) -> Tensor:
        return (values * mask).sum() / mask.sum().clamp_min(1)

    both = (seen.sum() > 0) & (unseen.sum() > 0)
    known = torch.relu(margin + mean(h_seen, seen) - mean(h_seen, unseen))
    unknown = torch.relu(margin + mean(h_unseen, unseen) - mean(h_unseen, seen))
    return {
        "classification": mean(wrong, seen),
        "entropy": weight * (known + unknown) * both,
    }
