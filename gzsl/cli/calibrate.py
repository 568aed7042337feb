"""``gzsl calibrate``: every calibrator on one run; ``gzsl calibrators``: what there is."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.padding import Padding
from rich.table import Table

from gzsl.brief import percent
from gzsl.cli.options import (
    DataOption,
    DeviceOption,
    JsonOption,
    PluginOption,
    SeedsOption,
    SetOption,
    print_json,
    written_file,
)
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
    recipes: Annotated[
        list[str] | None, typer.Argument(metavar="[RECIPE...]", help="recipe files, or METHOD/DATASET")
    ] = None,
    validation: Annotated[
        Path | None, typer.Option(metavar="FILE.npz", help="scores of pseudo-unseen classes, to choose thresholds on")
    ] = None,
    test: Annotated[
        Path | None, typer.Option(metavar="FILE.npz", help="scores of the test rows, as gzsl evaluate takes them")
    ] = None,
    which: Annotated[
        list[str] | None,
        typer.Option("--with", metavar="CALIBRATOR", help="name, or '{name: cosmo, smoothing: hard}'; all if left out"),
    ] = None,
    transfer: Annotated[
        str, typer.Option(help="how thresholds reach the final fit: raw, zscore, quantile, or all three")
    ] = "quantile",
    override: SetOption = None,
    seeds: SeedsOption = None,
    out: Annotated[Path, typer.Option(help="folder of all runs")] = Path("runs"),
    device: DeviceOption = "auto",
    csv: Annotated[Path | None, written_file("write one row a recipe, seed, calibrator and rule here")] = None,
    data: DataOption = None,
    plugin: PluginOption = None,
    json_output: JsonOption = False,
) -> None:
    """Compare calibrators on recipes: a method is trained once a seed, thresholds come from validation classes.

    With --validation and --test instead of recipes: on scores that were made anywhere. Both files hold what gzsl
    evaluate takes; maybe features (N, d), and train_scores (K, C) with train_labels (K) of some training rows.

    "gap" is how far H stays below that of the best threshold on the test rows, which nobody may choose.

    Example: [bold]gzsl calibrate eszsl/letters --with stacking --with cosmo[/bold]
    """
    if validation is not None or test is not None or not recipes:
        _on_files(recipes, validation, test, which, csv, json_output)
        return
    place = {"out": out, "data": data, "device": device}
    rows = _on_recipes(recipes, which, transfer, override, seeds, csv, place, quiet=json_output)
    if json_output:
        print_json([row.to_dict() for row in rows])


def _on_recipes(
    recipes: list[str],
    which: list[str] | None,
    transfer: str,
    override: list[str] | None,
    seeds: int | None,
    csv: Path | None,
    place: dict[str, Any],
    quiet: bool,
) -> list[CalibrationRow]:
    """Run recipes and compare calibrators on each; a table a recipe unless ``quiet``."""
    from gzsl.calibration import calibrator_names, make_calibrator
    from gzsl.calibration.transfer import RULES
    from gzsl.cli.progress import TerminalReporter
    from gzsl.runs.overrides import parse_override
    from gzsl.runs.own_data import open_recipe
    from gzsl.studies.calibrators import compare_calibrators

    if transfer not in (*RULES, "all"):
        raise RecipeError(f"--transfer: found {transfer!r}; {suggest(transfer, [*RULES, 'all'])}")
    changes = dict(parse_override(text) for text in override or [])
    loaded = [open_recipe(recipe, place["data"], changes) for recipe in recipes]
    sections = [_section(text) for text in which] if which else [{"name": name} for name in calibrator_names()]
    for section in sections:
        make_calibrator(section).check_parameters()  # a mistake is told before anything is trained
    rules = RULES if transfer == "all" else (transfer,)
    rows: list[CalibrationRow] = []
    for recipe, root in loaded:
        own: list[CalibrationRow] = []
        with TerminalReporter("seed") as reporter:
            for seed in list(range(seeds)) if seeds else recipe.seeds:
                reporter.title = f"{recipe.title}, seed {seed}"
                own += compare_calibrators(
                    recipe, sections, seed=seed, transfers=rules, reporter=reporter, **{**place, "data": root}
                )
        rows += own
        if csv is not None:
            write_text(csv, calibration_csv(rows))
        if not quiet:
            _print(recipe.title, own)
    return rows


def _on_files(
    recipes: list[str] | None,
    validation: Path | None,
    test: Path | None,
    which: list[str] | None,
    csv: Path | None,
    json_output: bool,
) -> None:
    """Calibrate scores that were made elsewhere."""
    from gzsl.calibration import calibrate_scores

    if recipes or validation is None or test is None:
        found = "both recipes and files" if recipes else "one file of scores" if validation or test else "nothing"
        raise RecipeError(f"calibrate: found {found}, expected recipes, or --validation FILE.npz with --test FILE.npz")
    done = calibrate_scores(validation, test, None if which is None else [_section(text) for text in which])
    rows = done.to_rows()
    if csv is not None:
        write_text(csv, csv_text(rows))
    if json_output:
        print_json({"calibrators": rows, "left_out": done.left_out, "notes": list(done.notes)})
        return
    console = Console()
    console.print(_file_table(test, rows))
    for name, reason in done.left_out.items():
        console.print(f"left out: {name}: {reason}", style="dim")
    for note in done.notes:
        console.print(note, style="yellow")


def _file_table(test: Path, rows: Sequence[Mapping[str, Any]]) -> Table:
    table = Table(title=f"{test.name}, percent, thresholds chosen on the validation file", title_justify="left")
    table.add_column("calibrator", overflow="fold")
    for name in ("gamma", *_SHOWN):
        table.add_column(_HEADINGS.get(name, name), justify="right")
    for row in rows:
        table.add_row(row["calibrator"], f"{row['gamma']:.4g}", *(percent(row[key]) for key in _SHOWN))
    return table


def calibrators(plugin: PluginOption = None, json_output: JsonOption = False) -> None:
    """List the calibrators that any recipe can name: `calibration: {name: cosmo, smoothing: hard}`.

    Example: [bold]gzsl run eszsl/letters --set calibration=cosmo[/bold]
    """
    from gzsl.calibration import calibrator_class, calibrator_names
    from gzsl.params import parameters

    classes = [(name, calibrator_class(name)) for name in calibrator_names()]
    if json_output:
        print_json([{"name": n, "about": _about(c), "parameters": list(parameters(c))} for n, c in classes])
        return
    console = Console()
    for name, cls in classes:
        console.print(strong(name))
        console.print(Padding(_about(cls), (0, 0, 0, 4)))
        console.print(Padding(", ".join(parameters(cls)), (0, 0, 0, 4)), style="dim")


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
