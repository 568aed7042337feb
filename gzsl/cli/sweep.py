"""``gzsl sweep``: a study to a table, beside the published numbers."""

from __future__ import annotations

import math
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from gzsl.cli.options import DataOption, DeviceOption, JsonOption, PluginOption, print_json, written_file
from gzsl.cli.terminal import Console
from gzsl.errors import RunError
from gzsl.files import write_bytes

if TYPE_CHECKING:
    from gzsl.report.comparison import ComparedLine
    from gzsl.studies.cells import Cell, CellResult
    from gzsl.studies.study import Study

ResourcesOption = Annotated[
    list[str] | None,
    typer.Option("--resources", metavar="NAME=N", help="what a cell takes of a cluster's worker, e.g. GPU=1"),
]


def sweep(
    study: Annotated[str, typer.Argument(help="a study file, or the name of a shipped one (--list shows them)")] = "",
    out: Annotated[Path, typer.Option(help="folder of all runs")] = Path("runs"),
    device: DeviceOption = "auto",
    workers: Annotated[int, typer.Option(min=1, help="processes side by side; they share the cores")] = 1,
    scheduler: Annotated[str | None, typer.Option(help="run on this Dask cluster, e.g. tcp://node1:8786")] = None,
    resources: ResourcesOption = None,
    csv: Annotated[Path | None, written_file("write the table as CSV here")] = None,
    markdown: Annotated[Path | None, written_file("write the table as Markdown here")] = None,
    latex: Annotated[Path | None, written_file("write the table as LaTeX here")] = None,
    track: Annotated[Path | None, typer.Option(help="also write curves for TensorBoard below this folder")] = None,
    fail_fast: Annotated[bool, typer.Option("--fail-fast", help="stop at the first failure")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="print the cells with the time and memory they will take, and stop")
    ] = False,
    list_them: Annotated[bool, typer.Option("--list", help="print the shipped studies and stop")] = False,
    data: DataOption = None,
    plugin: PluginOption = None,
    json_output: JsonOption = False,
) -> None:
    """Run a study: every recipe with every seed, and one table with the published numbers in brackets.

    Finished runs are read, not repeated; a failing cell is shown at the end and stops nothing. Published
    numbers appear only where dataset, features, setting and kind of semantics are the same.

    Example: [bold]gzsl sweep benchmark-paper --data DIR[/bold] remakes the benchmark paper's table.
    """
    from gzsl.cli.dry_run import dry_run as print_dry_run
    from gzsl.report.comparison import compare
    from gzsl.studies.launch import Launch
    from gzsl.studies.study import load_study

    if list_them or not study:
        _print_studies(json_output)
        return
    chosen = load_study(study)
    cells = chosen.cells(data)
    if dry_run:
        print_dry_run(Launch(cells, out, data, device), cells, workers, json_output)
        return
    options = _cluster_options(scheduler, resources)
    results = _run(cells, (out, data, device), options, track, workers, fail_fast)
    lines = compare(results)
    _write(lines, csv, markdown, latex)
    if json_output:
        print_json(_as_json(lines, results, cells))
    else:
        _print_lines(chosen, lines)
        _print_rest(results, cells)
    if not lines:
        raise RunError(f"{chosen.title}: no cell could be run; gzsl sweep {study} --dry-run says why")
    if any(result.error for result in results):
        raise typer.Exit(1)


def _run(
    cells: list[Cell],
    place: tuple[Path, Path | None, str],
    cluster_options: tuple[str, dict[str, float]] | None,
    track: Path | None,
    workers: int,
    fail_fast: bool,
) -> list[CellResult]:
    from gzsl.cli.study_progress import StudyProgress
    from gzsl.studies.launch import Launch

    with ExitStack() as stack:
        cluster = None
        if cluster_options is not None:
            from gzsl.studies.cluster import Cluster

            cluster = stack.enter_context(Cluster(*cluster_options))
        progress = stack.enter_context(StudyProgress())
        return Launch(cells, *place, progress, cluster, track).run(workers=workers, fail_fast=fail_fast)


def _write(lines: list[ComparedLine], csv: Path | None, markdown: Path | None, latex: Path | None) -> None:
    from gzsl.report.comparison import comparison_csv, comparison_latex, comparison_markdown

    for path, text in ((csv, comparison_csv), (markdown, comparison_markdown), (latex, comparison_latex)):
        if path is not None and lines:
            write_bytes(path, text(lines).encode())


def _cluster_options(scheduler: str | None, resources: list[str] | None) -> tuple[str, dict[str, float]] | None:
    amounts = {}
    for text in resources or []:
        name, _, amount = text.partition("=")
        try:
            amounts[name] = float(amount)
            if not 0 < amounts[name] < math.inf:
                raise ValueError
        except ValueError:
            raise RunError(f"--resources {text}: expected NAME=NUMBER, for example GPU=1") from None
    if scheduler is None:
        if amounts:
            raise RunError("--resources: found no --scheduler, expected one (resources are offered by a cluster)")
        return None
    return scheduler, amounts


def _print_studies(json_output: bool) -> None:
    from gzsl.studies.study import list_studies, load_study

    studies = [(path.stem, load_study(path)) for path in list_studies()]
    if json_output:
        print_json([{"name": n, "methods": s.methods, "datasets": s.datasets, "title": s.title} for n, s in studies])
        return
    table = Table("study", "methods", "datasets", "title")
    for name, found in studies:
        table.add_row(name, str(len(found.methods)), ", ".join(found.datasets), found.title)
    Console().print(table)


def _print_lines(study: Study, lines: list[ComparedLine]) -> None:
    from gzsl.report.comparison import HEADINGS, by_heading, published_notes

    console = Console()
    for heading, chosen in by_heading(lines).items():
        table = Table(title=f"{study.title}: {heading}, percent", title_justify="left", padding=(0, 0), pad_edge=False)
        table.add_column("method", no_wrap=not any(line.label != line.method for line in chosen))
        for name in HEADINGS:
            table.add_column(name, justify="right")
        for line in chosen:
            values = (cell.replace(" ± ", "±").replace(" (", "\n(") for cell in line.cells())
            table.add_row(line.label, *values)
        console.print(table)
        for note in published_notes(chosen):
            console.print(note, style="dim", soft_wrap=True)
    if any(line.published for line in lines):
        console.print(
            "in brackets: published for the same dataset, features and semantics; sources: --csv, docs/published.md",
            style="dim",
        )  # fmt: skip


def _print_rest(results: list[CellResult], cells: list[Cell]) -> None:
    console = Console()
    for result in results:
        if result.error:
            text = f"failed {result.cell.name}: {result.error}"
            console.print(text, style="bold", soft_wrap=True)
            for line in result.log:
                console.print(f"    {line}", style="dim", soft_wrap=True)
    reasons = dict.fromkeys(cell.left_out for cell in cells if cell.left_out)
    for reason in reasons:
        console.print(f"left out: {reason}", style="dim", soft_wrap=True)


def _as_json(lines: list[ComparedLine], results: list[CellResult], cells: list[Cell]) -> dict[str, Any]:
    return {
        "lines": [line.to_row() for line in lines],
        "failed": {result.cell.name: result.error for result in results if result.error},
        "left_out": {cell.name: cell.left_out for cell in cells if cell.left_out},
    }
