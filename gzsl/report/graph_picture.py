"""A class graph as a picture: classes by side, or by how well they were recognised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from gzsl.door.names import NUMBERING, same_form
from gzsl.door.tables import csv_text, read_rows
from gzsl.errors import DataError, RunError
from gzsl.files import write_text
from gzsl.report.class_figures import number
from gzsl.report.drawing import save, words
from gzsl.report.graph_layout import layout, shown_nodes
from gzsl.runs.manifest import intact
from gzsl.semantics.graph import ClassGraph
from gzsl.semantics.node_vectors import UNIQUE

SIDES = {"seen": ("o", "#4477aa"), "unseen": ("^", "#ee7733")}  # readable without colour too
EDGES = ("#bbbbbb", "#88ccaa", "#cc99bb", "#99bbdd", "#ddcc77", "#aa9988")
NAMED = 160  # classes whose names are written
LONGEST = 26  # letters of a name
MOST_WIDER = 40  # other nodes whose names are written


def draw_graph(
    graph: ClassGraph, path: Path, unseen: Sequence[str] = (), accuracies: Mapping[str, float] | None = None
) -> tuple[Path, Path]:
    """Draw a graph, and write its data beside it.

    Parameters
    ----------
    graph : ClassGraph
        Of more than 600 nodes some 200 are shown: classes, and those next to most of them.
    path : Path
        The picture (.png); the data come beside it as .csv.
    unseen : sequence of str
        Classes without training images: triangles; others are circles.
    accuracies : mapping of str to float, optional
        Fraction from 0 to 1 by class: its colour; classes without one are white.

    Returns
    -------
    tuple of Path
        The picture and the data.
    """
    nodes = shown_nodes(graph)
    at = layout(graph, nodes)
    place = {int(node): k for k, node in enumerate(nodes)}
    classes = [(name, place[int(node)]) for name, node in zip(graph.class_names, graph.class_nodes, strict=True)]
    figure = Figure(figsize=(13, 9.5), layout="constrained")
    axes = figure.add_subplot()
    axes.axis("off")
    _draw_edges(axes, graph, nodes, at)
    taken = {k for _, k in classes}
    rest = [k for k in range(len(nodes)) if k not in taken]
    axes.scatter(at[rest, 0], at[rest, 1], s=7, color="#999999", zorder=2)
    by_name = {same_form(name): value for name, value in (accuracies or {}).items()}
    values = {name: by_name.get(same_form(name), np.nan) for name, _ in classes}
    hidden = {same_form(name) for name in unseen}
    sides = {name: "unseen" if same_form(name) in hidden else "seen" for name, _ in classes}
    _draw_classes(axes, classes, at, sides, values if accuracies is not None else None)
    _write_names(axes, graph, nodes, at, classes, rest)
    axes.legend(loc="upper left", fontsize=7, frameon=False)
    shown = "" if len(nodes) == len(graph) else f", {len(nodes)} of them shown"
    axes.set_title(words(f"{graph.name}: {len(graph)} nodes{shown}", 90), fontsize=9)
    rows: list[Sequence[Any]] = [("node", "class", "side", "accuracy", "x", "y")]
    called = {k: name for name, k in classes}
    for k, node in enumerate(nodes.tolist()):
        name = called.get(k, "")
        value = values.get(name, np.nan)
        cell = "" if np.isnan(value) else f"{value:.5f}"
        rows.append((graph.nodes[node], name, sides.get(name, ""), cell, f"{at[k, 0]:.4f}", f"{at[k, 1]:.4f}"))
    data = path.with_suffix(".csv")
    write_text(data, csv_text(rows))
    return save(figure, path), data


def read_accuracies(run: Path) -> dict[str, float]:
    """Accuracy by class among all classes, calibrated where the run is, from the ``per_class.csv`` of a run.

    Raises
    ------
    RunError
        For a folder that is no finished run.
    """
    try:
        rows = read_rows(intact(run / "per_class.csv"), ("name", "gzsl"), may_be_empty=("gzsl",))
    except DataError as error:
        raise RunError(f"{error}, as a finished run has it") from None
    column = "calibrated" if rows[0].get("calibrated") else "gzsl" if any(row["gzsl"] for row in rows) else "zsl"
    try:
        found = {row["name"]: number(row.get(column)) for row in rows}
    except ValueError:
        raise RunError(f"{run / 'per_class.csv'}: {column}: found no number, expected one a class") from None
    return {name: value for name, value in found.items() if value is not None}


def _draw_edges(axes: Axes, graph: ClassGraph, nodes: np.ndarray, at: np.ndarray) -> None:
    for k, (relation, weights) in enumerate(sorted(graph.relations.items(), key=lambda pair: -pair[1].nnz)):
        found = weights[nodes][:, nodes].tocoo()
        lines = np.stack([at[found.row], at[found.col]], axis=1)
        label = words(relation) if len(graph.relations) <= len(EDGES) else None
        axes.add_collection(LineCollection(list(lines), colors=EDGES[k % len(EDGES)], lw=0.6, zorder=1, label=label))


def _draw_classes(
    axes: Axes, classes: list[tuple[str, int]], at: np.ndarray, sides: Mapping[str, str],
    values: Mapping[str, float] | None,
) -> None:  # fmt: skip
    painted = None
    for side, (marker, colour) in SIDES.items():
        chosen = [(name, k) for name, k in classes if sides[name] == side]
        ids = [k for _, k in chosen]
        how: dict[str, Any] = {"marker": marker, "s": 42, "zorder": 3, "edgecolors": "#333333"}
        how["label"] = f"{side} class"
        if not chosen:
            continue
        if values is None:
            axes.scatter(at[ids, 0], at[ids, 1], color=colour, linewidths=0.4, **how)
            continue
        axes.scatter(at[ids, 0], at[ids, 1], color="white", linewidths=0.6, **how)
        known = [(k, values[name]) for name, k in chosen if not np.isnan(values[name])]
        if known:
            ids, shades = [k for k, _ in known], [100 * value for _, value in known]
            kind = {key: how[key] for key in ("marker", "s", "edgecolors")}
            painted = axes.scatter(
                at[ids, 0], at[ids, 1], c=shades, cmap="viridis", vmin=0, vmax=100, zorder=4, linewidths=0.4, **kind
            )
    if painted is not None:
        bar = axes.figure.colorbar(painted, ax=axes, shrink=0.5, pad=0.01)
        bar.set_label("accuracy of the class, percent", fontsize=8)
        bar.ax.tick_params(labelsize=7)


def _write_names(
    axes: Axes, graph: ClassGraph, nodes: np.ndarray, at: np.ndarray, classes: list[tuple[str, int]], rest: list[int]
) -> None:
    """Names of the classes, and of the other nodes with most edges."""
    size = 5.5 if len(classes) > 60 else 7
    shift = 0.008 * np.ptp(at, axis=0).max()
    if len(classes) <= NAMED:
        for name, k in classes:
            _write(axes, at[k] + (shift, 0), name, size, "#000000")
    degree = np.diff(graph.adjacency().indptr)[nodes]
    for k in sorted(rest, key=lambda k: (-degree[k], k))[:MOST_WIDER]:
        _write(axes, at[k] + (shift, 0), _called(graph, int(nodes[k])), 5, "#666666")


def _called(graph: ClassGraph, node: int) -> str:
    """A node's text where that is a name rather than a sentence, else its name."""
    text = graph.texts[node] if graph.texts else ""
    return text if 0 < len(text) <= LONGEST else UNIQUE.sub("", graph.nodes[node])


def _write(axes: Axes, at: np.ndarray, name: str, size: float, colour: str) -> None:
    text = words(NUMBERING.sub("", name).replace("_", " "), LONGEST)
    halo = [withStroke(linewidth=1.2, foreground="white")]
    axes.text(float(at[0]), float(at[1]), text, fontsize=size, color=colour, va="center", zorder=5, path_effects=halo)
