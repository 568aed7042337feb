"""Mean and spread over seeds."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

METRICS = ("T1", "U", "S", "H", "AUSUC")
CALIBRATED = ("gamma", "U", "S", "H")


@dataclass(frozen=True)
class Aggregate:
    """Mean and sample standard deviation (n - 1) over runs of one protocol.

    Attributes
    ----------
    n : int
        Number of runs.
    mean, std : dict of str to float
        By metric, fractions; calibrated ones as ``calibrated.H``. A single run has no ``std``; data without
        test_seen rows have T1 alone.
    """

    n: int
    mean: dict[str, float]
    std: dict[str, float]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"n": self.n, "mean": self.mean, "std": self.std}


def mean_and_spread(mean: float, std: float | None) -> str:
    """Percent, ``mean ± std``; without the spread where `shown_spread` has none."""
    spread = shown_spread(std)
    return f"{100 * mean:.1f}{spread and f' ± {spread}'}"


def shown_spread(std: float | None) -> str:
    """Percent; empty where there is no spread, or none that a digit would show."""
    return f"{100 * std:.1f}" if std is not None and round(100 * std, 1) > 0 else ""


def aggregate(metrics: Sequence[dict[str, Any]]) -> Aggregate:
    """Aggregate the ``metrics.json`` contents of several seeds."""
    known = [name for name in METRICS if all(m.get(name) is not None for m in metrics)]
    columns: dict[str, list[float]] = {name: [m[name] for m in metrics] for name in known}
    if all(m.get("calibrated") for m in metrics):
        columns |= {f"calibrated.{name}": [m["calibrated"][name] for m in metrics] for name in CALIBRATED}
    mean = {name: statistics.fmean(values) for name, values in columns.items()}
    spread = {name: statistics.stdev(values) for name, values in columns.items()} if len(metrics) > 1 else {}
    return Aggregate(len(metrics), mean, spread)
