from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gzsl.evaluation import Evaluation, ScoreSummary, SeenUnseenCurve, operating_point, with_margin
from gzsl.report.class_figures import side_blocks
from gzsl.report.collect import StoredRun, read_run
from gzsl.report.curve_figure import curve_figures, read_summary, thinned
from gzsl.report.details import make_details
from gzsl.report.training_figures import training_figures

Fake = Callable[..., Path]


def stored(folder: Path) -> StoredRun:
    run = read_run(folder)
    assert isinstance(run, StoredRun)
    return run


def test_every_point_of_the_page_is_what_gzsl_computes_at_its_gamma(tmp_path: Path, fake: Fake) -> None:
    run = stored(fake(tmp_path, "eszsl", 0))
    (figure,) = curve_figures(run)
    summary = read_summary(run.folder / "scores.npz")
    data = figure.data
    assert data["gamma"][0] is None
    for gamma, U, S in list(zip(data["gamma"], data["U"], data["S"], strict=True))[1:]:
        point = operating_point(summary, gamma)
        assert (U, S) == pytest.approx((point.U, point.S), abs=1e-12)
    chosen = data["marks"]["chosen"]
    calibrated = run.metrics["calibrated"]
    assert data["gamma"][chosen] == calibrated["gamma"]
    assert (data["U"][chosen], data["S"][chosen]) == pytest.approx((calibrated["U"], calibrated["S"]), abs=1e-12)
    best = run.metrics["oracle"]["best_gamma"]
    assert data["gamma"][data["marks"]["oracle"]] == best["gamma"]
    assert data["gamma"][data["marks"]["given"]] == 0.0
    assert len(figure.rows) == data["steps"]


def test_thinning_keeps_both_ends_and_spreads_along_the_curve() -> None:
    n = 5000
    curve = SeenUnseenCurve(
        np.concatenate([[-np.inf], np.arange(n - 1.0)]), np.linspace(0, 0.5, n), np.linspace(0.9, 0, n)
    )
    kept = thinned(curve, 100)
    assert (kept[0], kept[-1]) == (0, n - 1)
    assert 95 <= len(kept) <= 101
    assert np.diff(kept).max() < 60


def test_a_gate_has_a_curve_of_its_own(tmp_path: Path, fake: Fake) -> None:
    folder = fake(tmp_path, "eszsl", 0)
    summary = read_summary(folder / "scores.npz")
    np.savez(folder / "gate.npz", **with_margin(summary, np.arange(len(summary), dtype=float)).to_arrays())
    plain, gate = curve_figures(stored(folder))
    assert (plain.name, gate.name) == ("curve", "gate_curve")
    assert "chosen" not in plain.data["marks"]
    assert set(gate.data["marks"]) == {"chosen"}


def by_hand() -> ScoreSummary:
    """Classes 0, 1 seen and 2, 3 unseen; class 0 has two images. Margins: 1, -1, 1, 1, -1."""
    return ScoreSummary(
        seen_score=np.array([1.0, 0.0, 1.0, 1.0, 0.0]), unseen_score=np.array([0.0, 1.0, 0.0, 0.0, 1.0]),
        seen_class=np.array([0, 0, 0, 1, 0]), unseen_class=np.array([2, 3, 2, 2, 3]),
        labels=np.array([0, 0, 1, 2, 3]), seen=np.array([0, 1]), unseen=np.array([2, 3]),
    )  # fmt: skip


def test_sides_by_hand() -> None:
    blocks = {(b["true"], b["predicted"]): b for b in side_blocks(by_hand(), 0.0)}
    assert {place: (b["rows"], b["share"], b["right_class"]) for place, b in blocks.items()} == {
        ("seen", "seen"): (2, 0.75, 0.25), ("seen", "unseen"): (1, 0.25, 0.0),
        ("unseen", "seen"): (1, 0.5, 0.0), ("unseen", "unseen"): (1, 0.5, 0.5),
    }  # fmt: skip


def test_confused_pairs_by_hand() -> None:
    def pairs(gamma: float, most: int = 15) -> list[tuple[str, str, int, float]]:
        summary = by_hand()
        found = Evaluation(summary, summary.unseen_class[~summary.is_seen], tuple("0123"), gamma).confusion()
        listed = found.most_confused(most)
        return [(pair["class"], pair["taken_for"], pair["rows"], pair["share"]) for pair in listed]

    assert pairs(0.0) == [("0", "3", 1, 0.5), ("1", "0", 1, 1.0), ("2", "1", 1, 1.0)]
    assert pairs(0.0, most=1) == [("0", "3", 1, 0.5)]
    assert len(pairs(5.0)) == 3  # all unseen: both of class 0, and class 1


def test_losses_are_thinned_for_the_page_and_whole_in_the_table(
    tmp_path: Path, fake: Fake, records: list[dict[str, Any]]
) -> None:
    losses, validation = training_figures(stored(fake(tmp_path, "f-clswgan", 0, records=records)))
    assert len(losses.rows) == 1000
    final, fold = losses.data["critic"]
    assert (final["fit"], final["x"][0], final["x"][-1]) == ("final", 1, 500)
    assert len(final["x"]) == 160
    assert len(fold["x"]) == 40
    assert validation.data["lines"][0]["y"] == [0.5, 0.5]
    assert training_figures(stored(fake(tmp_path, "eszsl", 0))) == []


def test_a_damaged_file_costs_its_figures_only(tmp_path: Path, fake: Fake) -> None:
    folder = fake(tmp_path, "eszsl", 0)
    content = (folder / "scores.npz").read_bytes()
    (folder / "scores.npz").write_bytes(content[: len(content) // 2])
    found = make_details(stored(folder))
    assert [figure.name for figure in found.figures] == ["classes"]
    assert len(found.missing) == 1
    assert "scores.npz" in found.missing[0]
    (folder / "per_class.csv").write_text("a,b\n1,2\n")
    assert any("per_class.csv" in text for text in make_details(stored(folder)).missing)


def test_a_table_beside_the_page_is_complete(tmp_path: Path, fake: Fake) -> None:
    found = make_details(stored(fake(tmp_path, "eszsl", 0)))
    (classes,) = [figure for figure in found.figures if figure.name == "classes"]
    assert len(classes.rows) == 10
    with (tmp_path / "eszsl-AWA1-s0" / "per_class.csv").open() as stream:
        assert [row["gzsl"] for row in csv.DictReader(stream)] == [row[3] for row in classes.rows]
