"""``gzsl sweep``: a study to a table, beside the published numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from gzsl.cli.options import DataOption, JsonOption, print_json
from gzsl.cli.progress import TerminalReporter
from gzsl.errors import RunError
from gzsl.files import write_bytes
from gzsl.report.comparison import HEADINGS, ComparedLine, compare, comparison_csv, comparison_markdown
from gzsl.runs.study import Cell, CellResult, Study, list_studies, load_study, run_study


def sweep(
    study: Annotated[str, typer.Argument(help="a study file, or the name of a shipped one (--list shows them)")] = "",
    out: Annotated[Path, typer.Option(help="folder of all runs")] = Path("runs"),
    device: Annotated[str, typer.Option(help="auto, cpu or cuda")] = "auto",
    csv: Annotated[Path | None, typer.Option(help="write the table as CSV here")] = None,
    markdown: Annotated[Path | None, typer.Option(help="write the table as Markdown here")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="print the cells and stop")] = False,
    list_them: Annotated[bool, typer.Option("--list", help="print the shipped studies and stop")] = False,
    data: DataOption = None,
    json_output: JsonOption = False,
) -> None:
    """Run a study: every method on every dataset, and one table with the published numbers in brackets.

    Finished runs are read, not repeated; a failing cell is named at the end and stops nothing. Published
    numbers appear only where dataset, features, setting and kind of semantics are the same.
    [bold]gzsl sweep benchmark-paper --data DIR[/bold] remakes the benchmark paper's table.
    """
    if list_them or not study:
        _print_studies()
        return
    chosen = load_study(study)
    cells = chosen.cells(data)
    if dry_run:
        _print_cells(cells)
        return
    results = _run(chosen, cells, out, data, device)
    lines = compare(results)
    for path, text in ((csv, comparison_csv), (markdown, comparison_markdown)):
        if path is not None and lines:
            write_bytes(path, text(lines).encode())
    if json_output:
        print_json(_as_json(lines, results, cells))
    else:
        _print_lines(chosen, lines)
        _print_rest(results, cells)
    if not lines:
        raise RunError(f"{chosen.title}: no cell could be run; gzsl sweep {study} --dry-run says why")
    if any(result.error for result in results):
        raise typer.Exit(1)


def _run(study: Study, cells: list[Cell], out: Path, data: Path | None, device: str) -> list[CellResult]:
    todo = [cell for cell in cells if cell.recipe is not None]
    results = []
    with TerminalReporter("") as reporter:
        waiting = iter(todo)
        first = next(waiting, None)
        reporter.title = f"1/{len(todo)} {first.name}" if first else ""
        for done, result in enumerate(run_study(study, out=out, data=data, device=device, reporter=reporter), start=1):
            results.append(result)
            if result.error:
                reporter.note(f"failed: {result.error}")
            following = next(waiting, None)
            reporter.title = f"{done + 1}/{len(todo)} {following.name}" if following else ""
    return results


def _print_studies() -> None:
    table = Table("study", "methods", "datasets", "title")
    for path in list_studies():
        found = load_study(path)
        table.add_row(path.stem, str(len(found.methods)), ", ".join(found.datasets), found.title)
    Console().print(table)


def _print_cells(cells: list[Cell]) -> None:
    table = Table("cell", "seeds", "candidates", "or why not")
    for cell in cells:
        if cell.recipe is None:
            table.add_row(cell.name, "-", "-", cell.left_out)
            continue
        candidates = 1
        for values in cell.recipe.selection.grid.values():
            candidates *= len(values)
        table.add_row(cell.name, str(len(cell.recipe.seeds)), str(candidates), "")
    Console().print(table)


def _print_lines(study: Study, lines: list[ComparedLine]) -> None:
    console = Console()
    for dataset in dict.fromkeys(line.dataset for line in lines):
        chosen = [line for line in lines if line.dataset == dataset]
        table = Table(title=f"{study.title}: {dataset}, percent", title_justify="left", padding=(0, 0), pad_edge=False)
        table.add_column("method", no_wrap=True)
        for name in HEADINGS:
            table.add_column(name, justify="right")
        for line in chosen:
            table.add_row(line.method, *(cell.replace(" ± ", "±").replace(" (", "\n(") for cell in line.cells()))
        console.print(table)
    if any(line.published for line in lines):
        console.print(
            "in brackets: published under the same split, features and semantics; sources: --csv, docs/published.md",
            style="dim", highlight=False,
        )  # fmt: skip


def _print_rest(results: list[CellResult], cells: list[Cell]) -> None:
    console = Console()
    for result in results:
        if result.error:
            console.print(f"failed {result.cell.name}: {result.error}", style="bold", highlight=False, soft_wrap=True)
    reasons = dict.fromkeys(cell.left_out for cell in cells if cell.left_out)
    for reason in reasons:
        console.print(f"left out: {reason}", style="dim", highlight=False, soft_wrap=True)


def _as_json(lines: list[ComparedLine], results: list[CellResult], cells: list[Cell]) -> dict[str, Any]:
    return {
        "lines": [line.to_row() for line in lines],
        "failed": {result.cell.name: result.error for result in results if result.error},
        "left_out": {cell.name: cell.left_out for cell in cells if cell.left_out},
    }
