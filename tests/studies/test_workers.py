"""Studies in worker processes and on a Dask cluster, with processes killed in the middle and disks that fail."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import psutil
import pytest
from command_line import gzsl

from gzsl.errors import StorageError
from gzsl.files import write_text
from gzsl.runs.reporter import StudyReporter
from gzsl.studies.cluster import Cluster
from gzsl.studies.jobs import perform
from gzsl.studies.launch import Launch, run_study
from gzsl.studies.study import load_study

STUDY = """
title: six runs
methods: [eszsl]
datasets: [simulated]
seeds: [0, 1, 2, 3, 4, 5]
set: {selection.folds: 2, selection.grid: {gamma: [1.0, 10.0], lam: [1.0]}}
"""
SAME_BITS = ("metrics.json", "records.jsonl", "per_class.csv", "scores.npz", "weights.safetensors", "recipe.yaml")


@pytest.fixture(scope="module")
def study_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("study") / "six.yaml"
    path.write_text(STUDY)
    return path


@pytest.fixture(scope="module")
def expected(study_file: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What an undisturbed study in this process leaves behind."""
    out = tmp_path_factory.mktemp("expected")
    run_study(load_study(study_file), out=out)
    return digests(out)


def digests(out: Path) -> dict[str, str]:
    found = {}
    for run in sorted(path for path in out.iterdir() if path.is_dir()):
        assert (run / "done").is_file(), run
        assert not list(run.rglob(".*.tmp"))
        found[run.name] = hashlib.sha256(b"".join((run / name).read_bytes() for name in SAME_BITS)).hexdigest()
    return found


def lines_of_logs(out: Path) -> list[str]:
    return [line for log in sorted(out.glob("*/log.txt")) for line in log.read_text().splitlines()]


def times_done(out: Path) -> set[int]:
    return {sum("done in" in line for line in log.read_text().splitlines()) for log in out.glob("*/log.txt")}


def sweep(study: Path, out: Path, *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "gzsl", "sweep", str(study), "--out", str(out), "--json", *options]
    environment = {**os.environ, "TERM": "dumb"}
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, preexec_fn=heed_ctrl_c
    )


def heed_ctrl_c() -> None:
    """Undo that a shell's background jobs, which the tests may be one of, ignore the signal."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def workers_of(process: psutil.Process) -> list[psutil.Process]:
    return [child for child in process.children() if "gzsl.studies.worker" in " ".join(child.cmdline())]


def has_begun(out: Path, runs: int, process: subprocess.Popen[str]) -> bool:
    return len(list(out.glob("*/log.txt"))) >= runs or process.poll() is not None


def wait_until(condition: Callable[[], bool], seconds: float = 120.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_two_workers_leave_the_same_bits_as_none(study_file: Path, expected: dict[str, str], tmp_path: Path) -> None:
    (result,) = run_study(load_study(study_file), out=tmp_path, workers=2)
    assert digests(tmp_path) == expected
    assert [run.metrics["seed"] for run in result.results] == [0, 1, 2, 3, 4, 5]
    assert all(run.fresh for run in result.results)
    pids = {line.split("[")[1].split("]")[0] for line in lines_of_logs(tmp_path)}
    assert str(os.getpid()) not in pids
    assert times_done(tmp_path) == {1}


def test_a_worker_that_is_killed_takes_one_cell_with_it(
    study_file: Path, expected: dict[str, str], tmp_path: Path
) -> None:
    class Killer(StudyReporter):
        killed = False

        def stage(self, worker: str, run: str, text: str) -> None:
            if run.endswith("seed 2") and not self.killed:
                self.killed = True
                (process,) = workers_of(psutil.Process())
                process.kill()

    (result,) = run_study(load_study(study_file), out=tmp_path, workers=1, progress=Killer())
    assert result.error is not None
    assert "ended by SIGKILL" in result.error
    assert len(result.results) == 5
    (again,) = run_study(load_study(study_file), out=tmp_path, workers=1)
    assert Counter(run.fresh for run in again.results) == {False: 5, True: 1}
    assert digests(tmp_path) == expected
    assert times_done(tmp_path) == {1}


def test_killed_sweeps_continue_and_two_at_once_share_the_work(
    study_file: Path, expected: dict[str, str], tmp_path: Path
) -> None:
    for runs in (1, 3):
        process = sweep(study_file, tmp_path)
        wait_until(partial(has_begun, tmp_path, runs, process))
        orphans = workers_of(psutil.Process(process.pid))
        process.kill()
        process.communicate()
        _, alive = psutil.wait_procs(orphans, timeout=60)
        assert not alive, "workers end with their parent"
    first, second = sweep(study_file, tmp_path), sweep(study_file, tmp_path)
    for process in (first, second):
        printed, errors = process.communicate()
        assert process.returncode == 0, errors
        assert json.loads(printed)["lines"][0]["n"] == 6
    assert digests(tmp_path) == expected
    assert times_done(tmp_path) == {1}


def test_ctrl_c_ends_the_workers_and_says_how_to_continue(study_file: Path, tmp_path: Path) -> None:
    process = sweep(study_file, tmp_path)
    wait_until(partial(has_begun, tmp_path, 1, process))
    workers = workers_of(psutil.Process(process.pid))
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate()
    assert process.returncode == 130, errors
    assert "the same command again continues" in errors
    assert not psutil.wait_procs(workers, timeout=60)[1]


def test_a_worker_with_other_code_is_refused(study_file: Path, tmp_path: Path) -> None:
    values = Launch(load_study(study_file).cells(), tmp_path).jobs[0].to_values(patient=True)
    answer = perform({**values, "key": "0" * 32})
    assert answer["state"] == "failed"
    assert "another one" in answer["error"]
    assert not list(tmp_path.iterdir())


def mount(where: Path, *options: str) -> bool:
    """Mount a file system in memory, or change one; False where this is not allowed."""
    command = ["mount", *options, str(where)]
    return sys.platform == "linux" and subprocess.run(command, check=False, capture_output=True).returncode == 0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system with room for about three of the six runs."""
    where = tmp_path / "disk"
    where.mkdir()
    if not mount(where, "-t", "tmpfs", "-o", "size=450k", "tmpfs"):
        pytest.skip("a file system in memory cannot be mounted here")
    yield where
    subprocess.run(["umount", "-l", str(where)], check=True)


