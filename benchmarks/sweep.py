"""Two workers against one on the same study, and what 200 small runs cost beside their own work.

Run ``python -m benchmarks.sweep [2|200]`` from the top of the checkout. The overhead of a sweep is its wall time times
its workers less the seconds that its runs say they took, as a share of these; starting processes is told apart.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from gzsl.runs.reporter import StudyReporter
from gzsl.studies.launch import run_study
from gzsl.studies.study import Study

FASTER = 1.0  # two workers on two cores must beat one
SHARE = 0.05  # overhead of 200 runs
SMALL = {"selection.grid": {"gamma": [0.1, 1.0, 10.0], "lam": [0.1, 1.0, 10.0]}}


class Stopwatch(StudyReporter):
    """Notes when the first run got to work."""

    def __init__(self) -> None:
        self.began = time.perf_counter()
        self.first: float | None = None

    def stage(self, worker: str, run: str, text: str) -> None:
        """Take the time of the first stage that a run itself tells of."""
        if self.first is None and run and text != "starts":
            self.first = time.perf_counter() - self.began


def swept(study: Study, workers: int) -> tuple[float, float, float, int]:
    """Wall seconds, seconds before the first run was at work, seconds of all runs, and how many they are."""
    with tempfile.TemporaryDirectory() as out:
        watch = Stopwatch()
        results = run_study(study, out=Path(out), workers=workers, progress=watch)
        wall = time.perf_counter() - watch.began
    runs = [run for result in results for run in result.results]
    assert all(run.fresh for run in runs)
    assert watch.first is not None
    return wall, watch.first, sum(run.seconds for run in runs), len(runs)


def two_workers() -> None:
    """One study with one worker, which has all cores, and with two, which have half of them each."""
    study = Study(title="two", methods=["eszsl"], datasets=["digits"], seeds=list(range(16)), set={})
    walls = {}
    for workers in (1, 2, 2, 1):
        wall, first, busy, n = swept(study, workers)
        walls[workers] = min(wall, walls.get(workers, wall))
        print(f"{workers} worker(s): {n} runs in {wall:.1f} s, the first after {first:.1f} s; they took {busy:.1f} s")
    ratio = walls[1] / walls[2]
    print(f"2 workers against 1: {ratio:.2f} x (target {FASTER:g}: {'reached' if ratio > FASTER else 'missed'})")


def two_hundred(workers: int = 1) -> None:
    """Two hundred small runs."""
    study = Study(title="200", methods=["eszsl"], datasets=["digits"], seeds=list(range(200)), set=SMALL)
    wall, first, busy, n = swept(study, workers)
    overhead, without_start = wall * workers / busy - 1, (wall - first) * workers / busy - 1
    verdict = "reached" if overhead < SHARE else "missed"
    print(f"{n} runs of {busy / n:.2f} s: overhead {overhead:.1%} (target {SHARE:.0%}: {verdict}), "
          f"without the {first:.1f} s before the first run {without_start:.1%}")  # fmt: skip


def main() -> None:
    asked = sys.argv[1:] or ["2", "200"]
    if "2" in asked:
        two_workers()
    if "200" in asked:
        two_hundred()


if __name__ == "__main__":
    main()
