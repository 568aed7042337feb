from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import gzsl.files
from gzsl.data import final_task
from gzsl.errors import RunError
from gzsl.evaluation import ScoreSummary, evaluate, harmonic_mean
from gzsl.methods import load_method
from gzsl.runs import load_recipe, run_recipe
from gzsl.runs.run import open_dataset
from gzsl.runs.store import Records, RunFolder

QUICK_GAN = {
    "method.n_epochs": 2, "method.hidden_dim": 32, "method.n_synthetic": 20, "method.n_synthetic_zsl": 20,
    "method.pretrain_epochs": 3, "method.head.n_epochs": 3, "selection.every": 1, "selection.folds": 2,
}  # fmt: skip
SAME_BITS = ("metrics.json", "records.jsonl", "per_class.csv", "scores.npz", "weights.safetensors", "recipe.yaml")

PROGRAM = """
import json, os, signal, sys
import gzsl, gzsl.files, gzsl.runs.reporter
gzsl.runs.reporter.CHECKPOINT_SECONDS = 0.0  # a checkpoint after every step
out, overrides, kill_at = sys.argv[1], json.loads(sys.argv[2]), int(sys.argv[3])
writes, flush = 0, gzsl.files._flush

def counted(path):
    global writes
    writes += 1
    if writes == kill_at:
        os.kill(os.getpid(), signal.SIGKILL)  # in the middle of a write: the new file is not yet in its place
    flush(path)

gzsl.files._flush = counted
gzsl.run_recipe(gzsl.load_recipe("f-clswgan/simulated", overrides), out=out, seeds=[0], device="cpu")
print(writes)
"""


