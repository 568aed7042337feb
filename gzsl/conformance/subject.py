"""What a conformance check looks at: one method with one set of hyper-parameters, on a small simulated dataset."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from gzsl.data import Dataset, Task, TrainView, final_task, load
from gzsl.errors import GzslError
from gzsl.methods import Method, create, get_method

SCALING = "minmax"
ROWS = 50  # test rows that are scored where a few do


class CheckFailed(AssertionError):
    """A method does not do what every method must; the message is one sentence."""


@dataclass
class Bench:
    """Data that all checks share, and methods that were fitted on them already."""

    dataset: Dataset
    fitted: dict[str, Method] = field(default_factory=dict)

    @cached_property
    def task(self) -> Task:
        """The training rows in one view, the test rows behind the gate."""
        return final_task(self.dataset, SCALING)

    @cached_property
    def rows(self) -> np.ndarray:
        """Some rows of unseen classes (50, d)."""
        return self.task.gate.open()[1].features.to_array()[:ROWS]

    @classmethod
    def simulated(cls) -> Bench:
        """The easy simulated dataset, on which every sound method beats chance by far."""
        return cls(load("simulated", preset="easy"))


@dataclass(frozen=True)
class Subject:
    """One method, its hyper-parameters, and the bench it is checked on.

    Attributes
    ----------
    name : str
        Id of the method.
    params : mapping
        Hyper-parameters, one of the sets that its card declares for checks.
    bench : Bench
        Shared data; `fitted` keeps its methods there, each fitted once.
    """

    name: str
    params: Mapping[str, Any]
    bench: Bench

    @property
    def cls(self) -> type[Method]:
        """Class of the method."""
        return get_method(self.name)

    @property
    def view(self) -> TrainView:
        """What the method may see."""
        return self.bench.task.view

    @property
    def rows(self) -> np.ndarray:
        """Some rows to score (50, d)."""
        return self.bench.rows

    @property
    def fitted(self) -> Method:
        """The method fitted with seed 0; checks look at it and leave it as it is."""
        key = f"{self.name}{sorted(self.params.items(), key=str)}"
        if key not in self.bench.fitted:
            self.bench.fitted[key] = self.fit()
        return self.bench.fitted[key]

    def make(self, **changes: Any) -> Method:
        """A new method, not fitted."""
        made: Method = create(self.name, **self.params).set_params(**changes)
        return made

    def fit(self, view: TrainView | None = None, seed: int = 0) -> Method:
        """A new method, fitted."""
        return self.make().fit(self.view if view is None else view, seed=seed)


def expect(holds: bool, sentence: str) -> None:
    """Fail a check with a sentence unless ``holds``."""
    if not holds:
        raise CheckFailed(sentence)


def expect_refusal(action: Callable[[], object], error: type[GzslError], part: str, what: str) -> None:
    """Fail unless ``action`` ends in a sentence of kind ``error`` that has ``part`` in it."""
    try:
        action()
    except error as refusal:
        expect(part in str(refusal), f"{what} is refused with {str(refusal)!r}, which does not say {part!r}")
    except Exception as other:
        raise CheckFailed(f"{what} ends in {type(other).__name__} ({other}), expected {error.__name__}") from other
    else:
        raise CheckFailed(f"{what} is accepted, expected {error.__name__}")


def differing(first: Method, second: Method) -> list[str]:
    """Names of learnt arrays that are not the same bits in two fitted methods."""
    a, b = first.fitted_arrays(), second.fitted_arrays()
    return sorted(name for name in a.keys() | b.keys() if not same(a.get(name), b.get(name)))


def same(a: np.ndarray | None, b: np.ndarray | None) -> bool:
    """Whether two arrays are equal bit for bit, NaN beside NaN included."""
    return a is not None and b is not None and a.shape == b.shape and a.tobytes() == b.tobytes()


def listed(names: Iterable[str]) -> str:
    """A few names in a row."""
    found = list(names)
    return ", ".join(found[:4]) + (", ..." if len(found) > 4 else "")
