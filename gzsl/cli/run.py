"""``gzsl run``: a recipe to a table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from gzsl.brief import percent
from gzsl.cli.options import (
    DataOption,
    DeviceOption,
    JsonOption,
    PluginOption,
    RecipeArgument,
    SeedsOption,
    SetOption,
    print_json,
)
from gzsl.cli.terminal import Console, strong

if TYPE_CHECKING:
    from gzsl.report import Aggregate
    from gzsl.report.unlike import Beside
    from gzsl.runs import Recipe, RunResult

COLUMNS = ("T1", "U", "S", "H", "AUSUC")


def run(
    recipe: RecipeArgument,
    override: SetOption = None,
    seeds: SeedsOption = None,
    out: Annotated[Path, typer.Option(help="folder of all runs")] = Path("runs"),
    device: DeviceOption = "auto",
    bundle: Annotated[
        Path | None, typer.Option(help="also save the first seed's classifier here, for gzsl predict")
    ] = None,
    track: Annotated[Path | None, typer.Option(help="also write curves for TensorBoard below this folder")] = None,
    stack: Annotated[
        bool | None,
        typer.Option("--stack/--no-stack", help="train all seeds as one model; by itself where that is faster"),
    ] = None,
    data: DataOption = None,
    plugin: PluginOption = None,
    json_output: JsonOption = False,
) -> None:
    """Run a recipe: choose on validation classes, fit, test once, and print mean ± std over seeds.

    A finished run is not run again; an interrupted one is continued. Everything about a run is in its own
    folder below --out: metrics.json, per-class accuracies, scores, weights, log.

    Example: [bold]gzsl run eszsl/letters[/bold] runs a shipped recipe, [bold]gzsl run eszsl --data mine[/bold] a
    method on a dataset of your own: with its defaults, and what costs little chosen on validation classes.
    """
    from gzsl.bundles import save_bundle
    from gzsl.bundles.files import check_target
    from gzsl.cli.progress import TerminalReporter
    from gzsl.report import aggregate
    from gzsl.runs.overrides import parse_override
    from gzsl.runs.own_data import open_recipe
    from gzsl.runs.run import run_recipe
    from gzsl.runs.tracking import tracked

    chosen, data = open_recipe(recipe, data, dict(parse_override(text) for text in override or []))
    asked = list(range(seeds)) if seeds else chosen.seeds
    if bundle is not None:
        check_target(bundle)  # before hours of training, not after
    with TerminalReporter("seed") as reporter:
        results = run_recipe(
            chosen, out=out, data=data, device=device, seeds=asked, reporter=tracked(reporter, track), stack=stack
        )
    if bundle is not None:
        save_bundle(chosen, results[0], bundle, out=out, data=data, device=device)
    summary = aggregate([result.metrics for result in results])
    if json_output:
        print_json(_as_json(results, summary) | ({} if bundle is None else {"bundle": str(bundle)}))
        return
    _print_tables(chosen, results, summary)
    if bundle is not None:
        seed = results[0].metrics["seed"]
        Console().print(f"classifier of seed {seed}: {bundle} (gzsl predict {bundle} FEATURES)", soft_wrap=True)


def _as_json(results: list[RunResult], summary: Aggregate) -> dict[str, Any]:
    runs = [
        {"folder": str(r.folder), "fresh": r.fresh, "seconds": r.seconds, "metrics": r.metrics} for r in results
    ]
    return {**summary.to_dict(), "protocol": results[0].metrics["protocol"], "runs": runs}


def _print_tables(recipe: Recipe, results: list[RunResult], summary: Aggregate) -> None:
    from gzsl.evaluation.protocol import Protocol
    from gzsl.report.aggregate import shown_spread
    from gzsl.report.unlike import beside_run

    console = Console()
    table = Table(title=f"{recipe.title}, percent", title_justify="left")
    table.add_column("seed")
    calibrated = "calibrated.H" in summary.mean
    for name in [*COLUMNS, *(["H cal."] if calibrated else []), "seconds"]:
        table.add_column(name, justify="right")
    for result in results:
        values = [percent(result.metrics[name]) for name in COLUMNS]
        if calibrated:
            values.append(f"{100 * result.metrics['calibrated']['H']:.1f}")
        table.add_row(str(result.metrics["seed"]), *values, f"{result.seconds:.1f}")
    table.add_section()
    names = [*COLUMNS, *(["calibrated.H"] if calibrated else [])]
    table.add_row("mean", *(percent(summary.mean.get(name)) for name in names), style="bold")
    spread = [shown_spread(summary.std.get(name)) for name in names]
    if any(spread):  # seeds that agree have none, here as in the tables of studies
        table.add_row("± std", *spread)
    beside = beside_run(recipe, Protocol(**results[0].metrics["protocol"]))
    _add_published(table, beside, calibrated)
    console.print(table)
    _print_footer(console, beside, results)


def _add_published(table: Table, beside: Beside | None, calibrated: bool) -> None:
    if beside is None or not beside.values:
        return
    cells = [f"{beside.values[name]:.1f}" if name in beside.values else "-" for name in COLUMNS]
    table.add_row("published", *cells, *(["-"] if calibrated else []), "", style="dim")


def _print_footer(console: Console, beside: Beside | None, results: list[RunResult]) -> None:
    from gzsl.cli.evaluate import print_domain
    from gzsl.evaluation.protocol import Protocol
    from gzsl.report.pooled import pooled_sentences

    whose = f"seed {results[0].metrics['seed']}: " if len(results) > 1 else ""
    print_domain(console, results[0].metrics, whose)
    for sentence in pooled_sentences(results[0].metrics):
        console.print(f"{whose}{sentence}", soft_wrap=True)
    protocol = Protocol(**results[0].metrics["protocol"])
    console.print(f"protocol: {protocol.key()}", soft_wrap=True)
    if not protocol.valid:
        console.print(strong("not a valid result", f": {protocol.reason}"))
    if beside is not None:
        shown = "published" if beside.values else "no published number is comparable; the nearest"
        differs = f"; differs: {beside.differs}" if beside.differs else ""
        console.print(f"{shown}: {beside.source}{differs}", style="dim", soft_wrap=True)
    console.print(f"files: {results[0].folder.parent}", soft_wrap=True)
