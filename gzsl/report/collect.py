"""Find the runs below a folder, or those of a study, and read them; what cannot be read is named, never fatal."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from gzsl.brief import brief
from gzsl.door.documents import check_document, read_document
from gzsl.door.paths import is_folder
from gzsl.door.yaml import read_yaml
from gzsl.errors import GzslError, RunError
from gzsl.evaluation import Protocol
from gzsl.files import value_hash
from gzsl.runs.documents import Environment, Metrics, StoredRecipe, Timing
from gzsl.runs.manifest import NEEDED, damaged
from gzsl.runs.sections import pool_as_meant
from gzsl.runs.store import RunFolder
from gzsl.studies.study import Study

TRACES = ("recipe.yaml", "metrics.json", "log.txt", "done")  # any of these makes a folder a run's
ABOUT = ("paper", "note", "provenance", "expected", "seeds")  # keys of a stored recipe that decide no number


@dataclass(frozen=True)
class StoredRun:
    """A finished run as it lies on disk.

    Attributes
    ----------
    folder : Path
        Where.
    metrics, recipe, environment, timing : dict
        Content of the files of these names.
    """

    folder: Path
    metrics: dict[str, Any]
    recipe: dict[str, Any]
    environment: dict[str, Any]
    timing: dict[str, Any]

    __repr__ = brief

    @property
    def method(self) -> str:
        """The method, with the wrapper's name where there is one: ``eszsl+sinkhorn``."""
        return str(self.metrics["method"])

    @property
    def method_id(self) -> str:
        """Id of the method alone."""
        return str(self.recipe["method"]["name"])

    @property
    def dataset(self) -> str:
        """Name of the dataset."""
        return str(self.metrics["dataset"])

    @property
    def seed(self) -> int:
        """Seed of everything random."""
        return int(self.metrics["seed"])

    @property
    def seconds(self) -> float:
        """Wall time of the run."""
        return float(self.timing.get("seconds", math.nan))

    @cached_property
    def protocol(self) -> Protocol:
        """What its numbers may be compared with."""
        return Protocol(**self.metrics["protocol"])

    @cached_property
    def settings(self) -> dict[str, Any]:
        """The recipe without what decides no number, by dotted key."""
        return flatten(self._deciding)

    @cached_property
    def fingerprint(self) -> str:
        """`Recipe.fingerprint` of the recipe that was run."""
        return value_hash(self._deciding)

    @property
    def _deciding(self) -> dict[str, Any]:
        """What decides the numbers, as `Recipe.resolved` has it, in recipes of earlier versions too."""
        kept = {key: value for key, value in self.recipe.items() if key not in ABOUT}
        return kept | pool_as_meant(kept)

    @property
    def finished_at(self) -> float:
        """When the marker of completeness was written, seconds since 1970."""
        return (self.folder / "done").stat().st_mtime


@dataclass(frozen=True)
class BrokenRun:
    """A run that has no numbers.

    Attributes
    ----------
    folder : Path
        Where.
    state : str
        ``unfinished``, ``failed`` or ``damaged``.
    reason : str
        One sentence.
    """

    folder: Path
    state: str
    reason: str


@dataclass(frozen=True)
class Collection:
    """What was found.

    Attributes
    ----------
    title : str
        Of the study, or the folder's name.
    runs : tuple of StoredRun
        Finished ones.
    broken : tuple of BrokenRun
        The others.
    missing : tuple of str
        Cells of a study that have no finished run, or cannot have one.
    """

    title: str
    runs: tuple[StoredRun, ...]
    broken: tuple[BrokenRun, ...]
    missing: tuple[str, ...] = ()

    __repr__ = brief


