"""Tables of pages that are made from ``experiments/results``: between two comments, so that no number is typed.

A page says ``<!-- table: main CUB127 -->``, then the table, then ``<!-- end of table -->``.
"""

from __future__ import annotations

import csv
import re
import statistics
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from gzsl.calibration.transfer import RULES
from gzsl.report.aggregate import mean_and_spread

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "experiments" / "results"
PAGES = (
    ROOT / "README.md", ROOT / "docs" / "results.md", ROOT / "docs" / "calibration.md", ROOT / "docs" / "graphs.md",
)  # fmt: skip
BLOCK = re.compile(r"(<!-- table: ([^>]*) -->\n).*?(<!-- end of table -->)", re.DOTALL)

METRICS = {"T1": "T1", "U": "U", "S": "S", "H": "H", "AUSUC": "AUSUC", "calibrated.H": "H cal."}
GATES = {"U": "U", "S": "S", "H": "H", "AUSUC": "AUSUC", "auroc": "AUROC", "fpr95": "FPR95",
         "best_h": "best H (not valid)", "gap": "gap"}  # fmt: skip
FORMS = ("stacking", "stacking(form=multiplicative)", "stacking(form=zscored)")
DEFAULT = "quantile"
PRETTY = {
    "ale": "ALE", "cada-vae": "CADA-VAE", "cnzsl": "CNZSL", "eszsl": "ESZSL", "exem": "EXEM", "f-clswgan": "f-CLSWGAN",
    "gdan": "GDAN", "gfzsl": "GFZSL", "lsrgan": "LsrGAN", "sae": "SAE",
}  # fmt: skip

Row = dict[str, str]


def filled(text: str) -> str:
    """A page with its tables made anew."""
    return BLOCK.sub(lambda found: f"{found[1]}{_made(found[2].split())}{found[3]}", text)


def _made(words: Sequence[str]) -> str:
    name, *arguments = words
    lines = TABLES[name](*arguments)
    marks = ["---"] * len(lines[0])
    return "".join("| " + " | ".join(cells) + " |\n" for cells in [lines[0], marks, *lines[1:]])


def main_lines(dataset: str, *methods: str, study: str = "main") -> list[list[str]]:
    """One dataset of a study; all methods, or those named."""
    lines = [["method", *METRICS.values(), "seeds", "s a run"]]
    for row in _rows(f"{study}.csv"):
        if row["dataset"] == dataset and (not methods or row["method"] in methods):
            values = [mean_and_spread(float(row[f"{name}.mean"]), float(row[f"{name}.std"] or 0)) for name in METRICS]
            lines.append([PRETTY[row["method"]], *values, row["n"], f"{float(row['seconds']):.0f}"])
    return lines


def gate_means() -> list[list[str]]:
    """Every calibrator under the default rule, averaged over runs."""
    rows = _by_calibrator(DEFAULT)
    lines = [["calibrator", *GATES.values()]]
    return lines + [[f"`{name}`", *(_mean(own, key) for key in GATES)] for name, own in rows.items()]


def gate_runs() -> list[list[str]]:
    """H of every calibrator on every method and dataset, mean ± std over seeds."""
    rows = _by_calibrator(DEFAULT)
    places = sorted({(row["method"], row["dataset"]) for row in rows["none"]})
    lines = [["calibrator", *(f"{PRETTY[method]} {dataset}" for method, dataset in places)]]
    for name, own in rows.items():
        cells = []
        for place in places:
            values = [float(row["H"]) for row in own if (row["method"], row["dataset"]) == place]
            spread = statistics.stdev(values) if len(values) > 1 else None
            cells.append(mean_and_spread(statistics.fmean(values), spread))
        lines.append([f"`{name}`", *cells])
    return lines


def gate_rules() -> list[list[str]]:
    """Mean gap of every calibrator under each transfer rule."""
    by_rule = {rule: _by_calibrator(rule) for rule in RULES}
    names = [name for name in by_rule[DEFAULT] if name != "none"]
    lines = [["calibrator", *(f"`{rule}`" for rule in RULES)]]
    lines += [[f"`{name}`", *(_mean(by_rule[rule][name], "gap", 2) for rule in RULES)] for name in names]
    for title, chosen in (("stacking, three forms", FORMS), ("all", names)):
        lines.append([title, *(_mean([r for n in chosen for r in by_rule[rule][n]], "gap", 2) for rule in RULES)])
    return lines


def graph_trials(*methods: str) -> list[list[str]]:
    """What was tried on one validation fold of CUB127, of some methods, in the order in which it was."""
    lines = [["method", "graph", "settings", "T1", "U", "S", "H", "AUSUC", "s"]]
    for row in _rows("graphs_trials.csv"):
        if row["method"] in methods:
            values = [f"{100 * float(row[name]):.1f}" for name in ("T1", "U", "S", "H", "AUSUC")]
            settings = f"`{row['settings']}`" if row["settings"] else ""
            lines.append([f"`{row['method']}`", row["graph"], settings, *values, row["processor seconds"]])
    return lines


def _by_calibrator(rule: str) -> dict[str, list[Row]]:
    """Rows of the study by calibrator, in its order; scores without a calibrator have no threshold to carry."""
    found: dict[str, list[Row]] = {}
    for row in _rows("calibration.csv"):
        if row["transfer"] == rule or row["calibrator"] == "none":
            found.setdefault(row["calibrator"], []).append(row)
    return found


def _mean(rows: Sequence[Row], key: str, digits: int = 1) -> str:
    return f"{100 * statistics.fmean(float(row[key]) for row in rows):.{digits}f}"


def _rows(name: str) -> list[Row]:
    with (RESULTS / name).open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


TABLES: dict[str, Callable[..., list[list[str]]]] = {
    "main": main_lines, "letters": partial(main_lines, "letters", study="letters"),
    "graph-trials": graph_trials, "calibrators": gate_means, "calibrators-by-run": gate_runs, "transfer-rules": gate_rules,
}  # fmt: skip
