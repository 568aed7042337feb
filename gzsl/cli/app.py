"""The command tree."""

from __future__ import annotations

from typing import Annotated

import typer

from gzsl.cli import data, features, semantics
from gzsl.cli.bundles import add_class, predict
from gzsl.cli.calibrate import calibrate, calibrators
from gzsl.cli.catalogue import datasets, methods, recipes
from gzsl.cli.check import check
from gzsl.cli.compare import compare
from gzsl.cli.evaluate import evaluate
from gzsl.cli.explain import explain
from gzsl.cli.plot import plot
from gzsl.cli.report import report
from gzsl.cli.reproduce import reproduce
from gzsl.cli.run import run
from gzsl.cli.sweep import sweep
from gzsl.cli.texts import flow
from gzsl.cli.tune import tune
from gzsl.version import __version__

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="Generalized zero-shot learning: every method under one honest protocol.\n\n"
    "Start with [bold]gzsl run eszsl/letters[/bold], then [bold]gzsl methods[/bold], "
    "[bold]gzsl recipes[/bold] and [bold]gzsl datasets[/bold].",
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="print the version and exit")
    ] = False,
) -> None:
    """Hold the options of ``gzsl`` itself."""


app.command()(run)
app.command()(sweep)
app.command()(tune)
app.command()(reproduce)
app.command()(predict)
app.command(name="add-class")(add_class)
app.command()(evaluate)
app.command()(calibrate)
app.command()(plot)
app.command()(report)
app.command()(compare)
app.command()(explain)
app.command()(check)
app.command()(methods)
app.command()(calibrators)
app.command()(recipes)
app.command()(datasets)
app.add_typer(data.app, name="data")
app.add_typer(features.app, name="features")
app.add_typer(semantics.app, name="semantics")
flow(app)
