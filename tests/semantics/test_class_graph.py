"""The class graph: what is refused, other orders, sparse algebra against dense references, hierarchies."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import expm
from scipy.sparse import csgraph, csr_array

from gzsl.errors import DataError
from gzsl.semantics.graph import IS_A, ClassGraph

NAMES = ("ant", "bee", "cat", "dog")


def tree() -> ClassGraph:
    """Two insects and two mammals below everything; two of them alike."""
    nodes = ("everything", "dog", "insect", "ant", "mammal", "bee", "cat")
    up = np.array([3, 5, 6, 1, 2, 4]), np.array([2, 2, 4, 4, 0, 0]), None
    alike = np.array([3, 5]), np.array([5, 3]), np.array([0.5, 0.5])
    vectors = np.arange(14.0).reshape(7, 2)
    return ClassGraph.from_edges(nodes, {IS_A: up, "alike": alike}, NAMES, [3, 5, 6, 1], vectors=vectors)


def dense(graph: ClassGraph) -> np.ndarray:
    A = np.asarray(sum(weights.toarray() for weights in graph.relations.values()))
    return np.maximum(A, A.T)


def test_parts_are_kept_and_cannot_be_written_to() -> None:
    graph = tree()
    assert len(graph) == 7
    assert graph.n_edges == 8
    assert list(graph.relations) == ["alike", IS_A]
    assert "7 nodes, vectors of 2, 8 edges of alike, is_a; 4 classes" in repr(graph)
    assert "everything" in graph._repr_html_()
    for array in (graph.vectors, graph.class_nodes, graph.relations[IS_A].data, graph.relations[IS_A].indices):
        assert array is not None
        assert not array.flags.writeable
    with pytest.raises(TypeError):
        graph.relations["new"] = csr_array((7, 7))  # type: ignore[index]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"nodes": ("a", "a", "c")}, "node: found the name 'a' twice, expected unique names"),
        ({"class_names": ("x", "x")}, "class: found the name 'x' twice"),
        ({"class_names": ("x", "y", "z")}, "found nodes of 2 classes, expected 3"),
        ({"class_nodes": [0, 3]}, "class 'y' has a node that does not exist, expected ids from 0 to 2"),
        ({"class_nodes": [1, 1]}, "classes 'x' and 'y' have the same node 'b', expected a node each"),
        ({"relations": {}}, "found no relation"),
        ({"relations": {"r": csr_array((2, 2))}}, r"relation 'r': found shape \(2, 2\), expected \(3, 3\)"),
        ({"relations": {"r": csr_array(-np.eye(3))}}, "relation 'r': found a weight that is not over 0 and finite"),
        ({"relations": {"r": csr_array(np.diag([np.nan] * 3))}}, "relation .* not over 0 and finite"),
        ({"vectors": np.zeros((2, 4))}, r"vectors: found shape \(2, 4\), expected \(3, values\)"),
        ({"vectors": np.full((3, 1), 1e300)}, "vectors: that of node 'a' has NaN or infinite values"),
    ],
)
def test_what_does_not_fit_together_is_refused(changes: dict[str, object], sentence: str) -> None:
    parts = {"nodes": ("a", "b", "c"), "relations": {"r": csr_array(np.eye(3))}, "class_names": ("x", "y"),
             "class_nodes": [0, 2], "name": "g"}  # fmt: skip
    with pytest.raises(DataError, match=f"graph 'g': {sentence}"):
        ClassGraph(**{**parts, **changes})  # type: ignore[arg-type]


def test_edges_to_nodes_that_do_not_exist_and_unknown_relations_are_refused() -> None:
    with pytest.raises(DataError, match=r"found node 3, which does not exist, expected ids from 0 to 2"):
        ClassGraph.from_edges("abc", {"r": (np.array([0]), np.array([3]), None)}, "abc", [0, 1, 2])
    with pytest.raises(DataError, match=r"unknown relation 'is_b'; did you mean 'is_a'"):
        tree().relation("is_b")
    with pytest.raises(DataError, match="unknown relation 'like'"):
        tree().adjacency(["like"])


@given(st.permutations(range(7)), st.permutations(range(4)))
@settings(deadline=None, max_examples=15)
def test_order_of_nodes_and_classes_changes_nothing(nodes: list[int], classes: list[int]) -> None:
    graph = tree()
    other = graph.permuted(np.array(nodes)).take(classes)
    assert other.for_classes(NAMES).content_hash == graph.content_hash
    back = other.for_classes(NAMES).canonical()
    assert back.nodes == tuple(sorted(graph.nodes))
    np.testing.assert_array_equal(dense(back), dense(graph.canonical()))
    np.testing.assert_array_equal(back.distances(), graph.distances())
    assert [back.nodes[k] for k in back.class_nodes] == list(NAMES)
    np.testing.assert_array_equal(other.vectors, graph.vectors[nodes])  # type: ignore[index]


def test_the_hash_knows_every_part_but_name_and_notes() -> None:
    graph = tree()
    edges = {**graph.relations}
    others = [
        graph.take([0, 1, 2]), graph.take([1, 0, 2, 3]), graph.with_vectors(None), graph.only([IS_A]),
        ClassGraph(graph.nodes, {"a": edges[IS_A], "alike": edges["alike"]}, NAMES, graph.class_nodes, graph.vectors),
        ClassGraph(graph.nodes, {**edges, "alike": edges["alike"] * 2}, NAMES, graph.class_nodes, graph.vectors),
    ]  # fmt: skip
    hashes = {other.content_hash for other in others} | {graph.content_hash}
    assert len(hashes) == len(others) + 1
    renamed = ClassGraph(graph.nodes, edges, NAMES, graph.class_nodes, graph.vectors, "other", ("a note",))
    assert renamed.content_hash == graph.content_hash


def test_adjacency_is_normalised_as_a_dense_reference_is() -> None:
    graph = tree()
    A = dense(graph)
    np.testing.assert_array_equal(graph.adjacency().toarray(), A)
    B = A + np.eye(7)
    degree = B.sum(axis=1)
    np.testing.assert_allclose(graph.normalised_adjacency().toarray(), B / np.sqrt(np.outer(degree, degree)), rtol=1e-6)
    walk = graph.normalised_adjacency("random-walk", self_loops=False).toarray()
    np.testing.assert_allclose(walk, A / A.sum(axis=1, keepdims=True), rtol=1e-6)
    up = graph.normalised_adjacency("random-walk", relations=[IS_A], directed=True, self_loops=False).toarray()
    assert up[0].sum() == 0, "the root has no edge upwards"
    np.testing.assert_allclose(up[1:].sum(axis=1), 1)
    twice = graph.propagated(np.eye(7), 2, "random-walk")
    P = B / degree[:, None]
    np.testing.assert_allclose(twice, P @ P, rtol=1e-5)
    with pytest.raises(DataError, match="adjacency: found 'left', expected one of symmetric, random-walk"):
        graph.normalised_adjacency("left")


def test_distances_and_diffusion_between_classes() -> None:
    graph = tree()
    hops = graph.distances()
    np.testing.assert_array_equal(hops, [[0, 1, 4, 4], [1, 0, 4, 4], [4, 4, 0, 2], [4, 4, 2, 0]])
    assert graph.distances("weights")[0, 1] == 0.5
    assert graph.distances("inverse")[0, 1] == 2.0
    assert np.isinf(graph.distances(relations=["alike"])[0, 2])
    names = tuple(map(str, range(99)))
    far = ClassGraph.from_edges(names, {"r": (np.arange(40), np.arange(1, 41), None)}, names, np.arange(99))
    walked = csgraph.shortest_path(far.adjacency().toarray(), unweighted=True)
    np.testing.assert_array_equal(far.distances(), walked)
    with pytest.raises(DataError, match="lengths: found 'miles', expected hops, weights or inverse"):
        graph.distances("miles")
    A = dense(graph)
    L = np.eye(7) - A / np.sqrt(np.outer(A.sum(axis=1), A.sum(axis=1)))
    ids = graph.class_nodes
    np.testing.assert_allclose(graph.diffusion_kernel(1.5), expm(-1.5 * L)[np.ix_(ids, ids)], atol=1e-8)


def test_a_hierarchy_knows_what_is_above_and_below() -> None:
    graph = tree()
    tiers = graph.hierarchy
    named = lambda ids: {graph.nodes[i] for i in ids}  # noqa: E731
    assert named(tiers.ancestors(3)) == {"insect", "everything"}
    assert named(tiers.descendants(4)) == {"cat", "dog"}
    assert named(tiers.roots) == {"everything"}
    np.testing.assert_array_equal(tiers.levels, [0, 2, 1, 2, 1, 2, 2])
    position = np.argsort(tiers.order)
    up = graph.relations[IS_A].tocoo()
    assert (position[up.col] < position[up.row]).all(), "parents stand before children"
    steps = tiers.steps_up()
    assert [int(step.sum()) for step in steps] == [7, 6, 4]
    assert steps[2].toarray()[3, 0] == 1
    merged = tiers.steps_up(most=1)
    assert [int(step.sum()) for step in merged] == [7, 10]
    with pytest.raises(DataError, match="a hierarchy was asked for, found the relations alike, expected is_a"):
        _ = graph.only(["alike"]).hierarchy


def test_a_circle_is_named() -> None:
    edges = {IS_A: (np.array([0, 1, 2]), np.array([1, 2, 1]), None)}
    graph = ClassGraph.from_edges("abc", edges, "abc", [0, 1, 2])
    with pytest.raises(DataError, match=r"circle \('b' is below 'c' is below 'b'\).*remove one edge"):
        _ = graph.hierarchy
