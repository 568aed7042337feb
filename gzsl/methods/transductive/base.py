"""Methods that learn one state for every class table from unlabelled rows, and trainers that draw such rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from gzsl.data import TrainView
from gzsl.data.pool import ClassPrior
from gzsl.errors import MethodError
from gzsl.methods.base import Method
from gzsl.methods.generative.base import table_fingerprint
from gzsl.methods.iterative import IterativeMethod
from gzsl.nn.class_shares import best_candidates
from gzsl.semantics import Semantics
from gzsl.transduction.base import Pooled, State


class PooledTables(Method):
    """A method whose knowledge of unlabelled rows is of one class table.

    With unlabelled rows of unseen classes one state is learnt for the table of all classes and one for the unseen
    ones alone; with the mixed test set one for all classes, of which tables of some of them take the columns. An
    author calls `_learn_tables` at the end of a fit and writes `learn_table` and `table_scores`.

    Attributes
    ----------
    states_ : dict of str to (dict of str to ndarray)
        What was learnt, by fingerprint of the class table.
    pseudo_labels_ : ndarray, shape (T, m), int64
        Classes (rows of ``classes_``) that unlabelled rows were given in each round; -1 for none.
    """

    def learn_table(self, view: TrainView, semantics: Semantics, seed: int) -> tuple[State, np.ndarray]:
        """Learn what `table_scores` needs of a table, and the columns that unlabelled rows got in each round."""
        raise NotImplementedError

    def table_scores(self, state: Mapping[str, np.ndarray], X: np.ndarray, semantics: Semantics) -> np.ndarray:
        """Scores (n, C) by the state of a table, which ``semantics`` is."""
        raise NotImplementedError

    @property
    def called(self) -> str:
        """The method as its user calls it."""
        return self.card.id

    def _learn_tables(self, view: TrainView) -> None:
        self.whole_ = table_fingerprint(view.semantics)
        self.states_: dict[str, State] = {}
        self._view, self._seed = view, self._context.seed
        self._prepare(view.semantics)
        if view.pool == "unseen":
            self._prepare(view.unseen_semantics)

    def _prepare(self, semantics: Semantics) -> None:
        key = table_fingerprint(semantics)
        if key in self.states_ or self._columns(semantics) is not None:
            return
        view: TrainView | None = getattr(self, "_view", None)
        if view is None:
            raise MethodError(
                f"{self.called}: read from a file, it has no unlabelled rows to learn another table from; train it "
                "again with all classes in the table"
            )
        self.states_[key], rounds = self.learn_table(view, semantics, self._seed)
        if key == self.whole_:
            self.pseudo_labels_ = rounds

    def _columns(self, semantics: Semantics) -> np.ndarray | None:
        """Where the classes of a table stand among all; None where it needs a state of its own."""
        place = {name: c for c, name in enumerate(self.classes_)}
        found = np.array([place.get(name, -1) for name in semantics.class_names])
        if (found < 0).any() or self.whole_ not in self.states_:
            return None
        view: TrainView | None = getattr(self, "_view", None)
        own = view is not None and view.pool == "unseen" and set(semantics.class_names) == set(self.unseen_classes_)
        return None if own or not np.array_equal(semantics.table, self.class_vectors_[found]) else found

    def _scores(self, X: np.ndarray, semantics: Semantics) -> np.ndarray:
        state = self.states_.get(table_fingerprint(semantics))
        if state is not None:
            return self.table_scores(state, X, semantics)
        columns = self._columns(semantics)
        if columns is None:
            raise MethodError(
                f"{self.called}: nothing was learnt for this table of {len(semantics)} classes; "
                "call prepare(semantics) once before scores"
            )
        return self.table_scores(self.states_[self.whole_], X, self.fitted_semantics)[:, columns]

    def fitted_arrays(self) -> dict[str, np.ndarray]:
        """Learnt arrays, and what was learnt for every table."""
        found = super().fitted_arrays()
        for key, state in self.states_.items():
            found |= {f"state:{key}/{name}": value for name, value in state.items()}
        return found

    def restore_arrays(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Take back what `fitted_arrays` gave."""
        super().restore_arrays({name: value for name, value in arrays.items() if "/" not in name})
        self.states_ = {}
        for name, value in arrays.items():
            owner, _, member = name.partition("/")
            if owner.startswith("state:"):
                self.states_.setdefault(owner[6:], {})[member] = value


