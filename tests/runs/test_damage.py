"""Runs that were damaged after they were finished, or before: one sentence, and the same bits once more."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from gzsl.errors import GzslError
from gzsl.report.collect import BrokenRun, StoredRun, read_run
from gzsl.runs import load_recipe, run_recipe
from gzsl.runs.documents import Metrics
from gzsl.runs.reporter import FitMonitor, Reporter
from gzsl.runs.store import Records, RunFolder

QUICK = {"selection.folds": 2, "selection.grid": {"gamma": [1.0, 10.0], "lam": [1.0]}, "calibration": "stacking"}
STACKED = {
    "method.n_epochs": 2, "method.hidden_dim": 16, "method.n_synthetic": 10, "method.n_synthetic_zsl": 10,
    "method.pretrain_epochs": 2, "method.head.n_epochs": 2, "selection.every": 1, "selection.folds": 1,
    "method.critic_steps": 1, "calibration": "stacking",
}  # fmt: skip
CHANGING = ("timing.json", "environment.json", "log.txt", "done", ".lock")


class Notes(Reporter):
    def __init__(self) -> None:
        self.told: list[str] = []

    def note(self, text: str) -> None:
        self.told.append(text)


def bits(out: Path) -> dict[str, str]:
    files = (path for path in out.rglob("*") if path.is_file() and path.name not in CHANGING)
    return {str(path.relative_to(out)): hashlib.md5(path.read_bytes()).hexdigest() for path in files}


def flip(path: Path, place: float = 0.5) -> None:
    data = bytearray(path.read_bytes())
    data[int(len(data) * place)] ^= 1
    path.write_bytes(data)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    (result,) = run_recipe(load_recipe("eszsl/simulated", QUICK), out=tmp_path_factory.mktemp("runs"), seeds=[0])
    return result.folder


@pytest.fixture
def copy(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished.parent, tmp_path / "runs")) / finished.name


def again(folder: Path) -> tuple[Any, list[str]]:
    notes = Notes()
    (result,) = run_recipe(load_recipe("eszsl/simulated", QUICK), out=folder.parent, seeds=[0], reporter=notes)
    return result, notes.told


def test_a_sound_run_is_read_and_knows_its_files(finished: Path, copy: Path) -> None:
    result, told = again(copy)
    assert not result.fresh
    assert told == [f"already finished: {copy}"]
    files = json.loads((finished / "done").read_text())["files"]
    left_out = {"log.txt", "done", ".lock"}
    written = {str(path.relative_to(finished)) for path in finished.rglob("*") if path.is_file()}
    assert set(files) == written - left_out


@pytest.mark.parametrize("how", ["gone", "empty", "flipped"])
@pytest.mark.parametrize(
    "name",
    ["weights.safetensors", "scores.npz", "per_class.csv", "metrics.json", "records.jsonl", "recipe.yaml", "done"],
)
def test_a_damaged_run_says_so_and_is_made_again(name: str, how: str, finished: Path, copy: Path) -> None:
    path = copy / name
    if how == "gone":
        path.unlink()
    elif how == "empty":
        path.write_bytes(b"")
    else:
        flip(path)
    result, told = again(copy)
    assert result.fresh
    if (name, how) != ("done", "gone"):  # which is what an unfinished run looks like
        named = path if name != "done" or how != "flipped" else copy  # a flipped bit there may accuse another file
        assert f"a finished run was damaged and is made again: {named}" in told[0], told
    assert bits(copy.parent) == bits(finished.parent)
    assert not again(copy)[0].fresh


@pytest.mark.parametrize("unfinished", [False, True])
def test_damaged_observations_are_made_again(unfinished: bool, finished: Path, copy: Path) -> None:
    first = sorted((copy / "validation").iterdir())[1]
    flip(first, 0.3)
    if unfinished:
        (copy / "done").unlink()
    result, told = again(copy)
    assert result.fresh
    assert sum(first.name in text for text in told) >= 1
    assert bits(copy.parent) == bits(finished.parent)


def test_damaged_lines_of_an_unfinished_run_are_made_again(finished: Path, copy: Path) -> None:
    (copy / "done").unlink()
    lines = (copy / "records.jsonl").read_text().splitlines(keepends=True)
    (copy / "records.jsonl").write_text("".join([lines[0], "[" * 100_000 + "\n", *lines[2:]]))
    assert len(Records(copy / "records.jsonl").rows) == 1
    _, told = again(copy)
    assert "records.jsonl: line 2: found more than 50 levels" in told[0]
    assert bits(copy.parent) == bits(finished.parent)


def test_a_manifest_that_names_nothing_or_leads_elsewhere_is_damaged(copy: Path) -> None:
    done = copy / "done"
    facts = json.loads(done.read_text())
    for files, expected in (
        ({}, "files.recipe.yaml: found nothing"),
        ({**facts["files"], "../x": {"bytes": 1, "blake2b": ""}}, r"found '../x'"),
        ({**facts["files"], "metrics.json": []}, "files.metrics.json: found"),
    ):
        done.write_text(json.dumps({"files": files}))
        assert expected in str(RunFolder(copy).damage())


def test_a_report_names_a_damaged_run_and_takes_one_of_an_older_release(copy: Path) -> None:
    text = (copy / "metrics.json").read_text()
    (copy / "metrics.json").write_text(text.replace('"seed": 0', '"seed": 1'))
    found = read_run(copy)
    assert isinstance(found, BrokenRun)
    assert found.reason == "metrics.json: found other bytes than were written"
    (copy / "done").write_bytes(b"")  # older releases wrote no list of files
    assert isinstance(read_run(copy), StoredRun)


class Killed(BaseException):
    pass


def stop_at(monkeypatch: pytest.MonkeyPatch, cls: type, name: str, call: int) -> None:
    """Let the process 'die' after the ``call``-th call of a method."""
    original, calls = getattr(cls, name), []

    def counted(self: Any, *arguments: Any) -> Any:
        answer = original(self, *arguments)
        calls.append(name)
        if len(calls) == call:
            raise Killed
        return answer

    monkeypatch.setattr(cls, name, counted)


def stacked(out: Path, reporter: Reporter | None = None) -> None:
    recipe = load_recipe("f-clswgan/simulated", STACKED)
    run_recipe(recipe, out=out, seeds=[0, 1, 2], device="cpu", stack=True, reporter=reporter)


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("straight")
    stacked(out)
    return out


@pytest.mark.parametrize(
    ("cls", "name", "call"),
    [
        (Records, "add", 2),  # the first seed has recorded an epoch, the others have not
        (FitMonitor, "keep", 2),  # two of three have kept the end of the first fit
        (FitMonitor, "agreed", 4),
        (FitMonitor, "forget", 1),  # the first seed goes on to the final fit
        (RunFolder, "finish", 1),  # the first seed is finished
    ],
)
def test_a_stack_that_is_killed_ends_in_the_same_bits(
    cls: type, name: str, call: int, straight: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        stop_at(patch, cls, name, call)
        with pytest.raises(Killed):
            stacked(tmp_path)
    stacked(tmp_path)
    assert bits(tmp_path) == bits(straight)


def test_a_damaged_checkpoint_in_a_stack_costs_time_alone(
    straight: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("gzsl.runs.reporter.CHECKPOINT_SECONDS", 0.0)
        stop_at(patch, FitMonitor, "keep", 7)
        with pytest.raises(Killed):
            stacked(tmp_path)
    kept = sorted(tmp_path.rglob("checkpoint-*"))
    assert len(kept) == 4, "one has the third step beside the second"
    flip(kept[-1], 0.9)
    notes = Notes()
    stacked(tmp_path, notes)
    assert any("checkpoint" in text and "is made again" in text for text in notes.told)
    assert bits(tmp_path) == bits(straight)


def test_a_run_folder_with_a_pipe_in_place_of_a_file_does_not_hang(copy: Path) -> None:
    (copy / "metrics.json").unlink()
    os.mkfifo(copy / "metrics.json")
    assert isinstance(read_run(copy), BrokenRun)
    (copy / "metrics.json").unlink()
    with pytest.raises(GzslError, match="no such file"):
        RunFolder(copy).read("metrics.json", Metrics)
