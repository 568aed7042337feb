"""``gzsl calibrate``: every calibrator on one run; ``gzsl calibrators``: what there is."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from gzsl.cli.options import DataOption, DeviceOption, JsonOption, PluginOption, SetOption, print_json
from gzsl.cli.terminal import Console, strong
from gzsl.door.tables import csv_text
from gzsl.door.yaml import parse_yaml
from gzsl.errors import RecipeError, suggest
from gzsl.files import write_text

if TYPE_CHECKING:
    from gzsl.studies.calibrators import CalibrationRow

_SHOWN = ("U", "S", "H", "AUSUC", "auroc", "fpr95", "gap")
_HEADINGS = {"auroc": "AUROC", "fpr95": "FPR95"}


def calibrate(
    recipes: Annotated[list[str], typer.Argument(metavar="RECIPE...", help="recipe files, or METHOD/DATASET")],
    which: Annotated[
        list[str] | None,
        typer.Option("--with", metavar="CALIBRATOR", help="name, or '{name: cosmo, smoothing: hard}'; all if left out"),
    ] = None,
    transfer: Annotated[
        str, typer.Option(help="how thresholds reach the final fit: raw, zscore, quantile, or all three")
    ] = "quantile",
    override: SetOption = None,
    seeds: Annotated[int | None, typer.Option(min=1, help="seeds 0 to N-1 instead of the recipe's")] = None,
    out: Annotated[Path, typer.Option(help="folder of all runs")] = Path("runs"),
    device: DeviceOption = "auto",
    csv: Annotated[Path | None, typer.Option(help="write one row a recipe, seed, calibrator and rule here")] = None,
    data: DataOption = None,
    plugin: PluginOption = None,
    json_output: JsonOption = False,
) -> None:
    """Compare calibrators on recipes: a method is trained once a seed, thresholds come from validation classes.

    "gap" is how far H stays below that of the best threshold on the test rows, which nobody may choose.
    """
    from gzsl.calibration import calibrator_names, make_calibrator
    from gzsl.calibration.transfer import RULES
    from gzsl.cli.progress import TerminalReporter
    from gzsl.runs import load_recipe
    from gzsl.runs.overrides import parse_override
    from gzsl.studies.calibrators import compare_calibrators

    if transfer not in (*RULES, "all"):
        raise RecipeError(f"--transfer: found {transfer!r}; {suggest(transfer, [*RULES, 'all'])}")
    changes = dict(parse_override(text) for text in override or [])
    loaded = [load_recipe(recipe, changes) for recipe in recipes]
    sections = [_section(text) for text in which] if which else [{"name": name} for name in calibrator_names()]
    for section in sections:
        make_calibrator(section).check_parameters()  # a mistake is told before anything is trained
    rules = RULES if transfer == "all" else (transfer,)
    rows: list[CalibrationRow] = []
    for recipe in loaded:
        own: list[CalibrationRow] = []
        with TerminalReporter("seed") as reporter:
            for seed in list(range(seeds)) if seeds else recipe.seeds:
                reporter.title = f"{recipe.title}, seed {seed}"
                own += compare_calibrators(
                    recipe, sections, seed=seed, transfers=rules, out=out, data=data, device=device, reporter=reporter
                )
        rows += own
        if csv is not None:
            write_text(csv, calibration_csv(rows))
        if not json_output:
            _print(recipe.title, own)
    if json_output:
        print_json([row.to_dict() for row in rows])


def calibrators(plugin: PluginOption = None, json_output: JsonOption = False) -> None:
    """List the calibrators that any recipe can name: `calibration: {name: cosmo, smoothing: hard}`."""
    from gzsl.calibration import calibrator_class, calibrator_names
    from gzsl.params import parameters

    classes = [(name, calibrator_class(name)) for name in calibrator_names()]
    if json_output:
        print_json([{"name": n, "about": _about(c), "parameters": list(parameters(c))} for n, c in classes])
        return
    console = Console()
    for name, cls in classes:
        console.print(strong(name, f"  {_about(cls)}"))
        console.print(f"    {', '.join(parameters(cls))}", style="dim")


def calibration_csv(rows: Sequence[CalibrationRow]) -> str:
    """One line a row, with a header; without the times, so that it is the same on every machine."""
    lines = [{key: value for key, value in row.to_dict().items() if not key.endswith("_seconds")} for row in rows]
    return csv_text(lines)


def _section(text: str) -> dict[str, Any]:
    value = parse_yaml(text, f"--with {text}")
    section = {"name": value} if isinstance(value, str) else value
    if not isinstance(section, dict) or "name" not in section:
        raise RecipeError(f"--with {text}: expected a calibrator's name, or for example '{{name: cosmo}}'")
    return section


def _about(cls: type) -> str:
    return " ".join((cls.__doc__ or "").strip().split("\n\n")[0].split())


def _print(title: str, rows: Sequence[CalibrationRow]) -> None:
    table = Table(title=f"{title}, percent, mean over seeds", title_justify="left")
    rules = len({row.transfer for row in rows}) > 1
    for heading in ("calibrator", *(["transfer"] if rules else [])):
        table.add_column(heading, overflow="fold")
    for name in _SHOWN:
        table.add_column(_HEADINGS.get(name, name), justify="right")
    groups: dict[tuple[str, str], list[CalibrationRow]] = {}
    for row in rows:
        groups.setdefault((row.calibrator, row.transfer), []).append(row)
    for (name, rule), group in groups.items():
        cells = [f"{100 * statistics.fmean(getattr(row, key) for row in group):.1f}" for key in _SHOWN]
        table.add_row(name, *([rule] if rules else []), *cells)
    Console().print(table)
