"""One training iteration of every WGAN-GP method against a plain autograd loop with the same maths.

Run ``python -m benchmarks.gan_iterations [METHOD ...]`` from the top of the checkout; with ``--cpu`` one thread is used
and its processor time counted, which a busy machine disturbs less. Published sizes: 2048-d features, 85 attributes,
40 seen classes, 4096 hidden units, batches of 64. Before the timing both sides take one iteration on the same rows,
weights and random numbers, and their losses are compared (but see `NOT_COMPARED`).
"""

from __future__ import annotations

import gc
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.common import compare, seconds
from benchmarks.generator_iterations import THREADS, view
from benchmarks.plain_gan import PlainGAN
from benchmarks.wgan_iteration import peak
from gzsl.data import FeatureRows, TrainView
from gzsl.methods import create
from gzsl.methods.generative.adversarial import AdversarialGenerator
from gzsl.nn.batches import ShuffledPasses, TrainingRows

TARGET, ROUNDS = 2.0, 3
QUICK: dict[str, Any] = {"n_epochs": 1, "n_synthetic": 2, "head": {"name": "prototype"}}
GUIDED = {"pretrain_epochs": 1}
METHODS: dict[str, dict[str, Any]] = {
    "f-clswgan": GUIDED,
    "f-vaegan": {},
    "tf-vaegan": {},
    "lisgan": GUIDED,
    "lsrgan": GUIDED,
    "dascn": GUIDED,
    "cizsl": {},
    "ce-gzsl": {},
    "sabr": {"latent_epochs": 1},
    "free": {},
    "zla": {},
    "cycle-wgan": GUIDED | {"regressor_epochs": 1},
    "dsp": {},
    "dsp-f-clswgan": GUIDED,
    "dsp-tf-vaegan": {},
}
NOT_COMPARED = {
    "dascn",  # draws four noises from one stream: not the same ones for one batch and for five
    "tf-vaegan", "dsp-tf-vaegan",  # all fakes of an update are made before the decoder's steps, the reference's between
}  # fmt: skip


def ready(name: str, shown: TrainView) -> AdversarialGenerator:
    """A method after one epoch on a few rows, the same in every call."""
    few = np.arange(len(shown.seen))
    small = TrainView(
        FeatureRows(shown.features.to_array()[few]), shown.labels[few], shown.semantics, shown.seen, shown.unseen
    )
    method = create(name, **QUICK, **METHODS[name]).fit(small, seed=0)
    assert isinstance(method, AdversarialGenerator)
    method.optimisers()
    method.epoch_ = 1  # TF-VAEGAN: an epoch with feedback
    return method


def rows_of(shown: TrainView) -> TrainingRows:
    """Training rows of a view."""
    table = torch.tensor(shown.seen_semantics.table, dtype=torch.float32)
    return TrainingRows(torch.from_numpy(shown.features.to_array()), torch.tensor(shown.seen_labels), table)


def check_equal(name: str, ours: dict[str, Any], plain: dict[str, float]) -> None:
    """Raise AssertionError where a loss of the first iteration differs by more than 1e-3, relative.

    Not less, because Adam's first steps have the size of the learning rate whatever the gradient's: where a gradient is
    nearly 0, its rounding decides on their sign.
    """
    assert set(ours) == set(plain), (name, set(ours) ^ set(plain))
    for term, expected in plain.items():
        found = float(ours[term])
        assert abs(found - expected) <= 1e-3 * abs(expected) + 1e-5, f"{name}: {term}: {found} against {expected}"


def measure(name: str, shown: TrainView, clock: Callable[[], float], rate: float, rounds: int = ROUNDS) -> None:
    """Print the ratio of one method, and what share of the peak its products reach."""
    rows = rows_of(shown)
    method, plain = ready(name, shown), PlainGAN(ready(name, shown), rows)
    size = method.batch_size * method.critic_steps
    passes = ShuffledPasses(len(rows), torch.Generator().manual_seed(0))
    first = rows.batch(passes.next(size))
    with FlopCounterMode(display=False) as counter:
        losses = method.update(first)
    expected = plain.iterate(first)
    if name not in NOT_COMPARED:
        check_equal(name, losses, expected)

    times = []

    def ours() -> None:
        times.append(seconds(lambda: method.update(rows.batch(passes.next(size))), clock))

    compare(name, ours, plain.iterate, target=TARGET, rounds=rounds, warmup=0, clock=clock)
    work = counter.get_total_flops()
    share = work / statistics.median(times) / rate
    print(f"  {work / 1e9:.1f} GFLOP in products, {share:.0%} of the peak", flush=True)


def main(arguments: list[str]) -> None:
    alone = "--cpu" in arguments
    names = [name for name in arguments if name != "--cpu"] or list(METHODS)
    torch.set_num_threads(1 if alone else THREADS)
    clock = time.thread_time if alone else time.perf_counter
    shown = view()
    rate = peak(rounds=7, clock=clock)
    print(f"peak of torch.mm: {rate / 1e9:.0f} GFLOP/s", flush=True)
    for name in names:
        measure(name, shown, clock, rate)
        gc.collect()


if __name__ == "__main__":
    main(sys.argv[1:])
