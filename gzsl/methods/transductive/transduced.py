"""Any inductive method with a wrapper around it that learns from unlabelled rows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Self

import numpy as np
from sklearn.base import clone

from gzsl.data import TrainView
from gzsl.methods.base import FitContext, Method
from gzsl.methods.embedding.eszsl import ESZSL
from gzsl.methods.generative.base import Generator
from gzsl.methods.persistence import plain_values, take_back
from gzsl.methods.registry import register
from gzsl.methods.transductive.base import PooledTables, candidates_in, seen_in
from gzsl.params import param
from gzsl.semantics import Semantics
from gzsl.transduction.base import Pooled, State, Wrapper
from gzsl.transduction.sinkhorn import Sinkhorn


@register(
    "transduced",
    family="transductive",
    settings=("transductive",),
    fidelity="from paper",
    cite="Zhou, Bousquet, Lal, Weston & Schölkopf, Learning with Local and Global Consistency, NIPS 2003; Cuturi, "
    "Sinkhorn Distances, NIPS 2013, arXiv:1306.0895; Lee, Pseudo-Label, ICML workshop 2013",
    year=2013,
    needs=("unlabelled",),
    test_params=[{"by": {"name": name}} for name in ("sinkhorn", "propagate", "self-train")],
)
class Transduced(PooledTables):
    """A method fitted without unlabelled rows, whose scores a wrapper then corrects by them.

    Recipes say it in a key of their own, beside any method: ``transductive: {name: propagate}``, ``self-train`` or
    ``sinkhorn`` (`gzsl.transduction`).

    **Differences.** These are plain baselines, not one paper's method: what each wrapper does is in its docstring.
    """

    base: Method = param(default_factory=ESZSL, doc="method that sees training rows alone")
    by: Wrapper = param(default_factory=Sinkhorn, doc="what learns from unlabelled rows")

    @classmethod
    def around(cls, base: Method, by: Wrapper, view: TrainView, *, seed: int = 0, device: str = "cpu") -> Self:
        """Put a wrapper around a method that is fitted already on the same view without its pool."""
        method = cls(base=base, by=by)
        with method._fitting(view, FitContext(seed, device)) as shown:
            method._learn(base, shown)
        return method

    def _fit(self, view: TrainView) -> None:
        base = clone(self.base)
        self._learn(base.fit(view.without_pool(), seed=self._context.seed, device=self._context.device), view)

    def _learn(self, base: Method, view: TrainView) -> None:
        self.inner_, self.inner_values_ = base, json.dumps(plain_values(base))
        self._learn_tables(view)

    @property
    def called(self) -> str:
        """Method and wrapper."""
        return f"{self.base.card.id}+{self.by.part_id}"

    def learn_table(self, view: TrainView, semantics: Semantics, seed: int) -> tuple[State, np.ndarray]:
        """Let the wrapper learn from what the method says of unlabelled rows."""
        return self.by.fit(self._pooled(view, semantics), seed)

    def table_scores(self, state: Mapping[str, np.ndarray], X: np.ndarray, semantics: Semantics) -> np.ndarray:
        """What the wrapper makes of the method's scores."""
        return self.by.scores(state, X, self.inner_.scores(X, semantics))

    def _pooled(self, view: TrainView, semantics: Semantics) -> Pooled:
        X, inner = view.unlabelled.to_array(), self.inner_.prepare(semantics)
        rows, columns = seen_in(view, semantics)
        candidates, prior = candidates_in(view, semantics)
        synthetic = inner.rows_to_check(semantics.take(candidates)) if isinstance(inner, Generator) else None
        return Pooled(
            X, inner.scores(X, semantics), semantics.class_names, candidates, prior,
            view.features.take(rows).to_array(), columns, semantics.table,
            lambda X: inner.scores(X, semantics), synthetic,
        )  # fmt: skip

    def fitted_arrays(self) -> dict[str, np.ndarray]:
        """What the wrapper learnt for every table, and the method inside."""
        inner = self.inner_.fitted_arrays()
        return super().fitted_arrays() | {f"inner/{name}": value for name, value in inner.items()}

    def restore_arrays(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Rebuild the method inside and what the wrapper learnt."""
        super().restore_arrays(arrays)
        self.inner_ = clone(self.base)
        inner = {name[6:]: value for name, value in arrays.items() if name.startswith("inner/")}
        take_back(self.inner_, json.loads(self.inner_values_), inner)
