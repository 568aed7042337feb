"""Methods on class graphs and into given classifiers: closed forms, new classes, views without images."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from problems import small_view
from scipy.optimize import minimize

from gzsl.data import FeatureRows, SeenClassifier, TrainView, image_free_view
from gzsl.errors import DataError, MethodError
from gzsl.linear import fit_cosine, softmax, softmax_loss
from gzsl.methods import create, load_method, save_method
from gzsl.methods.graph.targets import class_targets, unit_rows
from gzsl.semantics.graph_maker import make_graph

GRAPH_FREE = ("icis", "smo", "subspace-regression", "weight-average", "weight-ridge")


def graph_view(**options: int) -> TrainView:
    view = small_view(**options)
    return replace(view, class_graph=make_graph({"name": "attributes-knn", "k": 2}, view.semantics))


def unit(X: np.ndarray) -> np.ndarray:
    return X / np.linalg.norm(X, axis=1, keepdims=True)


# targets


def test_cosine_softmax_ends_where_no_direction_is_better() -> None:
    rng = np.random.default_rng(0)
    X, labels = unit(rng.standard_normal((40, 5))).astype(np.float32), rng.integers(0, 3, 40)
    start = np.stack([X[labels == c].mean(axis=0) for c in range(3)])
    W = fit_cosine(X, start, softmax_loss(labels), 3.0, n_iterations=500, tolerance=1e-7).astype(np.float64)
    assert np.allclose(np.linalg.norm(W, axis=1), 1, atol=1e-6)
    P = softmax(3.0 * X.astype(np.float64) @ W.T)
    P[np.arange(40), labels] -= 1
    slope = 3.0 * P.T @ X / 40
    tangential = slope - (slope * W).sum(axis=1, keepdims=True) * W
    assert np.abs(tangential).max() < 1e-4


def test_class_means_are_directions_of_means_of_unit_rows() -> None:
    view = small_view()
    X, labels = view.features.to_array().astype(np.float64), view.seen_labels
    centre = np.mean([X[labels == c].mean(axis=0) for c in range(5)], axis=0)
    wanted = unit(np.stack([unit(X[labels == c] - centre).mean(axis=0) for c in range(5)]))
    found = class_targets(view, centre.astype(np.float32), "class-means", 1.0, 1)
    assert np.allclose(found, wanted, atol=1e-5)


# closed forms


def test_propagation_and_ridge_against_a_direct_solve() -> None:
    view = graph_view()
    params = {"n_hops": 3, "kept": 0.3, "kernel": "linear", "ridge": 0.2, "targets": "class-means"}
    method = create("graph-ridge", **params).fit(view)
    A = view.graph.adjacency().toarray() + np.eye(7)
    step = A / np.sqrt(A.sum(1)[:, None] * A.sum(0))
    E = unit(view.semantics.table.astype(np.float64))
    F = E
    for _ in range(3):
        F = 0.7 * step @ F + 0.3 * E
    F = unit(F)
    T = class_targets(view, method.centre_, "class-means", 1.0, 1)
    W = np.linalg.solve(F[:5].T @ F[:5] + 0.2 * np.eye(4), F[:5].T @ T)  # the primal form
    assert np.allclose(method.class_weights_, unit(F @ W), atol=1e-4)
    X = view.features.to_array()[:3]
    assert np.allclose(method.scores(X, view.semantics), unit_rows(X, method.centre_) @ unit(F @ W).T, atol=1e-4)


def test_a_grid_of_ridges_is_the_single_fits() -> None:
    view, candidates = graph_view(), [{"ridge": 0.1}, {"ridge": 1.0, "n_hops": 1}]
    for candidate, method in create("graph-ridge", target_iterations=5).fit_grid(view, candidates):
        alone = create("graph-ridge", target_iterations=5, **candidate).fit(view)
        assert np.array_equal(method.class_weights_, alone.class_weights_)


def test_a_class_outside_the_graph_is_like_its_double() -> None:
    view = graph_view()
    method = create("graph-ridge", target_iterations=5).fit(view)
    table = view.semantics.take([6, 0])
    other = replace(table, class_names=("double", table.class_names[1]))
    assert np.array_equal(method.vectors_of(other)[1], method.class_weights_[0])
    nearest = method.class_weights_ @ method.vectors_of(other)[0]
    assert int(nearest.argmax()) == 6


def test_vectors_are_asked_of_a_graph_that_has_none() -> None:
    view = graph_view()
    bare = replace(view, class_graph=view.graph.with_vectors(None))
    with pytest.raises(MethodError, match="inputs: found 'vectors', and graph 'attributes-knn.*has no vectors"):
        create("graph-ridge", inputs="vectors").fit(bare)


def test_a_view_without_a_graph_is_refused() -> None:
    with pytest.raises(MethodError, match="needs a class graph, found none; name one in the recipe"):
        create("gcnz").fit(small_view())


@pytest.mark.parametrize("name", ["gcnz", "sgcn", "dgp", "zsl-kg", "graph-ridge"])
def test_nodes_in_another_order_give_the_same_scores(name: str) -> None:
    view, order = graph_view(), np.random.default_rng(0).permutation(7)
    params = {"target_iterations": 3} | ({} if name == "graph-ridge" else {"n_epochs": 2})
    params |= {"gcnz": {"hidden_dims": (5,)}, "graph-ridge": {}}.get(name, {"hidden_dim": 5})
    assert view.class_graph is not None
    other = replace(view, class_graph=view.class_graph.permuted(order))
    X = view.features.to_array()
    found = [create(name, **params).fit(v).scores(X, view.semantics) for v in (view, other)]
    assert np.array_equal(*found)


# classes into a classifier


def a_classifier(view: TrainView, seed: int = 0) -> SeenClassifier:
    rng = np.random.default_rng(seed)
    names = [view.semantics.class_names[c] for c in view.seen]
    return SeenClassifier(rng.standard_normal((5, 7)), rng.standard_normal(5), tuple(names))


def test_average_of_weights_by_hand() -> None:
    view = small_view()
    given = a_classifier(view)
    method = create("weight-average", sharpness=2.0).fit(image_free_view(given, view.semantics))
    table = view.semantics.table.astype(np.float64)
    shares = np.exp(-2 * np.linalg.norm(table[5] - table[:5], axis=1))
    rows = np.hstack([given.weights, given.bias[:, None]])
    assert np.allclose(method.weights_of(view.semantics)[5], shares @ rows / shares.sum(), atol=1e-5)


def test_mixture_of_weights_is_the_best_on_the_simplex() -> None:
    view = small_view()
    method = create("smo").fit(image_free_view(a_classifier(view), view.semantics))
    table = view.semantics.table.astype(np.float64)
    found = minimize(
        lambda r: ((table[6] - r @ table[:5]) ** 2).sum(), np.full(5, 0.2), bounds=[(0, 1)] * 5, tol=1e-12,
        constraints={"type": "eq", "fun": lambda r: r.sum() - 1},
    )  # fmt: skip
    assert np.allclose(method.weights_of(view.semantics)[6], found.x @ method.seen_weights_, atol=1e-3)


def test_ridge_to_weights_against_a_direct_solve() -> None:
    view = small_view()
    method = create("weight-ridge", kernel="linear", ridge=0.5).fit(image_free_view(a_classifier(view), view.semantics))
    A = view.semantics.table.astype(np.float64)
    W = np.linalg.solve(A[:5].T @ A[:5] + 0.5 * np.eye(4), A[:5].T @ method.seen_weights_)
    assert np.allclose(method.weights_of(view.semantics)[5:], A[5:] @ W, atol=1e-4)


@pytest.mark.parametrize("name", GRAPH_FREE)
def test_no_image_is_needed_and_seen_classes_keep_their_rows(name: str, tmp_path: Path) -> None:
    view = small_view()
    given = a_classifier(view)
    params = {"n_epochs": 30, "hidden_dim": 8} if name in ("icis", "subspace-regression") else {}
    method = create(name, norm="seen", **params).fit(image_free_view(given, view.semantics))
    X = view.features.to_array()
    scores = method.scores(X, view.semantics)
    assert np.allclose(scores[:, :5], X @ given.weights.T + given.bias, atol=1e-4)
    lengths = np.linalg.norm(method.weights_of(view.semantics), axis=1)
    assert np.allclose(lengths[5:], lengths[:5].mean(), rtol=1e-4)
    loaded = load_method(save_method(method, tmp_path / "method.safetensors"))
    assert np.array_equal(loaded.scores(X, view.semantics), scores)


def test_a_method_that_needs_rows_refuses_a_view_of_a_classifier() -> None:
    view = small_view()
    with pytest.raises(MethodError, match="eszsl: found a view of a classifier without training rows"):
        create("eszsl").fit(image_free_view(a_classifier(view), view.semantics))


def test_a_classifier_beside_rows_is_taken_as_it_is() -> None:
    view = small_view()
    given = a_classifier(view)
    method = create("weight-ridge").fit(replace(view, classifier=given))
    assert np.array_equal(method.seen_weights_[:, :-1], given.weights)
    with pytest.raises(MethodError, match="classifier: found weights for 7 features, expected 6"):
        replace(view, classifier=given, features=FeatureRows(view.features.to_array()[:, :6]))


def test_icis_stops_when_its_losses_stay() -> None:
    view = small_view()
    shown = image_free_view(a_classifier(view), view.semantics)
    still = create("icis", n_epochs=60, hidden_dim=4, lr=1e-8).fit(shown)
    assert still.stopped_ == 1
    assert int((still.means_ > 0).sum()) == 26  # five flat epochs from the 22nd on
    assert create("icis", n_epochs=60, hidden_dim=4, lr=1e-8, patience=0).fit(shown).stopped_ == 0


def test_a_classifier_is_written_and_read(tmp_path: Path) -> None:
    given = a_classifier(small_view())
    found = SeenClassifier.read(given.save(tmp_path / "classifier.npz"))
    assert np.array_equal(found.weights, given.weights)
    assert found.class_names == given.class_names
    np.savez(tmp_path / "bare.npz", weights=given.weights)
    with pytest.raises(DataError, match="found no array 'class_names', expected weights"):
        SeenClassifier.read(tmp_path / "bare.npz")


@pytest.mark.parametrize(("change", "message"), [
    ({"bias": np.zeros(4)}, "found shapes .5, 7. and .4,., expected weights"),
    ({"class_names": ("a", "b", "c", "d")}, "found 4 class names, expected 5"),
    ({"class_names": tuple("abcda")}, "'a' stands twice"),
    ({"weights": np.full((5, 7), np.nan)}, "NaN or infinite"),
])  # fmt: skip
def test_a_classifier_that_does_not_fit_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(DataError, match=message):
        replace(a_classifier(small_view()), **change)  # type: ignore[arg-type]


def test_a_seen_class_without_a_row_is_named() -> None:
    view = small_view()
    given = replace(a_classifier(view), class_names=("x", "c01", "c02", "c03", "c04"))
    with pytest.raises(DataError, match="no row for class 'x'"):
        image_free_view(given, view.semantics)
    with pytest.raises(DataError, match="found no row of class 'c00', expected one a seen class"):
        create("smo").fit(replace(view, classifier=given))


def test_generators_of_graphs_take_new_classes() -> None:
    view = graph_view()
    params = {"n_epochs": 1, "batch_size": 16, "hidden_dim": 8, "n_synthetic": 4, "pretrain_epochs": 1}
    method = create("kg-gan", class_epochs=5, attribute_epochs=5, **params).fit(view)
    assert method.conditions_.shape == (7, 100)
    new = replace(view.semantics.take([5, 6]), class_names=("new", view.semantics.class_names[6]))
    X, y = method.synthesize(new, 3)
    assert X.shape == (6, 7)
    assert y.tolist() == [0, 0, 0, 1, 1, 1]
    assert np.array_equal(X[3:], method.synthesize(view.semantics, 3)[0][18:21])
