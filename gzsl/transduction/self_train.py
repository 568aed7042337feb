"""Self-training: a head learns from the unlabelled rows that are surest of each class, in rounds."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch

from gzsl.heads import Head, PrototypeHead
from gzsl.nn.class_shares import best_candidates
from gzsl.nn.pseudo_labels import as_rounds, labelled_in, quotas, shares_of, spread_of, sure_rows
from gzsl.nn.streams import derived_seed
from gzsl.params import param
from gzsl.transduction.base import Pooled, State, Wrapper, register_wrapper


@register_wrapper("self-train")
class SelfTrain(Wrapper):
    """Rounds of a head on real rows of seen classes and pseudo-labelled ones, with a quota a class.

    In round t of T a class with share π of m unlabelled rows gets the ``t/T ρ π m`` rows that are surest of it among
    those that it is the best class of; the head is trained anew on them, and its scores choose the next ones. A table
    of unseen classes has pseudo-labelled rows alone. Equal quotas keep one class from taking all.
    """

    head: Head = param(default_factory=PrototypeHead, doc="what is trained in every round")
    n_rounds: int = param(default=5, low=1, high=1000, symbol="T", doc="rounds")
    part: float = param(default=0.8, low=0.0, high=1.0, symbol="ρ", doc="rows that have labels in the last round")

    def fit(self, pooled: Pooled, seed: int) -> tuple[State, np.ndarray]:
        """Train the head of every round; the last one is kept."""
        own, shares = pooled.own, pooled.shares("self-train")
        rounds = [pooled.candidates[own.argmax(axis=1)]]
        state: dict[str, torch.Tensor] = {}
        for t in range(1, self.n_rounds + 1):
            counts = quotas(shares, len(own), self.part * t / self.n_rounds)
            rows, labels = sure_rows(shares_of(own, spread_of(own)), counts)
            rounds.append(labelled_in(rows, pooled.candidates[labels], len(own)))
            state = self._trained(pooled, rows, pooled.candidates[labels], seed)
            own = self._scored(state, pooled.X)[:, pooled.candidates]
            best_candidates(own, pooled.candidates, pooled.names, "self-train", pooled.prior)
        return {name: tensor.numpy() for name, tensor in state.items()}, as_rounds(rounds)

    def scores(self, state: Mapping[str, np.ndarray], X: np.ndarray, scores: np.ndarray) -> np.ndarray:
        """Scores of the last head."""
        return self._scored({name: torch.from_numpy(np.array(value)) for name, value in state.items()}, X)

    def _trained(self, pooled: Pooled, rows: np.ndarray, labels: np.ndarray, seed: int) -> dict[str, torch.Tensor]:
        X = np.concatenate([pooled.seen_features, pooled.X[rows]])
        y = np.concatenate([pooled.seen_columns, labels])
        present = np.zeros(len(pooled.names), dtype=bool)
        present[y] = True
        missing = np.flatnonzero(~present)  # a class without any row, such as a candidate of no share
        X = np.concatenate([X, pooled.X[pooled.scores[:, missing].argmax(axis=0)]])
        y = np.concatenate([y, missing])
        seen = torch.zeros(len(pooled.names), dtype=torch.bool)
        seen[torch.from_numpy(pooled.seen_columns)] = True
        rng = torch.Generator().manual_seed(derived_seed(seed, "self-train"))
        return self.head.fit(
            torch.from_numpy(X), torch.from_numpy(y), len(pooled.names), rng=rng,
            vectors=torch.tensor(pooled.vectors), seen=seen, unlabelled=torch.from_numpy(pooled.X),
        )  # fmt: skip

    def _scored(self, state: Mapping[str, torch.Tensor], X: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            return self.head.scores(state, torch.from_numpy(np.ascontiguousarray(X, dtype=np.float32))).numpy()
