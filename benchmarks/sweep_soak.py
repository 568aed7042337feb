"""A sweep killed twenty times, two sweeps at once, a full disk and a read-only one: nothing lost, nothing twice.

Run ``python -m benchmarks.sweep_soak`` from the top of the checkout; it takes some minutes. The last two parts mount
a small file system in memory, for which root is needed; without it they are left out and say so.
"""

from __future__ import annotations

import hashlib
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
cells:
  - recipe: f-clswgan/simulated
    seeds: [0, 1]
    set: {method.n_epochs: 6, method.hidden_dim: 64, method.n_synthetic: 20, method.n_synthetic_zsl: 20,
          method.pretrain_epochs: 3, method.head.n_epochs: 3, selection.every: 3, selection.folds: 2}
"""
RUNS = 18
SAME_BITS = ("metrics.json", "records.jsonl", "per_class.csv", "scores.npz", "weights.safetensors", "recipe.yaml")


def start(study: Path, out: Path, *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "gzsl", "sweep", str(study), "--out", str(out), "--device", "cpu", *options]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


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
    began = time.perf_counter()
    process = start(study, out, "--workers", "2")
    assert process.wait() == 0, process.stderr
    return digests(out), time.perf_counter() - began


def killed(study: Path, out: Path, seconds: float, rng: random.Random) -> None:
    """Kill the sweep at random moments; the moment is taken from the time that the whole sweep needs."""
    states = []
    for _ in range(KILLS):
        process = start(study, out, "--workers", "2")
        try:
            process.wait(timeout=rng.uniform(0.1, 0.6) * seconds)
            how = "ended before"
        except subprocess.TimeoutExpired:
            how = "killed"
        process.kill()
        process.communicate()
        states.append((how, finished(out)))
    print("runs finished at each kill:", *[f"{n}{'' if how == 'killed' else '*'}" for how, n in states])
    assert start(study, out, "--workers", "2").wait() == 0


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
    """Fill a file system of 400 KB, make room, and go on; then forbid writing altogether."""
    where.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(where)], check=False)
    if mounted.returncode != 0:
        print("full disk, read-only disk: left out, a file system cannot be mounted here")
        return
    try:
        process = start(study, where, "--workers", "2")
        _, told = process.communicate()
        before = {run.parent.name: run.stat().st_mtime_ns for run in where.glob("*/done")}
        print(f"full disk: status {process.returncode}, {len(before)} runs intact, last line: {told.splitlines()[-1]}")
        subprocess.run(["mount", "-o", "remount,size=64m", str(where)], check=True)
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
        print(f"undisturbed: {RUNS} runs in {seconds:.1f} s")
        killed(study, base / "killed", seconds, rng)
        report(f"killed {KILLS} times", base / "killed", expected)
        shared(study, base / "shared")
        report("two sweeps at once", base / "shared", expected)
        full_disk(study, base / "small", expected)


if __name__ == "__main__":
    main()
