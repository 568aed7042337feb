"""``gzsl semantics``: look at class tables before training."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from gzsl.cli.options import DataOption, JsonOption, print_json
from gzsl.data import load
from gzsl.semantics.report import SHOWN, SemanticsReport, semantics_report

app = typer.Typer(no_args_is_help=True, help="Look at the class table of a dataset before training on it.")


@app.callback()
def _group() -> None:
    """Keep ``report`` a command of its own."""


@app.command()
def report(
    path: Annotated[str, typer.Argument(metavar="DATASET", help="name of a dataset, or a folder or file of data")],
    name: Annotated[str | None, typer.Option(help="which class table; the first one when not given")] = None,
    data: DataOption = None,
    json_output: JsonOption = False,
) -> None:
    """Say what a class table promises: range, rank, faults, near duplicates, and which unseen classes will be hard.

    A class is hard when another one has nearly the same vector, and when no mixture of seen classes resembles it.
    """
    dataset = load(path, root=data)
    table = dataset.semantics if name is None else dataset.with_semantics(name).semantics
    found = semantics_report(table, dataset.split.seen, dataset.split.unseen)
    if json_output:
        print_json(found.to_dict())
        return
    _print(found, Console(highlight=False))


def _print(found: SemanticsReport, console: Console) -> None:
    kind = "binary" if found.binary else "continuous"
    sizes = f"{found.n_classes} classes, {found.n_attributes} columns, rank {found.rank}"
    values = f"{kind}, {found.low:.4g} to {found.high:.4g}, {found.constant_columns} constant columns"
    console.print(f"[bold]{found.name}[/bold]: {sizes}, {values}", soft_wrap=True)
    for sentence in found.faults:
        console.print(f"[bold yellow]![/bold yellow] {sentence}", soft_wrap=True)
    for a, b, cosine in found.near_duplicates[:SHOWN]:
        console.print(f"nearly the same: {a!r} and {b!r} (cosine {cosine:.3f})", soft_wrap=True)
    console.print(f"{found.outside} of {len(found.hardest)} unseen classes lie outside the mixtures of seen classes")
    table = Table("hardest unseen classes", "most like", "cosine", "outside by")
    for c in found.hardest[:SHOWN]:
        table.add_row(c.name, c.nearest, f"{c.similarity:.2f}", f"{c.residual:.2f}")
    console.print(table)
