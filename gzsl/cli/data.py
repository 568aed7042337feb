"""``gzsl data``: look at data before training on them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from gzsl.cli.options import DataOption, JsonOption, print_json
from gzsl.cli.terminal import Console, strong

if TYPE_CHECKING:
    from gzsl.data.doctor import Report

app = typer.Typer(
    no_args_is_help=True,
    help="Look at data before training on them, make a dataset of your own, and export one for other repositories.",
)


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

    Example: [bold]gzsl data doctor DIR/CUB[/bold]
    """
    from gzsl.data.doctor import examine

    report = examine(path, root=data)
    if json_output:
        print_json(report.to_dict())
        return
    _print(report, Console())


@app.command()
def make(
    features: Annotated[
        Path,
        typer.Argument(
            help="features with a class a row: a folder with features.npy and images.csv (image,class), a .csv with a "
            "column class and numbers, or an .npz with features and labels"
        ),
    ],
    classes: Annotated[Path, typer.Argument(help="CSV: a column class, one column an attribute, optionally unseen")],
    out: Annotated[Path, typer.Option(help="dataset folder to write")],
    unseen: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="class to keep from training, or NAME,NAME,...; may be given several times"),
    ] = None,
    propose: Annotated[
        int | None, typer.Option(min=1, help="choose so many unseen classes, best described by the others' attributes")
    ] = None,
) -> None:
    """Make a checked dataset of your own features and attributes; any recipe then runs on it.

    A fifth of the images of every seen class is held out for testing, by a fixed seed.

    Example: [bold]gzsl data make features classes.csv --out mine --unseen zebra[/bold]
    """
    from gzsl.data.doctor import examine
    from gzsl.data.make import make_dataset

    made = make_dataset(features, classes, out, unseen=unseen or None, propose=propose)
    console = Console()
    for note in made.notes:
        console.print(note, style="dim", soft_wrap=True)
    _print(examine(str(made.folder)), console)


@app.command()
def export(
    path: Annotated[str, typer.Argument(metavar="PATH", help="a folder or file of data, or the name of a dataset")],
    out: Annotated[Path, typer.Option(help="folder to write")],
    layout: Annotated[str, typer.Option("--format", help="xlsa17: res101.mat and att_splits.mat")] = "xlsa17",
    data: DataOption = None,
) -> None:
    """Write a dataset in the released benchmark layout, which other repositories' loaders read.

    Example: [bold]gzsl data export mine --out mine_as_mat[/bold]
    """
    from gzsl.data import load
    from gzsl.data.export import export as export_dataset

    for written in export_dataset(load(path, root=data), out, layout):
        Console().print(str(written), soft_wrap=True)


def _print(report: Report, console: Console) -> None:
    console.print(strong(report.name, f"  {report.source}"))
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    for label, text in report.lines:
        table.add_row(label, text)
    console.print(table)
    for problem in report.problems:
        console.print(strong("!", f" {problem}", style="bold yellow"))
    if not report.problems:
        console.print("nothing wrong was found", style="green")
