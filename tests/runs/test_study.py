from __future__ import annotations

from pathlib import Path

import pytest

from gzsl.errors import RecipeError
from gzsl.report.comparison import compare, comparison_csv, comparison_markdown
from gzsl.runs.study import list_studies, load_study, run_study

SMALL = """
title: small
methods: [eszsl]
datasets: [simulated, digits, AWA1]
seeds: [0, 1]
set:
  selection.folds: 2
  selection.grid: {gamma: [1.0, 10.0], lam: [1.0]}
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "study.yaml"
    path.write_text(text)
    return path


def test_every_cell_runs_once_and_is_read_the_second_time(tmp_path: Path) -> None:
    study = load_study(write(tmp_path, SMALL))
    cells = {cell.name: cell for cell in study.cells(tmp_path)}
    assert "no files of AWA1" in str(cells["eszsl/AWA1"].left_out)
    first = list(run_study(study, out=tmp_path / "runs", data=tmp_path))
    assert [result.cell.name for result in first] == ["eszsl/simulated", "eszsl/digits"]
    assert all(run.fresh for result in first for run in result.results)
    assert [len(result.results) for result in first] == [2, 2]
    again = list(run_study(study, out=tmp_path / "runs", data=tmp_path))
    assert not any(run.fresh for result in again for run in result.results)
    lines = compare(again)
    assert lines[0].published is None
    assert lines[0].aggregate.n == 2
    assert comparison_csv(lines).count("\n") == 3
    text = comparison_markdown(lines)
    assert "### simulated" in text
    assert f"| eszsl | {100 * lines[0].aggregate.mean['T1']:.1f}" in text


def test_a_failing_cell_stops_nothing(tmp_path: Path) -> None:
    text = SMALL.replace("[simulated, digits, AWA1]", "[simulated, digits]")
    study = load_study(write(tmp_path, text + "  dataset.semantics: att\n"))
    broken = study.model_copy(update={"set": {**study.set, "dataset.split": "custom", "dataset.options": {}}})
    assert len(list(run_study(broken, out=tmp_path / "runs", data=tmp_path))) == 2
    wrong = study.model_copy(update={"set": {**study.set, "dataset.options": {"preset": "easy"}}})
    simulated, digits = run_study(wrong, out=tmp_path / "more", data=tmp_path)
    assert simulated.error is None
    assert digits.error is not None
    assert digits.results == []


def test_mistakes_in_a_study_are_named(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="did you mean 'eszsl'"):
        load_study(write(tmp_path, SMALL.replace("[eszsl]", "[eszls]")))
    with pytest.raises(RecipeError, match="unknown key 'datset'"):
        load_study(write(tmp_path, SMALL + "datset: [x]\n"))
    with pytest.raises(RecipeError, match="datasets"):
        load_study(write(tmp_path, "title: x\nmethods: [eszsl]\n"))
    with pytest.raises(RecipeError, match="no such study"):
        load_study("nothing-like-it")


def test_shipped_studies_are_sound() -> None:
    assert {path.stem for path in list_studies()} >= {"benchmark-paper", "classical", "first-numbers"}
    for path in list_studies():
        for cell in load_study(path).cells():
            assert cell.left_out is None or "no files" in cell.left_out, cell.name
