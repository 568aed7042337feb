"""Published numbers that ship with the package, each with its source and protocol (``published.csv``)."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from gzsl.evaluation import Protocol

FILE = Path(__file__).resolve().parent / "published.csv"
METRICS = ("T1", "U", "S", "H")
SEMANTICS = {"att": "attributes", "original_att": "attributes", "sent": "sentences"}
KINDS = ("paper", "authors", "re-implementation", "re-run")
UNKNOWN = "unknown"
PROPOSED = ("PS1", "PS2")


@dataclass(frozen=True)
class Published:
    """One published line.

    Attributes
    ----------
    method, dataset : str
        Ids as in recipes.
    kind : str
        ``paper``: the benchmark paper or the method's own; ``authors``: other numbers of the authors;
        ``re-implementation`` and ``re-run``: somebody else's.
    setting, split, features : str
        As in `Protocol`; ``unknown`` where the source does not say it.
    fine_tuned : bool or None
        Whether the feature network was fine-tuned; None when unknown.
    semantics : str
        ``attributes``, ``sentences`` or ``unknown``.
    selection : str
        As in `Protocol`: ``validation``, ``last``, ``test-oracle`` or ``unknown``.
    calibration : str
        ``none``, or the calibrator of the published number.
    values : dict of str to float
        T1, U, S, H in percent; what was not published is absent.
    secondary : bool
        Whether the number was read in somebody else's table.
    source : str
        Where the number was read.
    """

    method: str
    dataset: str
    kind: str
    setting: str
    split: str
    features: str
    fine_tuned: bool | None
    semantics: str
    selection: str
    calibration: str
    values: dict[str, float]
    secondary: bool
    source: str

    def comparable(self, protocol: Protocol) -> bool:
        """Whether dataset, setting, features and kind of semantics are known and those of ``protocol``.

        The split has to be a proposed one: both releases have the same trainval and test rows. Other fields may differ,
        but are named wherever the number is shown (`gzsl.report.unlike`).
        """
        same_place = (self.dataset, self.setting, self.features) == (
            protocol.dataset, protocol.setting, protocol.features,
        )  # fmt: skip
        tuned = self.fine_tuned is not None and protocol.fine_tuned in (None, self.fine_tuned)
        proposed = protocol.split in PROPOSED
        return same_place and proposed and tuned and self.semantics == semantics_kind(protocol)


@cache
def published_numbers() -> tuple[Published, ...]:
    """All lines of the file."""
    with FILE.open(encoding="utf-8", newline="") as stream:
        return tuple(_line(row) for row in csv.DictReader(stream))


def find_published(method: str, protocol: Protocol, calibration: str = "none") -> Published | None:
    """The published line to stand beside a run, or None; the paper before others, primary before secondary.

    Parameters
    ----------
    method : str
        Id.
    protocol : Protocol
        Of the run.
    calibration : str
        Name of the calibrator whose numbers are to be compared; ``none`` for the plain ones.
    """
    found = [
        line for line in published_numbers()
        if line.method == method and line.calibration == calibration and line.comparable(protocol)
    ]  # fmt: skip
    return min(found, key=lambda line: (KINDS.index(line.kind), line.secondary), default=None)


def semantics_kind(protocol: Protocol) -> str:
    """``attributes`` or ``sentences``; the class table of FLO is made of sentences whatever its name."""
    if protocol.dataset == "FLO" and protocol.semantics == "att":
        return "sentences"
    return SEMANTICS.get(protocol.semantics, protocol.semantics)


def _line(row: dict[str, str]) -> Published:
    return Published(
        method=row["method"], dataset=row["dataset"], kind=row["kind"], setting=row["setting"], split=row["split"],
        features=row["features"], fine_tuned={"yes": True, "no": False}.get(row["fine_tuned"]),
        semantics=row["semantics"], selection=row["selection"], calibration=row["calibration"],
        values={name: float(row[name]) for name in METRICS if row[name]}, secondary=row["secondary"] == "yes",
        source=row["source"],
    )  # fmt: skip
