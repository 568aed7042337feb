"""Selection rules on hand-made records."""

from __future__ import annotations

from typing import Any

import pytest

from gzsl.errors import ProtocolError, RecipeError
from gzsl.evaluation import Choice, make_selection


def record(phase: str, fold: str, epoch: int, H: float | None, candidate: Any = None) -> dict[str, Any]:
    return {"phase": phase, "fold": fold, "epoch": epoch, "candidate": candidate, "H": H, "T1": 0.5}


RECORDS = [
    record("validation", "a", 1, 0.9), record("validation", "a", 2, 0.6), record("validation", "a", 3, 0.1),
    record("validation", "b", 1, 0.0), record("validation", "b", 2, 0.5), record("validation", "b", 3, 0.1),
    record("test", "test", 1, 0.2), record("test", "test", 2, 0.3), record("test", "test", 3, 0.4),
]  # fmt: skip


def test_each_rule_chooses_its_own_epoch() -> None:
    chosen = {name: make_selection(name).choose(RECORDS) for name in ("validation", "last", "test-oracle")}
    assert chosen["validation"] == Choice(2, None, pytest.approx(0.55))
    assert chosen["last"] == Choice(3, None, None)
    assert chosen["test-oracle"] == Choice(3, None, pytest.approx(0.4))


def test_labels_and_validity() -> None:
    rules = [make_selection(name) for name in ("validation", "last", "test-oracle")]
    assert [rule.valid for rule in rules] == [True, True, False]
    assert [rule.label for rule in rules] == ["validation", "last", "test-oracle (not a valid result)"]


def test_validation_never_looks_at_test_records() -> None:
    rule = make_selection("validation")
    swapped = [row if row["phase"] == "validation" else {**row, "H": 1 - row["H"]} for row in RECORDS]
    assert rule.choose(swapped) == rule.choose(RECORDS)
    with pytest.raises(ProtocolError, match="found no record of its phase"):
        rule.choose([row for row in RECORDS if row["phase"] == "test"])


def test_ties_go_to_the_earliest_epoch_then_the_first_candidate() -> None:
    rows = [
        record("validation", "a", epoch, 0.5, {"width": width}) for width in (64, 32) for epoch in (4, 2)
    ]  # fmt: skip
    assert make_selection("validation").choose(rows) == Choice(2, {"width": 64}, 0.5)
    better = record("validation", "a", 9, 0.6, {"width": 32})
    assert make_selection("validation").choose([*rows, better]) == Choice(9, {"width": 32}, 0.6)


def test_mean_does_not_depend_on_the_order_of_folds() -> None:
    rows = [record("validation", fold, 1, H) for fold, H in zip("abc", (0.1, 0.2, 0.3), strict=True)]
    values = {make_selection("validation").choose(order).value for order in (rows, rows[::-1], rows[1:] + rows[:1])}
    assert len(values) == 1


def test_incomplete_and_diverged_states_are_out_of_the_running() -> None:
    rows = [
        record("validation", "a", 1, 0.2), record("validation", "b", 1, 0.2),
        record("validation", "a", 2, 0.9),
        record("validation", "a", 3, 0.9), record("validation", "b", 3, float("nan")),
        record("validation", "a", 4, 0.9), record("validation", "b", 4, None),
    ]  # fmt: skip
    assert make_selection("validation").choose(rows).epoch == 1
    with pytest.raises(ProtocolError, match="no state has a finite H on all 2 folds"):
        make_selection("validation").choose(rows[2:])


def test_a_repeated_record_replaces_the_earlier_one() -> None:
    again = [*RECORDS, record("validation", "b", 1, 0.8)]
    assert make_selection("validation").choose(again) == Choice(1, None, pytest.approx(0.85))


def test_other_metrics_and_misspelt_ones() -> None:
    assert make_selection("validation").choose(RECORDS, metric="T1") == Choice(1, None, 0.5)
    with pytest.raises(RecipeError, match="unknown metric 'T2'; expected one of: H, T1"):
        make_selection("validation").choose(RECORDS, metric="T2")


def test_last_refuses_what_it_cannot_compare() -> None:
    with pytest.raises(ProtocolError, match="found no record"):
        make_selection("last").choose([])
    rows = [record("validation", "a", 1, 0.5, {"width": width}) for width in (1, 2)]
    with pytest.raises(ProtocolError, match="found 2 candidates"):
        make_selection("last").choose(rows)


def test_unknown_rule_names_the_nearest() -> None:
    with pytest.raises(RecipeError, match="unknown rule 'validaton'; did you mean 'validation'"):
        make_selection("validaton")
