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
    setting, features : str
        As in `Protocol`.
    fine_tuned : bool
        Whether the feature network was fine-tuned.
    semantics : str
        ``attributes`` or ``sentences``.
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
    features: str
    fine_tuned: bool
    semantics: str
    values: dict[str, float]
    secondary: bool
    source: str

    def comparable(self, protocol: Protocol) -> bool:
        """Whether dataset, setting, features and kind of semantics are those of ``protocol``."""
        same_place = (self.dataset, self.setting, self.features) == (
            protocol.dataset, protocol.setting, protocol.features,
        )  # fmt: skip
        tuned = protocol.fine_tuned is None or protocol.fine_tuned == self.fine_tuned
        return same_place and tuned and self.semantics == semantics_kind(protocol)


@cache
def published_numbers() -> tuple[Published, ...]:
    """All lines of the file."""
    with FILE.open(encoding="utf-8", newline="") as stream:
        return tuple(_line(row) for row in csv.DictReader(stream))


def find_published(method: str, protocol: Protocol) -> Published | None:
    """The published line to stand beside a run, or None; the paper before others, primary before secondary."""
    found = [line for line in published_numbers() if line.method == method and line.comparable(protocol)]
    return min(found, key=lambda line: (KINDS.index(line.kind), line.secondary), default=None)


def semantics_kind(protocol: Protocol) -> str:
    """``attributes`` or ``sentences``; the class table of FLO is made of sentences whatever its name."""
    if protocol.dataset == "FLO" and protocol.semantics == "att":
        return "sentences"
    return SEMANTICS.get(protocol.semantics, protocol.semantics)


def _line(row: dict[str, str]) -> Published:
    return Published(
        row["method"], row["dataset"], row["kind"], row["setting"], row["features"], row["fine_tuned"] == "yes",
        row["semantics"], {name: float(row[name]) for name in METRICS if row[name]}, row["secondary"] == "yes",
        row["source"],
    )  # fmt: skip
