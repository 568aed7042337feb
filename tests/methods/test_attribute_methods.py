"""DAP, IAP and ConSE against cases computed by hand and against scikit-learn."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from problems import small_view
from sklearn.linear_model import LogisticRegression

from gzsl.data import TrainView
from gzsl.errors import GzslWarning, MethodError
from gzsl.methods import create
from gzsl.methods.probabilistic.conse import convex_combination
from gzsl.semantics import Semantics

BINARY = np.array([[1, 0, 1, 1], [0, 1, 1, 0], [1, 1, 0, 1], [0, 0, 1, 1], [1, 1, 1, 0], [0, 1, 0, 1], [1, 0, 0, 0]])


@pytest.fixture(scope="module")
def view() -> TrainView:
    base = small_view(n=200)
    return replace(base, semantics=replace(base.semantics, table=BINARY))


def log_score(p: np.ndarray, b: np.ndarray, prior: np.ndarray) -> float:
    terms = [
        np.log(p[m] / prior[m]) if b[m] else np.log((1 - p[m]) / (1 - prior[m])) for m in range(len(b))
    ]
    return float(np.sum(terms))


@pytest.mark.parametrize("prior", ["seen", "half"])
def test_dap_scores_are_the_product_of_attribute_posteriors(prior: str, view: TrainView) -> None:
    X = view.features.to_array()
    method: Any = create("dap", prior=prior, l2=1e-2, n_iterations=500).fit(view)
    P = np.clip(1 / (1 + np.exp(-(X.astype(float) @ method.weights_ + method.bias_))), 1e-3, 1 - 1e-3)
    priors = BINARY[:5].mean(axis=0) if prior == "seen" else np.full(4, 0.5)
    expected = [[log_score(p, b, priors) for b in BINARY] for p in P]
    np.testing.assert_allclose(method.scores(X, view.semantics), expected, rtol=1e-4, atol=1e-4)


def test_dap_detectors_equal_scikit_learn(view: TrainView) -> None:
    X, n = view.features.to_array(), len(view.labels)
    method: Any = create("dap", l2=1e-2, n_iterations=2000).fit(view)
    for m in range(4):
        single = LogisticRegression(C=1 / (1e-2 * n), tol=1e-8, max_iter=5000).fit(X, BINARY[view.labels, m])
        np.testing.assert_allclose(method._attribute_probabilities(X)[:, m], single.predict_proba(X)[:, 1], atol=0.01)


def test_iap_mixes_the_attributes_of_seen_classes(view: TrainView) -> None:
    X, n = view.features.to_array(), len(view.labels)
    method: Any = create("iap", l2=1e-2, n_iterations=2000).fit(view)
    Q = LogisticRegression(C=1 / (1e-2 * n), tol=1e-8, max_iter=5000).fit(X, view.labels).predict_proba(X)
    np.testing.assert_allclose(method._attribute_probabilities(X), Q @ BINARY[:5], atol=0.02)
    P, prior = np.clip(method._attribute_probabilities(X), 1e-3, 1 - 1e-3), BINARY[:5].mean(axis=0)
    expected = [[log_score(p, b, prior) for b in BINARY] for p in P]
    np.testing.assert_allclose(method.scores(X, view.semantics), expected, rtol=1e-4, atol=1e-4)


def test_a_new_table_is_binarised_at_the_threshold_of_the_seen_classes(view: TrainView) -> None:
    continuous = replace(view.semantics, table=BINARY * 60.0 + 20)
    method: Any = create("dap").fit(replace(view, semantics=continuous))
    np.testing.assert_array_equal(method.binary(continuous), BINARY)
    high = Semantics(np.full((1, 4), 70.0), ("new",))
    np.testing.assert_array_equal(method.binary(high), np.ones((1, 4)))
    assert method.threshold_[0] == pytest.approx(BINARY[:5].mean() * 60 + 20)


def test_an_attribute_that_all_seen_classes_share_says_nothing(view: TrainView) -> None:
    table = np.array(view.semantics.table)
    table[:5, 2] = 1
    method: Any = create("dap").fit(replace(view, semantics=replace(view.semantics, table=table)))
    assert method.informative_.tolist() == [1, 1, 0, 1]
    other = table.copy()
    other[5:, 2] = 1 - other[5:, 2]
    X = view.features.to_array()
    np.testing.assert_array_equal(
        method.scores(X, replace(view.semantics, table=table)), method.scores(X, replace(view.semantics, table=other))
    )


@pytest.mark.parametrize("name", ["dap", "iap"])
def test_unfit_semantics_are_refused_with_a_remedy(name: str, view: TrainView) -> None:
    wide = replace(view, semantics=replace(view.semantics, table=BINARY * 3.0 - 1))
    with pytest.raises(MethodError, match=r"expected probabilities in \[0, 1\]; use binarise: mean"):
        create(name, binarise="none").fit(wide)
    same = replace(view, semantics=replace(view.semantics, table=np.ones((7, 4)) * np.arange(1, 8)[:, None] + 5))
    with pytest.raises(MethodError, match="no attribute that differs.*column-mean"):
        create(name, binarise="half").fit(same)
    near = BINARY.astype(float)
    near[6] = near[0] * 0.9
    with pytest.warns(GzslWarning, match="'c00' and 'c06' have the same attributes once binarised"):
        create(name).fit(replace(view, semantics=replace(view.semantics, table=near)))


def test_convex_combination_by_hand() -> None:
    P = np.array([[0.5, 0.3, 0.2], [0.1, 0.1, 0.8]])
    table = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    np.testing.assert_allclose(convex_combination(P, table, None), [[0.7, 0.5], [0.9, 0.9]])
    np.testing.assert_allclose(convex_combination(P, table, 2)[0], [0.625, 0.375])
    np.testing.assert_allclose(convex_combination(P, table, 1), [[1, 0], [1, 1]])
    np.testing.assert_allclose(convex_combination(P, table, 99), convex_combination(P, table, None))


def test_conse_ranks_by_the_cosine_with_the_combination(view: TrainView) -> None:
    X = view.features.to_array()
    method: Any = create("conse", n_top=2, temperature=3.0, l2=1e-2).fit(view)
    logits = (X @ method.weights_ + method.bias_).astype(float) / 3
    for row, z in zip(method.scores(X, view.semantics)[:20], logits[:20], strict=True):
        p = np.exp(z) / np.exp(z).sum()
        top = np.argsort(-p)[:2]
        f = (p[top, None] * BINARY[top]).sum(axis=0)
        expected = [f @ b / np.linalg.norm(f) / np.linalg.norm(b) for b in BINARY]
        np.testing.assert_allclose(row, expected, rtol=1e-4)


def test_a_certain_classifier_makes_conse_copy_one_class(view: TrainView) -> None:
    X = view.features.to_array()
    method: Any = create("conse", n_top=1, l2=1e-3).fit(view)
    best = (X @ method.weights_ + method.bias_).argmax(axis=1)
    np.testing.assert_allclose(method.embed(X), BINARY[best])


@pytest.mark.parametrize(
    ("name", "candidates"),
    [
        ("dap", [{"clip": 1e-2}, {"l2": 1e-2}, {"prior": "half"}]),
        ("iap", [{"clip": 1e-2}, {"l2": 1e-2}]),
        ("conse", [{"n_top": 1}, {"temperature": 4.0}, {"centred": True, "distance": "euclidean"}]),
    ],
)
def test_a_grid_equals_separate_fits(name: str, candidates: list[dict[str, Any]], view: TrainView) -> None:
    X = view.features.to_array()
    for candidate, method in create(name).fit_grid(view, candidates):
        alone = create(name, **candidate).fit(view)
        np.testing.assert_array_equal(method.scores(X, view.semantics), alone.scores(X, view.semantics))
