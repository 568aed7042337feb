"""A sweep killed twenty times, two sweeps at once, a full disk and a read-only one: nothing lost, nothing twice.

Run ``python -m benchmarks.sweep_soak`` from the top of the checkout; it takes some minutes. The last two parts mount
a small file system in memory, for which root is needed; without it they are left out and say so.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

KILLS = 20
STUDY = """
title: soak
seeds: [0, 1, 2, 3]
methods: [eszsl, sae]
datasets: [digits, simulated]
"""
RUNS = 16
SAME_BITS = ("metrics.json", "records.jsonl", "per_class.csv", "scores.npz", "weights.safetensors", "recipe.yaml")


def start(study: Path, out: Path, *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "gzsl", "sweep", str(study), "--out", str(out), "--device", "cpu", *options]
    one_thread = {**os.environ, "OMP_NUM_THREADS": "1"}  # sums of matrix products depend on the threads
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=one_thread)


def digests(out: Path) -> dict[str, str]:
    """Bits of every run, all of which must be finished, with nothing half-written beside them."""
    found = {}
    for run in sorted(path for path in out.iterdir() if path.is_dir()):
        assert (run / "done").is_file(), f"{run.name} is not finished"
        assert not list(run.rglob(".*.tmp")), f"{run.name} has temporary files"
        found[run.name] = hashlib.sha256(b"".join((run / name).read_bytes() for name in SAME_BITS)).hexdigest()
    return found


def count(out: Path, word: str) -> list[int]:
    """How often the log of every run says ``word``."""
    return [log.read_text().count(word) for log in sorted(out.glob("*/log.txt"))]


def finished(out: Path) -> int:
    return len(list(out.glob("*/done")))


def undisturbed(study: Path, out: Path) -> tuple[dict[str, str], float]:
    """Bits of every run, and seconds that one takes on average."""
    assert start(study, out, "--workers", "2").wait() == 0
    seconds = [json.loads(path.read_text())["seconds"] for path in out.glob("*/timing.json")]
    return digests(out), sum(seconds) / len(seconds)


def killed(study: Path, out: Path, seconds: float, rng: random.Random) -> None:
    """Kill the sweep at a random moment after its workers have begun to write, within the time of about one run."""
    moments = []
    for _ in range(KILLS):
        before = written(out)
        process = start(study, out, "--workers", "2")
        while written(out) == before and process.poll() is None:
            time.sleep(0.005)
        time.sleep(rng.uniform(0.0, 1.2) * seconds)
        ended = process.poll() is not None
        process.kill()
        process.communicate()
        moments.append(f"{finished(out)}{'*' if ended else ''}")
    print("runs finished at each kill (* the sweep had ended):", *moments)
    assert start(study, out, "--workers", "2").wait() == 0


def written(out: Path) -> int:
    """Bytes in all logs."""
    return sum(log.stat().st_size for log in out.glob("*/log.txt"))


def shared(study: Path, out: Path) -> None:
    processes = [start(study, out, "--workers", "1") for _ in range(2)]
    assert [process.wait() for process in processes] == [0, 0]


def report(name: str, out: Path, expected: dict[str, str]) -> None:
    same = digests(out) == expected
    done, begun = count(out, "done in"), count(out, "] start ")
    print(f"{name}: {len(done)} runs, same bits as undisturbed: {same}; finished once: {done.count(1)} of {len(done)}; "
          f"{sum(begun)} starts")  # fmt: skip
    assert same
    assert done == [1] * len(done)


def full_disk(study: Path, where: Path, expected: dict[str, str]) -> None:
    """Fill a file system of 20 MB, make room, and go on; then forbid writing altogether."""
    where.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=20m", "tmpfs", str(where)], check=False)
    if mounted.returncode != 0:
        print("full disk, read-only disk: left out, a file system cannot be mounted here")
        return
    try:
        process = start(study, where, "--workers", "2")
        _, told = process.communicate()
        before = {run.parent.name: run.stat().st_mtime_ns for run in where.glob("*/done")}
        print(f"full disk: status {process.returncode}, {len(before)} runs intact, last line: {told.splitlines()[-1]}")
        subprocess.run(["mount", "-o", "remount,size=96m", str(where)], check=True)
        assert start(study, where, "--workers", "2").wait() == 0
        after = {run.parent.name: run.stat().st_mtime_ns for run in where.glob("*/done")}
        assert before.items() <= after.items(), "a finished run was touched"
        report("full disk, then room", where, expected)
        subprocess.run(["mount", "-o", "remount,ro", str(where)], check=True)
        again = start(study, where, "--json")
        assert again.wait() == 0, "finished runs are read from a read-only folder"
        other = study.with_name("other.yaml")
        other.write_text(STUDY.replace("[0, 1, 2, 3]", "[9]"))
        process = start(other, where)
        _, told = process.communicate()
        print(f"read-only disk: status {process.returncode}, last line: {told.splitlines()[-1]}")
    finally:
        subprocess.run(["umount", "-l", str(where)], check=False)


def main() -> None:
    rng = random.Random(int(sys.argv[1]) if len(sys.argv) > 1 else os.getpid())
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        study = base / "soak.yaml"
        study.write_text(STUDY)
        expected, seconds = undisturbed(study, base / "plain")
        assert len(expected) == RUNS
        print(f"undisturbed: {RUNS} runs of {seconds:.1f} s")
        killed(study, base / "killed", seconds, rng)
        report(f"killed {KILLS} times", base / "killed", expected)
        shared(study, base / "shared")
        report("two sweeps at once", base / "shared", expected)
        full_disk(study, base / "small", expected)


if __name__ == "__main__":
    main()
