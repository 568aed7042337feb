"""QFSL: quasi-fully supervised learning, which gives unlabelled rows to unseen classes without saying which."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from torch.optim import SGD, Optimizer

from gzsl.methods.iterative import Sizes
from gzsl.methods.registry import register
from gzsl.methods.transductive.base import PooledTrainer
from gzsl.nn.batches import Batch
from gzsl.nn.init import linear
from gzsl.nn.wgan import Terms, backpropagate, step
from gzsl.params import param
from gzsl.semantics import Semantics


@register(
    "qfsl",
    family="transductive",
    settings=("transductive",),
    fidelity="partly from memory: unverified",
    cite="Song, Shen, Yang, Liu & Song, Transductive Unbiased Embedding for Zero-Shot Learning, CVPR 2018, "
    "arXiv:1803.11320",
    year=2018,
    needs=("unlabelled",),
    test_params=[{"n_epochs": 30, "batch_size": 32, "lr": 0.05}],
)
class QFSL(PooledTrainer):
    """A softmax over all classes learns from labelled rows, and from unlabelled ones that they are of unseen classes.

    With ``p = softmax(s · V(x) Â ᵀ)`` over seen and unseen classes, V linear (n, d) -> (n, a) on features with dropout
    and Â the class vectors at unit length, the loss is ``mean -log p_y`` of labelled rows plus
    ``w mean -log Σ_{c unseen} p_c`` of unlabelled ones, and ``w_b KL(π || mean p)`` over the classes that these may be
    of (ours: without it one class may take all). In the mixed test set nobody knows that a row is of an unseen class:
    the second term becomes ``KL([π_S, π_U] || [mass of seen, mass of unseen])`` of the batch's mean.

    **Fidelity.** From a re-implementation and memory; the paper fine-tunes the network of the features, here they are
    fixed. The re-implementation takes class vectors as they are and keeps the epoch that is best on the test rows;
    here they have unit length times a scale s, and epochs are chosen on validation classes.
    """

    lr: float = param(default=0.005, low=1e-7, high=10.0, log=True, tune=(1e-3, 1.0), doc="learning rate of SGD")
    momentum: float = param(default=0.9, low=0.0, high=0.999, doc="of SGD")
    weight_decay: float = param(default=5e-4, low=0.0, high=1.0, doc="of SGD")
    dropout: float = param(default=0.2, low=0.0, high=0.95, doc="of features")
    scale: float = param(default=20.0, low=1e-3, high=1e4, log=True, symbol="s", doc="length of class vectors (ours)")
    mass_weight: float = param(default=0.2, low=0.0, high=100.0, symbol="w", tune=(0.01, 2.0), doc="of unlabelled rows")
    balance_weight: float = param(default=0.1, low=0.0, high=100.0, symbol="w_b", doc="of the prior (ours)")

    def build(self, sizes: Sizes, rng: torch.Generator) -> None:
        """Make the map to class vectors."""
        self.map_ = linear(sizes.n_features, sizes.n_attributes, init="released-gan", rng=rng)

    def optimisers(self) -> dict[str, Optimizer]:
        """SGD with momentum."""
        self._optimiser = SGD(
            self.map_.parameters(), lr=self.lr, momentum=self.momentum, weight_decay=self.weight_decay
        )
        return {"map": self._optimiser}

    def constants(self, rows: Any) -> dict[str, Tensor]:
        """Class vectors of all classes, and which are unseen."""
        unseen = torch.zeros(len(self.classes_), dtype=torch.bool, device=self.device)
        unseen[torch.tensor(self._view.unseen, device=self.device)] = True
        seen = torch.tensor(self._view.seen, device=self.device)
        return {"_vectors": self._unit(self._view.semantics), "_unseen": unseen, "_seen_place": seen}

    def update(self, batch: Batch) -> dict[str, Tensor]:
        """One step on labelled and unlabelled rows."""
        logits = self._logits(self.streams.dropout(batch.x, self.dropout))
        unlabelled = self.streams.dropout(self.pool_batch(len(batch)), self.dropout)
        pooled = functional.log_softmax(self._logits(unlabelled), dim=1)
        candidates = self.candidates
        terms: Terms = {
            "classification": (1.0, functional.cross_entropy(logits, self._seen_place[batch.y])),
            "mass": (self.mass_weight, self._mass(pooled)),
            "balance": (self.balance_weight, _divergence(self.shares_[candidates], pooled[:, candidates])),
        }
        losses = backpropagate(terms, (self._optimiser,))
        step(self._optimiser)
        return losses

    def on_epoch_end(self, epoch: int) -> None:
        """Estimate the prior anew, where it is estimated."""
        self.follow_shares()

    def _mass(self, logp: Tensor) -> Tensor:
        if self._view.pool == "unseen":
            return -logp[:, self._unseen].logsumexp(dim=1).mean()
        wanted = self.shares_[self._unseen].sum().clamp(1e-3, 1 - 1e-3)
        found = logp[:, self._unseen].exp().sum(dim=1).mean().clamp(1e-6, 1 - 1e-6)
        return wanted * (wanted / found).log() + (1 - wanted) * ((1 - wanted) / (1 - found)).log()

    def _logits(self, x: Tensor) -> Tensor:
        found: Tensor = self.map_(x) @ self._vectors.T
        return found

    def _unit(self, semantics: Semantics) -> Tensor:
        return self.scale * functional.normalize(self.to_device(semantics.table), dim=1)

    def _scores(self, X: np.ndarray, semantics: Semantics) -> np.ndarray:
        with torch.inference_mode():
            logits = self.map_(torch.from_numpy(X).to(self.device)) @ self._unit(semantics).T
            return functional.log_softmax(logits, dim=1).cpu().numpy()


def _divergence(shares: Tensor, logp: Tensor) -> Tensor:
    """``KL(shares || mean of the rows' shares among these classes)``."""
    mean = logp.softmax(dim=1).mean(dim=0).clamp_min(1e-8)
    return (shares * (shares.clamp_min(1e-8) / mean).log()).sum()
