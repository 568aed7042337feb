"""``gzsl plot``: pictures of a finished run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gzsl.cli.options import DataOption, JsonOption, PluginOption, print_json
from gzsl.cli.terminal import say


def plot(
    run: Annotated[Path, typer.Argument(help="folder of a finished run")],
    out: Annotated[Path | None, typer.Option(help="where pictures go; the run's folder when left out")] = None,
    data: DataOption = None,
    plugin: PluginOption = None,
    json_output: JsonOption = False,
) -> None:
    """Draw a finished run: seen-unseen curve, losses, and a generator's synthetic features beside real ones.

    Every picture has its data beside it as CSV.

    Example: [bold]gzsl plot runs/RUN --out pictures[/bold]
    """
    from gzsl.report.pictures import draw_run

    made = draw_run(run, out or run / "pictures", data=data)
    if json_output:
        print_json([str(path) for path in made])
        return
    for path in made:
        say(path)
