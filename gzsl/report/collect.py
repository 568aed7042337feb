"""Finished runs below a folder, grouped into lines of one table: same method and same protocol."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gzsl.errors import RunError
from gzsl.evaluation import Protocol
from gzsl.report.aggregate import Aggregate, aggregate

COLUMNS = ("T1", "U", "S", "H", "AUSUC", "calibrated.H")


@dataclass(frozen=True)
class Line:
    """Runs that differ in nothing but the seed.

    Attributes
    ----------
    method : str
        Id of the method.
    protocol : Protocol
        Under which all of them were obtained.
    aggregate : Aggregate
        Mean and spread over seeds.
    seconds : float
        Mean wall time of a run, with validation.
    """

    method: str
    protocol: Protocol
    aggregate: Aggregate
    seconds: float

    def cells(self) -> dict[str, str]:
        """Text of every column, percent, ``mean ± std``."""
        found = {"method": self.method, "dataset": self.protocol.dataset}
        for name in COLUMNS:
            mean, std = self.aggregate.mean.get(name), self.aggregate.std.get(name)
            spread = "" if std is None else f" ± {100 * std:.1f}"
            found[name] = "-" if mean is None else f"{100 * mean:.1f}{spread}"
        return {**found, "seeds": str(self.aggregate.n), "seconds a run": f"{self.seconds:.0f}"}


def collect(folder: Path) -> list[Line]:
    """Group the finished runs of ``folder``; where a run was repeated with other code, the newest counts.

    Raises
    ------
    RunError
        When there is no finished run.
    """
    newest: dict[tuple[str, str, int], Path] = {}
    for marker in sorted(folder.glob("*/done"), key=lambda path: path.stat().st_mtime):
        metrics = _read(marker.parent / "metrics.json")
        key = Protocol(**metrics["protocol"]).key()
        newest[(metrics["method"], key, metrics["seed"])] = marker.parent
    if not newest:
        raise RunError(f"{folder}: found no finished run, expected at least one")
    groups: dict[tuple[str, str], list[Path]] = {}
    for (method, key, _), path in sorted(newest.items()):
        groups.setdefault((method, key), []).append(path)
    return sorted((_line(paths) for paths in groups.values()), key=lambda line: (line.protocol.dataset, line.method))


def markdown(lines: Sequence[Line]) -> str:
    """Format lines as a Markdown table."""
    rows = [line.cells() for line in lines]
    head = list(rows[0])
    text = [head, ["---"] * len(head), *([row[name] for name in head] for row in rows)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in text) + "\n"


def as_rows(lines: Iterable[Line]) -> list[dict[str, Any]]:
    """Plain numbers of every line (fractions), for a CSV file."""
    return [
        {
            "method": line.method, **line.protocol.to_dict(), "n": line.aggregate.n, "seconds": line.seconds,
            **{f"{name}.mean": line.aggregate.mean.get(name) for name in COLUMNS},
            **{f"{name}.std": line.aggregate.std.get(name) for name in COLUMNS},
        }
        for line in lines
    ]  # fmt: skip


def _line(paths: list[Path]) -> Line:
    metrics = [_read(path / "metrics.json") for path in paths]
    seconds = [_read(path / "timing.json")["seconds"] for path in paths]
    protocol = Protocol(**metrics[0]["protocol"])
    return Line(metrics[0]["method"], protocol, aggregate(metrics), sum(seconds) / len(seconds))


def _read(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RunError(f"{path}: cannot be read ({error}), expected a finished run's file") from None
    return found
