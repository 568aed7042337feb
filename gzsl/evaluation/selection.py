"""Rules that choose epoch and hyper-parameters, applied to the records of all evaluations afterwards."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from gzsl.errors import ProtocolError, RecipeError, suggest
from gzsl.files import value_hash

Record = Mapping[str, Any]


@dataclass(frozen=True)
class Choice:
    """What a rule chose.

    Attributes
    ----------
    epoch : int
        Epoch of the chosen state.
    candidate : dict or None
        Hyper-parameters of the chosen state, as recorded.
    value : float or None
        What was maximised: the metric, averaged over folds; None for a rule that looks at no value.
    """

    epoch: int
    candidate: dict[str, Any] | None
    value: float | None


class Selection:
    """A rule over records, one record an evaluation.

    A record holds ``phase`` (``validation`` or ``test``), ``fold``, ``epoch``, ``candidate`` (a dict or
    None) and the metrics by name. A repeated record of the same place replaces the earlier one.
    """

    name: ClassVar[str]
    valid: ClassVar[bool] = True

    @property
    def label(self) -> str:
        """Name for tables; says so when results chosen this way are not valid."""
        return self.name if self.valid else f"{self.name} (not a valid result)"

    def choose(self, records: Iterable[Record], metric: str = "H") -> Choice:
        """Choose epoch and candidate.

        Parameters
        ----------
        records : iterable of mapping
            All evaluations of one run, in the order they were made.
        metric : str
            Which metric to maximise.

        Raises
        ------
        ProtocolError
            When no record can be chosen from.
        RecipeError
            When the records do not have the metric.
        """
        raise NotImplementedError


class ValidationSelection(Selection):
    """Best mean over the validation folds; of equal means the earliest epoch, then the first candidate."""

    name = "validation"

    def choose(self, records: Iterable[Record], metric: str = "H") -> Choice:
        """Choose the state with the best fold mean; states not finite on every fold are out of the running."""
        return _best_mean([record for record in records if record["phase"] == "validation"], metric, self.name)


class LastSelection(Selection):
    """The last epoch, whatever its value."""

    name = "last"

    def choose(self, records: Iterable[Record], metric: str = "H") -> Choice:
        """Choose the last epoch of the one candidate; several candidates are a `ProtocolError`."""
        found = list(records)
        if not found:
            raise ProtocolError("selection last: found no record, expected at least one")
        candidates = {_identity(record["candidate"]) for record in found}
        if len(candidates) > 1:
            raise ProtocolError(
                f"selection last: found {len(candidates)} candidates, expected one, since this rule cannot compare them"
            )
        return Choice(max(record["epoch"] for record in found), _plain(found[0]["candidate"]), None)


class TestOracleSelection(Selection):
    """Best value on the test rows, what much released code reports; exists to explain published numbers."""

    __test__ = False  # not a test case, whatever pytest thinks of its name
    name = "test-oracle"
    valid = False

    def choose(self, records: Iterable[Record], metric: str = "H") -> Choice:
        """Choose the state with the best test value."""
        return _best_mean([record for record in records if record["phase"] == "test"], metric, self.name)


_RULES: tuple[type[Selection], ...] = (ValidationSelection, LastSelection, TestOracleSelection)


def make_selection(name: str) -> Selection:
    """Return the rule called ``name``.

    Raises
    ------
    RecipeError
        For an unknown name, with the nearest one.
    """
    rules = {rule.name: rule for rule in _RULES}
    if name not in rules:
        raise RecipeError(f"selection: unknown rule {name!r}; {suggest(name, rules)}")
    return rules[name]()


def _best_mean(records: Sequence[Record], metric: str, rule: str) -> Choice:
    if not records:
        raise ProtocolError(f"selection {rule}: found no record of its phase, expected at least one")
    without = next((record for record in records if metric not in record), None)
    if without is not None:
        raise RecipeError(f"selection.metric: unknown metric {metric!r}; {suggest(metric, _numbers(without))}")
    folds = {record["fold"] for record in records}
    states: dict[tuple[int, str], dict[str, float]] = {}
    candidates: dict[str, Any] = {}
    for record in records:
        identity = _identity(record["candidate"])
        candidates.setdefault(identity, record["candidate"])
        value = record[metric]
        states.setdefault((record["epoch"], identity), {})[record["fold"]] = math.nan if value is None else value
    order = list(candidates)
    means = {
        state: math.fsum(values.values()) / len(folds)
        for state, values in states.items()
        if values.keys() == folds and all(map(math.isfinite, values.values()))
    }
    if not means:
        raise ProtocolError(f"selection {rule}: no state has a finite {metric} on all {len(folds)} folds, expected one")
    best = min(means, key=lambda state: (-means[state], state[0], order.index(state[1])))
    return Choice(best[0], _plain(candidates[best[1]]), means[best])


def _identity(candidate: Mapping[str, Any] | None) -> str:
    return value_hash(_plain(candidate))


def _plain(candidate: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if candidate is None else dict(candidate)


def _numbers(record: Record) -> list[str]:
    return [name for name, value in record.items() if isinstance(value, float)]
