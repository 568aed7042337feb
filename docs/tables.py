"""Tables of pages that are made from ``experiments/results``: between two comments, so that no number is typed.

A page says ``<!-- table: main CUB127 -->``, then the table, then ``<!-- end of table -->``.
"""

from __future__ import annotations

import csv
import json
import re
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path

from gzsl.calibration.transfer import RULES
from gzsl.methods import get_method
from gzsl.report.aggregate import mean_and_spread
from gzsl.report.published import published_numbers

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "experiments" / "results"
PAGES = (
    ROOT / "README.md",
    *(
        ROOT / "docs" / f"{name}.md"
        for name in ("results", "calibration", "generative", "graphs", "regions", "transductive", "heads", "letters")
    ),
)
BLOCK = re.compile(r"(<!-- table: ([^>]*) -->\n).*?(<!-- end of table -->)", re.DOTALL)

METRICS = {"T1": "T1", "U": "U", "S": "S", "H": "H", "AUSUC": "AUSUC", "calibrated.H": "H cal."}
HEAD_METRICS = {**{name: name for name in ("T1", "U", "S", "H", "AUSUC")}, "H calibrated": "H cal."}
GATES = {"U": "U", "S": "S", "H": "H", "AUSUC": "AUSUC", "auroc": "AUROC", "fpr95": "FPR95",
         "best_h": "best H (not valid)", "gap": "gap"}  # fmt: skip
