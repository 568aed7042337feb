"""What differs between runs: recipe, protocol, environment, numbers, classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gzsl.door.paths import is_folder
from gzsl.errors import GzslError, RunError
from gzsl.report.class_figures import number, read_classes
from gzsl.report.collect import StoredRun, finished_run, flatten
from gzsl.runs.recipe import Recipe, load_recipe

MOST = 6
NUMBERS = {
    "T1": "T1", "U": "U", "S": "S", "H": "H", "AUSUC": "AUSUC",
    "calibrated.U": "U calibrated", "calibrated.S": "S calibrated", "calibrated.H": "H calibrated",
    "oracle.best_gamma.H": "H at best gamma (not valid)",
}  # fmt: skip


@dataclass(frozen=True)
class Side:
    """A run, or a recipe that a run is held against.

    Attributes
    ----------
    name : str
        Method, dataset and seed, or the recipe's name.
    place : str
        As given by the user.
    settings : dict
        Resolved recipe by dotted key.
    run : StoredRun or None
        None for a recipe.
    """

    name: str
    place: str
    settings: dict[str, Any]
    run: StoredRun | None


@dataclass(frozen=True)
class Row:
    """A named value of every side; None where a side has none."""

    name: str
    values: list[Any]

    @property
    def spread(self) -> float | None:
        """Second minus first of two numbers; of more, the largest minus the smallest."""
        found = [value for value in self.values if isinstance(value, int | float)]
        if len(found) != len(self.values):
            return None
        return found[1] - found[0] if len(found) == 2 else max(found) - min(found)


@dataclass(frozen=True)
class Difference:
    """Everything that differs.

    Attributes
    ----------
    sides : list of Side
        In the order given.
    verdict : str
        One sentence.
    recipe : list of Row
        Settings that differ, by dotted key.
    protocol : list of str
        One sentence a field in which the first run differs from another.
    comparable : bool
        Whether no field differs.
    environment : list of Row
        Versions, device, threads that differ.
    numbers : list of Row
        Fractions, and seconds.
    classes : list of Row
        Accuracy of every class that both know, the largest difference first.
    """

    sides: list[Side]
    verdict: str
    recipe: list[Row]
    protocol: list[str]
    comparable: bool
    environment: list[Row]
    numbers: list[Row]
    classes: list[Row]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        tables = {name: [asdict(row) for row in getattr(self, name)] for name in ("recipe", "environment")}
        measured = {
            name: [{**asdict(row), "difference": row.spread} for row in getattr(self, name)]
            for name in ("numbers", "classes")
        }
        sides = [{"name": side.name, "place": side.place, "is_run": side.run is not None} for side in self.sides]
        return {
            "sides": sides, "verdict": self.verdict, "comparable": self.comparable, "protocol": self.protocol,
            **tables, **measured,
        }  # fmt: skip


def find_difference(places: Sequence[str]) -> Difference:
    """Compare runs (folders), or a run and recipes (files, or names of shipped ones).

    Raises
    ------
    RunError
        For fewer than two or too many, none that is a run, or a run that is not finished.
    """
    if not 2 <= len(places) <= MOST:
        raise RunError(f"compare: found {len(places)}, expected 2 to {MOST} runs; gzsl report shows more")
    sides = [_side(place) for place in places]
    runs = [side.run for side in sides if side.run is not None]
    if not runs:
        raise RunError("compare: found recipes alone, expected at least one folder of a run")
    recipe = _differing([side.settings for side in sides])
    seeds = [run.seed for run in runs]
    protocol = [
        f"{_label(sides, run)}: {text}" if len(runs) > 2 else text
        for run in runs[1:]
        for text in runs[0].protocol.differences(run.protocol)
    ]
    environment = _differing([_environment(run) for run in runs])
    numbers = [_row(name, heading, runs) for name, heading in NUMBERS.items()]
    numbers.append(Row("seconds", [run.seconds for run in runs]))
    return Difference(
        sides, _verdict(recipe, seeds, environment, protocol, runs), recipe, protocol, not protocol,
        environment, [row for row in numbers if any(value is not None for value in row.values)], _classes(runs),
    )  # fmt: skip


def _side(place: str) -> Side:
    folder = Path(place)
    if is_folder(place, "the folder of a run, or a recipe", RunError):
        found = finished_run(folder)
        return Side(f"{found.method} on {found.dataset}, seed {found.seed}", place, found.settings, found)
    try:
        recipe: Recipe = load_recipe(place)
    except GzslError as error:
        raise RunError(f"{place}: found neither the folder of a run nor a recipe ({error})") from None
    return Side(f"recipe {place}", place, flatten(recipe.resolved()), None)


def _label(sides: Sequence[Side], run: StoredRun) -> str:
    """A, B, ..."""
    return next(chr(65 + k) for k, side in enumerate(sides) if side.run is run)


def _environment(run: StoredRun) -> dict[str, Any]:
    values = {key.removeprefix("packages."): value for key, value in flatten(run.environment).items() if key != "key"}
    return {**values, "threads": run.timing.get("threads")}


def _differing(values: Sequence[dict[str, Any]]) -> list[Row]:
    keys = dict.fromkeys(key for flat in values for key in flat)
    rows = [Row(key, [flat.get(key) for flat in values]) for key in keys]
    return [row for row in rows if any(value != row.values[0] for value in row.values[1:])]


def _row(name: str, heading: str, runs: Sequence[StoredRun]) -> Row:
    return Row(heading, [flatten(run.metrics).get(name) for run in runs])


def _verdict(
    recipe: list[Row], seeds: list[int], environment: list[Row], protocol: list[str], runs: Sequence[StoredRun]
) -> str:
    if recipe:
        count = (
            "1 setting of the recipe differs" if len(recipe) == 1 else f"{len(recipe)} settings of the recipe differ"
        )
        return f"{count}; not comparable: {'; '.join(protocol)}" if protocol else count
    if protocol:
        return f"the same recipe, but not comparable: {'; '.join(protocol)}"
    places = "" if not environment else f" and, in the environment, {', '.join(row.name for row in environment)}"
    if len(set(seeds)) > 1:
        return f"only the seed differs{places}"
    if environment:
        return f"only the environment differs: {', '.join(row.name for row in environment)}"
    keys = {run.environment.get("key") for run in runs}
    if len(keys) > 1:
        return "recipe, seed and environment agree, but not the runs' keys: other data or other code"
    return "nothing differs"


def _classes(runs: Sequence[StoredRun]) -> list[Row]:
    """Accuracy with the scores as given, by class; nothing with one run."""
    if len(runs) < 2:
        return []
    tables = [{row["name"]: row for row in read_classes(run)} for run in runs]
    shared = [name for name in tables[0] if all(name in table for table in tables)]
    rows = [
        Row(f"{name} ({tables[0][name]['kind']})", [number(table[name]["gzsl"]) for table in tables]) for name in shared
    ]
    known = [row for row in rows if row.spread is not None]
    return sorted(known, key=lambda row: -abs(row.spread or 0.0))
