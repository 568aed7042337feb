"""What a conformance check looks at: one method with one set of hyper-parameters, on a small simulated dataset."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from gzsl.conformance.cells import with_cells
from gzsl.conformance.supplies import SHOTS, joint_space, prompts, ragged_members
from gzsl.data import Dataset, Task, TrainView, final_task, load
from gzsl.data.pool import PoolChoice
from gzsl.data.shots import NO_SHOTS, ShotPlan
from gzsl.errors import GzslError
from gzsl.methods import Method, Monitor, create, get_method
from gzsl.methods.card import MethodCard
from gzsl.params import Configurable

SCALING = "minmax"
SUPPLIES: dict[str, Callable[[Dataset], Dataset]] = {  # what gives a dataset something that a method needs, in order
    "joint": joint_space, "members": ragged_members, "templates": prompts,
    "graph": lambda dataset: dataset.with_graph("attributes-knn"),
    "regions": with_cells,
}  # fmt: skip
ROWS = 50  # test rows that are scored where a few do
SHARE = 4  # a quarter of the training rows, where it does not matter how well is learnt
QUICK = {
    "n_epochs": 2, "batch_size": 16, "hidden_dim": 16, "critic_steps": 2, "n_synthetic": 3, "pretrain_epochs": 1,
    "regressor_epochs": 1,
}  # fmt: skip


class CheckFailed(AssertionError):
    """A method does not do what every method must; the message is one sentence."""


class Losses(Monitor):
    """Remembers the losses of each epoch."""

    def __init__(self) -> None:
        self.losses: dict[int, dict[str, float]] = {}

    def epoch_done(self, method: Method, epoch: int, losses: Mapping[str, float]) -> None:
        """Remember losses."""
        self.losses[epoch] = dict(losses)


@dataclass
class Bench:
    """Data that all checks share, and methods that were fitted on them already.

    Attributes
    ----------
    dataset : Dataset
        What the checks run on.
    thorough : bool
        Train in full also where a few steps on a quarter of the rows show the same: some twelve times as long.
    setting : str
        Which setting the methods are fitted in.
    regions : bool
        Whether rows are given with their regions.
    shots : ShotPlan
        Labelled rows of unseen classes that the methods get.
    fitted, brief : dict
        Methods that were fitted in full, and with few steps (with their losses); checks leave them as they are.
    """

    dataset: Dataset
    thorough: bool = False
    setting: str = "inductive"
    regions: bool = False
    shots: ShotPlan = NO_SHOTS
    fitted: dict[str, Method] = field(default_factory=dict)
    brief: dict[str, tuple[Method, Losses]] = field(default_factory=dict)
    others: dict[tuple[str, ...], Bench] = field(default_factory=dict)

    @cached_property
    def task(self) -> Task:
        """The training rows in one view, the test rows behind the gate."""
        return self.task_of(self.dataset)

    def task_of(self, dataset: Dataset, setting: str | None = None, pool: PoolChoice | None = None) -> Task:
        """The task of a dataset, prepared as this bench's methods want it, in its own or another setting."""
        setting = setting or self.setting
        scaling = "none" if setting == "transfer" or self.dataset.semantics.joint else SCALING
        return final_task(dataset, scaling, setting, pool, shots=self.shots, regions=self.regions)

    @cached_property
    def rows(self) -> np.ndarray:
        """Some rows of unseen classes (50, d) or (50, R, d)."""
        return self.task.gate.open()[1].features.to_array()[:ROWS]

    @cached_property
    def small(self) -> TrainView:
        """The training rows for fits that need not learn well."""
        return self.smaller(self.task.view)

    def smaller(self, view: TrainView) -> TrainView:
        """A quarter of the rows of a view, and few unlabelled ones; all of them where the bench is thorough.

        Of two unlabelled rows a class a method may say that all are of one class: after few steps it may be so.
        """
        if self.thorough:
            return view
        rows = np.arange(0, len(view.labels), SHARE)
        pool = view.unlabelled_features
        if pool is not None:
            pool = pool.take(np.linspace(0, len(pool) - 1, min(len(pool), 2 * len(view.candidates)), dtype=np.int64))
        return replace(view, features=view.features.take(rows), labels=view.labels[rows], unlabelled_features=pool)

    @classmethod
    def simulated(cls, thorough: bool = False) -> Bench:
        """The easy simulated dataset, on which every sound method beats chance by far."""
        return cls(load("simulated", preset="easy"), thorough)

    def serving(self, card: MethodCard) -> Bench:
        """Return this bench, or one beside it that has what a method needs, in a setting that its card names."""
        setting = "inductive" if "inductive" in card.settings else card.settings[0]
        supplied = tuple(need for need in SUPPLIES if need in card.needs)
        shots = ShotPlan(SHOTS) if "shots" in card.needs else NO_SHOTS
        if not supplied and setting == self.setting and shots == self.shots:
            return self
        key = (setting, f"{shots.k} shots", *supplied)
        if key not in self.others:
            dataset = self.dataset
            for need in supplied:
                dataset = SUPPLIES[need](dataset)
            self.others[key] = Bench(dataset, self.thorough, setting, card.regions, shots)
        return self.others[key]


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
        Shared data; `fitted` keeps its methods there, each fitted once. One that has what the method needs is taken
        beside it.
    """

    name: str
    params: Mapping[str, Any]
    bench: Bench

    def __post_init__(self) -> None:
        object.__setattr__(self, "bench", self.bench.serving(self.cls.card))

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
        """Some rows to score (50, d) or (50, R, d)."""
        return self.bench.rows

    def blank(self, count: int, more: int = 0) -> np.ndarray:
        """Rows of zeros (count, d + more) or (count, R, d + more)."""
        return np.zeros((count, *self.view.features.shape[1:-1], self.view.n_features + more))

    @property
    def fitted(self) -> Method:
        """The method fitted with seed 0; checks look at it and leave it as it is."""
        if self._key not in self.bench.fitted:
            self.bench.fitted[self._key] = self.make().fit(self.view, seed=0)
        return self.bench.fitted[self._key]

    @property
    def brief(self) -> tuple[Method, Losses]:
        """What `retrain` gives on the small view, and its losses; checks look at it and leave it as it is."""
        if self._key not in self.bench.brief:
            losses = Losses()
            self.bench.brief[self._key] = self.quick().fit(self.bench.small, seed=0, monitor=losses), losses
        return self.bench.brief[self._key]

    @property
    def _key(self) -> str:
        return f"{self.name}{sorted(self.params.items(), key=str)}"

    def make(self, **changes: Any) -> Method:
        """A new method, not fitted."""
        made: Method = create(self.name, **self.params).set_params(**changes)
        return made

    def quick(self, **changes: Any) -> Method:
        """A new method, not fitted, with few steps and small networks unless the bench is thorough."""
        made = self.make()
        if not self.bench.thorough:
            known = made.get_params(deep=False)
            made.set_params(**{key: value for key, value in QUICK.items() if key in known})
            head = known.get("head")
            if isinstance(head, Configurable) and hasattr(head, "n_epochs"):
                head.set_params(n_epochs=1)
        changed: Method = made.set_params(**changes)
        return changed

    def retrain(self, view: TrainView | None = None) -> Method:
        """A new method, fitted with few steps: to compare with `brief`, or where any fit does."""
        return self.quick().fit(self.bench.small if view is None else view, seed=0)


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
    except (Exception, SystemExit) as other:
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
