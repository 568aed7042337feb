"""What a finished run found, and several of them as one table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gzsl.brief import html_table
from gzsl.evaluation.protocol import Protocol
from gzsl.evaluation.result import METRICS
from gzsl.frames import frame

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True)
class RunResult:
    """A finished run.

    Attributes
    ----------
    folder : Path
        Where everything about it is.
    metrics : dict
        Content of ``metrics.json``: fractions in [0, 1] and the protocol.
    seconds : float
        Wall time that the run took when it was executed.
    fresh : bool
        False when it was found finished on disk.
    """

    folder: Path
    metrics: dict[str, Any]
    seconds: float
    fresh: bool

    def __repr__(self) -> str:
        about = f"{self.metrics['method']} on {self.metrics['dataset']}, seed {self.metrics['seed']}"
        found = ", ".join(f"{name} {value}" for name, value in self.percents().items())
        return f"RunResult({about}: {found} (percent); {self.folder})"

    def _repr_html_(self) -> str:
        title = f"{self.metrics['method']} on {self.metrics['dataset']}, seed {self.metrics['seed']}"
        rows = [(name, f"{value} %") for name, value in self.percents().items()]
        return html_table(title, [*rows, ("seconds", f"{self.seconds:.1f}"), ("folder", str(self.folder))])

    def percents(self) -> dict[str, float]:
        """Percent with one decimal, by name; those that there are, the calibrated ones among them."""
        calibrated = self.metrics.get("calibrated") or {}
        found = {name: self.metrics.get(name) for name in METRICS}
        found |= {f"{name} calibrated": calibrated.get(name) for name in "USH"}
        return {name: round(100 * value, 1) for name, value in found.items() if value is not None}

    def to_row(self) -> dict[str, Any]:
        """Plain values for a table: method, dataset, seed, fractions by metric, seconds, protocol key, folder."""
        calibrated = self.metrics.get("calibrated") or {}
        return {
            **{name: self.metrics[name] for name in ("method", "dataset", "seed")},
            **{name: self.metrics.get(name) for name in METRICS},
            **{f"calibrated.{name}": calibrated.get(name) for name in ("gamma", "U", "S", "H")},
            "seconds": self.seconds, "protocol": Protocol(**self.metrics["protocol"]).key(), "folder": str(self.folder),
        }  # fmt: skip


def to_frame(results: Sequence[RunResult]) -> pandas.DataFrame:
    """Results of runs as a pandas frame, one row a run: fractions by metric, seconds, protocol key and folder.

    Raises
    ------
    GzslError
        Where pandas is not installed.
    """
    return frame([result.to_row() for result in results])