def test_a_full_disk_keeps_what_is_finished_and_a_read_only_one_can_be_read(
    study_file: Path, expected: dict[str, str], small_disk: Path
) -> None:
    process = sweep(study_file, small_disk, "--workers", "2")
    _, errors = process.communicate()
    assert process.returncode == 2, errors
    assert "the disk is full" in errors.splitlines()[-1]
    assert "runs were not started; finished ones are intact" in errors.splitlines()[-1]
    finished = {done.parent.name: done.stat().st_mtime_ns for done in small_disk.glob("*/done")}
    assert 0 < len(finished) < 6
    assert mount(small_disk, "-o", "remount,size=64m")
    (result,) = run_study(load_study(study_file), out=small_disk, workers=2)
    assert len(result.results) == 6
    assert digests(small_disk) == expected
    assert times_done(small_disk) == {1}
    assert finished.items() <= {done.parent.name: done.stat().st_mtime_ns for done in small_disk.glob("*/done")}.items()

    assert mount(small_disk, "-o", "remount,ro")
    with pytest.raises(StorageError, match="found a place that is not writable"):
        write_text(small_disk / "table.csv", "")
    done = gzsl("sweep", str(study_file), "--out", str(small_disk), "--json", cwd=study_file.parent)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["lines"][0]["n"] == 6
    other = study_file.with_name("other.yaml")
    other.write_text(STUDY.replace("[0, 1,", "[8, 9,"))
    done = gzsl("sweep", str(other), "--out", str(small_disk), cwd=study_file.parent)
    assert done.returncode == 2, done.stderr
    assert "found a place that is not writable, expected a writable one" in done.stderr.splitlines()[-1]
    assert digests(small_disk) == expected


def test_a_dask_cluster_loses_a_worker_but_no_run(study_file: Path, expected: dict[str, str], tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, processes=True, threads_per_worker=1, dashboard_address=None, resources={"SLOT": 1}
    ) as dask:

        class Killer(StudyReporter):
            killed: list[str] = []

            def stage(self, worker: str, run: str, text: str) -> None:
                if run and not self.killed:
                    self.killed.append(run)
                    os.kill(dask.workers[int(worker)].pid, signal.SIGKILL)

        with Cluster(dask.scheduler_address, {"SLOT": 1}) as cluster:
            progress = Killer()
            launch = Launch(load_study(study_file).cells(), tmp_path, progress=progress, cluster=cluster)
            (result,) = launch.run()
    assert progress.killed
    assert result.error is None
    assert len(result.results) == 6
    assert digests(tmp_path) == expected
    assert times_done(tmp_path) == {1}
    pids = {line.split("[")[1].split("]")[0] for line in lines_of_logs(tmp_path)}
    assert len(pids) >= 2


def test_a_scheduler_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed")
    from gzsl.errors import RunError
    from gzsl.studies import cluster

    monkeypatch.setattr(cluster, "SECONDS_TO_CONNECT", 0.5)
    with pytest.raises(RunError, match="found no Dask scheduler that answers"):
        Cluster("tcp://127.0.0.1:9")