def collect(folder: Path) -> Collection:
    """Read every run in ``folder``, which is a run itself or holds runs, directly or one folder further down.

    Raises
    ------
    RunError
        When there is no such folder, or no run in it.
    """
    if not folder.is_dir():
        raise RunError(f"{folder}: found no such folder, expected one that holds runs")
    places = _run_folders(folder)
    if not places:
        raise RunError(f"{folder}: found no run in it or one folder further down, expected at least one")
    found = [read_run(place) for place in places]
    runs = tuple(run for run in found if isinstance(run, StoredRun))
    broken = tuple(run for run in found if isinstance(run, BrokenRun))
    return Collection(folder.resolve().name, runs, broken)


def collect_study(study: Study, out: Path, data: Path | str | None = None) -> Collection:
    """The runs in ``out`` that belong to a study's cells: same resolved recipe, one of its seeds."""
    everything = collect(out)
    by_recipe: dict[str, list[StoredRun]] = {}
    for run in everything.runs:
        by_recipe.setdefault(run.fingerprint, []).append(run)
    chosen: list[StoredRun] = []
    missing = []
    for cell in study.cells(data):
        if cell.recipe is None:
            missing.append(f"{cell.name}: {cell.left_out or cell.error}")
            continue
        seeds = set(cell.seeds)
        mine = [run for run in by_recipe.get(cell.recipe.fingerprint, []) if run.seed in seeds]
        chosen += [run for run in mine if run not in chosen]
        absent = sorted(seeds - {run.seed for run in mine})
        if absent:
            missing.append(f"{cell.name}: no finished run of seed {', '.join(map(str, absent))}")
    if not chosen:
        raise RunError(f"{out}: found no finished run of the study {study.title!r}, expected at least one")
    return Collection(study.title, tuple(chosen), everything.broken, tuple(missing))


def read_run(folder: Path) -> StoredRun | BrokenRun:
    """Read one run's folder; whatever is wrong with it becomes a `BrokenRun`."""
    if not (folder / "done").is_file():
        return _unfinished(folder)
    try:
        for name, problem in damaged(folder, NEEDED).items():
            raise RunError(f"{name}: {problem}")
        recipe = read_yaml(folder / "recipe.yaml", RunError)
        check_document(recipe, StoredRecipe, "recipe.yaml")
        metrics = read_document(folder / "metrics.json", Metrics)
        environment = read_document(folder / "environment.json", Environment)
        timing = read_document(folder / "timing.json", Timing)
        return StoredRun(folder, metrics.values, recipe, environment.values, timing.values)
    except GzslError as error:
        return BrokenRun(folder, "damaged", str(error).removeprefix(f"{folder}{os.sep}"))


def finished_run(folder: Path) -> StoredRun:
    """Read one run's folder; a `RunError` says what is wrong with it."""
    expected = "the folder of a finished run"
    if not is_folder(folder, expected, RunError):
        raise RunError(f"{folder}: found no such folder, expected {expected}")
    found = read_run(folder)
    if isinstance(found, BrokenRun):
        raise RunError(f"{folder}: found a run that is {found.state} ({found.reason}), expected a finished one")
    return found


def flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested mappings as one, by dotted key; lists stay values."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping) and value:
            flat |= flatten(value, f"{name}.")
        else:
            flat[name] = value
    return flat


def _run_folders(folder: Path) -> list[Path]:
    if _is_run(folder):
        return [folder]
    children = _subfolders(folder)
    nested = [place for child in children if not _is_run(child) for place in _subfolders(child)]
    return [place for place in [*children, *nested] if _is_run(place)]


def _subfolders(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    except OSError as error:
        raise RunError(f"{folder}: cannot be listed ({error.strerror or error})") from None


def _is_run(folder: Path) -> bool:
    return any((folder / name).is_file() for name in TRACES)


def _unfinished(folder: Path) -> BrokenRun:
    lines = RunFolder(folder).last_lines(1)
    last = lines[-1].partition("] ")[2] if lines else ""
    if last.startswith("failed: "):
        return BrokenRun(folder, "failed", last.removeprefix("failed: "))
    return BrokenRun(folder, "unfinished", f"last line of its log: {last}" if last else "its log is empty")
