"""Tables of pages that are made from ``experiments/results``: between two comments, so that no number is typed.

A page says ``<!-- table: main CUB127 -->``, then the table, then ``<!-- end of table -->``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from tables.gates import gate_means, gate_rules, gate_runs
from tables.graphs import graph_bisection, graph_hops, graph_lines, graph_trials, image_free_lines
from tables.pooled import pooled_lines, pooled_overview, pooled_published, pooled_rounds, pooled_shares
from tables.shared import ROOT, Lines
from tables.studies import generative_lines, head_lines, heads_lines, letters_lines, main_lines, region_lines

PAGES = (
    ROOT / "README.md",
    *(
        ROOT / "docs" / f"{name}.md"
        for name in ("results", "calibration", "generative", "graphs", "regions", "transductive", "heads", "letters")
    ),
)
BLOCK = re.compile(r"(<!-- table: ([^>]*) -->\n).*?(<!-- end of table -->)", re.DOTALL)


def filled(text: str) -> str:
    """A page with its tables made anew."""
    return BLOCK.sub(lambda found: f"{found[1]}{_made(found[2].split())}{found[3]}", text)


def _made(words: Sequence[str]) -> str:
    name, *arguments = words
    lines = TABLES[name](*arguments)
    marks = ["---"] * len(lines[0])
    return "".join("| " + " | ".join(cells) + " |\n" for cells in [lines[0], marks, *lines[1:]])


TABLES: dict[str, Callable[..., Lines]] = {
    "main": main_lines, "generative": generative_lines,
    "letters": letters_lines, "letters-heads": head_lines,
    "heads": heads_lines, "regions": region_lines, "graph-trials": graph_trials, "graphs": graph_lines,
    "graph-hops": graph_hops, "graph-bisection": graph_bisection, "image-free": image_free_lines,
    "calibrators": gate_means, "calibrators-by-run": gate_runs, "transfer-rules": gate_rules,
    "pooled": pooled_lines, "pooled-overview": pooled_overview, "pooled-shares": pooled_shares,
    "pooled-rounds": pooled_rounds, "pooled-published": pooled_published,
}  # fmt: skip
