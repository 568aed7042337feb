"""DAZLE's attention in its folded form against the plain one, and an epoch over a grid that stays on the disk.

Run ``python -m benchmarks.region_attention`` from the top of the checkout; with ``--epoch``, instead, an epoch of 6,000
pictures of 49 x 1,280 numbers in half precision is timed (0.75 GB of disk), with its memory; ``--epoch 1000`` takes so
many pictures. The plain
attention is what released code writes: a product for each map, and the attended features (n, a, d) of every attribute.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks.common import compare
from gzsl.data import FeatureRows, TrainView
from gzsl.methods import create
from gzsl.nn.attribute_attention import AttributeAttention
from gzsl.semantics import Semantics

REGIONS, DIMENSIONS, ATTRIBUTES, CLASSES, BATCH = 49, 1280, 85, 50, 50


def plain(module: AttributeAttention, x: Tensor) -> Tensor:
    """Evidence (n, a) as released code computes it."""
    f = x.transpose(1, 2)  # (n, d, R), as maps lie there
    eye = torch.eye(len(module.score))
    scores = torch.einsum("iv,vf,bfr->bir", eye, module.score, f)
    weights = torch.einsum("iv,vf,bfr->bir", eye, module.place, f).softmax(dim=-1)
    there = torch.einsum("bir,bfr->bif", weights, f)
    assert module.gate is not None
    gate = torch.einsum("iv,vf,bif->bi", eye, module.gate, there).sigmoid()
    return gate * torch.einsum("bir,bir->bi", weights, scores)


def folded(module: AttributeAttention, x: Tensor) -> Tensor:
    """The same by one product."""
    found = module(x)
    return found.score * found.gate.sigmoid()


def compare_attention() -> None:
    """Forward and backward of one batch, equal losses."""
    rng = torch.Generator().manual_seed(0)
    module = AttributeAttention(None, ATTRIBUTES, DIMENSIONS, rng)
    x = torch.nn.functional.normalize(torch.rand(BATCH, REGIONS, DIMENSIONS, generator=rng), dim=-1)
    losses = [float((form(module, x) ** 2).mean().detach()) for form in (folded, plain)]
    print(f"losses {losses[0]:.7g} and {losses[1]:.7g}")

    def step(form: Any) -> None:
        module.zero_grad()
        (form(module, x) ** 2).mean().backward()

    name = f"attention, {BATCH} x {REGIONS} x {DIMENSIONS}, {ATTRIBUTES} attributes"
    compare(name, lambda: step(folded), lambda: step(plain), target=3.0, clock=time.process_time, rounds=3)


def time_epoch(pictures: int) -> None:
    """An epoch over a mapped grid: seconds, and memory above what it was before, in batches of float32."""
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "regions.npy"
        values = np.lib.format.open_memmap(path, "w+", np.float16, (pictures, REGIONS, DIMENSIONS))
        for start in range(0, pictures, 100):
            values[start : start + 100] = rng.random((100, REGIONS, DIMENSIONS), dtype=np.float32)
        values.flush()
        del values
        table = rng.random((CLASSES, ATTRIBUTES)).astype(np.float32)
        names = tuple(f"c{k:02d}" for k in range(CLASSES))
        seen = np.arange(CLASSES - 10)
        view = TrainView(
            FeatureRows(np.load(path, mmap_mode="r")), np.arange(pictures) % len(seen), Semantics(table, names), seen,
            np.arange(CLASSES - 10, CLASSES),
        )  # fmt: skip
        method = create("dazle", n_epochs=1, lr=1e-3)
        small = FeatureRows(np.zeros((2 * len(seen), REGIONS, DIMENSIONS), np.float16))
        create("dazle", n_epochs=1).fit(  # what is imported and allocated once is not the grid's
            TrainView(small, np.arange(2 * len(seen)) % len(seen), view.semantics, view.seen, view.unseen)
        )
        Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
        before, began, busy = _peak(), time.perf_counter(), time.process_time()
        method.fit(view)
        batch, grown = 4 * BATCH * REGIONS * DIMENSIONS, _peak() - before
        print(
            f"epoch of {pictures} x {REGIONS} x {DIMENSIONS}: {time.perf_counter() - began:.1f} s, "
            f"{time.process_time() - busy:.1f} s of processor time; peak memory grew by {grown:,} bytes, "
            f"{grown / batch:.2f} batches of {batch:,} bytes; the grid in float32 has {pictures * batch // BATCH:,}"
        )


def _peak() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


if __name__ == "__main__":
    torch.set_num_threads(2)
    if "--epoch" in sys.argv:
        given = sys.argv[sys.argv.index("--epoch") + 1 :]
        time_epoch(int(given[0]) if given else 6000)
    else:
        compare_attention()