FORMS = ("stacking", "stacking(form=multiplicative)", "stacking(form=zscored)")
DEFAULT = "quantile"
PRETTY = {
    "ale": "ALE", "bias-aware": "Bias-aware", "bucher": "Bucher", "cada-vae": "CADA-VAE", "ce-gzsl": "CE-GZSL",
    "cizsl": "CIZSL", "cmt": "CMT", "cmt-star": "CMT*", "cnzsl": "CNZSL", "conse": "ConSE", "cycle-wgan": "cycle-WGAN",
    "dap": "DAP", "dascn": "DASCN", "dem": "DEM", "devise": "DeViSE", "dsp": "DSP, f-VAEGAN",
    "dsp-f-clswgan": "DSP, f-CLSWGAN", "dsp-tf-vaegan": "DSP, TF-VAEGAN", "eszsl": "ESZSL", "exem": "EXEM",
    "f-clswgan": "f-CLSWGAN", "f-vaegan": "f-VAEGAN", "free": "FREE", "gdan": "GDAN", "gfzsl": "GFZSL", "iap": "IAP",
    "latem": "LATEM", "lisgan": "LisGAN", "lsrgan": "LsrGAN", "mtl": "MTL", "protonet": "ProtoNet", "psr": "PSR",
    "sabr": "SABR", "sae": "SAE", "sdgzsl": "SDGZSL", "sje": "SJE", "sse": "SSE", "sync": "SynC",
    "tf-vaegan": "TF-VAEGAN", "vse": "VSE", "zla": "ZLA",
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


def main_lines(dataset: str, *methods: str) -> list[list[str]]:
    """One dataset of the main study; all methods, or those named."""
    lines = [["method", *METRICS.values(), "seeds", "s a run"]]
    for row in _rows("main.csv"):
        if row["dataset"] == dataset and (not methods or row["method"] in methods):
            lines.append([PRETTY[row["method"]], *_measured(row), row["n"], f"{float(row['seconds']):.0f}"])
    return lines


def generative_lines(dataset: str, *leaders: str) -> list[list[str]]:
    """Generators of one dataset among closed forms of the main study, by AUSUC; minutes of processor time a seed."""
    minutes = {
        (row["method"], row["dataset"]): f"{float(row['minutes']):.1f}" for row in _rows("generative_minutes.csv")
    }
    rows = [(row, PRETTY[row["method"]]) for row in _rows("generative.csv") if row["dataset"] == dataset]
    rows += [
        (row, f"*{PRETTY[row['method']]}*")
        for row in _rows("main.csv")
        if row["dataset"] == dataset and row["method"] in leaders
    ]
    lines = [["method", *METRICS.values(), "seeds", "minutes"]]
    for row, name in sorted(rows, key=lambda pair: -float(pair[0]["AUSUC.mean"])):
        lines.append([name, *_measured(row), row["n"], minutes.get((row["method"], dataset), "-")])
    return lines


def region_lines() -> list[list[str]]:
    """The study of methods that look at regions, by AUSUC, with what each reads."""
    lines = [["method", "rows", *METRICS.values()]]
    for row in sorted(_rows("regions.csv"), key=lambda row: -float(row["AUSUC.mean"])):
        values = [mean_and_spread(float(row[f"{name}.mean"]), float(row[f"{name}.std"] or 0)) for name in METRICS]
        read = row["features"].rpartition("/")[2]
        kind = "regions" if read.startswith("grid7x7") and "/" in row["features"] else read
        kind = kind if kind in ("regions", "pooled") else "own"
        lines.append([PRETTY.get(row["method"], f"`{row['method']}`"), kind, *values])
    return lines


def heads_lines(dataset: str, table: str, task: str) -> list[list[str]]:
    """Heads on one dataset and class table, with training rows or without (T1 alone); gains over the plain ensemble."""
    names = ("T1",) if task == "transfer" else ("T1", "U", "S", "H", "AUSUC")
    lines = [["head", "reads besides", *names, "gain in T1", "p", "classes better, worse"]]
    wanted = (dataset, table, task)
    found = [r for r in _rows("heads.csv") if (r["dataset"], r["semantics"].split("+")[0], r["task"]) == wanted]
    for row in sorted(found, key=lambda r: -float(r["T1.mean"])):
        values = [mean_and_spread(float(row[f"{name}.mean"]), float(row[f"{name}.std"] or 0)) for name in names]
        gain = ["", "", ""]
        if row["gain"]:
            gain = [f"{100 * float(row['gain']):+.1f}", f"{float(row['p']):.2g}", f"{row['better']}, {row['worse']}"]
        lines.append([row["method"], row["reads"], *values, *gain])
    return lines


def letters_lines(*methods: str) -> list[list[str]]:
    """Methods on the letters, the best at the validated threshold first; all methods, or those named.

    Their seconds are left out: the study ran beside other work.
    """
    rows = [row for row in _rows("letters_all.csv") if not methods or row["method"] in methods]
    rows.sort(key=lambda row: -float(row["calibrated.H.mean"]))
    families = [get_method(row["method"]).card.family for row in rows]
    lines = [["method", "family", *METRICS.values(), "seeds"]]
    both = zip(rows, families, strict=True)
    return lines + [[PRETTY[row["method"]], kind, *_measured(row), row["n"]] for row, kind in both]


def head_lines() -> list[list[str]]:
    """One generator with several heads, mean ± std over seeds."""
    rows = _rows("letters_heads.csv")
    lines = [["head", *HEAD_METRICS.values()]]
    for name in dict.fromkeys(row["head"] for row in rows):
        found = [[float(row[key]) for row in rows if row["head"] == name] for key in HEAD_METRICS]
        lines.append([name, *(mean_and_spread(statistics.fmean(one), statistics.stdev(one)) for one in found)])
    return lines


def _measured(row: Row) -> list[str]:
    return [mean_and_spread(float(row[f"{name}.mean"]), float(row[f"{name}.std"] or 0)) for name in METRICS]


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


def pooled_lines(dataset: str, pool: str) -> list[list[str]]:
    """Methods that saw the unlabelled rows of one pool beside the same ones without: both numbers and the gain."""
    lines = [["method", "prior", "T1", "U", "S", "H", "AUSUC", "seeds"]]
    for (method, prior), rows in _pooled(dataset, pool).items():
        cells = [_both(rows, name) for name in ("T1", "U", "S", "H", "AUSUC")]
        lines.append([f"`{method}`", prior, *cells, str(len(rows))])
    return lines


def pooled_rounds(dataset: str, pool: str) -> list[list[str]]:
    """How many pseudo-labels were right after each round, the first before any unlabelled row was used."""
    lines = [["method", "prior", "pseudo-labels right, by round"]]
    for (method, prior), rows in _pooled(dataset, pool).items():
        told = [[float(value) for value in row["rounds"].split()] for row in rows if row.get("rounds")]
        if told:
            means = [statistics.fmean(found) for found in zip(*told, strict=True)]
            lines.append([f"`{method}`", prior, ", ".join(f"{100 * value:.1f}" for value in means)])
    return lines


def pooled_published() -> list[list[str]]:
    """Published numbers of the transductive setting, with their protocol."""
    lines = [["method", "dataset", "class vectors", "selection", "T1", "seen in, and what is known"]]
    found = [line for line in published_numbers() if line.setting == "transductive" and "T1" in line.values]
    names = {line.method for line in found}
    for line in found:
        if f"{line.method}-t" not in names:  # the same numbers stand under the transductive form
            whose = f"{'secondary: ' if line.secondary else ''}{line.source.removeprefix('secondary: ')}"
            cells = [line.semantics, line.selection, f"{line.values['T1']:.1f}", whose]
            lines.append([f"`{line.method}`", line.dataset, *cells])
    return lines


def _pooled(dataset: str, pool: str) -> dict[tuple[str, str], list[Row]]:
    """Rows of the study by method and prior, seeds together."""
    found: dict[tuple[str, str], list[Row]] = {}
    for row in _rows("transductive.csv"):
        if row["study"] != "imbalance" and (row["dataset"], row["pool"]) == (dataset, pool):
            found.setdefault((row["method"], row["class_prior"]), []).append(row)
    return found


def _both(rows: Sequence[Row], name: str) -> str:
    """A number without unlabelled rows and with them, and the gain; of several seeds their mean and spread."""
    now = _spread(rows, name)
    before = [float(row[f"inductive.{name}"]) for row in rows if row[f"inductive.{name}"]]
    if not before:
        return now
    gain = statistics.fmean(float(row[name]) for row in rows) - statistics.fmean(before)
    return f"{100 * statistics.fmean(before):.1f} -> {now} ({100 * gain:+.1f})"


def pooled_shares(dataset: str) -> list[list[str]]:
    """T1 with all rows of the pool and without four fifths of those of every other unseen class, by prior."""
    rows = [row for row in _rows("transductive.csv") if row["dataset"] == dataset and row["pool"] == "unseen"]
    whole = {(row["method"], row["class_prior"]): row["T1"] for row in rows if row["study"] == "wrappers"}
    lines = [["method", "prior", "T1, whole pool", "T1, imbalanced pool", "inductive there"]]
    for row in rows:
        if row["study"] == "imbalance":
            before = whole.get((row["method"], row["class_prior"]), "")
            values = (before, row["T1"], row["inductive.T1"])
            cells = [f"{100 * float(value):.1f}" if value else "-" for value in values]
            lines.append([f"`{row['method']}`", row["class_prior"], *cells])
    return lines


def _spread(rows: Sequence[Row], key: str) -> str:
    values = [float(row[key]) for row in rows]
    return mean_and_spread(statistics.fmean(values), statistics.stdev(values) if len(values) > 1 else None)


def graph_trials(*methods: str) -> list[list[str]]:
    """What was tried on one validation fold of CUB127, of some methods, in the order in which it was."""
    lines = [["method", "graph", "settings", "T1", "U", "S", "H", "AUSUC", "s"]]
    for row in _rows("graphs_trials.csv"):
        if row["method"] in methods:
            values = [f"{100 * float(row[name]):.1f}" for name in ("T1", "U", "S", "H", "AUSUC")]
            settings = f"`{row['settings']}`" if row["settings"] else ""
            lines.append([f"`{row['method']}`", row["graph"], settings, *values, row["processor seconds"]])
    return lines


def graph_lines(dataset: str, *methods: str) -> list[list[str]]:
    """The study of class graphs on one dataset, by AUSUC, without the cells that vary hops; all methods, or some."""
    lines = [["method", "knows", *METRICS.values(), "seeds"]]
    for row in sorted(_rows("graphs.csv"), key=lambda row: -float(row["AUSUC.mean"])):
        if row["dataset"] != dataset or "hops" in row["varied"] or "hidden_dims" in row["varied"]:
            continue
        if methods and row["method"] not in methods:
            continue
        inputs = ", names alone" if "inputs=vectors" in row["varied"] else ""
        table, _, graph = row["semantics"].partition("+")
        knows = (graph or table.replace("att", "class vectors")) + inputs
        lines.append([PRETTY.get(row["method"], f"`{row['method']}`"), knows, *_measured(row), row["n"]])
    return lines


def graph_hops() -> list[list[str]]:
    """Numbers of hops on test rows: of the closed form, and of the network by its hidden layers."""
    lines = [["method", "dataset", "hops", *METRICS.values(), "seeds"]]
    for row in _rows("graphs.csv"):
        if found := re.search(r"n_hops=(\d+)", row["varied"]):
            hops = int(found[1])
        elif found := re.search(r"hidden_dims=[\[(]([^\])]*)", row["varied"]):
            hops = len([cell for cell in found[1].split(",") if cell.strip()]) + 1
        else:
            continue
        lines.append([f"`{row['method']}`", row["dataset"], str(hops), *_measured(row), row["n"]])
    return lines


def image_free_lines() -> list[list[str]]:
    """T1 of classes without images, beside what the classifier reaches among the classes that it was trained on."""
    lines = [["dataset", "method", "sees images", "T1", "seen classes among themselves", "AUSUC", "H cal."]]
    for row in _rows("graphs_seen.csv"):
        images = "of all training rows" if row["method"] == "eszsl" else "no; the softmax does"
        values = [f"{100 * float(row[key]):.1f}" for key in ("T1", "seen", "AUSUC", "H calibrated")]
        lines.append([row["dataset"], PRETTY.get(row["method"], f"`{row['method']}`"), images, *values])
    return lines


def graph_bisection(*methods: str) -> list[list[str]]:
    """What was changed, one thing after the other, on validation folds of CUB127 to see what a network lacks."""
    lines = [["method", "graph", "fold", "settings", "T1", "U", "S", "H", "AUSUC"]]
    for row in _rows("graphs_bisection.csv"):
        if row["method"] in methods:
            changes = json.loads(row["changes"])
            graph, grid = changes.pop("graph"), changes.pop("grid", {})
            changes = {key: value[0] for key, value in grid.items()} | changes
            said = ", ".join(f"{key}={value}" for key, value in changes.items())
            values = [f"{100 * float(row[name]):.1f}" for name in ("T1", "U", "S", "H", "AUSUC")]
            lines.append([f"`{row['method']}`", graph, str(int(row["fold"]) + 1), f"`{said}`", *values])
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
    "main": main_lines, "generative": generative_lines,
    "letters": letters_lines, "letters-heads": head_lines,
    "heads": heads_lines, "regions": region_lines, "graph-trials": graph_trials, "graphs": graph_lines,
    "graph-hops": graph_hops, "graph-bisection": graph_bisection, "image-free": image_free_lines,
    "calibrators": gate_means, "calibrators-by-run": gate_runs, "transfer-rules": gate_rules,
    "pooled": pooled_lines, "pooled-shares": pooled_shares, "pooled-rounds": pooled_rounds,
    "pooled-published": pooled_published,
}  # fmt: skip
