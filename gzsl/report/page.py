"""A report: one HTML file that works offline, and a folder of CSV files beside it."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from gzsl.door.yaml import dump_yaml
from gzsl.errors import RunError
from gzsl.files import make_folder, write_text
from gzsl.report.collect import ABOUT, Collection, StoredRun
from gzsl.report.details import Details, make_details
from gzsl.report.groups import OWN_FIELDS, Group, make_groups
from gzsl.report.leaderboard import HEADINGS, Board, Line, board_csv, board_latex, board_markdown, make_boards
from gzsl.report.page_values import (
    environment_texts,
    field_texts,
    protocol_fields,
    row_values,
    significance_values,
    source_texts,
    summary_text,
)
from gzsl.report.significance import Comparison, significance
from gzsl.report.tables import write_csv
from gzsl.version import __version__

TEMPLATES = Path(__file__).resolve().parent / "templates"
SCRIPTS = ("base.js", "board.js", "charts.js", "detail.js")
FIGURES = ("all", "first", "none")


@dataclass(frozen=True)
class Report:
    """What was written.

    Attributes
    ----------
    html : Path
        The page.
    folder : Path or None
        CSV files, and the table as Markdown and LaTeX; None when they were not asked for.
    boards : list of Board
        The leaderboard.
    tests : list of Comparison
        Significance, if it was asked for.
    troubles : list of tuple of str
        What is not in the table: place, state, reason.
    """

    html: Path
    folder: Path | None
    boards: list[Board]
    tests: list[Comparison]
    troubles: list[tuple[str, str, str]]


def write_report(
    collection: Collection,
    html: Path,
    *,
    data: Path | str | None = None,
    figures: str = "all",
    test: str | None = None,
    tables: bool = True,
    note: Callable[[str], None] = lambda text: None,
) -> Report:
    """Write the page, and the folder ``NAME_data`` beside it.

    Parameters
    ----------
    collection : Collection
        Runs to report.
    html : Path
        The page.
    data : path, optional
        Folder of datasets, for the picture of synthetic features; left out when None.
    figures : str
        ``all`` runs, the ``first`` seed of every group, or ``none``.
    test : str, optional
        See `gzsl.report.significance.significance`.
    tables : bool
        Whether to write that folder; without it the page has no links to it.
    note : callable
        Hears progress.

    Raises
    ------
    RunError
        When nothing is finished, or a place cannot be written to.
    """
    if not collection.runs:
        reasons = "; ".join(f"{run.folder.name} {run.state}" for run in collection.broken[:3])
        raise RunError(f"{collection.title}: found no finished run ({reasons}), expected at least one")
    groups, superseded = make_groups(collection.runs)
    boards = make_boards(groups)
    tests = [] if test is None else significance(groups, test)
    folder = make_folder(html.parent / f"{html.stem}_data") if tables else None
    details = _details(groups, data, figures, note)
    troubles = _troubles(collection, superseded, details)
    if folder is not None:
        _write_files(folder, boards, tests if test else None, details)
    page = _Page(collection.title, folder.name if folder else None, boards, details, troubles)
    write_text(html, page.render(test, tests))
    return Report(html, folder, boards, tests, troubles)


def _details(
    groups: Sequence[Group], data: Path | str | None, figures: str, note: Callable[[str], None]
) -> dict[Path, Details]:
    found = {}
    for group in groups:
        shown = {"all": group.runs, "first": group.runs[:1], "none": ()}[figures]
        for run in shown:
            note(run.folder.name)
            with_features = data is not None and run is group.runs[0]
            found[run.folder] = make_details(run, data, features=with_features)
    return found


def _troubles(
    collection: Collection, superseded: Sequence[StoredRun], details: dict[Path, Details]
) -> list[tuple[str, str, str]]:
    found = [(run.folder.name, run.state, run.reason) for run in collection.broken]
    found += [
        (run.folder.name, "superseded", "a newer run has the same recipe, protocol and seed") for run in superseded
    ]
    found += [(name.partition(": ")[0], "absent", name.partition(": ")[2]) for name in collection.missing]
    found += [(d.run.folder.name, "figure missing", text) for d in details.values() for text in d.missing]
    return found


def _write_files(
    folder: Path, boards: Sequence[Board], tests: Sequence[Comparison] | None, details: dict[Path, Details]
) -> None:
    for name, text in (("csv", board_csv), ("md", board_markdown), ("tex", board_latex)):
        write_text(folder / f"leaderboard.{name}", text(boards))
    if tests is not None:
        rows = [list(one.to_dict().values()) for one in tests]
        write_csv(folder / "significance.csv", list(Comparison.__dataclass_fields__), rows)
    for found in details.values():
        for figure in found.figures:
            write_csv(folder / found.run.folder.name / f"{figure.name}.csv", figure.header, figure.rows)


@dataclass(frozen=True)
class _Page:
    title: str
    folder: str | None
    boards: list[Board]
    details: dict[Path, Details]
    troubles: list[tuple[str, str, str]]

    def render(self, test: str | None, tests: Sequence[Comparison]) -> str:
        lines = [line for board in self.boards for line in board.lines]
        place = {id(line): k for k, line in enumerate(lines)}
        varying, same = protocol_fields(lines)
        classes: dict[str, Any] = {}
        blobs: list[Markup] = []
        groups = [self._group(line, classes, blobs) for line in lines]
        values = {
            "groups": groups, "classes": classes, "own_fields": OWN_FIELDS,
            "references": {board.dataset: board.reference.to_dict() for board in self.boards},
        }  # fmt: skip
        environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
        template = environment.from_string((TEMPLATES / "report.html.j2").read_text(encoding="utf-8"))
        boards = [
            {"dataset": board.dataset, "lines": [row_values(line, place[id(line)]) for line in board.lines]}
            for board in self.boards
        ]
        return template.render(
            title=self.title, summary=summary_text(lines), folder=self.folder, headings=HEADINGS, boards=boards,
            filters=varying, same=same, lone=all(line.group.aggregate.n == 1 for line in lines),
            any_published=any(line.group.published for line in lines), sources=source_texts(lines),
            significance=significance_values(test, tests), troubles=self.troubles, version=__version__,
            css=Markup((TEMPLATES / "report.css").read_text(encoding="utf-8")),
            script=Markup("\n".join((TEMPLATES / name).read_text(encoding="utf-8") for name in SCRIPTS)),
            data=_json(values), blobs=blobs,
        )  # fmt: skip

    def _group(self, line: Line, classes: dict[str, Any], blobs: list[Markup]) -> dict[str, Any]:
        """Plain values of a group; the figures of its runs are appended to ``blobs``."""
        group = line.group
        runs = []
        for run in group.runs:
            found = self.details.get(run.folder)
            index = None
            if found is not None:
                index = len(blobs)
                place = f"{self.folder}/{run.folder.name}" if self.folder else None
                blobs.append(_json({"folder": place, **found.blob(classes)}))
            runs.append({
                "seed": run.seed, "name": run.folder.name, "index": index, "seconds": run.seconds,
                "threads": run.timing.get("threads"), "environment": environment_texts(run),
            })  # fmt: skip
        recipe = {key: value for key, value in group.runs[0].recipe.items() if key != "seeds"}
        order = sorted(recipe, key=lambda key: key in ABOUT)  # what decides the numbers comes first
        return {
            "label": group.label, "method": group.method, "dataset": group.dataset, "runs": runs,
            "protocol": group.protocol.to_dict(), "key": group.protocol.key(), "fields": field_texts(group),
            "seconds": group.seconds, "recipe": dump_yaml({key: recipe[key] for key in order}),
        }  # fmt: skip


def _json(value: Any) -> Markup:
    """JSON that may stand inside a script element; what is not finite becomes null."""
    text = json.dumps(_finite(value), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return Markup(text.replace("<", "\\u003c"))


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value
