"""Seconds per training iteration of f-CLSWGAN: one seed, several seeds one after the other, and as one stack.

Run ``python -m benchmarks.batched_seeds`` from the top of the checkout, on a GPU with ``--device cuda``. Sizes are
published ones (2048-d features, 85 attributes, batches of 64, five critic steps) with each of the hidden sizes. Besides
the toolkit's own iteration a plain autograd loop is timed, the one of `benchmarks.wgan_iteration`. Every row that is
printed has the device and the date, so that it can be kept.
"""

from __future__ import annotations

import argparse
import datetime
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import fields

import numpy as np
import torch

from benchmarks.wgan_iteration import ATTRIBUTES, BATCH, CLASSES, FEATURES, Draw, Plain, draws
from gzsl.data import FeatureRows, TrainView
from gzsl.methods import create
from gzsl.methods.loop import Loop
from gzsl.methods.stacked import Fit
from gzsl.methods.stacked.members import started
from gzsl.methods.stacked.stack import Stack
from gzsl.semantics import Semantics

ROWS, UNSEEN = 4000, 10


def view(features: int) -> TrainView:
    """Random rows in [0, 1] of 40 seen classes."""
    rng = np.random.default_rng(0)
    table = rng.random((CLASSES + UNSEEN, ATTRIBUTES))
    table /= np.linalg.norm(table, axis=1, keepdims=True)
    names = tuple(f"c{k:02d}" for k in range(len(table)))
    X = rng.random((ROWS, features), dtype=np.float32) ** 2
    seen, unseen = np.arange(CLASSES), np.arange(CLASSES, CLASSES + UNSEEN)
    return TrainView(FeatureRows(X), np.arange(ROWS) % CLASSES, Semantics(table, names), seen, unseen)


def fits(shown: TrainView, seeds: int, device: str, hidden: int) -> list[Fit]:
    """Fits of f-CLSWGAN that differ in their seed."""
    return [
        Fit(create("f-clswgan", hidden_dim=hidden, pretrain_epochs=1, batch_size=BATCH), shown, seed, device)
        for seed in range(seeds)
    ]


def iterate(loop: Loop) -> None:
    """One iteration of a loop that is alone."""
    loop.method.update(loop.rows.batch(loop.passes.next(loop.draw)))


def plain(loop: Loop, draw: Draw) -> Callable[[], object]:
    """One iteration of the plain autograd loop, from the networks of a loop."""
    networks = loop.method.networks()
    other = Plain(networks["generator_"], networks["critic_"], networks["classifier_"])  # type: ignore[arg-type]
    moved = Draw(**{f.name: getattr(draw, f.name).to(loop.method.device) for f in fields(draw)})
    return lambda: other.iterate(moved)


def median_seconds(works: Sequence[Callable[[], object]], device: str, rounds: int) -> list[float]:
    """Median seconds of each piece of work; all are timed in turn, after one untimed round."""
    times: list[list[float]] = [[] for _ in works]
    for number in range(rounds + 1):
        for work, found in zip(works, times, strict=True):
            start = time.perf_counter()
            work()
            if device != "cpu":
                torch.cuda.synchronize()
            if number:
                found.append(time.perf_counter() - start)
    return [statistics.median(found) for found in times]


def row(shown: TrainView, hidden: int, seeds: int, device: str, rounds: int, repeats: int) -> str:
    """Time one hidden size; a row of the table."""
    with (
        started(fits(shown, seeds, device, hidden)) as separate,
        started(fits(shown, seeds, device, hidden)) as others,
    ):
        one, many, stacked, simple = _milliseconds(shown, separate, Stack(others), rounds, repeats)
    return (
        f"| {shown.n_features} | {hidden} | {one:.2f} | {many:.2f} | {stacked:.2f} | {many / stacked:.2f} | "
        f"{stacked / one:.2f} | {simple * seeds:.2f} | {simple * seeds / stacked:.2f} |"
    )


def _milliseconds(
    shown: TrainView, separate: list[Loop], joined: Stack, rounds: int, repeats: int
) -> list[float]:
    """An iteration of one loop, of all one by one, of the stack, and of one plain loop."""
    rng = torch.Generator().manual_seed(0)
    usual = plain(separate[0], draws(1, rng, features=shown.n_features)[0])

    def each(repetitions: int, work: Callable[[], object]) -> Callable[[], object]:
        return lambda: [work() for _ in range(repetitions)]

    found = median_seconds(
        [
            each(repeats, lambda: iterate(separate[0])),
            each(repeats, lambda: [iterate(loop) for loop in separate]),
            each(repeats, joined.advance),
            each(repeats, usual),
        ],
        separate[0].method.device, rounds,
    )  # fmt: skip
    return [1e3 * seconds / repeats for seconds in found]


def where(device: str) -> str:
    """The device by name."""
    if device == "cpu":
        return f"cpu ({platform.processor() or platform.machine()}, {torch.get_num_threads()} thread(s))"
    return f"cuda ({torch.cuda.get_device_name()})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--hidden", type=int, nargs="+", default=[64, 256, 1024, 4096])
    parser.add_argument("--features", type=int, nargs="+", default=[FEATURES])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=1, help="iterations of a timing; more for small networks")
    asked = parser.parse_args()
    print(f"{where(asked.device)}, torch {torch.__version__}, {datetime.date.today()}; milliseconds an iteration")
    print(
        f"| features | hidden | 1 seed | {asked.seeds} one by one | {asked.seeds} stacked | one by one / stacked | "
        f"stacked / 1 seed | {asked.seeds} plain | plain / stacked |\n|{' --- |' * 9}"
    )
    for features in asked.features:
        shown = view(features)
        for hidden in asked.hidden:
            print(row(shown, hidden, asked.seeds, asked.device, asked.rounds, asked.repeats), flush=True)


if __name__ == "__main__":
    main()
