"""One run of a study as plain values, so that any process can take it up; and what comes back."""

from __future__ import annotations

import contextlib
import json
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from gzsl import plugins
from gzsl.data import Dataset
from gzsl.errors import GzslError, RunHeld, StorageError
from gzsl.methods import get_method
from gzsl.runs.environment import resolve_device
from gzsl.runs.recipe import Recipe, make_recipe
from gzsl.runs.reporter import Reporter
from gzsl.runs.run import Run, RunResult, open_dataset
from gzsl.runs.tracking import tracked
from gzsl.studies.cells import Cell

LOG_LINES = 5
_ONE_AT_A_TIME = threading.Lock()  # cells of one process share torch's generator and thread pools


@dataclass(frozen=True)
class Place:
    """Where the runs of a study read, write and compute.

    Attributes
    ----------
    out : Path
        Folder of all runs.
    data : Path or None
        Folder of datasets.
    device : str
        ``auto``, ``cpu`` or ``cuda``.
    track : Path or None
        Folder of TensorBoard's events, one folder in it a run.
    """

    out: Path
    data: Path | None
    device: str
    track: Path | None = None

    def resolved(self) -> Place:
        """The same place by absolute paths, for processes that are at work elsewhere."""
        data, track = (None if path is None else path.resolve() for path in (self.data, self.track))
        return Place(self.out.resolve(), data, self.device, track)


@dataclass(frozen=True)
class Job:
    """A cell with one seed: the smallest piece that a worker gets.

    Attributes
    ----------
    cell : Cell
        Whose recipe.
    run : Run
        With its key and folder.
    place : Place
        For the worker.
    """

    cell: Cell
    run: Run
    place: Place

    @property
    def name(self) -> str:
        """Cell and seed."""
        return f"{self.cell.name} seed {self.run.seed}"

    @property
    def key(self) -> str:
        """The run's content hash."""
        return self.run.key

    def to_values(self, *, patient: bool) -> dict[str, Any]:
        """Plain JSON values of all that a worker needs; ``patient``: wait for a process that holds the run."""
        return {
            "recipe": self.run.recipe.model_dump(mode="json"), "seed": self.run.seed, "key": self.key,
            "out": str(self.place.out), "data": None if self.place.data is None else str(self.place.data),
            "track": None if self.place.track is None else str(self.place.track),
            "device": self.run.device, "patient": patient, "plugins": [str(path) for path in plugins.asked()],
        }  # fmt: skip

    def note_failure(self, error: str) -> None:
        """Write into the run's log what its process could not write itself."""
        with contextlib.suppress(GzslError):
            if self.run.folder.path.is_dir():
                self.run.folder.log(f"failed: {error}")


@dataclass(frozen=True)
class Outcome:
    """What became of a job.

    Attributes
    ----------
    job : Job
        The job.
    result : RunResult or None
        None when it failed.
    error : str or None
        One sentence.
    storage : bool
        Whether it failed because nothing can be written any more.
    log : tuple of str
        Last lines of the failed run's log.
    """

    job: Job
    result: RunResult | None
    error: str | None = None
    storage: bool = False
    log: tuple[str, ...] = field(default=())


def failed(job: Job, error: str, *, storage: bool = False) -> Outcome:
    """The outcome of a job that ended in an error."""
    return Outcome(job, None, error, storage, job.run.folder.last_lines(LOG_LINES))


class Shelf:
    """Datasets that are open in this process, so that each is read once however many recipes use it."""

    def __init__(self) -> None:
        self._open: dict[str, Dataset] = {}

    def dataset(self, recipe: Recipe, data: Path | str | None) -> Dataset:
        """The recipe's data with its class table."""
        key = json.dumps([recipe.dataset.model_dump(mode="json"), str(data)], sort_keys=True)
        if key not in self._open:
            self._open[key] = open_dataset(recipe, data)
        return self._open[key]


_SHELF = Shelf()  # of this process


def plan(
    cells: Iterable[Cell], place: Place, device_for: Callable[[bool], str] | None = None
) -> Iterator[tuple[Cell, list[Job], str | None]]:
    """Name the runs of every cell that can run: (cell, jobs, what is wrong with it).

    ``device_for`` tells the device of methods that can use one and of those that cannot, where it is not this machine
    that decides.
    """
    for cell in cells:
        if cell.recipe is None:
            if cell.error:
                yield cell, [], cell.error
            continue
        try:
            needed = get_method(cell.recipe.method["name"]).iterative
            device = device_for(needed) if device_for else resolve_device(place.device, needed=needed)
            dataset = _SHELF.dataset(cell.recipe, place.data)
        except GzslError as error:
            yield cell, [], str(error)
            continue
        runs = [Run(cell.recipe, seed, dataset, place.out, device) for seed in cell.seeds]
        yield cell, [Job(cell, run, place) for run in runs], None


def perform(values: Mapping[str, Any], reporter: Reporter | None = None) -> dict[str, Any]:
    """Do what `Job.to_values` describes and tell how it ended, in plain values; numbers go to the run's folder.

    Returns
    -------
    dict
        ``state`` is ``done``, ``held`` (another process has it) or ``failed``, with ``error``, ``storage`` and, where
        it is not bad input, ``unexpected``.
    """
    with _ONE_AT_A_TIME:
        try:
            run = open_run(values, tracked(reporter or Reporter(), values["track"]))
            if run.key != values["key"]:
                text = f"this worker's copy of gzsl or of the data is another one: found key {run.key}, expected"
                return {"state": "failed", "error": f"{text} {values['key']}", "storage": False}
            return {"state": "done", "fresh": _execute(run).fresh}
        except RunHeld:
            return {"state": "held"}
        except GzslError as error:
            return {"state": "failed", "error": str(error), "storage": isinstance(error, StorageError)}
        except (Exception, SystemExit) as error:
            text = f"{type(error).__name__}: {error}"
            return {"state": "failed", "error": text, "storage": False, "unexpected": True}


def perform_here(job: Job, reporter: Reporter) -> Outcome:
    """Run a job in this process, where an interruption of the user is passed on."""
    try:
        return Outcome(job, _execute(replace(job.run, reporter=tracked(reporter, job.place.track))))
    except GzslError as error:
        return failed(job, str(error), storage=isinstance(error, StorageError))
    except (Exception, SystemExit) as error:
        return failed(job, f"{type(error).__name__}: {error}")


def open_run(values: Mapping[str, Any], reporter: Reporter) -> Run:
    """The run that plain values describe, with this process's copy of its data."""
    plugins.use(values["plugins"])  # a worker of a cluster does not inherit them
    recipe = make_recipe(values["recipe"])
    dataset = _SHELF.dataset(recipe, values["data"])
    return Run(recipe, values["seed"], dataset, Path(values["out"]), values["device"], reporter)


def _execute(run: Run) -> RunResult:
    try:
        return run.execute()
    except GzslError:
        raise  # the run has written it into its log
    except (Exception, SystemExit) as error:
        with contextlib.suppress(GzslError):
            run.folder.log("".join(traceback.format_exception(error)).rstrip())
            run.folder.log(f"failed: {type(error).__name__}: {error}")
        raise
