"""Trials, each a search on the validation folds of a run, worked through once."""

from __future__ import annotations

import shutil
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

from filelock import FileLock, Timeout
from pydantic import Field

from gzsl.brief import brief
from gzsl.data import Dataset, validation_folds
from gzsl.door.documents import Document, check_document
from gzsl.errors import MethodError, ProtocolError, RunError, TrainingDiverged
from gzsl.evaluation.result import METRICS
from gzsl.files import make_folder, value_hash
from gzsl.runs.experiment import Experiment, metric_for
from gzsl.runs.recipe import Recipe
from gzsl.runs.reporter import Reporter
from gzsl.runs.store import RunFolder, code_version
from gzsl.tuning.plan import PLANNED, draw_plan
from gzsl.tuning.space import Dimension
from gzsl.tuning.storage import Book


class TrialNotes(Document):
    """What is kept of a trial besides its values."""

    seconds: Annotated[float, Field(ge=0)]
    error: str | None = None
    epoch: int | None = None
    candidate: dict[str, Any] = {}
    folds: int | None = None
    metrics: dict[str, float] = {}


FAILURES = (TrainingDiverged, MethodError, ProtocolError)  # of the values tried; anything else ends the search


@dataclass(frozen=True)
class Trial:
    """A finished trial.

    Attributes
    ----------
    place : int
        In the list of trials, from 0.
    values : dict
        What was tried, by key.
    value : float or None
        Mean of the recipe's metric over the folds at the best epoch; None when the trial failed.
    notes : dict
        ``epoch``, ``candidate`` (what the recipe's grid chose beside), ``metrics`` (fold means), ``seconds``,
        and ``error`` of a failed trial.
    fresh : bool
        Whether this process ran it.
    """

    place: int
    values: dict[str, Any]
    value: float | None
    notes: dict[str, Any]
    fresh: bool = False

    __repr__ = brief

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"trial": self.place, "values": self.values, "value": self.value, **self.notes}


