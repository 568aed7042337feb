from __future__ import annotations

import json
import statistics
from pathlib import Path

import pytest

from gzsl.errors import RunError
from gzsl.report import aggregate, as_rows, collect, markdown

PROTOCOL = {
    "dataset": "toy", "split": "custom", "setting": "inductive", "features": "f", "fine_tuned": None,
    "semantics": "att", "normalisation": "none", "preprocessing": "none", "selection": "last",
    "calibration": "none",
}  # fmt: skip


def run(folder: Path, name: str, seed: int, H: float, **protocol: object) -> None:
    metrics = {
        "method": "m", "seed": seed, "T1": 0.5, "U": 0.2, "S": 0.8, "H": H, "AUSUC": 0.3, "calibrated": None,
        "protocol": {**PROTOCOL, **protocol},
    }  # fmt: skip
    path = folder / name
    path.mkdir()
    (path / "metrics.json").write_text(json.dumps(metrics))
    (path / "timing.json").write_text(json.dumps({"seconds": 2.0}))
    (path / "done").write_text("")


def test_mean_and_sample_deviation() -> None:
    metrics = [{"T1": 0.1 * k, "U": 0.0, "S": 1.0, "H": 0.0, "AUSUC": 0.0} for k in range(3)]
    found = aggregate(metrics)
    assert found.mean["T1"] == pytest.approx(0.1)
    assert found.std["T1"] == pytest.approx(statistics.stdev([0.0, 0.1, 0.2]))
    assert aggregate(metrics[:1]).std == {}
    assert "calibrated.H" not in found.mean


def test_runs_are_grouped_by_protocol_and_unfinished_ones_left_out(tmp_path: Path) -> None:
    run(tmp_path, "a", 0, 0.2)
    run(tmp_path, "b", 1, 0.4)
    run(tmp_path, "c", 0, 0.9, selection="test-oracle", valid=False)
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "metrics.json").write_text("{}")
    lines = collect(tmp_path)
    assert [line.aggregate.n for line in lines] == [2, 1]
    assert lines[0].aggregate.mean["H"] == pytest.approx(0.3)
    text = markdown(lines)
    assert "30.0 ± 14.1" in text
    assert "| - |" in text
    assert as_rows(lines)[0]["H.mean"] == pytest.approx(0.3)


def test_of_a_repeated_seed_the_newest_counts(tmp_path: Path) -> None:
    run(tmp_path, "old", 0, 0.2)
    run(tmp_path, "new", 0, 0.6)
    import os

    os.utime(tmp_path / "old" / "done", (1, 1))
    (line,) = collect(tmp_path)
    assert line.aggregate.mean["H"] == pytest.approx(0.6)


def test_a_folder_without_runs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no finished run"):
        collect(tmp_path)
