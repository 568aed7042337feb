"""``gzsl sweep --dry-run``: the cells of a study, and what they will cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import typer
from rich.table import Table

from gzsl.cli.options import print_json
from gzsl.cli.study_progress import StudyProgress, duration
from gzsl.cli.terminal import Console
from gzsl.door.shown import counted
from gzsl.studies.cells import Cell
from gzsl.studies.launch import Launch
from gzsl.studies.preflight import cost_key

NOTE = (
    "from a few steps of each fit and one scored block, with {threads} and the machine as busy as it was; "
    "a fit that stops at an earlier epoch takes less. Memory: of one process, at least."
)


def dry_run(launch: Launch, cells: list[Cell], workers: int, json_output: bool) -> None:
    """Measure every kind of run that is missing, print, and exit with 1 when a cell cannot work."""
    answers, threads = _measure(launch, workers)
    rows = [_row(launch, cell, answers) for cell in cells]
    known = [row for row in rows if row["seconds"] is not None]
    total = {name: sum(row[name] * row["missing"] for row in known) / workers for name in ("seconds", "low", "high")}
    if json_output:
        print_json({"cells": rows, "workers": workers, "threads": threads, "total": total})
    else:
        _print(rows, total, workers, threads)
    if any(row["error"] for row in rows):
        raise typer.Exit(1)


def _measure(launch: Launch, workers: int) -> tuple[dict[str, Mapping[str, Any]], int]:
    """One answer a kind of run, by `cost_key`, from a process with as many threads as a worker will have."""
    from gzsl.studies.pool import Pool
    from gzsl.studies.threads import threads_for

    kinds = {cost_key(job.run): job for job in reversed(launch.missing())}
    workers = max(1, min(workers, len(launch.missing())))
    answers: dict[str, Mapping[str, Any]] = {}
    if kinds:
        with StudyProgress() as progress, Pool(workers, progress) as pool:
            progress.begin(len(kinds), 0)
            for job, answer in pool.answers(list(kinds.values())[::-1], preflight=True):
                answers[cost_key(job.run)] = answer
                progress.finish(job.name, answer.get("error"), None)
    return answers, threads_for(workers)


def _row(launch: Launch, cell: Cell, answers: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    jobs = [job for job in launch.jobs if job.cell is cell]
    missing = [job for job in jobs if job.key not in launch.outcomes]
    answer = answers.get(cost_key(missing[0].run), {}) if missing else {}
    problem = next((text for wrong, text in launch.wrong if wrong is cell), None) or answer.get("error")
    candidates = 1
    for values in cell.recipe.selection.grid.values() if cell.recipe else ():
        candidates *= len(values)
    return {
        "cell": cell.name, "seeds": len(jobs), "missing": len(missing), "candidates": candidates,
        **{name: answer.get(name) for name in ("seconds", "low", "high", "kind", "bytes")},
        "error": problem, "left_out": cell.left_out,
    }  # fmt: skip


def _print(rows: list[dict[str, Any]], total: Mapping[str, float], workers: int, threads: int) -> None:
    console = Console()
    table = Table("cell", "candidates", "runs", "a run", "memory", "or why not")
    for row in rows:
        done = row["seeds"] - row["missing"]
        runs = f"{row['missing']}" + (f" (+{done} done)" if done else "")
        time, memory = "-", "-"
        if row["seconds"] is not None:
            time = f"{duration(row['seconds'])} ({duration(row['low'])} - {duration(row['high'])})"
            memory = f"{row['bytes'] / 2**20:.0f} MB"
        known = row["seeds"] > 0
        table.add_row(
            row["cell"], str(row["candidates"]) if known else "-", runs if known else "-",
            time, memory, row["error"] or row["left_out"] or "",
        )  # fmt: skip
    console.print(table)
    missing = sum(row["missing"] for row in rows)
    span = f"{duration(total['low'])} to {duration(total['high'])}"
    work = f"{counted(missing, 'run')} to do with {counted(workers, 'worker')}"
    console.print(f"{work}: about {duration(total['seconds'])} ({span})")
    console.print(NOTE.format(threads=counted(threads, 'thread')), style="dim")
