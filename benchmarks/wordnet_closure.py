"""The WordNet graph of 1,000 classes: senses, hypernym closure and graph, beside a plain reader of the whole database.

    python benchmarks/wordnet_closure.py [FOLDER]

FOLDER holds ``data.noun`` and ``index.noun`` (Debian: package wordnet-base, /usr/share/wordnet). The classes are
nouns drawn from the index. Ours opens the folder anew every time, chooses among senses by their glosses and makes a
`ClassGraph`; the plain reader parses every line of both files, takes the first sense and walks upwards.
"""

from __future__ import annotations

import argparse
import resource
import time
from pathlib import Path

import numpy as np

from benchmarks.common import compare
from gzsl.semantics import Semantics
from gzsl.semantics.graph import ClassGraph
from gzsl.semantics.graph_maker import make_graph
from gzsl.semantics.graphs.wordnet import DEBIAN

CLASSES, TARGET_SECONDS = 1_000, 3.0


def some_nouns(folder: Path) -> tuple[str, ...]:
    """Nouns of one word of letters, no two alike."""
    words = [line.split(" ", 1)[0] for line in (folder / "index.noun").read_text().splitlines() if line[:1] != " "]
    plain = sorted({word for word in words if word.isalpha() and len(word) > 3})
    return tuple(plain[k] for k in np.random.default_rng(0).choice(len(plain), CLASSES, replace=False))


def ours(folder: Path, names: tuple[str, ...]) -> ClassGraph:
    """The graph by name, as a recipe makes it."""
    spec = {"name": "wordnet", "folder": str(folder), "vectors": "none"}
    return make_graph(spec, Semantics(np.eye(len(names), 2) + 1.0, names))


def plain(folder: Path, names: tuple[str, ...]) -> tuple[set[int], list[tuple[int, int]]]:
    """Places and edges of the closure of first senses."""
    above: dict[int, list[int]] = {}
    for line in (folder / "data.noun").read_text().splitlines():
        if line[:1] != " ":
            cells = line.split(" | ")[0].split(" ")
            rest = cells[5 + 2 * (int(cells[3], 16) - 1) + 1 :]
            ends = [(rest[1 + 4 * k], int(rest[2 + 4 * k])) for k in range(int(rest[0]))]
            above[int(cells[0])] = [place for kind, place in ends if kind in ("@", "@i")]
    first = {}
    for line in (folder / "index.noun").read_text().splitlines():
        if line[:1] != " ":
            cells = line.split()
            first[cells[0]] = int(cells[6 + int(cells[3])])
    found: set[int] = set()
    waiting = [first[name] for name in names]
    while waiting:
        place = waiting.pop()
        if place not in found:
            found.add(place)
            waiting += above[place]
    return found, [(place, other) for place in found for other in above[place]]


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", nargs="?", type=Path, default=Path(DEBIAN))
    folder = parser.parse_args().folder
    names = some_nouns(folder)
    start, cpu = time.perf_counter(), time.process_time()
    graph = ours(folder, names)
    wall, cpu = time.perf_counter() - start, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    met = "reached" if wall < TARGET_SECONDS else "missed"
    print(f"{CLASSES} classes: {len(graph)} nodes, {wall:.2f} s (target {TARGET_SECONDS:g} s: {met}), {cpu:.2f} s of "
          f"processor time, peak {peak:.2f} GiB")  # fmt: skip
    places, _ = plain(folder, names)
    print(f"the plain reader's closure has {len(places)} synsets")
    compare("wordnet closure", lambda: ours(folder, names), lambda: plain(folder, names), rounds=3,
            clock=time.process_time)  # fmt: skip


if __name__ == "__main__":
    main()
