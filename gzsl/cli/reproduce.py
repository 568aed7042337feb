"""``gzsl reproduce``: the published recipe, several seeds, and a verdict with an exit code."""

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
    SeedsOption,
    SetOption,
    finite,
    print_json,
)
from gzsl.cli.terminal import Console, strong

if TYPE_CHECKING:
    from gzsl.evaluation.protocol import Protocol
    from gzsl.report import Aggregate
    from gzsl.report.reproduction import Reproduction
    from gzsl.runs import Recipe

EXIT_CODES = {"within": 0, "above": 0, "below": 1, "not comparable": 3}
COLUMNS = ("T1", "U", "S", "H", "AUSUC")


def reproduce(
    method: Annotated[str, typer.Argument(help="id of a method (gzsl methods)")],
    dataset: Annotated[str, typer.Argument(help="name of a dataset that it has a shipped recipe for")],
    seeds: SeedsOption = None,
    tolerance: Annotated[
        float,
        typer.Option(min=0, callback=finite, help="percentage points on each side, beside the spread of the seeds"),
    ] = 1.5,
    override: SetOption = None,
    out: Annotated[Path, typer.Option(help="folder of all runs")] = Path("runs"),
    device: DeviceOption = "auto",
    data: DataOption = None,
    plugin: PluginOption = None,
    json_output: JsonOption = False,
) -> None:
    """Run the shipped recipe and say whether our number is within, below or above the published band.

    The band is the published value ± (95 % t-interval of our mean over seeds + tolerance); T1 and H decide. Exit
    code 0: within or above; 1: below; 2: bad input or missing files; 3: nothing comparable was published. When
    the numbers differ, the protocol fields that differ are named, most likely cause first.

    Example: [bold]gzsl reproduce eszsl CUB --data DIR[/bold]
    """
    from gzsl.cli.progress import TerminalReporter
    from gzsl.evaluation.protocol import Protocol
    from gzsl.report import aggregate
    from gzsl.report.reproduction import reproduction
    from gzsl.runs import load_recipe
    from gzsl.runs.overrides import parse_override
    from gzsl.runs.run import run_recipe

    recipe = load_recipe(f"{method}/{dataset}", dict(parse_override(text) for text in override or []))
    metrics: list[dict[str, Any]] = []
    with TerminalReporter("seed") as reporter:
        for seed in range(seeds) if seeds else recipe.seeds:
            reporter.title = f"seed {seed}"
            results = run_recipe(recipe, out=out, data=data, device=device, seeds=[seed], reporter=reporter)
            metrics += [result.metrics for result in results]
    protocol = Protocol(**metrics[0]["protocol"])
    summary = aggregate(metrics)
    outcome = reproduction(recipe, protocol, summary, tolerance)
    if json_output:
        ours = {**summary.to_dict(), "protocol": protocol.to_dict()}
        print_json({"method": method, "dataset": dataset, "ours": ours, **outcome.to_dict()})
    else:
        _print(recipe, protocol, summary, outcome)
    raise typer.Exit(EXIT_CODES[outcome.verdict])


def _print(recipe: Recipe, protocol: Protocol, summary: Aggregate, outcome: Reproduction) -> None:
    console = Console()
    if outcome.bands:
        console.print(_bands(recipe, summary, outcome))
    else:
        console.print(_ours(recipe, summary))
    verdict = outcome.verdict if outcome.bands else "there is nothing comparable among the published numbers"
    console.print(strong(f"{recipe.title}: {verdict}"), soft_wrap=True)
    line = outcome.published or outcome.nearest
    if line is None:
        console.print(f"no published number of {recipe.method['name']} is known here")
    else:
        marked = "secondary: " if line.secondary and not line.source.startswith("secondary") else ""
        name = "published" if outcome.published else f"nearest published ({line.dataset}, {_values(line.values)})"
        console.print(f"{name}: {marked}{line.source} [{line.kind}]", style="dim", soft_wrap=True)  # fmt: skip
    _print_causes(console, outcome)
    console.print(f"protocol: {protocol.key()}", style="dim", soft_wrap=True)
    if not protocol.valid:
        console.print(strong("not a valid result", f": {protocol.reason}"))


def _print_causes(console: Console, outcome: Reproduction) -> None:
    if outcome.verdict == "within":
        return
    if outcome.differences:
        console.print("what differs in the protocol, most likely cause first:")
    for difference in outcome.differences:
        console.print(f"  {difference.sentence}", soft_wrap=True)
    if outcome.own_values:
        text = f"values that are not the paper's: {', '.join(outcome.own_values)} (gzsl explain says why)"
        console.print(text, soft_wrap=True)
    console.print(f"fidelity of the method: {outcome.fidelity}", soft_wrap=True)


def _bands(recipe: Recipe, summary: Aggregate, outcome: Reproduction) -> Table:
    from gzsl.report.reproduction import CONFIDENCE

    table = Table(title=f"{recipe.title}, percent, {summary.n} seeds", title_justify="left")
    names = ["", "ours", f"{100 * CONFIDENCE:.0f} % interval", "published", "band", "difference", "verdict"]
    for name in names:
        table.add_column(name, justify="left" if name in ("", "verdict") else "right")
    for band in outcome.bands:
        interval = f"± {band.spread:.1f}" if summary.n > 1 else "one seed"
        table.add_row(
            band.metric, f"{band.ours:.1f}", interval, f"{band.published:.1f}", f"± {band.half_width:.1f}",
            f"{band.difference:+.1f}", band.verdict,
        )  # fmt: skip
    return table


def _ours(recipe: Recipe, summary: Aggregate) -> Table:
    from gzsl.report.aggregate import shown_spread

    table = Table(title=f"{recipe.title}, percent, {summary.n} seeds", title_justify="left")
    for name in ("", *COLUMNS):
        table.add_column(name, justify="right")
    table.add_row("mean", *(percent(summary.mean.get(name)) for name in COLUMNS))
    spread = [shown_spread(summary.std.get(name)) for name in COLUMNS]
    if any(spread):
        table.add_row("± std", *spread)
    return table


def _values(values: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.1f}" for name, value in values.items())
