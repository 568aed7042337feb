from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from gzsl.errors import RunError
from gzsl.runs import load_recipe, run_recipe
from gzsl.runs.reporter import Reporter

pytest.importorskip("tensorboard")
QUICK = {"method.n_epochs": 4, "selection.every": 2, "selection.folds": 1, "selection.grid": {}}


def read(folder: Path) -> tuple[dict[str, list[tuple[int, float]]], str]:
    """Scalars by tag, and the recipe's text."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder)).Reload()
    scalars = {tag: [(e.step, e.value) for e in events.Scalars(tag)] for tag in events.Tags()["scalars"]}
    (text,) = [t for t in events.Tags()["tensors"] if t.startswith("recipe")]
    return scalars, events.Tensors(text)[0].tensor_proto.string_val[0].decode()


def test_events_say_what_the_run_recorded_and_change_nothing(tmp_path: Path) -> None:
    from gzsl.report.tracking import TensorBoardReporter

    recipe = load_recipe("ale/simulated", QUICK)
    (plain,) = run_recipe(recipe, out=tmp_path / "plain", seeds=[0], device="cpu")
    tracker = TensorBoardReporter(tmp_path / "events", Reporter())
    (tracked,) = run_recipe(recipe, out=tmp_path / "tracked", seeds=[0], device="cpu", reporter=tracker)
    assert tracked.folder.name == plain.folder.name  # the same key
    for name in ("metrics.json", "records.jsonl", "weights.safetensors", "scores.npz"):
        assert (tracked.folder / name).read_bytes() == (plain.folder / name).read_bytes()
    scalars, text = read(tmp_path / "events" / tracked.folder.name)
    rows = [json.loads(line) for line in (tracked.folder / "records.jsonl").read_text().splitlines()]
    losses = [row for row in rows if row["kind"] == "losses" and row["fit"] == "final"]
    term = next(iter(losses[0]["losses"]))
    expected = [(row["epoch"], pytest.approx(row["losses"][term], rel=1e-6)) for row in losses]
    assert scalars[f"losses final/{term}"] == expected
    evaluations = [row for row in rows if row["kind"] == "evaluation"]
    curve = scalars[f"validation {evaluations[0]['fold']} candidate 0/AUSUC"]
    assert curve == [(row["epoch"], pytest.approx(row["AUSUC"], rel=1e-6)) for row in evaluations]
    assert scalars["test/H"] == [(0, pytest.approx(tracked.metrics["H"], rel=1e-6))]
    assert "name: ale" in text
    (again,) = run_recipe(recipe, out=tmp_path / "tracked", seeds=[0], device="cpu", reporter=tracker)
    assert not again.fresh
    assert read(tmp_path / "events" / tracked.folder.name)[0] == scalars  # a finished run has its curves, once


def test_without_tensorboard_there_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from gzsl.report.tracking import TensorBoardReporter

    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(RunError, match=r"--track needs the package tensorboard.*pip install 'gzsl\[track\]'"):
        TensorBoardReporter(tmp_path, Reporter())
