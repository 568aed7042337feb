"""``gzsl evaluate``: scores from anywhere to T1, U, S, H and AUSUC."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from gzsl.brief import percent
from gzsl.cli.options import JsonOption, finite, output_option, print_json
from gzsl.cli.terminal import Console
from gzsl.door.tables import csv_text
from gzsl.errors import DataError
from gzsl.files import write_text

if TYPE_CHECKING:
    from gzsl.evaluation import Evaluation


def evaluate(
    path: Annotated[
        Path, typer.Argument(help=".npz with the arrays scores (N, C), labels (N), seen, unseen; maybe gate (N)")
    ],
    json_output: JsonOption = False,
    gamma: Annotated[
        float | None,
        typer.Option(callback=finite, help="calibration strength (or threshold of the gate) chosen on other rows"),
    ] = None,
    curve: Annotated[
        Path | None,
        typer.Option(metavar="FILE.csv", callback=output_option, help="write the seen-unseen curve to this file"),
    ] = None,
    per_class: Annotated[bool, typer.Option("--per-class", help="also print one row a class")] = False,
) -> None:
    """Evaluate a file of scores, whatever made it.

    Labels and class ids are columns of the scores, from 0; a higher score is better. Without rows of seen classes, T1
    alone is printed. With an array gate (larger: seen),
    rows are also decided by gate > gamma, and the curve is that of the gate.

    Example: [bold]gzsl evaluate scores.npz --per-class[/bold]
    """
    from gzsl.evaluation import evaluate_scores_file

    result = evaluate_scores_file(path, gamma)
    if curve is not None:
        if not result.generalized:
            raise DataError(f"{path}: --curve: found no row of a seen class, expected some (a curve is of both sides)")
        write_text(curve, _curve_as_csv(result))
    if json_output:
        print_json({**result.to_dict(), "per_class": result.per_class_rows()})
        return
    console = Console()
    console.print(_summary_table(path, result))
    print_domain(console, result.to_dict())
    rows = [row for row in result.per_class_rows() if result.generalized or row["kind"] == "unseen"]
    empty = sum(row["images"] == 0 for row in rows)
    if empty:
        are = "class without rows is" if empty == 1 else "classes without rows are"
        console.print(f"{empty} {are} left out of the means")
    if per_class:
        console.print(_class_table(result))


def print_domain(console: Console, metrics: dict[str, Any], whose: str = "") -> None:
    """Say how well seen and unseen rows are told apart, and what helps where unseen classes are lost.

    ``whose`` begins every line, such as ``seed 0: `` where it stands below the means of several.
    """
    for name, report in (("scores", metrics["domain"]), ("calibrator", (metrics["calibrated"] or {}).get("domain"))):
        if report:
            lost = f"unseen {percent(report['unseen_lost'])}, seen {percent(report['seen_lost'])}"
            told = f"AUROC {percent(report['auroc'])}, FPR95 {percent(report['fpr95'])}"
            console.print(f"{whose}seen against unseen by {name}: {told}; lost: {lost}")
    for remark in ((metrics["domain"] or {}).get("advice"), *(metrics.get("notes") or [])):
        if remark:
            console.print(f"{whose}{remark}", style="yellow")


def _summary_table(path: Path, result: Evaluation) -> Table:
    table = Table(title=f"{path.name}, percent, class-averaged", title_justify="left")
    table.add_column("")
    for name in ("gamma", "T1", "U", "S", "H", "AUSUC"):
        table.add_column(name, justify="right")
    table.add_row("as given", "0", percent(result.T1), *_point(result.U, result.S, result.H), percent(result.AUSUC))
    if result.calibrated is not None:
        point = result.calibrated
        gated = result.decided is not None
        area = percent(result.calibrated_curve.area) if gated else ""
        name = "by the gate" if gated else "calibrated"
        table.add_row(name, f"{point.gamma:.4g}", "", *_point(point.U, point.S, point.H), area)
    if result.generalized:
        best = result.oracle
        row = (f"{best.gamma:.4g}", "", *_point(best.U, best.S, best.H), "")
        table.add_row("best gamma on these rows:\nnot a valid result", *row, style="dim")
    return table


def _class_table(result: Evaluation) -> Table:
    columns = ["gzsl", "zsl", *(["calibrated"] if result.gamma is not None else [])]
    table = Table("class", "kind", "rows", *columns)
    for row in result.per_class_rows():
        cells = [percent(row[name]) for name in columns]
        table.add_row(row["name"], row["kind"], str(row["images"]), *cells)
    return table


def _curve_as_csv(result: Evaluation) -> str:
    import numpy as np

    curve = result.calibrated_curve
    points = np.column_stack([curve.gamma, curve.unseen, curve.seen]).tolist()
    return csv_text([("gamma", "unseen", "seen"), *points])


def _point(*values: float) -> list[str]:
    return [percent(value) for value in values]
