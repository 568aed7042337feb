"""Studies of class graphs: what was tried on folds, and what came out on test rows."""

from __future__ import annotations

import json
import re

from tables.shared import METRICS, Lines, measured, pretty, rows_of


def graph_trials(*methods: str) -> Lines:
    """What was tried on one validation fold of CUB127, of some methods, in the order in which it was."""
    lines = [["method", "graph", "settings", "T1", "U", "S", "H", "AUSUC", "s"]]
    for row in rows_of("graphs_trials.csv"):
        if row["method"] in methods:
            values = [f"{100 * float(row[name]):.1f}" for name in ("T1", "U", "S", "H", "AUSUC")]
            settings = f"`{row['settings']}`" if row["settings"] else ""
            lines.append([f"`{row['method']}`", row["graph"], settings, *values, row["processor seconds"]])
    return lines


def graph_lines(dataset: str, *methods: str) -> Lines:
    """The study of class graphs on one dataset, by AUSUC, without the cells that vary hops; all methods, or some."""
    lines = [["method", "knows", *METRICS.values(), "seeds"]]
    for row in sorted(rows_of("graphs.csv"), key=lambda row: -float(row["AUSUC.mean"])):
        if row["dataset"] != dataset or "hops" in row["varied"] or "hidden_dims" in row["varied"]:
            continue
        if methods and row["method"] not in methods:
            continue
        inputs = ", names alone" if "inputs=vectors" in row["varied"] else ""
        table, _, graph = row["semantics"].partition("+")
        knows = (graph or table.replace("att", "class vectors")) + inputs
        lines.append([pretty(row["method"]), knows, *measured(row), row["n"]])
    return lines


def graph_hops() -> Lines:
    """Numbers of hops on test rows: of the closed form, and of the network by its hidden layers."""
    lines = [["method", "dataset", "hops", *METRICS.values(), "seeds"]]
    for row in rows_of("graphs.csv"):
        if found := re.search(r"n_hops=(\d+)", row["varied"]):
            hops = int(found[1])
        elif found := re.search(r"hidden_dims=[\[(]([^\])]*)", row["varied"]):
            hops = len([cell for cell in found[1].split(",") if cell.strip()]) + 1
        else:
            continue
        lines.append([f"`{row['method']}`", row["dataset"], str(hops), *measured(row), row["n"]])
    return lines


def image_free_lines() -> Lines:
    """T1 of classes without images, beside what the classifier reaches among the classes that it was trained on."""
    lines = [["dataset", "method", "sees images", "T1", "seen classes among themselves", "AUSUC", "H cal."]]
    for row in rows_of("graphs_seen.csv"):
        images = "of all training rows" if row["method"] == "eszsl" else "no; the softmax does"
        values = [f"{100 * float(row[key]):.1f}" for key in ("T1", "seen", "AUSUC", "H calibrated")]
        lines.append([row["dataset"], pretty(row["method"]), images, *values])
    return lines


def graph_bisection(*methods: str) -> Lines:
    """What was changed, one thing after the other, on validation folds of CUB127 to see what a network lacks."""
    lines = [["method", "graph", "fold", "settings", "T1", "U", "S", "H", "AUSUC"]]
    for row in rows_of("graphs_bisection.csv"):
        if row["method"] in methods:
            changes = json.loads(row["changes"])
            graph, grid = changes.pop("graph"), changes.pop("grid", {})
            changes = {key: value[0] for key, value in grid.items()} | changes
            said = ", ".join(f"{key}={value}" for key, value in changes.items())
            values = [f"{100 * float(row[name]):.1f}" for name in ("T1", "U", "S", "H", "AUSUC")]
            lines.append([f"`{row['method']}`", graph, str(int(row["fold"]) + 1), f"`{said}`", *values])
    return lines
