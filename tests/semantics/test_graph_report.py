"""What a graph promises, its picture, class tables of it, and the commands."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner
from wordnet_files import write_wordnet

from gzsl.cli.app import app
from gzsl.data import load
from gzsl.door.tables import read_rows
from gzsl.errors import DataError, RunError
from gzsl.report.graph_layout import layout, shown_nodes
from gzsl.report.graph_picture import draw_graph, read_accuracies
from gzsl.semantics.graph import IS_A, ClassGraph
from gzsl.semantics.graph_folder import read_graph
from gzsl.semantics.graph_report import graph_report
from gzsl.semantics.graph_tables import diffused, smoothed

NAMES = tuple("abcdef")
BIRDS = "class,parent\nwren,songbird\ncrow,songbird\ngull,seabird\nsongbird,bird\nseabird,bird\n"


def graph() -> ClassGraph:
    """a - b - c in a row, d with a wider thing of its own, e far below it, f alone."""
    nodes = (*NAMES, "wide", "x", "y", "z", "z2")
    ends = np.array([0, 1, 3, 7, 8, 9, 10, 4]), np.array([1, 2, 6, 6, 7, 8, 9, 10])
    table = np.concatenate([np.eye(6), np.zeros((5, 6))])
    return ClassGraph.from_edges(nodes, {"near": (*ends, None)}, NAMES, np.arange(6), vectors=table, notes=("made so",))


def invoke(*args: object) -> str:
    shown = CliRunner().invoke(app, [str(arg) for arg in args])
    assert shown.exit_code == 0, shown.output
    return shown.output


def test_a_report_counts_what_is_cut_off() -> None:
    found = graph_report(graph(), np.array([0, 2, 3]), np.array([1, 4, 5]))
    assert (found.n_nodes, found.n_classes, found.n_values, found.n_components, found.largest) == (11, 6, 6, 3, 7)
    assert found.relations == {"near": 8}
    assert found.alone == ("f",)
    assert found.cut_off == ("f",)
    assert found.hops_to_seen == (1 + 6) / 2
    assert found.depth is None
    assert found.notes == ("made so",)
    said = " ".join(found.remarks)
    assert "1 classes have no neighbour (f)" in said
    assert "1 unseen classes have no path to a seen one (f)" in said
    assert "2 classes lie far from all others: d (6 hops), e (6 hops)" in said
    assert json.dumps(found.to_dict(), allow_nan=False)
    assert graph_report(graph()).to_dict()["hops_to_seen"] is None


def test_smoothing_is_the_cosine_after_so_many_steps() -> None:
    made = graph()
    found = {step.hops: step for step in graph_report(made).smoothing}
    assert found[0].mean == 0
    step = made.normalised_adjacency().toarray().astype(np.float64)
    rows = (np.linalg.matrix_power(step, 4) @ made.vectors)[:6]
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    cosines = rows @ rows.T
    assert found[4].mean == pytest.approx(cosines[~np.eye(6, dtype=bool)].mean(), rel=1e-4)
    assert found[4].lost == (np.sort(cosines, axis=1)[:, -2] > 0.999).sum()
    pair = ClassGraph.from_edges("ab", {"r": (np.array([0]), np.array([1]), None)}, "ab", [0, 1])
    report = graph_report(pair)
    assert [step.lost for step in report.smoothing] == [0, 2, 2, 2, 2]
    assert "after 1 hops 2 classes have the vector of another one" in report.remarks[0]
    round_ = ClassGraph.from_edges("ab", {IS_A: (np.array([0, 1]), np.array([1, 0]), None)}, "ab", [0, 1])
    assert "is_a is no hierarchy" in graph_report(round_).remarks[0]


def test_a_picture_keeps_neighbours_together(tmp_path: Path) -> None:
    made = graph()
    at = layout(made, np.arange(11))
    gaps = np.linalg.norm(at[:, None] - at[None], axis=2)
    assert gaps[0, 1] < gaps[0, 2] < gaps[0, 4]
    picture, data = draw_graph(made, tmp_path / "g.png", ("b", "e"), {"a": 0.5, "b": 1.0})
    again, _ = draw_graph(made, tmp_path / "h.png", ("b", "e"), {"a": 0.5, "b": 1.0})
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert picture.read_bytes() == again.read_bytes()
    rows = {row["node"]: row for row in read_rows(data, ("node",))}
    assert (rows["b"]["side"], rows["b"]["accuracy"], rows["c"]["accuracy"]) == ("unseen", "1.00000", "")
    assert rows["wide"]["class"] == ""
    plain, _ = draw_graph(made, tmp_path / "p.png")
    assert plain.read_bytes() != picture.read_bytes()


def test_of_a_large_graph_the_classes_and_what_is_next_to_them_are_shown() -> None:
    n = 700
    names = tuple(f"n{k:03d}" for k in range(n))
    big = ClassGraph.from_edges(names, {"r": (np.arange(n - 1), np.arange(1, n), None)}, names[:2], [10, 600])
    np.testing.assert_array_equal(shown_nodes(big), [9, 10, 11, 599, 600, 601])
    assert len(shown_nodes(graph())) == 11
    assert layout(big, np.array([10, 600])).shape == (2, 2)


def test_tables_of_a_graph() -> None:
    made = graph()
    step = made.normalised_adjacency("random-walk").toarray()
    found = smoothed(made, 2)
    np.testing.assert_allclose(found.table, (step @ step @ made.vectors)[:6], rtol=1e-5)
    assert found.class_names == NAMES
    kernel = diffused(made, 0.7)
    np.testing.assert_allclose(kernel.table @ kernel.table.T, made.diffusion_kernel(0.7), atol=1e-5)
    with pytest.raises(DataError, match="found no node vectors"):
        smoothed(made.with_vectors(None))


def test_the_command_makes_a_graph_of_a_spreadsheet(tmp_path: Path) -> None:
    (tmp_path / "birds.csv").write_text(BIRDS)
    said = invoke("semantics", "graph", "taxonomy", tmp_path / "birds.csv", "--out", tmp_path / "birds")
    assert "6 nodes, 1 components, 3 classes" in said
    assert "2 levels below the root" in said
    found = read_graph(tmp_path / "birds")
    assert found.class_names == ("wren", "crow", "gull")
    assert found.vectors is None
    (tmp_path / "list.csv").write_text("class,size\nbarn owl,3\nsnowy owl,4\ngull,2\n")
    answer = json.loads(invoke("semantics", "graph", "genus", tmp_path / "list.csv", "--out", tmp_path / "g", "--json"))
    assert (answer["n_values"], answer["n_nodes"]) == (1, 6)
    said = invoke("semantics", "graph", "attributes-knn", "digits", "--set", "k=2", "--out", tmp_path / "k")
    assert "attributes-knn(k=2): 10 nodes" in said
    bad = CliRunner().invoke(app, ["semantics", "graph", "genus", "digits", "--set", "word=middle", "--out", "x"])
    assert bad.exit_code == 2 or isinstance(bad.exception, DataError)


def test_the_command_reports_on_a_graph_and_draws_it(tmp_path: Path) -> None:
    said = invoke("semantics", "report", "digits", "--graph", "attributes-knn", "--out", tmp_path / "g.png")
    assert "hops from unseen to seen" in said
    assert (tmp_path / "g.png").exists()
    assert (tmp_path / "g.csv").exists()
    answer = json.loads(invoke("semantics", "report", "digits", "--graph", "bipartite", "--json"))
    assert answer["relations"]["has"] > 10
    assert answer["pictures"] == []
    alone = CliRunner().invoke(app, ["semantics", "report", "digits", "--out", str(tmp_path / "x.png")])
    assert "without --graph" in f"{alone.output} {alone.exception}"


def test_the_command_writes_senses_to_correct(tmp_path: Path) -> None:
    places = write_wordnet(tmp_path / "wn")
    (tmp_path / "list.csv").write_text("class\nseal\ndog\nfox sparrow\n")
    where = ("--set", f"folder={tmp_path / 'wn'}", "--out", tmp_path / "g")
    said = invoke("semantics", "graph", "wordnet", tmp_path / "list.csv", *where, "--senses", tmp_path / "senses.csv")
    assert "1 classes have several senses" in said
    rows = {row["class"]: row for row in read_rows(tmp_path / "senses.csv", ("class", "sense"))}
    assert rows["seal"]["sense"] == f"n{places['seal']:08d}"
    assert rows["fox sparrow"]["how"] == "below"


def test_the_command_makes_a_class_table_of_a_graph(tmp_path: Path) -> None:
    said = invoke("semantics", "propagate", "attributes-knn", "digits", "--hops", "1", "--out", tmp_path / "t.csv")
    assert "10 classes" in said
    rows = read_rows(tmp_path / "t.csv", ("class",))
    expected = smoothed(load("digits").with_graph("attributes-knn").graph, 1)  # type: ignore[arg-type]
    first = next(k for k, name in enumerate(expected.class_names) if name == rows[0]["class"])
    np.testing.assert_allclose([float(v) for k, v in rows[0].items() if k != "class"], expected.table[first], rtol=1e-5)
    invoke("semantics", "propagate", "genus", "digits", "--diffusion", "1", "--out", tmp_path / "d.csv")
    assert len(read_rows(tmp_path / "d.csv", ("class",))) == 10


def test_accuracies_come_from_a_run(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="per_class.csv"):
        read_accuracies(tmp_path)
