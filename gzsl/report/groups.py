"""Runs of one recipe as one line, and which lines may be compared with which."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gzsl.brief import brief
from gzsl.evaluation import Protocol
from gzsl.report.aggregate import Aggregate, aggregate
from gzsl.report.collect import StoredRun
from gzsl.report.published import Published, find_published
from gzsl.report.unlike import differing_fields

OWN_FIELDS = ("normalisation", "preprocessing")  # a method's own preparation: named, but no bar to a comparison
MOST_SHOWN = 3  # settings that a label spells out


@dataclass(frozen=True)
class Group:
    """Runs of one recipe under one protocol, one a seed.

    Attributes
    ----------
    runs : tuple of StoredRun
        By seed.
    aggregate : Aggregate
        Mean and spread over them.
    published : Published or None
        The published line that may stand beside it.
    variant : str
        Settings in which it differs from other groups of the same method and dataset; empty when it is the only one.
    """

    runs: tuple[StoredRun, ...]
    aggregate: Aggregate
    published: Published | None
    variant: str = ""

    __repr__ = brief

    @property
    def published_differs(self) -> str:
        """The protocol fields in which the published line differs; empty where there is none or all agree."""
        return "" if self.published is None else differing_fields(self.protocol, self.published)

    @property
    def method(self) -> str:
        """Id of the method."""
        return self.runs[0].method

    @property
    def dataset(self) -> str:
        """Name of the dataset; with what they saw, for runs that saw unlabelled test rows: a heading of their own."""
        return self.protocol.heading(self.runs[0].dataset)

    @property
    def protocol(self) -> Protocol:
        """Protocol of every run."""
        return self.runs[0].protocol

    @property
    def label(self) -> str:
        """Method, with what sets it apart."""
        return f"{self.method} ({self.variant})" if self.variant else self.method

    @property
    def seconds(self) -> float:
        """Mean wall time of a run."""
        return statistics.fmean(run.seconds for run in self.runs)

    @property
    def key(self) -> str:
        """What the numbers without calibration depend on besides the method, one line."""
        return _plain(self.protocol).key()

    @property
    def calibrated_key(self) -> str:
        """The same for calibrated numbers."""
        return f"{self.key}/{self.protocol.calibration}"

    @property
    def ranking(self) -> float:
        """H, calibrated where there is a calibration; T1 where nothing else was tested."""
        mean = self.aggregate.mean
        return next(mean[name] for name in ("calibrated.H", "H", "T1") if name in mean)


def make_groups(runs: Iterable[StoredRun]) -> tuple[list[Group], list[StoredRun]]:
    """Group runs by recipe and protocol, and order the groups for a table.

    Returns
    -------
    groups : list of Group
        By dataset, valid ones first, and then by H, the largest first.
    superseded : list of StoredRun
        Runs of which there is a newer one with the same recipe, protocol and seed, as after a change of the code.
    """
    found: dict[tuple[str, str], dict[int, StoredRun]] = {}
    superseded = []
    for run in sorted(runs, key=lambda run: run.finished_at):
        seeds = found.setdefault((run.fingerprint, run.protocol.key()), {})
        if run.seed in seeds:
            superseded.append(seeds[run.seed])
        seeds[run.seed] = run
    groups = [_group(tuple(seeds[seed] for seed in sorted(seeds))) for seeds in found.values()]
    groups.sort(key=lambda group: (group.dataset, not group.protocol.valid, -group.ranking, group.method))
    return _with_variants(groups), superseded


def reference_protocol(groups: Sequence[Group]) -> Protocol:
    """The protocol that most groups share; a method's own preparation breaks ties, and then the order."""
    shared = Counter(group.calibrated_key for group in groups)
    whole = Counter(group.protocol.key() for group in groups)
    return max(groups, key=lambda group: (shared[group.calibrated_key], whole[group.protocol.key()])).protocol


def differing(protocol: Protocol, reference: Protocol) -> tuple[str, list[str]]:
    """Mark of a line, and one sentence a protocol field that differs from the reference.

    Returns
    -------
    mark : str
        ``†`` when a field differs that bars a comparison, ``‡`` when only the method's own preparation does, or empty.
    sentences : list of str
        Such as ``semantics: sent against att``.
    """
    sentences = protocol.differences(reference)
    barring = [text for text in sentences if not text.startswith(OWN_FIELDS)]
    return ("†" if barring else "‡" if sentences else ""), sentences


def _plain(protocol: Protocol) -> Protocol:
    return replace(protocol, normalisation="any", preprocessing="any", calibration="any")


def _group(runs: tuple[StoredRun, ...]) -> Group:
    published = find_published(runs[0].method, runs[0].protocol)
    return Group(runs, aggregate([run.metrics for run in runs]), published)


def _with_variants(groups: list[Group]) -> list[Group]:
    named = []
    for group in groups:
        others = [g for g in groups if (g.method, g.dataset) == (group.method, group.dataset) and g is not group]
        named.append(replace(group, variant=_variant(group, others)) if others else group)
    return named


def _variant(group: Group, others: Sequence[Group]) -> str:
    own = group.runs[0].settings
    keys = [key for key in own if any(other.runs[0].settings.get(key) != own[key] for other in others)]
    texts = [f"{key.removeprefix('method.')}={_short(own[key])}" for key in keys]
    if not texts:
        texts = [text.partition(" against ")[0] for text in group.protocol.differences(others[0].protocol)]
    rest = len(texts) - MOST_SHOWN
    return ", ".join(texts[:MOST_SHOWN]) + (f", {rest} more" if rest > 0 else "")


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 24 else f"{text[:21]}..."