def candidates_in(view: TrainView, semantics: Semantics) -> tuple[np.ndarray, ClassPrior]:
    """Columns of a table that unlabelled rows may be of, and the view's prior over the table's classes.

    It is uniform where the view's knows none of them.
    """
    names = view.semantics.class_names
    seen = {names[c] for c in view.seen}
    all_rows = view.pool == "all" or seen.issuperset(semantics.class_names)
    candidates = np.array([c for c, name in enumerate(semantics.class_names) if all_rows or name not in seen])
    known = view.class_prior
    if known.shares is None:
        return candidates, known
    by_name = dict(zip(names, known.shares, strict=True))
    shares = np.array([by_name.get(name, 0.0) for name in semantics.class_names])
    if shares[candidates].sum() == 0:
        return candidates, ClassPrior.uniform(candidates, len(semantics))
    return candidates, ClassPrior(known.name, known.rule, shares)


def seen_in(view: TrainView, semantics: Semantics) -> tuple[np.ndarray, np.ndarray]:
    """Training rows of the classes of a table: positions (n,), and their columns in the table."""
    place = {name: c for c, name in enumerate(semantics.class_names)}
    column = np.array([place.get(view.semantics.class_names[c], -1) for c in view.seen])[view.seen_labels]
    rows = np.flatnonzero(column >= 0)
    return rows, column[rows]


class PooledTrainer(IterativeMethod):
    """A method trained by steps that draws unlabelled rows beside its batches.

    Attributes
    ----------
    shares_ : Tensor, shape (C,)
        What is known or estimated of the shares of all classes among unlabelled rows; 0 where there can be none.
    """

    _pool: ClassVar[Tensor]
    _view: ClassVar[TrainView]

    def _place(self, view: TrainView) -> None:
        self._view = view  # type: ignore[misc]
        self._pool = torch.from_numpy(view.unlabelled.to_array()).to(self._context.device)  # type: ignore[misc]
        known = view.class_prior.shares
        if known is None:
            known = ClassPrior.uniform(view.candidates, len(view.semantics)).shares
        super()._place(view)
        self.shares_ = torch.tensor(known, dtype=torch.float32, device=self.device)

    def finish_scoring(self) -> None:
        """Get ready to score, and refuse a fit that gives all unlabelled rows to one class."""
        super().finish_scoring()
        possible = self._view.candidates
        best_candidates(
            self.pool_scores()[:, possible], possible, self.classes_, self.card.id, self._view.class_prior
        )

    @property
    def candidates(self) -> Tensor:
        """Rows of ``classes_`` that unlabelled rows may be of."""
        return torch.tensor(self._view.candidates, device=self.device)

    def pool_batch(self, count: int) -> Tensor:
        """Unlabelled rows (count, d), drawn with replacement by the stream ``pool``."""
        return self._pool[self.drawn("pool", count, len(self._pool))]

    def pool_classes(self, count: int) -> Tensor:
        """Classes (count,), rows of ``classes_``, drawn by their shares with the stream ``pool classes``."""
        ends = self.shares_.double().cumsum(0)
        drawn = self.streams.uniform("pool classes", count).double() * ends[-1]
        return torch.searchsorted(ends, drawn, right=True).clamp_max(len(ends) - 1)

    def drawn(self, stream: str, count: int, n: int) -> Tensor:
        """Numbers (count,) below ``n``, drawn with replacement from a stream."""
        return (self.streams.uniform(stream, count) * n).long().clamp_max(n - 1)

    def pool_rows(self) -> Tensor:
        """Unlabelled rows (m, r) as k-means sees them where it estimates the prior."""
        return self._pool

    def pool_scores(self) -> np.ndarray:
        """What the method says of unlabelled rows at present, (m, C)."""
        return self._scores(self._pool.cpu().numpy(), self._view.semantics)

    def told(self, synthetic: Callable[[int], np.ndarray] | None = None) -> Pooled:
        """Unlabelled rows as the method sees them at present."""
        view, X = self._view, self.pool_rows().cpu().numpy()
        return Pooled(
            X, self.pool_scores(), self.classes_, view.candidates, view.class_prior, X[:0], np.empty(0, np.int64),
            self.class_vectors_, lambda rows: self._scores(rows, view.semantics), synthetic,
        )  # fmt: skip

    def follow_shares(self, synthetic: Callable[[int], np.ndarray] | None = None) -> None:
        """Estimate the shares anew where the prior says so."""
        if self._view.class_prior.shares is None:
            shares = torch.from_numpy(self.told(synthetic).shares(self.card.id)).to(self.shares_)
            self.shares_ = torch.zeros_like(self.shares_).index_copy_(0, self.candidates, shares)
