from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from gzsl.errors import RunError
from gzsl.runs import load_recipe, run_recipe
from gzsl.runs.reporter import Reporter
from gzsl.studies.study import load_study

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
    from gzsl.runs.tracking import TensorBoardReporter

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


STUDY = """
title: tracked
methods: [ale]
datasets: [simulated]
seeds: [0, 1]
set: {method.n_epochs: 4, selection.every: 2, selection.folds: 1, selection.grid: {}}
"""


@pytest.mark.parametrize("workers", [0, 2])
def test_a_sweep_tracks_its_runs_and_those_that_it_finds(workers: int, tmp_path: Path) -> None:
    from gzsl.studies.launch import Launch

    (tmp_path / "study.yaml").write_text(STUDY)
    cells = load_study(tmp_path / "study.yaml").cells()
    (plain,) = Launch(cells, tmp_path / "plain").run(workers=0)
    (tracked,) = Launch(cells, tmp_path / "tracked", track=tmp_path / "events").run(workers=workers)
    names = [run.folder.name for run in tracked.results]
    assert names == [run.folder.name for run in plain.results]
    assert sorted(path.name for path in (tmp_path / "events").iterdir()) == sorted(names)
    curves = {name: read(tmp_path / "events" / name)[0] for name in names}
    for run, other in zip(tracked.results, plain.results, strict=True):
        assert (run.folder / "weights.safetensors").read_bytes() == (other.folder / "weights.safetensors").read_bytes()
        assert curves[run.folder.name]["test/H"] == [(0, pytest.approx(run.metrics["H"], rel=1e-6))]
        assert any(tag.startswith("losses final/") for tag in curves[run.folder.name])
    Launch(cells, tmp_path / "plain", track=tmp_path / "later").run(workers=workers)  # found finished
    assert {name: read(tmp_path / "later" / name)[0] for name in names} == curves


def test_a_run_on_a_cluster_is_tracked(tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed")
    from gzsl.studies.cluster import Cluster
    from gzsl.studies.launch import Launch

    (tmp_path / "study.yaml").write_text(STUDY.replace("[0, 1]", "[0]"))
    cells = load_study(tmp_path / "study.yaml").cells()
    with (
        distributed.LocalCluster(n_workers=1, processes=True, threads_per_worker=1, dashboard_address=None) as dask,
        Cluster(dask.scheduler_address) as cluster,
    ):
        (found,) = Launch(cells, tmp_path / "runs", cluster=cluster, track=tmp_path / "events").run()
    (run,) = found.results
    scalars, text = read(tmp_path / "events" / run.folder.name)
    assert scalars["test/H"] == [(0, pytest.approx(run.metrics["H"], rel=1e-6))]
    assert "name: ale" in text


def test_without_tensorboard_there_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from gzsl.runs.tracking import TensorBoardReporter

    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(RunError, match=r"needs the package tensorboard.*pip install '\.\[track\]' in the clone"):
        TensorBoardReporter(tmp_path, Reporter())
