"""Options that several commands share, and how they print JSON."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Annotated, Any

import typer

from gzsl.door.paths import output_file
from gzsl.errors import RecipeError

JsonOption = Annotated[bool, typer.Option("--json", help="print JSON for scripts instead of a table")]
DataOption = Annotated[
    Path | None,
    typer.Option("--data", help="folder that holds the benchmarks' folders", envvar="GZSL_DATA", show_envvar=True),
]
RecipeArgument = Annotated[
    str, typer.Argument(help="a recipe file, METHOD/DATASET of a shipped one, or METHOD with a dataset as --data")
]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="change a value of the recipe, e.g. method.n_epochs=10"),
]
SeedsOption = Annotated[
    int | None, typer.Option("--seeds", min=1, max=10_000, help="run seeds 0 to N-1 instead of the recipe's")
]
LARGEST_SEED = 2**32 - 1  # that every library takes


def finite(option: typer.CallbackParam, value: float | None) -> float | None:
    """Refuse NaN and infinity where an option takes a number."""
    if value is not None and not math.isfinite(value):
        raise RecipeError(f"{option.opts[0]}: found {value}, expected a finite number")
    return value


DeviceOption = Annotated[str, typer.Option("--device", help="auto, cpu or cuda")]


def _use_plugins(files: list[Path] | None) -> None:
    if files:
        from gzsl import plugins

        plugins.use(files)


PluginOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--plugin", metavar="FILE.py", callback=_use_plugins, expose_value=False,
        help="Python file with methods of your own; may be repeated (or GZSL_PLUGINS)",
    ),
]


def output_option(path: Path | None) -> Path | None:
    """Check before the work begins that the file an option names can be made or replaced."""
    return None if path is None else output_file(path)


def written_file(about: str) -> Any:
    """An option that names a file to write."""
    return typer.Option(callback=output_option, help=about)


def print_json(value: Any) -> None:
    """Print a value as indented JSON."""
    typer.echo(json.dumps(value, indent=2, allow_nan=False))
