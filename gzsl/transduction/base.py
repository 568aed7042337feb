"""What makes a fitted inductive method transductive: the contract of wrappers, and their registry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from gzsl.data.pool import ClassPrior
from gzsl.errors import MethodError, RecipeError
from gzsl.nn.class_shares import clustered, counted, refuse_collapse, shift_corrected
from gzsl.params import Configurable, configure
from gzsl.registry import Registry

State = dict[str, np.ndarray]


@dataclass(frozen=True)
class Pooled:
    """What a wrapper learns from: unlabelled rows as a fitted method sees them.

    Attributes
    ----------
    X : ndarray, shape (m, d)
        Unlabelled rows, prepared as those of training.
    scores : ndarray, shape (m, C)
        What the method says of them.
    names : tuple of str
        Of the C classes.
    candidates : ndarray of int64
        Columns that the unlabelled rows may be of.
    prior : ClassPrior
        Of the C classes.
    seen_features, seen_columns : ndarray, shapes (n, d) and (n,)
        Training rows of those classes that have some; none in a table of unseen classes.
    vectors : ndarray, shape (C, a)
        Class vectors.
    synthetic : callable or None
        Of a generator: from a count to that many synthetic rows a candidate, (k count, d), class after class, other
        rows than its head was trained on.
    rescored : callable
        The method's scores (n, C) of other rows (n, d).
    """

    X: np.ndarray
    scores: np.ndarray
    names: tuple[str, ...]
    candidates: np.ndarray
    prior: ClassPrior
    seen_features: np.ndarray
    seen_columns: np.ndarray
    vectors: np.ndarray
    rescored: Callable[[np.ndarray], np.ndarray]
    synthetic: Callable[[int], np.ndarray] | None = None

    @property
    def own(self) -> np.ndarray:
        """Scores of the candidates alone, (m, k)."""
        return self.scores[:, self.candidates]

    def shares(self, who: str) -> np.ndarray:
        """Shares of the candidates (k,): what is known of them, or what the method's predictions tell.

        Raises
        ------
        MethodError
            When all rows are predicted as one class, or for ``bbse`` around a method that generates no features.
        """
        if self.prior.shares is not None:
            found = self.prior.shares[self.candidates]
            return found / found.sum() if found.sum() > 0 else np.full(len(found), 1 / len(found))
        predicted = self.own.argmax(axis=1)
        refuse_collapse(predicted, self.candidates, self.names, who, self.prior)
        if self.prior.rule == "kmeans":
            return clustered(self.X, predicted, self.own)
        if self.prior.rule == "bbse":
            return self._corrected(who, predicted)
        return counted(predicted, len(self.candidates))

    def _corrected(self, who: str, predicted: np.ndarray, count: int = 100) -> np.ndarray:
        if self.synthetic is None:
            raise MethodError(
                f"{who}: class_prior.rule: found bbse around a method that generates no features, "
                "expected classifier or kmeans"
            )
        k = len(self.candidates)
        known = self.rescored(self.synthetic(count))[:, self.candidates].argmax(axis=1)
        return shift_corrected(np.repeat(np.arange(k), count), np.eye(k)[known], np.eye(k)[predicted])


class Wrapper(Configurable):
    """Makes a fitted method transductive: learns from its scores of unlabelled rows, then scores any row.

    A wrapper is a hyper-parameter, so it keeps nothing: `fit` returns what was learnt. An author writes `fit` and
    `scores`. What is learnt must let a row be scored by itself: its scores depend on no other row that is scored.
    """

    def fit(self, pooled: Pooled, seed: int) -> tuple[State, np.ndarray]:
        """Learn from unlabelled rows.

        Returns
        -------
        state : dict of str to ndarray
            What `scores` needs.
        rounds : ndarray, shape (T, m), int64
            The columns that rows were given in each round, the method's own first; -1 for none.

        Raises
        ------
        MethodError
            When nothing can be learnt from the rows.
        """
        raise NotImplementedError

    def scores(self, state: Mapping[str, np.ndarray], X: np.ndarray, scores: np.ndarray) -> np.ndarray:
        """New scores (n, C) of rows (n, d) with the method's ``scores`` (n, C)."""
        raise NotImplementedError

    @classmethod
    def part_class(cls, name: str) -> type[Wrapper]:
        """Class of the wrapper called ``name``."""
        return WRAPPERS.get(name)


W = TypeVar("W", bound=type[Wrapper])
WRAPPERS: Registry[type[Wrapper]] = Registry("wrapper", "gzsl.transduction", MethodError)


def register_wrapper(name: str) -> Callable[[W], W]:
    """Class decorator: put a wrapper into the registry under ``name``."""
    return WRAPPERS.part(name)


def wrapper_names() -> list[str]:
    """Ids of all wrappers, sorted."""
    return WRAPPERS.names()


def make_wrapper(section: Mapping[str, Any]) -> Wrapper:
    """The wrapper of a recipe's ``transductive``: its name and its settings.

    Raises
    ------
    RecipeError, MethodError
        For a missing or unknown name, an unknown key or a value out of range.
    """
    name = section.get("name")
    if not isinstance(name, str):
        raise RecipeError(f"transductive.name: found {name!r}, expected one of {', '.join(wrapper_names())}")
    given = {key: value for key, value in section.items() if key != "name"}
    made = configure(WRAPPERS.get(name), given, where="transductive", error=RecipeError)
    made.check_parameters()
    return made
