"""``gzsl report``: runs to one HTML page that works offline."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from gzsl.cli.options import DataOption, JsonOption, PluginOption, print_json, written_file
from gzsl.cli.terminal import Console, say, strong
from gzsl.door.shown import counted
from gzsl.errors import RunError, suggest

_LARGE = 10_000_000


def report(
    source: Annotated[str, typer.Argument(help="a folder of runs, a study file, or the name of a shipped study")],
    out: Annotated[Path, typer.Option(help="for a study: the folder of all runs")] = Path("runs"),
    html: Annotated[Path, written_file("the page; NAME_data beside it holds the numbers")] = Path("report.html"),
    title: Annotated[str | None, typer.Option(help="of the page; the study's title or the folder's name")] = None,
    figures: Annotated[str, typer.Option(help="figures of all runs, of the first seed of each group, or none")] = "all",
    significance: Annotated[str | None, typer.Option(help="paired tests over seeds or over classes")] = None,
    features: Annotated[
        bool, typer.Option("--features/--no-features", help="draw synthetic features where the data are at hand")
    ] = True,
    tables: Annotated[
        bool, typer.Option("--tables/--no-tables", help="write the numbers beside the page; without, it is one file")
    ] = True,
    data: DataOption = None,
    plugin: PluginOption = None,
    json_output: JsonOption = False,
) -> None:
    """Write a page with a leaderboard and the figures of every run: one file, no network.

    Runs of one recipe stand in one row, mean ± std over seeds; rows whose protocol differs carry a dagger.
    The numbers behind every figure are written beside the page as CSV, the table also as Markdown and LaTeX.

    Example: [bold]gzsl report runs --html report.html[/bold]
    """
    from gzsl.report.page import FIGURES, write_report
    from gzsl.report.significance import WAYS

    if figures not in FIGURES:
        raise RunError(f"--figures: found {figures!r}; {suggest(figures, FIGURES)}")
    if significance is not None and significance not in WAYS:
        raise RunError(f"--significance: found {significance!r}; {suggest(significance, WAYS)}")
    console = Console(stderr=True)
    with console.status("reading runs") as status:
        made = write_report(
            _collected(source, out, data, title), html, data=data if features else None, figures=figures,
            test=significance, tables=tables, note=lambda name: status.update(strong(f"figures of {name}", style="")),
        )  # fmt: skip
    size = made.html.stat().st_size
    lines = sum(len(board.lines) for board in made.boards)
    if json_output:
        print_json({
            "html": str(made.html), "folder": str(made.folder) if made.folder else None, "bytes": size, "lines": lines,
            "tests": [test.to_dict() for test in made.tests],
            "not_in_table": [dict(zip(("what", "state", "why"), row, strict=True)) for row in made.troubles],
        })  # fmt: skip
        return
    for what, state, why in made.troubles:
        console.print(f"{state} {what}: {why}", style="dim", soft_wrap=True)
    if size > _LARGE:
        console.print(f"the page weighs {size / 1e6:.0f} MB; --figures first makes it smaller")
    beside = f"; numbers in {made.folder}" if made.folder else ""
    say(f"{made.html}: {counted(lines, 'row')}, {size / 1e6:.1f} MB{beside}")


def _collected(source: str, out: Path, data: Path | None, title: str | None) -> Any:
    from gzsl.door.paths import is_folder
    from gzsl.report.collect import collect, collect_study
    from gzsl.studies.study import load_study

    folder = is_folder(source, "a folder of runs or a study", RunError)
    found = collect(Path(source)) if folder else collect_study(load_study(source), out, data)
    return replace(found, title=title) if title else found
