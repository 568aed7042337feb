"""``gzsl evaluate`` on a file of scores."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from gzsl.cli.evaluate import evaluate
from gzsl.errors import DataError, RunError
from gzsl.evaluation import evaluate_scores_file

app = typer.Typer(pretty_exceptions_enable=False)
app.command()(evaluate)


@pytest.fixture
def scores_file(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 9, 200)
    scores = rng.standard_normal((200, 10)).astype(np.float32)
    scores[np.arange(200), labels] += 2
    np.savez(tmp_path / "mine.npz", scores=scores, labels=labels, seen=np.arange(6), unseen=np.arange(6, 10))
    return tmp_path / "mine.npz"


def test_table_fits_eighty_columns_and_marks_the_oracle(scores_file: Path) -> None:
    result = CliRunner().invoke(app, [str(scores_file), "--gamma", "0.5", "--per-class"], catch_exceptions=False)
    assert result.exit_code == 0
    assert max(map(len, result.output.splitlines())) <= 80
    found = evaluate_scores_file(scores_file, 0.5)
    for value in (found.T1, found.U, found.S, found.H, found.AUSUC, found.calibrated.H, found.oracle.H):
        assert f"{100 * value:.1f}" in result.output
    assert "not a valid result" in result.output
    assert "1 class without rows" in result.output


def test_json_holds_fractions_and_classes(scores_file: Path) -> None:
    result = CliRunner().invoke(app, [str(scores_file), "--json"], catch_exceptions=False)
    values = json.loads(result.output)
    found = evaluate_scores_file(scores_file)
    assert values == {**found.to_dict(), "per_class": found.per_class_rows()}
    assert values["oracle"]["best_gamma"]["valid"] is False


def test_curve_is_written_exactly(scores_file: Path, tmp_path: Path) -> None:
    target = tmp_path / "out" / "curve.csv"
    CliRunner().invoke(app, [str(scores_file), "--curve", str(target)], catch_exceptions=False)
    with target.open() as stream:
        header, *rows = csv.reader(stream)
    assert header == ["gamma", "unseen", "seen"]
    curve = evaluate_scores_file(scores_file).curve
    np.testing.assert_array_equal(np.array(rows, dtype=float), np.column_stack([curve.gamma, curve.unseen, curve.seen]))


def test_bad_input_is_one_sentence(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, [str(tmp_path / "absent.npz")])
    assert isinstance(result.exception, DataError)
    assert "no such file" in str(result.exception)


def test_a_gate_decides_between_the_sides(scores_file: Path, tmp_path: Path) -> None:
    with np.load(scores_file) as archive:
        arrays = dict(archive)
    truth = np.isin(arrays["labels"], arrays["seen"])
    np.savez(tmp_path / "gated.npz", **arrays, gate=np.where(truth, 1.0, -1.0))
    found = evaluate_scores_file(tmp_path / "gated.npz")
    assert found.calibrated is not None
    assert found.calibrated.gamma == 0
    assert found.calibrated_domain is not None
    assert found.calibrated_domain.auroc == 1.0
    assert found.calibrated.H > found.H
    result = CliRunner().invoke(app, [str(tmp_path / "gated.npz")], catch_exceptions=False)
    assert "by the gate" in result.output
    assert "AUROC 100.0" in result.output
    np.savez(tmp_path / "own.npz", **arrays, gate=np.zeros(3))
    with pytest.raises(DataError, match=r"gate: found float64 of shape \(3,\), expected 200 real numbers"):
        evaluate_scores_file(tmp_path / "own.npz")
    np.savez(tmp_path / "nan.npz", **arrays, gate=np.full(200, np.nan))
    with pytest.raises(DataError, match="gate: row 0 is nan"):
        evaluate_scores_file(tmp_path / "nan.npz")


def test_plain_zero_shot_scores_show_t1_alone(tmp_path: Path) -> None:
    path = tmp_path / "plain.npz"
    labels = np.array([1, 2, 2])
    np.savez(path, scores=np.eye(3)[labels] + 0.1 * np.arange(3), labels=labels, seen=[0], unseen=[1, 2])
    result = CliRunner().invoke(app, [str(path), "--per-class"], catch_exceptions=False)
    assert result.exit_code == 0
    assert "100.0" in result.output
    assert "T1 alone" in " ".join(result.output.split())
    assert "0.0 " not in result.output.replace("100.0 ", "")
    with pytest.raises(DataError, match="--curve: found no row of a seen class"):
        CliRunner().invoke(app, [str(path), "--curve", str(tmp_path / "c.csv")], catch_exceptions=False)
    assert not (tmp_path / "c.csv").exists()


def test_the_curve_goes_to_files_alone_and_that_is_checked_first(scores_file: Path, tmp_path: Path) -> None:
    pipe, link, target = tmp_path / "pipe", tmp_path / "link.csv", tmp_path / "kept.csv"
    os.mkfifo(pipe)
    link.symlink_to(target)
    for place, found in ((pipe, "a named pipe"), (tmp_path, "a folder"), (Path("/dev/null"), "a device")):
        with pytest.raises(RunError, match=f"found {found}, expected the name of a file to write"):
            CliRunner().invoke(app, ["absent.npz", "--curve", str(place)], catch_exceptions=False)
    assert pipe.is_fifo()
    CliRunner().invoke(app, [str(scores_file), "--curve", str(link)], catch_exceptions=False)
    assert link.is_symlink()
    assert target.read_text().startswith("gamma,unseen,seen")