def start(out: Path, kill_at: int = 0) -> subprocess.Popen[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", PROGRAM, str(out), json.dumps(QUICK_GAN), str(kill_at)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)


def run_here(out: Path) -> int:
    """The same run in this process; tells how many files it wrote."""
    writes, flush = 0, gzsl.files._flush

    def counted(path: Path) -> None:
        nonlocal writes
        writes += 1
        flush(path)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gzsl.runs.reporter.CHECKPOINT_SECONDS", 0.0)
        patch.setattr("gzsl.files._flush", counted)
        run_recipe(load_recipe("f-clswgan/simulated", QUICK_GAN), out=out, seeds=[0], device="cpu")
    return writes


def only_run(out: Path) -> Path:
    (folder,) = [path for path in out.iterdir() if path.is_dir()]
    return folder


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """An uninterrupted run, and how many files it wrote."""
    out = tmp_path_factory.mktemp("whole")
    writes = run_here(out)
    return only_run(out), writes


@pytest.mark.parametrize(
    "share", [pytest.param(0.2, marks=pytest.mark.slow), 0.6, pytest.param(0.9, marks=pytest.mark.slow), 1.0]
)
def test_killed_and_run_again_ends_in_the_same_bits(whole: tuple[Path, int], share: float, tmp_path: Path) -> None:
    expected, writes = whole
    process = start(tmp_path, kill_at=round(share * writes))
    assert process.wait() == -signal.SIGKILL
    assert not (only_run(tmp_path) / "done").exists()
    run_here(tmp_path)
    found = only_run(tmp_path)
    assert found.name == expected.name
    for name in SAME_BITS:
        assert (found / name).read_bytes() == (expected / name).read_bytes(), name
    assert not list(found.glob("checkpoint-*"))
    assert not list(found.rglob(".*.tmp"))


def test_two_processes_on_the_same_run_do_not_collide(whole: tuple[Path, int], tmp_path: Path) -> None:
    first, second = start(tmp_path), start(tmp_path)
    assert first.wait() == 0
    assert second.wait() == 0
    found = only_run(tmp_path)
    for name in SAME_BITS:
        assert (found / name).read_bytes() == (whole[0] / name).read_bytes(), name
    assert (found / "log.txt").read_text().count("done in") == 1


def test_contents_and_numbers(tmp_path: Path) -> None:
    recipe = load_recipe("eszsl/simulated")
    (result,) = run_recipe(recipe, out=tmp_path, seeds=[0])
    metrics = json.loads((result.folder / "metrics.json").read_text())
    assert metrics == result.metrics
    assert result.fresh
    assert {"T1", "U", "S", "H", "AUSUC", "calibrated", "oracle", "protocol"} <= set(metrics)
    assert all(0 <= metrics[name] <= 1 for name in ("T1", "U", "S", "H", "AUSUC"))
    assert set(metrics["calibrated"]) == {"gamma", "U", "S", "H", "AUSUC", "domain", "fallback"}
    assert metrics["test_reads"] == 1
    assert metrics["H"] == pytest.approx(harmonic_mean(metrics["U"], metrics["S"]))
    assert {p.name for p in result.folder.iterdir()} >= {
        "recipe.yaml", "records.jsonl", "metrics.json", "per_class.csv", "scores.npz", "environment.json",
        "log.txt", "weights.safetensors", "timing.json", "done",
    }  # fmt: skip
    rows = (result.folder / "per_class.csv").read_text().splitlines()
    assert len(rows) > 10


def test_a_number_can_be_recomputed_by_hand_from_the_stored_scores(tmp_path: Path) -> None:
    (result,) = run_recipe(load_recipe("eszsl/simulated"), out=tmp_path, seeds=[0])
    with np.load(result.folder / "scores.npz") as archive:
        summary = ScoreSummary.from_arrays(dict(archive))
    gamma = result.metrics["calibrated"]["gamma"]
    answers = np.where(summary.seen_score - gamma > summary.unseen_score, summary.seen_class, summary.unseen_class)
    side = {}
    for name, classes in (("U", summary.unseen), ("S", summary.seen)):
        shares = [np.mean(answers[summary.labels == c] == c) for c in classes if (summary.labels == c).any()]
        side[name] = float(np.mean(shares))
    assert side["U"] == pytest.approx(result.metrics["calibrated"]["U"], abs=1e-6)
    assert side["S"] == pytest.approx(result.metrics["calibrated"]["S"], abs=1e-6)


def test_a_finished_run_is_not_run_again(tmp_path: Path) -> None:
    recipe = load_recipe("eszsl/simulated")
    (first,) = run_recipe(recipe, out=tmp_path, seeds=[0])
    stamps = {path: path.stat().st_mtime_ns for path in first.folder.iterdir()}
    (second,) = run_recipe(recipe, out=tmp_path, seeds=[0])
    assert not second.fresh
    assert second.metrics == first.metrics
    assert {
        path: path.stat().st_mtime_ns for path in first.folder.iterdir() if path.name != ".lock"
    }.items() <= stamps.items()


def test_the_stored_recipe_is_the_recipe_and_the_stored_weights_are_the_method(tmp_path: Path) -> None:
    recipe = load_recipe("f-clswgan/simulated", {**QUICK_GAN, "selection": "last", "calibration": "none"})
    (result,) = run_recipe(recipe, out=tmp_path, seeds=[0], device="cpu")
    assert load_recipe(result.folder / "recipe.yaml").fingerprint == recipe.fingerprint
    task = final_task(open_dataset(recipe), recipe.preprocess.features)
    again = evaluate(load_method(result.folder / "weights.safetensors"), task)
    assert {name: getattr(again, name) for name in ("T1", "U", "S", "H", "AUSUC")} == {
        name: result.metrics[name] for name in ("T1", "U", "S", "H", "AUSUC")
    }


def test_another_seed_or_setting_is_another_run(tmp_path: Path) -> None:
    recipe = load_recipe("eszsl/simulated")
    run_recipe(recipe, out=tmp_path, seeds=[0, 1])
    run_recipe(load_recipe("eszsl/simulated", {"selection": "last", "calibration": "none"}), out=tmp_path, seeds=[0])
    assert len([path for path in tmp_path.iterdir() if path.is_dir()]) == 3


def test_test_oracle_is_labelled_and_counts_its_reads(tmp_path: Path) -> None:
    recipe = load_recipe("f-clswgan/simulated", {**QUICK_GAN, "selection.rule": "test-oracle", "calibration": "none"})
    (result,) = run_recipe(recipe, out=tmp_path, seeds=[0], device="cpu")
    assert result.metrics["protocol"]["valid"] is False
    assert result.metrics["test_reads"] == 3  # after epochs 2 and 4, and the final fit
    assert result.metrics["chosen"]["value"] == pytest.approx(result.metrics["H"])


def test_validation_never_opens_the_test_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from gzsl.runs import experiment

    opened = []
    original = experiment.final_task

    def watched(*args: object, **kwargs: object) -> object:
        opened.append(
            Records(next(tmp_path.rglob("records.jsonl"))).rows if list(tmp_path.rglob("records.jsonl")) else []
        )
        return original(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(experiment, "final_task", watched)
    run_recipe(load_recipe("eszsl/simulated"), out=tmp_path, seeds=[0])
    assert len(opened) == 1, "the test task is made once, after every validation record was written"
    assert len([row for row in opened[0] if row["phase"] == "validation"]) == 3 * 49


def test_an_output_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="cannot be written"):
        run_recipe(load_recipe("eszsl/simulated"), out=tmp_path / "file", seeds=[0])


def test_cuda_asked_for_and_absent(tmp_path: Path) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    with pytest.raises(RunError, match="found no CUDA device"):
        run_recipe(load_recipe("f-clswgan/simulated"), out=tmp_path, device="cuda")
    assert not list(tmp_path.iterdir())


def test_disk_full_while_saving(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import errno

    from gzsl import files

    original = files._flush

    def full(path: Path) -> None:
        if ".weights" in path.name:
            raise OSError(errno.ENOSPC, "No space left on device")
        original(path)

    monkeypatch.setattr(files, "_flush", full)
    recipe = load_recipe("eszsl/simulated")
    with pytest.raises(RunError, match="disk is full"):
        run_recipe(recipe, out=tmp_path, seeds=[0])
    assert not list(tmp_path.rglob("weights*"))
    assert not list(tmp_path.rglob("done"))
    monkeypatch.setattr(files, "_flush", original)
    assert run_recipe(recipe, out=tmp_path, seeds=[0])[0].fresh


def test_records_drop_a_half_written_line(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    line = '{"kind": "losses", "fit": "final", "epoch": %d, "losses": {}}\n'
    path.write_text(line % 1 + line % 2 + '{"kind"')
    assert [row["epoch"] for row in Records(path).rows] == [1, 2]


def test_temporary_files_of_a_killed_process_are_swept(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    folder.path.mkdir()
    (folder.path / ".metrics.json.x.tmp").write_text("half")
    with folder.locked():
        assert not list(folder.path.glob("*.tmp"))
        assert not list(folder.path.glob(".*.tmp"))