@dataclass(frozen=True)
class Tuner:
    """A search for hyper-parameters on validation classes.

    The test rows are taken away before the first trial: no trial, and nothing that this object holds, can reach
    a test feature or label.

    Attributes
    ----------
    recipe : Recipe
        Dataset, method, folds and metric. Hyper-parameters of its grid that are not searched here are chosen
        inside every trial, as in a run; so is the number of epochs.
    dataset : Dataset
        With the recipe's semantics.
    space : tuple of Dimension
        What is searched.
    n_trials : int
        Length of the list of trials; a longer one continues a shorter one.
    out : Path
        Folder of all runs; the search is kept below ``tune/``.
    sampler : str
        ``sobol`` or ``random``: the list is drawn beforehand; ``tpe``: it depends on the results before.
    seed : int
        Of the list, the folds and the fits.
    device : str
        ``cpu`` or ``cuda``.
    storage : str, optional
        Optuna's URL; an SQLite file beside the trials when None.
    reporter : Reporter
        Hears progress.
    """

    recipe: Recipe
    dataset: Dataset
    space: tuple[Dimension, ...]
    n_trials: int
    out: Path
    sampler: str = "sobol"
    seed: int = 0
    device: str = "cpu"
    storage: str | None = None
    reporter: Reporter = field(default_factory=Reporter)

    def __post_init__(self) -> None:
        if not self.dataset.split.test_removed:
            object.__setattr__(self, "dataset", self.dataset.training_part())
        selection = self.recipe.selection
        validation_folds(self.dataset, selection.folds, selection.holdout, self.seed)  # too few classes: say it now

    @cached_property
    def base(self) -> Recipe:
        """The recipe of every trial but for the searched values."""
        searched = {dimension.key for dimension in self.space}
        grid = {key: values for key, values in self.recipe.selection.grid.items() if key not in searched}
        # no calibrator: the metrics that a choice maximises are those of the plain scores, in a run too
        return self.recipe.changed({"selection.rule": "validation", "selection.grid": grid, "calibration": "none"})

    @property
    def metric(self) -> str:
        """What trials are compared by."""
        return metric_for(self.recipe, self.dataset)

    @cached_property
    def name(self) -> str:
        """Name of the study: method, dataset, and a digest of all that decides what trials find."""
        key = value_hash({
            "recipe": self.base.decided(), "space": [dimension.to_dict() for dimension in self.space],
            "sampler": self.sampler, "seed": self.seed, "data": self.dataset.content_hash, "metric": self.metric,
            "device": self.device, "code": code_version(*self.recipe.parts()),
        })  # fmt: skip
        return f"{self.recipe.method['name']}-{self.dataset.name}-{key[:12]}"

    @cached_property
    def folder(self) -> Path:
        """Where the search is kept."""
        return make_folder(self.out / "tune" / self.name)

    @cached_property
    def book(self) -> Book:
        """The finished trials."""
        return Book(self.name, self.folder, self.storage)

    @cached_property
    def plan(self) -> list[dict[str, Any]]:
        """Values of every trial of a list drawn beforehand."""
        return draw_plan(self.base.build_method(), self.space, self.n_trials, self.sampler, self.seed)

    def trials(self) -> list[Trial]:
        """Finished trials of the list, in its order."""
        found = self.book.finished()
        for place, trial in found.items():
            if lacking := [dimension.key for dimension in self.space if dimension.key not in trial.params]:
                raise RunError(f"trial {place} of the storage: found no value of {lacking[0]!r}, expected one")
        return [
            Trial(place, dict(found[place].params), found[place].value, _notes(found[place].user_attrs))
            for place in sorted(found)
            if place < self.n_trials
        ]

    def run(self, starting: Callable[[int, dict[str, Any]], None] = lambda place, values: None) -> Iterator[Trial]:
        """Work through the list: finished trials are passed over, those that another process holds are waited for.

        Parameters
        ----------
        starting : callable
            Called with place and values before a trial.

        Yields
        ------
        Trial
            Those that this process ran.
        """
        planned = self.sampler in PLANNED
        for wait in (False, True) if planned else (True,):
            for place in range(self.n_trials):
                with self._held(f"{place}" if planned else "tpe", wait) as held:
                    if held and place not in self.book.finished():
                        yield self._planned(place, starting) if planned else self._proposed(place, starting)

    def _planned(self, place: int, starting: Callable[[int, dict[str, Any]], None]) -> Trial:
        values = self.plan[place]
        starting(place, values)
        trial = self._trial(place, values)
        self.book.write(values, self.space, trial.value, {"place": place, **trial.notes})
        self._tidy(values)
        return trial

    def _proposed(self, place: int, starting: Callable[[int, dict[str, Any]], None]) -> Trial:
        own = draw_plan(self.base.build_method(), self.space, 1, "random", self.seed)[0]
        number, values = self.book.ask(self.space, place, self.seed, own)
        starting(place, values)
        trial = self._trial(place, values)
        self.book.tell(number, trial.value, {"place": place, **trial.notes})
        self._tidy(values)
        return trial

    def _trial(self, place: int, values: dict[str, Any]) -> Trial:
        began = time.perf_counter()
        folder = self._trial_folder(values)
        with folder.locked():
            try:
                found = self._validate(folder, values)
            except FAILURES as error:
                return Trial(place, values, None, {"error": str(error), "seconds": time.perf_counter() - began}, True)
        value = found.pop("value")
        return Trial(place, values, value, {**found, "seconds": time.perf_counter() - began}, True)

    def _validate(self, folder: RunFolder, values: dict[str, Any]) -> dict[str, Any]:
        recipe = self.base.changed({f"method.{key}": value for key, value in values.items()})
        experiment = Experiment(recipe, self.dataset, self.seed, self.device, folder, self.reporter)
        choice = experiment.validate()
        rows = [row for row in experiment.records.rows if row["kind"] == "evaluation"
                and (row["epoch"], row["candidate"]) == (choice.epoch, choice.candidate)]  # fmt: skip
        known = [name for name in METRICS if all(row[name] is not None for row in rows)]
        metrics = {name: statistics.fmean(row[name] for row in rows) for name in known}
        return {"value": choice.value, "epoch": choice.epoch, "candidate": choice.candidate or {},
                "folds": len(rows), "metrics": metrics}  # fmt: skip

    def _trial_folder(self, values: dict[str, Any]) -> RunFolder:
        return RunFolder(self.folder / f"trial-{value_hash(values)[:12]}")

    def _tidy(self, values: dict[str, Any]) -> None:
        """Keep the curves of a finished trial, and nothing else of it."""
        for path in self._trial_folder(values).path.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            elif path.name != "records.jsonl":
                path.unlink(missing_ok=True)

    @contextmanager
    def _held(self, name: str, wait: bool) -> Iterator[bool]:
        """Hold a lock of the search, or yield False when another process does; it ends with its process."""
        lock = FileLock(make_folder(self.folder / "locks") / name)
        try:
            lock.acquire(timeout=-1 if wait else 0)
        except Timeout:
            yield False
            return
        try:
            yield True
        finally:
            lock.release()


def _notes(attributes: dict[str, Any]) -> dict[str, Any]:
    """What the storage holds of a trial besides its values, which anybody may have written."""
    known = {key: value for key, value in attributes.items() if key != "place"}
    return check_document(known, TrialNotes, f"trial {attributes.get('place')} of the storage").values
