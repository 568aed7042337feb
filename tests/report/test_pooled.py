"""What a run in the transductive setting says beside its numbers, and that it stands apart from inductive ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from gzsl.report.collect import collect
from gzsl.report.groups import make_groups
from gzsl.report.leaderboard import make_boards
from gzsl.report.pooled import gains, pooled_sentences

METRICS = {
    "T1": 0.75, "U": 0.5, "S": 0.8, "H": 0.6, "AUSUC": None,
    "inductive": {"T1": 0.5, "U": 0.25, "S": 0.9, "H": 0.4, "AUSUC": 0.3},
    "diagnosis": {"pseudo_labels": [
        {"round": 0, "labelled": 1.0, "accuracy": 0.5}, {"round": 1, "labelled": 0.2, "accuracy": 0.9},
    ]},
}  # fmt: skip


def test_both_settings_stand_side_by_side_with_the_gain() -> None:
    assert gains(METRICS) == {"T1": (0.5, 0.75), "U": (0.25, 0.5), "S": (0.9, 0.8), "H": (0.4, 0.6)}
    first, second = pooled_sentences(METRICS)
    assert first.startswith("inductive -> transductive: T1 50.0 -> 75.0 (+25.0), U 25.0 -> 50.0")
    assert "S 90.0 -> 80.0 (-10.0)" in first
    assert second.endswith("used by nothing): 50.0 of 100 %, 90.0 of 20 %")


def test_an_inductive_run_says_nothing_of_it() -> None:
    assert pooled_sentences({"T1": 0.5, "inductive": None, "diagnosis": None}) == []


def test_runs_that_saw_unlabelled_rows_have_a_heading_of_their_own(tmp_path: Path, fake: Callable[..., Path]) -> None:
    fake(tmp_path, "eszsl", 0)
    for pool in ("unseen", "all"):
        seen = {"setting": "transductive", "pool": pool, "class_prior": "uniform", "pool_reads": 1}
        fake(tmp_path, "eszsl+sinkhorn", 0, strength=3.0, protocol=seen, name=f"eszsl-{pool}")
    boards = make_boards(make_groups(collect(tmp_path).runs)[0])
    assert len(boards) == 3
    for board in boards:
        assert len({line.group.protocol.pool for line in board.lines}) == 1, "no heading has both settings"
    assert sum("transductive (pool all)" in board.dataset for board in boards) == 1
