"""A step of a graph network on 20,000 nodes: time and memory, beside a plain one on the whole graph.

    python benchmarks/graph_convolution.py

200,000 edges, 300-d vectors of nodes, 1,000 classes of which 800 are seen, two layers of SGCN's widths (2048 hidden
units, 2048-d targets). Ours computes what classes depend on, by sparse products whose transposed matrix is made once;
the plain one is two dense layers over all nodes with ``torch.sparse.mm``. Each runs in a process of its own.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time

import numpy as np
import torch
from scipy.sparse import csr_array

from gzsl.nn.graph import GraphNetwork, receptive_field
from gzsl.semantics.sparse_edges import normalised

NODES, EDGES, CLASSES, SEEN = 20_000, 200_000, 1_000, 800
WIDTHS, STEPS = (300, 2048, 2048), 3


def problem() -> tuple[csr_array, torch.Tensor, torch.Tensor]:
    """Mean over neighbours, unit vectors of nodes, unit targets of seen classes."""
    rng = np.random.default_rng(0)
    ends = rng.integers(0, NODES, (2, EDGES // 2))
    A = csr_array((np.ones(EDGES), (np.concatenate(ends), np.concatenate(ends[::-1]))), shape=(NODES, NODES))
    vectors, targets = (torch.randn(n, k) for n, k in ((NODES, WIDTHS[0]), (SEEN, WIDTHS[-1])))
    unit = torch.nn.functional.normalize
    return normalised(A, "random-walk"), unit(vectors), unit(targets)


def ours() -> float:
    """Median seconds of a step: forwards, backwards, Adam."""
    step, vectors, targets = problem()
    cut, inputs = receptive_field([[step], [step]], np.arange(CLASSES))
    network = GraphNetwork(WIDTHS, rng=torch.Generator().manual_seed(0), bias=True)
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-3, fused=True)
    vectors, steps = vectors[torch.from_numpy(inputs)], [one for (one,) in cut]
    return timed(lambda: network(vectors, steps, [None, None])[:SEEN], targets, optimiser)


def plain() -> float:
    """The same by two layers over all nodes."""
    step, vectors, targets = problem()
    coo = step.tocoo()
    A = torch.sparse_coo_tensor(np.stack([coo.row, coo.col]), coo.data, coo.shape).coalesce()
    layers = [torch.nn.Linear(a, b) for a, b in zip(WIDTHS[:-1], WIDTHS[1:], strict=True)]
    optimiser = torch.optim.Adam([p for layer in layers for p in layer.parameters()], lr=1e-3)

    def outputs() -> torch.Tensor:
        h = torch.nn.functional.leaky_relu(torch.sparse.mm(A, layers[0](vectors)), 0.2)
        return torch.nn.functional.normalize(torch.sparse.mm(A, layers[1](h)))[:SEEN]

    return timed(outputs, targets, optimiser)


def timed(outputs, targets: torch.Tensor, optimiser: torch.optim.Optimizer) -> float:  # type: ignore[no-untyped-def]
    """Median seconds of some steps after a first one."""
    seconds = []
    for _ in range(STEPS + 1):
        start = time.perf_counter()
        optimiser.zero_grad(set_to_none=True)
        ((outputs() - targets).square().sum() / (2 * SEEN)).backward()
        optimiser.step()
        seconds.append(time.perf_counter() - start)
    return float(np.median(seconds[1:]))


def main() -> None:
    """Measure both, or one in this process."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("which", nargs="?", choices=("ours", "plain"))
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    if given.which is None:
        for which in ("ours", "plain"):
            subprocess.run([sys.executable, __file__, which, "--threads", str(given.threads)], check=True)
        return
    torch.set_num_threads(given.threads)
    cpu, seconds = time.process_time(), {"ours": ours, "plain": plain}[given.which]()
    cpu = (time.process_time() - cpu) / (STEPS + 1)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{given.which:6s} {seconds:6.2f} s a step ({cpu:.2f} s of processor time), peak {peak:.2f} GiB")


if __name__ == "__main__":
    main()
