"""Where the processor time of whole runs goes: training proper, and everything around it.

Run ``python -m benchmarks.whole_runs [RECIPE ...] [--set key=value ...]`` from the top of the checkout, with the data
of the recipes in ``GZSL_DATA``. Each recipe is run once with one seed in a process of its own with one thread, imports
and the validation fold included. Parts that call one another are counted exclusively: the time of a part is without
that of the parts in it.
"""

from __future__ import annotations

import time

BEGAN = time.process_time()

import argparse  # noqa: E402  what is imported from here on is timed
import functools  # noqa: E402
import subprocess  # noqa: E402
import sys  # noqa: E402
import tempfile  # noqa: E402
from collections import defaultdict  # noqa: E402
from collections.abc import Callable, Iterator  # noqa: E402
from contextlib import contextmanager  # noqa: E402
from typing import Any  # noqa: E402

RECIPES = ("f-clswgan/CUB127", "tf-vaegan/CUB127", "cada-vae/CUB127", "free/CUB127", "ce-gzsl/CUB127")
SHORT = ("method.n_epochs=4", "selection.every=2", "selection.folds=1")
PARTS = (
    "training", "pretraining", "heads", "synthesis", "statistics", "evaluation", "checkpoints", "store", "data",
    "imports", "rest",
)  # fmt: skip


class Parts:
    """Seconds of processor time by part, each without the parts that it calls."""

    def __init__(self, clock: Callable[[], float] = time.process_time) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._clock, self._open, self._since = clock, ["rest"], clock()

    def _turn(self) -> None:
        now = self._clock()
        self.seconds[self._open[-1]] += now - self._since
        self._since = now

    @contextmanager
    def within(self, part: str) -> Iterator[None]:
        """Count what happens inside under ``part``."""
        self._turn()
        self._open.append("pretraining" if "pretraining" in self._open else part)
        try:
            yield
        finally:
            self._turn()
            self._open.pop()

    def watch(self, owner: Any, name: str, part: str) -> None:
        """Count the calls of a function of a class or module under ``part``."""
        function = getattr(owner, name)

        @functools.wraps(function)
        def timed(*args: Any, **options: Any) -> Any:
            with self.within(part):
                return function(*args, **options)

        setattr(owner, name, timed)


def watch_all(parts: Parts, method: type) -> None:
    """Put a stopwatch around every part of a run of ``method``."""
    from gzsl.heads import Head
    from gzsl.methods.generative.base import Generator
    from gzsl.methods.loop import Loop
    from gzsl.runs import experiment, run
    from gzsl.runs.reporter import FitMonitor
    from gzsl.runs.store import Records, RunFolder

    for owner, name, part in (
        (method, "update", "training"), (method, "pretrain", "pretraining"), (method, "optimisers", "training"),
        (method, "build", "training"), (Loop, "run", "training"),
        (Loop, "_end_epoch", "rest"), (Loop, "checkpoint", "checkpoints"), (FitMonitor, "keep", "checkpoints"),
        (Generator, "_prepare", "synthesis"), (Generator, "epoch_statistics", "statistics"), (Head, "fit", "heads"),
        (experiment, "evaluate", "evaluation"), (experiment, "final_task", "data"), (experiment, "fold_task", "data"),
        (run, "open_dataset", "data"), (run, "run_key", "store"), (run, "save_method", "store"),
        (Records, "add", "store"), (RunFolder, "write_text", "store"), (RunFolder, "write_json", "store"),
        (RunFolder, "write_arrays", "store"), (RunFolder, "finish", "store"),
    ):  # fmt: skip
        parts.watch(owner, name, part)


def run_one(recipe: str, changes: list[str]) -> None:
    """Run a recipe in this process and print its parts."""
    import torch

    from gzsl.methods import get_method
    from gzsl.runs.overrides import parse_override
    from gzsl.runs.own_data import open_recipe
    from gzsl.runs.run import run_recipe

    chosen, data = open_recipe(recipe, None, dict(parse_override(text) for text in changes))
    method = get_method(chosen.method["name"])
    torch.set_num_threads(1)
    imported = time.process_time() - BEGAN
    parts = Parts()
    watch_all(parts, method)
    parts._since = time.process_time()
    with tempfile.TemporaryDirectory() as out, parts.within("rest"):
        (result,) = run_recipe(chosen, out=out, data=data, device="cpu", seeds=[0])
    parts.seconds["imports"] = imported
    total = sum(parts.seconds.values())
    shares = ", ".join(f"{part} {parts.seconds[part]:.1f} s ({parts.seconds[part] / total:.0%})" for part in PARTS)
    print(f"{recipe}: {total:.1f} s of processor time; {shares}; AUSUC {100 * result.metrics['AUSUC']:.1f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipes", nargs="*", default=RECIPES, help="default: five generators on CUB127")
    parser.add_argument("--set", action="append", dest="changes", help="default: a few passes, one fold")
    parser.add_argument("--here", action="store_true", help="run the first recipe in this process")
    given = parser.parse_args()
    changes = list(SHORT) if given.changes is None else given.changes
    if given.here:
        return run_one(given.recipes[0], changes)
    for recipe in given.recipes:
        options = [text for change in changes for text in ("--set", change)]
        subprocess.run([sys.executable, "-m", "benchmarks.whole_runs", recipe, "--here", *options], check=True)
    return None


if __name__ == "__main__":
    main()
