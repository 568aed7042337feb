"""The study of unlabelled test rows: both settings side by side, pseudo-labels by round, imbalanced pools."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from gzsl.report.published import published_numbers
from tables.shared import Lines, Row, over_seeds, rows_of


def pooled_lines(dataset: str, pool: str) -> Lines:
    """Methods that saw the unlabelled rows of one pool beside the same ones without: both numbers and the gain."""
    lines = [["method", "prior", "T1", "U", "S", "H", "AUSUC", "seeds"]]
    for (method, prior), rows in _pooled(dataset, pool).items():
        cells = [_both(rows, name) for name in ("T1", "U", "S", "H", "AUSUC")]
        lines.append([f"`{method}`", prior, *cells, str(len(rows))])
    return lines


def pooled_overview(*datasets: str) -> Lines:
    """T1 with its gain, and H, of every method and prior on all datasets, with either pool."""
    places = [(dataset, pool) for dataset in datasets for pool in ("unseen", "all")]
    found = {place: _pooled(*place) for place in places}
    lines = [["method", "prior", *(f"{dataset}, {pool}" for dataset, pool in places)]]
    for method, prior in dict.fromkeys(key for rows in found.values() for key in rows):
        cells = []
        for place in places:
            rows = found[place].get((method, prior))
            cells.append(f"{_now(rows, 'T1')} / {_now(rows, 'H', gain=False)}" if rows else "-")
        lines.append([f"`{method}`", prior, *cells])
    return lines


def pooled_rounds(dataset: str, pool: str) -> Lines:
    """How many pseudo-labels were right after each round, the first before any unlabelled row was used."""
    lines = [["method", "prior", "pseudo-labels right, by round"]]
    for (method, prior), rows in _pooled(dataset, pool).items():
        told = [[float(value) for value in row["rounds"].split()] for row in rows if row.get("rounds")]
        if told:
            means = [statistics.fmean(found) for found in zip(*told, strict=True)]
            lines.append([f"`{method}`", prior, ", ".join(f"{100 * value:.1f}" for value in means)])
    return lines


def pooled_published() -> Lines:
    """Published numbers of the transductive setting, with their protocol."""
    lines = [["method", "dataset", "class vectors", "selection", "T1", "seen in, and what is known"]]
    found = [line for line in published_numbers() if line.setting == "transductive" and "T1" in line.values]
    names = {line.method for line in found}
    for line in found:
        if f"{line.method}-t" not in names:  # the same numbers stand under the transductive form
            whose = f"{'secondary: ' if line.secondary else ''}{line.source.removeprefix('secondary: ')}"
            cells = [line.semantics, line.selection, f"{line.values['T1']:.1f}", whose]
            lines.append([f"`{line.method}`", line.dataset, *cells])
    return lines


def _pooled(dataset: str, pool: str) -> dict[tuple[str, str], list[Row]]:
    """Rows of the study by method and prior, seeds together."""
    found: dict[tuple[str, str], list[Row]] = {}
    for row in rows_of("transductive.csv"):
        if row["study"] != "imbalance" and (row["dataset"], row["pool"]) == (dataset, pool):
            found.setdefault((row["method"], row["class_prior"]), []).append(row)
    return found


def _both(rows: Sequence[Row], name: str) -> str:
    """A number without unlabelled rows and with them, and the gain; of several seeds their mean and spread."""
    now, before = over_seeds(rows, name), _before(rows, name)
    return now if before is None else f"{100 * before:.1f} -> {now} ({100 * (_mean(rows, name) - before):+.1f})"


def _now(rows: Sequence[Row], name: str, gain: bool = True) -> str:
    """A mean over seeds with unlabelled rows, with its gain where there is one."""
    now, before = _mean(rows, name), _before(rows, name) if gain else None
    return f"{100 * now:.1f}" + ("" if before is None else f" ({100 * (now - before):+.1f})")


def _mean(rows: Sequence[Row], name: str) -> float:
    return statistics.fmean(float(row[name]) for row in rows)


def _before(rows: Sequence[Row], name: str) -> float | None:
    """Mean without unlabelled rows; None where there is no such form."""
    found = [float(row[f"inductive.{name}"]) for row in rows if row[f"inductive.{name}"]]
    return statistics.fmean(found) if found else None


def pooled_shares(dataset: str) -> Lines:
    """T1 with all rows of the pool and without four fifths of those of every other unseen class, by prior."""
    rows = [row for row in rows_of("transductive.csv") if row["dataset"] == dataset and row["pool"] == "unseen"]
    whole = {(row["method"], row["class_prior"]): row["T1"] for row in rows if row["study"] == "wrappers"}
    lines = [["method", "prior", "T1, whole pool", "T1, imbalanced pool", "inductive there"]]
    for row in rows:
        if row["study"] == "imbalance":
            before = whole.get((row["method"], row["class_prior"]), "")
            values = (before, row["T1"], row["inductive.T1"])
            cells = [f"{100 * float(value):.1f}" if value else "-" for value in values]
            lines.append([f"`{row['method']}`", row["class_prior"], *cells])
    return lines
