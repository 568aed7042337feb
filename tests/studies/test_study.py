from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gzsl.errors import GzslError, RecipeError, RunError
from gzsl.report.comparison import compare, comparison_csv, comparison_markdown
from gzsl.runs.reporter import StudyReporter
from gzsl.studies import threads
from gzsl.studies.launch import Clock, Launch, run_study
from gzsl.studies.study import list_studies, load_study

SMALL = """
title: small
methods: [eszsl]
datasets: [simulated, digits, AWA1]
seeds: [0, 1]
set:
  selection.folds: 2
  selection.grid: {gamma: [1.0, 10.0], lam: [1.0]}
"""
CROSSED = """
title: crossed
methods: [eszsl, sae]
datasets: [simulated]
variants: [default, budget]
semantics: [att]
calibrations: [none, {name: stacking, transfer: raw}]
grid: {selection.folds: [2, 3]}
cells:
  - {recipe: eszsl/digits, set: {method.lam: 3.0}, seeds: [4]}
  - {recipe: eszsl/digits, set: {method.lamm: 3.0}}
seeds: [0]
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "study.yaml"
    path.write_text(text)
    return path


def test_every_cell_runs_once_and_is_read_the_second_time(tmp_path: Path) -> None:
    study = load_study(write(tmp_path, SMALL))
    cells = {cell.name: cell for cell in study.cells(tmp_path)}
    assert "no files of AWA1" in str(cells["eszsl/AWA1"].left_out)
    first = run_study(study, out=tmp_path / "runs", data=tmp_path)
    assert [result.cell.name for result in first] == ["eszsl/simulated", "eszsl/digits"]
    assert all(run.fresh for result in first for run in result.results)
    assert [len(result.results) for result in first] == [2, 2]
    again = run_study(study, out=tmp_path / "runs", data=tmp_path)
    assert not any(run.fresh for result in again for run in result.results)
    lines = compare(again)
    assert lines[0].published is None
    assert lines[0].aggregate.n == 2
    assert comparison_csv(lines).count("\n") == 3
    text = comparison_markdown(lines)
    assert "### simulated" in text
    assert f"| eszsl | {100 * lines[0].aggregate.mean['T1']:.1f}" in text


def test_a_grid_is_crossed_and_a_list_stands_beside_it(tmp_path: Path) -> None:
    cells = load_study(write(tmp_path, CROSSED)).cells(tmp_path)
    assert len(cells) == 1 * 2 * 2 * 1 * 2 * 2 + 2
    ready = [cell for cell in cells if cell.recipe]
    assert [cell.label for cell in ready[:4]] == [
        "eszsl [att, none, folds=2]", "eszsl [att, none, folds=3]",
        "eszsl [att, stacking, folds=2]", "eszsl [att, stacking, folds=3]",
    ]  # fmt: skip
    assert ready[2].recipe is not None
    assert ready[2].recipe.calibration == {"name": "stacking", "transfer": "raw"}
    assert ready[2].recipe.selection.folds == 2
    absent = {cell.left_out for cell in cells if cell.left_out}
    assert absent == {f"no recipe {method}/simulated.budget is shipped" for method in ("eszsl", "sae")}
    listed, misspelt = cells[-2:]
    assert (listed.name, listed.seeds) == ("eszsl/digits [lam=3.0]", (4,))
    assert "did you mean 'lam'" in str(misspelt.error)


def test_equal_recipes_are_one_run(tmp_path: Path) -> None:
    text = "title: twice\ncells: [{recipe: eszsl/simulated}, {recipe: eszsl/simulated, set: {dataset.name: simulated}}]"
    launch = Launch(load_study(write(tmp_path, text + "\nseeds: [0]\n")).cells(), tmp_path / "runs")
    assert len(launch.jobs) == 2
    assert len(launch.missing()) == 1
    first, second = launch.run(workers=0)
    assert first.results[0].folder == second.results[0].folder


def test_a_failing_cell_stops_nothing(tmp_path: Path) -> None:
    text = SMALL.replace("[simulated, digits, AWA1]", "[digits, simulated]") + "  dataset.options: {preset: easy}\n"
    heard: list[str] = []

    class Listener(StudyReporter):
        def note(self, text: str) -> None:
            heard.append(text)

    study = load_study(write(tmp_path, text))
    digits, simulated = run_study(study, out=tmp_path / "runs", progress=Listener())
    assert simulated.error is None
    assert len(simulated.results) == 2
    assert digits.error is not None
    assert digits.results == []
    assert heard == [f"eszsl/digits: cannot run: {digits.error}"]
    with pytest.raises(RunError, match="eszsl/digits"):
        run_study(study, out=tmp_path / "runs", fail_fast=True)


def test_an_error_inside_a_run_is_told_with_the_end_of_its_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from gzsl.runs.experiment import Experiment

    original = Experiment.final

    def broken(self: Experiment, *args: Any) -> Any:
        if self.seed == 0:
            raise MemoryError("cannot allocate")
        return original(self, *args)

    monkeypatch.setattr(Experiment, "final", broken)
    text = SMALL.replace("[simulated, digits, AWA1]", "[simulated]")
    (result,) = run_study(load_study(write(tmp_path, text)), out=tmp_path / "runs")
    assert result.error == "MemoryError: cannot allocate"
    assert [run.metrics["seed"] for run in result.results] == [1]
    assert result.log[-1].endswith("failed: MemoryError: cannot allocate")
    assert len(result.log) == 5
    monkeypatch.undo()
    (again,) = run_study(load_study(write(tmp_path, text)), out=tmp_path / "runs")
    assert [run.fresh for run in again.results] == [True, False]
    assert again.error is None


def test_mistakes_in_a_study_are_named(tmp_path: Path) -> None:
    for change, message in {
        ("[eszsl]", "[eszls]"): "did you mean 'eszsl'",
        ("title: small", "title: small\ndatset: [x]"): "unknown key 'datset'",
        ("datasets: [simulated, digits, AWA1]", ""): "datasets: found none beside methods",
        ("[simulated, digits, AWA1]", "[simulated, digts]"): "datasets: found 'digts'.*did you mean 'digits'",
        ("title: small", "title: small\ngrid: {method.lam: []}"): "grid: method.lam: found no value",
    }.items():
        with pytest.raises(RecipeError, match=message):
            load_study(write(tmp_path, SMALL.replace(*change)))
    with pytest.raises(RecipeError, match="neither methods and datasets nor cells"):
        load_study(write(tmp_path, "title: x\n"))
    with pytest.raises(RecipeError, match="no such study"):
        load_study("nothing-like-it")


def test_shipped_studies_are_sound() -> None:
    assert {path.stem for path in list_studies()} >= {"benchmark-paper", "classical", "generative", "main"}
    for path in list_studies():
        for cell in load_study(path).cells():
            assert cell.error is None, cell.name
            assert cell.left_out is None or "no files" in cell.left_out, cell.name


def test_the_cores_are_shared_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "usable_cores", lambda: 8)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert [threads.threads_for(n) for n in (1, 2, 3, 16)] == [8, 4, 2, 1]
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert [threads.threads_for(n) for n in (1, 2, 3)] == [3, 3, 2]
    assert set(threads.thread_environment(2).values()) == {"2"}


def test_time_left_is_judged_by_the_nearest_runs(tmp_path: Path) -> None:
    launch = Launch(load_study(write(tmp_path, SMALL)).cells(tmp_path), tmp_path / "runs", tmp_path)
    clock = Clock(launch.missing(), workers=1)
    assert clock.left() is None
    launch.run(workers=0)
    simulated, *_, digits = [launch.outcomes[job.key] for job in launch.jobs]
    assert simulated.result is not None
    assert digits.result is not None
    clock.finish(simulated)
    assert clock.left() == pytest.approx(3 * simulated.result.seconds)
    clock.finish(digits)
    assert clock.left() == pytest.approx(simulated.result.seconds + digits.result.seconds)


@pytest.mark.parametrize("place", ["metrics.json", "log.txt"])
def test_a_full_disk_ends_the_study_and_keeps_what_is_finished(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import errno

    from gzsl import files
    from gzsl.runs.store import RunFolder

    study = load_study(write(tmp_path, SMALL.replace("[simulated, digits, AWA1]", "[simulated, digits]")))
    flush, log = files._flush, RunFolder.log

    def full_flush(path: Path) -> None:
        if place in path.name and "digits" in str(path):
            raise OSError(errno.ENOSPC, "No space left on device")
        flush(path)

    def full_log(self: RunFolder, text: str) -> None:
        if place == "log.txt" and "digits" in str(self.path):
            raise files.as_run_error(OSError(errno.ENOSPC, "No space left on device"), self.path / "log.txt")
        log(self, text)

    monkeypatch.setattr(files, "_flush", full_flush)
    monkeypatch.setattr(RunFolder, "log", full_log)
    with pytest.raises(GzslError, match=r"the disk is full.*1 runs were not started; finished ones are intact"):
        run_study(study, out=tmp_path / "runs")
    monkeypatch.undo()
    again = run_study(study, out=tmp_path / "runs")
    assert [run.fresh for result in again for run in result.results] == [False, False, True, True]
