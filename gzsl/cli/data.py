"""``gzsl data``: look at data before training on them."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from gzsl.cli.options import DataOption, JsonOption, print_json
from gzsl.data.doctor import Report, examine

app = typer.Typer(
    no_args_is_help=True,
    help="Look at data before training on them: what a folder or file holds, what was detected, what is wrong.",
)


@app.callback()
def _group() -> None:
    """Keep ``doctor`` a command of its own, also while it is the only one."""


@app.command()
def doctor(
    path: Annotated[
        str, typer.Argument(metavar="PATH", help="a folder or file of data, or the name of a dataset")
    ],
    data: DataOption = None,
    json_output: JsonOption = False,
) -> None:
    """Say on one screen what a dataset is, how it was read, and what is wrong with it.

    Reads the released benchmark layout (a features .mat with att_splits.mat), one .npz or .h5 file of arrays, and
    features.csv with classes.csv. Nothing is written beside the data.
    """
    report = examine(path, root=data)
    if json_output:
        print_json(report.to_dict())
        return
    _print(report, Console())


def _print(report: Report, console: Console) -> None:
    console.print(f"[bold]{report.name}[/bold]  {report.source}", highlight=False)
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    for label, text in report.lines:
        table.add_row(label, text)
    console.print(table)
    for problem in report.problems:
        console.print(f"[bold yellow]![/bold yellow] {problem}", highlight=False)
    if not report.problems:
        console.print("[green]nothing wrong was found[/green]")
