"""PrEN: an ensemble over projected class vectors that labels the rows it is surest of, round by round."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import Optimizer

from gzsl.methods.iterative import Sizes
from gzsl.methods.registry import register
from gzsl.methods.transductive.base import PooledTrainer
from gzsl.nn.batches import Batch
from gzsl.nn.class_shares import best_candidates
from gzsl.nn.mlp import MLP
from gzsl.nn.optim import adam
from gzsl.nn.pseudo_labels import labelled_in, quotas, sure_rows
from gzsl.nn.wgan import Terms, backpropagate, step
from gzsl.params import param
from gzsl.semantics import Semantics


class Experts(nn.Module):
    """K linear maps of hidden features (K or 1, n, h), each to class vectors in a random projection of its own."""

    projections: Tensor

    def __init__(self, n_experts: int, hidden_dim: int, n_attributes: int, rank: int, rng: torch.Generator) -> None:
        super().__init__()
        self.maps = nn.Parameter(torch.randn(n_experts, hidden_dim, rank, generator=rng) / hidden_dim**0.5)
        self.register_buffer("projections", torch.randn(n_experts, n_attributes, rank, generator=rng) / rank**0.5)

    def forward(self, hidden: Tensor, table: Tensor, scale: float) -> Tensor:
        """Logits (K, n, C): cosines of mapped features and projected class vectors (C, a), times a scale."""
        mapped = functional.normalize(hidden @ self.maps, dim=-1)
        classes = functional.normalize(table @ self.projections, dim=-1)
        return scale * mapped @ classes.mT


@register(
    "pren",
    family="transductive",
    settings=("transductive",),
    fidelity="partly from memory: unverified",
    cite="Ye & Guo, Progressive Ensemble Networks for Zero-Shot Recognition, CVPR 2019, arXiv:1805.07473",
    year=2019,
    needs=("unlabelled",),
    test_params=[{"n_rounds": 8, "epochs_a_round": 1, "batch_size": 32, "lr": 3e-3, "hidden_dim": 64, "n_epochs": 15}],
)
class PrEN(PooledTrainer):
    """Classifiers that see differently projected class vectors pick rows by agreement and learn from them.

    Expert k scores ``τ cos(h_k(x) M_k, a_c R_k)`` with R_k (a, r) random and fixed; the loss is the experts' mean
    cross-entropy of labelled rows among seen classes, plus w_t times that of pseudo-labelled rows among the classes
    that they may be of. After every round, each class gets the rows that the experts' mean probability is surest of
    among those that it is the best class of for most experts, up to a quota that grows by t/T; labels may change.

    **Fidelity.** Abstract and figure were read: functions of two hidden layers each (``layers: own``) over one feature
    network, matched to different projections of label embeddings, the most confident rows of every unlabelled class
    added in rounds. Formulas, schedule and results could not be read. Ours are: random Gaussian projections, cosine
    logits, quotas, the ramp ``w_t = w t/T``, all constants, and ``layers: shared``, which costs a K-th. The paper
    trains a ResNet-34; here features are fixed.
    """

    n_epochs: int = param(default=30, low=1, high=100_000, doc="passes over the training rows, of all rounds")
    epochs_a_round: int = param(default=3, low=1, high=10_000, doc="passes between two selections")
    n_rounds: int = param(default=10, low=1, high=10_000, symbol="T", doc="rounds in which quotas grow")
    n_experts: int = param(default=5, low=1, high=1000, symbol="K", doc="classifiers")
    rank: int | None = param(default=None, low=1, high=100_000, symbol="r", doc="of projections; null: half of a")
    hidden_dim: int = param(default=512, low=1, high=100_000, doc="units of both hidden layers")
    layers: str = param(default="own", choices=("own", "shared"), doc="hidden layers of every expert, or one for all")
    dropout: float = param(default=0.3, low=0.0, high=0.95, doc="of features")
    scale: float = param(default=15.0, low=0.1, high=1e3, symbol="τ", doc="of cosines")
    lr: float = param(default=1e-3, low=1e-7, high=1.0, log=True, tune=(1e-4, 1e-2), doc="learning rate of Adam")
    part: float = param(default=0.7, low=0.0, high=1.0, symbol="ρ", doc="rows that have labels in the last round")
    pseudo_weight: float = param(default=1.0, low=0.0, high=100.0, symbol="w", doc="of pseudo-labelled rows at the end")

    def build(self, sizes: Sizes, rng: torch.Generator) -> None:
        """Make the hidden layers and the experts."""
        layers = [sizes.n_features, self.hidden_dim, self.hidden_dim]
        self.hidden_ = nn.ModuleList(
            MLP(layers, rng=rng, activation="relu", output="relu", init="torch-default")
            for _ in range(self.n_experts if self.layers == "own" else 1)
        )
        rank = self.rank or max(1, sizes.n_attributes // 2)
        self.experts_ = Experts(self.n_experts, self.hidden_dim, sizes.n_attributes, rank, rng)
        self.round_ = 0

    def optimisers(self) -> dict[str, Optimizer]:
        """One Adam."""
        parts = [*self.hidden_.parameters(), *self.experts_.parameters()]
        self._optimiser = adam(parts, self.lr, beta1=0.9)
        if not hasattr(self, "chosen_"):
            m = len(self._pool)
            self.chosen_ = torch.full((m,), -1, dtype=torch.int64, device=self.device)
            self.rounds_ = torch.full((self._all_rounds() + 1, m), -1, dtype=torch.int64)
        return {"adam": self._optimiser}

    def update(self, batch: Batch) -> dict[str, Tensor]:
        """One step on labelled rows and as many pseudo-labelled ones."""
        assert self.rows is not None
        terms: Terms = {"classification": (1.0, self._loss(batch.x, batch.y, self.rows.table))}
        known = (self.chosen_ >= 0).nonzero().flatten()
        if len(known):
            picked = known[self.drawn("pool", len(batch), len(known))]
            place = torch.searchsorted(self.candidates, self.chosen_[picked])
            table = self.to_device(self._view.semantics.table[self._view.candidates])
            weight = self.pseudo_weight * min(1.0, self.round_ / self.n_rounds)
            terms["pseudo"] = (weight, self._loss(self._pool[picked], place, table))
        losses = backpropagate(terms, (self._optimiser,))
        step(self._optimiser)
        return {"pseudo": losses["classification"].new_zeros(()), **losses}

    def on_epoch_end(self, epoch: int) -> None:
        """Choose rows anew after every round."""
        if epoch == 1:
            self.rounds_[0] = torch.from_numpy(self._best(self.pool_scores()))
        if epoch % self.epochs_a_round:
            return
        self.round_ = epoch // self.epochs_a_round
        self.follow_shares()
        candidates = self._view.candidates
        shares, agreed = self._ensemble()
        counts = quotas(
            self.shares_[self.candidates].cpu().numpy(), len(shares), self.part * min(1.0, self.round_ / self.n_rounds)
        )
        best_candidates(shares, candidates, self.classes_, self.card.id, self._view.class_prior)
        rows, labels = sure_rows(shares, counts, agreed)
        found = torch.from_numpy(labelled_in(rows, candidates[labels], len(shares)))
        self.chosen_ = found.to(self.device)
        self.rounds_[self.round_] = found

    def prepare_scoring(self) -> PrEN:
        """Keep the rounds so far."""
        self.pseudo_labels_ = self.rounds_[: self.round_ + 1].cpu().numpy().copy()
        return self

    def _all_rounds(self) -> int:
        return self.n_epochs // self.epochs_a_round

    def _best(self, scores: np.ndarray) -> np.ndarray:
        candidates = self._view.candidates
        return np.asarray(candidates[scores[:, candidates].argmax(axis=1)])

    def _ensemble(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean shares (m, k) of the candidates, and whether most experts agree with the mean's best."""
        table = self.to_device(self._view.semantics.table[self._view.candidates])
        with torch.inference_mode():
            shares = self._logits(self._pool, table).softmax(dim=-1)
            mean = shares.mean(dim=0)
            votes = (shares.argmax(dim=-1) == mean.argmax(dim=-1)).float().mean(dim=0)
        return mean.cpu().numpy(), (votes > 0.5).cpu().numpy()

    def _logits(self, x: Tensor, table: Tensor) -> Tensor:
        hidden = torch.stack([layers(x) for layers in self.hidden_])
        logits: Tensor = self.experts_(hidden, table, self.scale)
        return logits

    def _loss(self, x: Tensor, y: Tensor, table: Tensor) -> Tensor:
        logits = self._logits(self.streams.dropout(x, self.dropout), table)
        return functional.cross_entropy(logits.flatten(0, 1), y.repeat(self.n_experts))

    def _scores(self, X: np.ndarray, semantics: Semantics) -> np.ndarray:
        with torch.inference_mode():
            x = torch.from_numpy(X).to(self.device)
            shares = self._logits(x, self.to_device(semantics.table)).softmax(dim=-1)
            return shares.mean(dim=0).clamp_min(1e-12).log().cpu().numpy()
