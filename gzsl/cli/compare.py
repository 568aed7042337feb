"""``gzsl compare``: what differs between runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from gzsl.cli.options import JsonOption, PluginOption, print_json
from gzsl.cli.terminal import Console, strong

if TYPE_CHECKING:
    from gzsl.report.difference import Difference, Row

_WIDTH = 80


def compare(
    runs: Annotated[list[str], typer.Argument(help="folders of runs; a recipe may stand in for one of them")],
    classes: Annotated[int, typer.Option(min=0, help="how many classes to show, largest difference first")] = 10,
    plugin: PluginOption = None,
    json_output: JsonOption = False,
) -> None:
    """Say what differs between runs in recipe, protocol, environment and numbers.

    Runs whose protocols differ are said not to be comparable, and the fields that differ are named.

    Example: [bold]gzsl compare runs/ONE runs/OTHER[/bold]
    """
    from gzsl.report.difference import find_difference

    found = find_difference(runs)
    if json_output:
        print_json(found.to_dict())
        return
    console = Console()
    console.width = min(console.width, _WIDTH)
    for label, side in zip(_labels(len(found.sides)), found.sides, strict=False):
        console.print(strong(label, f"  {side.name}"))
        console.print(f"   {side.place}", style="dim", soft_wrap=True)
    console.print(strong(f"\n{found.verdict}"))
    _print(console, found, classes)


def _print(console: Console, found: Difference, classes: int) -> None:
    labels = _labels(len(found.sides))
    run_labels = [label for label, side in zip(labels, found.sides, strict=False) if side.run is not None]
    if found.recipe:
        console.print("\nrecipe")
        console.print(_settings(labels, found.recipe))
    if len(run_labels) > 1:
        verdict = "comparable: the same in every field" if found.comparable else "not comparable"
        console.print(f"\nprotocol: {verdict}")
        for text in found.protocol:
            console.print(f"  {text}")
    if found.environment:
        console.print("\nenvironment")
        console.print(_settings(run_labels, found.environment))
    console.print("\nnumbers, percent")
    console.print(_measured(run_labels, found.numbers))
    if classes and found.classes:
        shown = [row for row in found.classes if row.spread][:classes]
        if shown:
            total = len(found.classes)
            console.print(f"\nclasses, percent with the scores as given: {len(shown)} of {total}")
        console.print(_measured(run_labels, shown) if shown else "\nno class differs")


def _labels(n: int) -> str:
    return "ABCDEF"[:n]


def _settings(labels: Sequence[str], rows: Sequence[Row]) -> Table:
    table = Table()
    table.add_column("", overflow="fold")
    for label in labels:
        table.add_column(label, overflow="fold")
    for row in rows:
        table.add_row(row.name, *(_text(value) for value in row.values))
    return table


def _measured(labels: Sequence[str], rows: Sequence[Row]) -> Table:
    table = Table()
    table.add_column("", overflow="fold")
    for label in labels:
        table.add_column(label, justify="right", no_wrap=True)
    if len(labels) > 1:
        table.add_column("B - A" if len(labels) == 2 else "spread", justify="right", no_wrap=True)
    for row in rows:
        scale = 1.0 if row.name == "seconds" else 100.0
        cells = ["-" if value is None else f"{scale * value:.1f}" for value in row.values]
        if len(labels) > 1:
            cells.append("-" if row.spread is None else f"{scale * row.spread:+.1f}")
        table.add_row(row.name, *cells)
    return table


def _text(value: Any) -> str:
    return "-" if value is None else str(value)
