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
    attention: Annotated[
        list[Path] | None,
        typer.Option(help="draw where the method looked in this picture of the dataset instead; once a picture"),
    ] = None,
    data: DataOption = None,
    plugin: PluginOption = None,
    json_output: JsonOption = False,
) -> None:
    """Draw a finished run: seen-unseen curve, losses, and a generator's synthetic features beside real ones.

    Every picture has its data beside it as CSV. Of methods that look at regions, --attention draws heat maps of the
    attributes that speak most for the decision.

    Example: [bold]gzsl plot runs/RUN --out pictures[/bold]
    """
    target = out or run / "pictures"
    if attention:
        from gzsl.report.attention import draw_attention

        made = [draw_attention(run, attention, target, data=data)]
    else:
        from gzsl.report.pictures import draw_run

        made = draw_run(run, target, data=data)
    if json_output:
        print_json([str(path) for path in made])
        return
    for path in made:
        say(path)
