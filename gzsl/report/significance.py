"""Paired tests between the best method of a comparable set and each other one, with Holm's correction."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy import stats

from gzsl.errors import RunError, suggest
from gzsl.report.class_figures import number, read_classes
from gzsl.report.groups import Group

WAYS = ("seeds", "classes")
FEW = 5
_LEVEL = 0.05


@dataclass(frozen=True)
class Comparison:
    """One test.

    Attributes
    ----------
    dataset, metric : str
        What was compared.
    best, other : str
        Labels; ``best`` has the larger mean.
    difference : float or None
        Mean of best - other over the pairs, a fraction.
    n : int
        Number of pairs.
    p, p_holm : float or None
        Two-sided, before and after correction for all tests of the same set; None where no test is possible.
    note : str
        Why not, or what weakens it.
    """

    dataset: str
    metric: str
    best: str
    other: str
    difference: float | None
    n: int
    p: float | None
    p_holm: float | None
    note: str

    @property
    def significant(self) -> bool:
        """Whether the corrected p is below 0.05."""
        return self.p_holm is not None and self.p_holm < _LEVEL

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def significance(groups: Sequence[Group], way: str) -> list[Comparison]:
    """Test the best of every comparable set of valid groups against each other one.

    Parameters
    ----------
    groups : sequence of Group
        Of a report.
    way : str
        ``seeds``: paired t-test of H over the seeds that both have (calibrated H where all of the set have it, T1
        where nothing else was tested).
        ``classes``: Wilcoxon signed-rank test over classes, of accuracies averaged over seeds: T1 and U over unseen
        classes, S over seen ones.

    Raises
    ------
    RunError
        For another way.
    """
    if way not in WAYS:
        raise RunError(f"--significance: found {way!r}; {suggest(way, WAYS)}")
    found = []
    sets: dict[str, list[Group]] = {}
    for group in groups:
        if group.protocol.valid:
            sets.setdefault(group.key, []).append(group)
    for members in sets.values():
        if len(members) < 2:
            continue
        for metric, values in (_by_seed(members) if way == "seeds" else _by_class(members)).items():
            found += _family(members, metric, values, _t_test if way == "seeds" else _wilcoxon)
    return found


def holm(p: Sequence[float]) -> list[float]:
    """Holm's step-down correction, in the given order."""
    order = np.argsort(p, kind="stable")
    scaled = np.asarray(p)[order] * (len(p) - np.arange(len(p)))
    corrected = np.empty(len(p))
    corrected[order] = np.minimum(np.maximum.accumulate(scaled), 1.0)
    return [float(value) for value in corrected]


Values = list[dict[Any, float]]
Test = Callable[[np.ndarray], tuple[float | None, str]]


def _by_seed(members: Sequence[Group]) -> dict[str, Values]:
    calibrated = all("calibrated.H" in group.aggregate.mean for group in members)
    same = len({group.calibrated_key for group in members}) == 1
    if calibrated and same:
        return {"calibrated H": [{run.seed: run.metrics["calibrated"]["H"] for run in g.runs} for g in members]}
    name = "H" if all("H" in group.aggregate.mean for group in members) else "T1"
    return {name: [{run.seed: run.metrics[name] for run in group.runs} for group in members]}


def _by_class(members: Sequence[Group]) -> dict[str, Values]:
    wanted = {"T1": ("zsl", "unseen"), "U": ("gzsl", "unseen"), "S": ("gzsl", "seen")}
    wanted = {name: place for name, place in wanted.items() if all(name in g.aggregate.mean for g in members)}
    return {
        metric: [_class_means(group, column, kind) for group in members] for metric, (column, kind) in wanted.items()
    }


def _class_means(group: Group, column: str, kind: str) -> dict[str, float]:
    """Accuracy of every class of a kind, averaged over the group's seeds."""
    found: dict[str, list[float]] = {}
    for run in group.runs:
        for row in read_classes(run):
            value = number(row.get(column))
            if row["kind"] == kind and value is not None:
                found.setdefault(row["name"], []).append(value)
    return {name: statistics.fmean(values) for name, values in found.items()}


def _family(members: Sequence[Group], metric: str, values: Values, test: Test) -> list[Comparison]:
    """All tests of one set and metric: they share a correction."""
    means = [statistics.fmean(v.values()) if v else -1.0 for v in values]
    top = means.index(max(means))
    raw = []
    for group, own in zip(members, values, strict=True):
        if group is members[top]:
            continue
        shared = [key for key in values[top] if key in own]
        pairs = np.array([values[top][key] - own[key] for key in shared])
        p, note = test(pairs)
        raw.append((group, pairs, p, note))
    corrected = iter(holm([p for _, _, p, _ in raw if p is not None]))
    best = members[top]
    return [
        Comparison(
            best.dataset, metric, best.label, group.label, float(pairs.mean()) if len(pairs) else None, len(pairs),
            p, None if p is None else next(corrected), note,
        )
        for group, pairs, p, note in raw
    ]  # fmt: skip


def _t_test(pairs: np.ndarray) -> tuple[float | None, str]:
    if len(pairs) < 2:
        return None, f"{len(pairs)} seed in common, a test needs two" if len(pairs) else "no seed in common"
    if np.ptp(pairs) <= 1e-12:
        return None, "every seed gives the same difference: seeds say nothing here"
    few = f"{len(pairs)} seeds are few: weak evidence either way" if len(pairs) < FEW else ""
    return float(stats.ttest_1samp(pairs, 0.0).pvalue), few


def _wilcoxon(pairs: np.ndarray) -> tuple[float | None, str]:
    if len(pairs) < 2:
        return None, "fewer than two classes in common"
    if not np.any(pairs):
        return 1.0, "equal in every class"
    few = f"{len(pairs)} classes are few" if np.count_nonzero(pairs) < FEW else ""
    return float(
        stats.wilcoxon(pairs, zero_method="wilcox", method="approx" if len(pairs) > 50 else "auto").pvalue
    ), few
