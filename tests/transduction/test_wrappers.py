"""Wrappers that make a method transductive: against dense references, in a run, and with bad input."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gzsl.data import FeatureRows, final_task, load
from gzsl.data.pool import ClassPrior, PoolChoice
from gzsl.errors import MethodError, RecipeError
from gzsl.evaluation import evaluate
from gzsl.methods import create
from gzsl.methods.transductive.transduced import Transduced
from gzsl.nn.pseudo_labels import shares_of, softened, spread_of, sure_rows
from gzsl.runs import load_recipe, run_recipe
from gzsl.runs.recipe import make_recipe
from gzsl.runs.run import open_dataset
from gzsl.transduction import Pooled, make_wrapper
from gzsl.transduction.sinkhorn import balanced_biases


def pooled(scores: np.ndarray, X: np.ndarray, **more: object) -> Pooled:
    m, n_classes = scores.shape
    names = tuple(f"class {c}" for c in range(n_classes))
    candidates = np.arange(n_classes)
    values = {
        "X": X, "scores": scores, "names": names, "candidates": candidates,
        "prior": ClassPrior.uniform(candidates, n_classes), "seen_features": X[:0],
        "seen_columns": np.empty(0, np.int64), "vectors": np.eye(n_classes, dtype=np.float32),
        "rescored": lambda X: scores[: len(X)],
    }  # fmt: skip
    return Pooled(**{**values, **more})  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["sinkhorn", "propagate", "self-train"])
def test_the_first_round_is_what_the_method_says_by_itself(name: str) -> None:
    rng = np.random.default_rng(0)
    X, scores = rng.normal(size=(60, 5)).astype(np.float32), rng.normal(size=(60, 4)).astype(np.float32)
    _, rounds = make_wrapper({"name": name}).fit(pooled(scores, X), seed=0)
    np.testing.assert_array_equal(rounds[0], scores.argmax(axis=1))
    assert (rounds[-1] != rounds[0]).any()


@given(st.integers(2, 6), st.integers(20, 60), st.integers(0, 10**6))
@settings(max_examples=20, deadline=None)
def test_balanced_biases_give_the_wanted_shares(k: int, m: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores, shares = rng.normal(size=(m, k)), rng.dirichlet(np.full(k, 5.0))
    bias = balanced_biases(scores, shares, 2000)
    plan = np.exp(scores + bias)
    plan /= plan.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(plan.mean(axis=0), shares, atol=2e-3)


def test_the_plan_is_the_entropic_transport() -> None:
    """Scaling rows and columns of the kernel in turn, densely, ends in the same plan."""
    rng = np.random.default_rng(0)
    scores, shares = rng.normal(size=(30, 4)), np.array([0.4, 0.3, 0.2, 0.1])
    plan = np.exp(scores)
    for _ in range(3000):
        plan *= (1 / 30 / plan.sum(axis=1))[:, None]
        plan *= shares / plan.sum(axis=0)
    found = np.exp(scores + balanced_biases(scores, shares, 3000))
    np.testing.assert_allclose(found / found.sum(axis=1, keepdims=True) / 30, plan, atol=1e-5)


def test_propagation_is_the_dense_solution() -> None:
    rng = np.random.default_rng(0)
    X, scores = rng.normal(size=(50, 6)).astype(np.float32), rng.normal(size=(50, 3)).astype(np.float32)
    wrapper = make_wrapper({"name": "propagate", "n_neighbours": 5, "spread": 0.7, "balanced": False})
    state, rounds = wrapper.fit(pooled(scores, X), seed=0)
    keys = (X - X.mean(axis=0)).astype(np.float64)
    keys /= np.linalg.norm(keys, axis=1, keepdims=True)
    S = keys @ keys.T
    W = np.zeros_like(S)
    near = np.argsort(-S, axis=1)[:, :6]
    np.put_along_axis(W, near, np.maximum(np.take_along_axis(S, near, axis=1), 0) ** 3, axis=1)
    W /= np.sqrt(W.sum(axis=0))
    W /= W.sum(axis=1, keepdims=True)
    Y = np.exp(scores / (0.3 * spread_of(scores)))
    Y /= Y.sum(axis=1, keepdims=True)
    Z = 0.3 * np.linalg.solve(np.eye(50) - 0.7 * W, Y)
    np.testing.assert_allclose(state["spread"], Z, atol=2e-4)
    np.testing.assert_allclose(wrapper.scores(state, X, scores), np.log(Z + 1e-6), atol=2e-3)
    assert (rounds[1] == Z.argmax(axis=1)).mean() > 0.95


def test_quotas_bound_every_class_and_leave_none_empty() -> None:
    shares = softened(np.array([[3.0, 0, 0], [2, 0, 0], [1, 0.5, 0], [4, 0, 0], [0, 2, 0]]), 1.0)
    rows, labels = sure_rows(shares, np.array([2, 2, 2]))
    found = list(zip(rows.tolist(), labels.tolist(), strict=True))
    assert found[:2] == [(3, 0), (0, 0)]
    assert found[2:3] == [(4, 1)]
    assert [label for _, label in found[3:]] == [2]
    np.testing.assert_allclose(shares_of(shares, 1.0).sum(axis=1), 1, rtol=1e-6)


def test_shares_are_estimated_by_every_rule() -> None:
    """300 rows around 3 far centres, in shares of 60, 30 and 10 percent; the scores mistake a tenth of the largest."""
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1, 2], [180, 90, 30])
    X = (rng.normal(size=(300, 4)) + 20 * np.eye(4)[y]).astype(np.float32)
    scores = 5 * np.eye(3, dtype=np.float32)[np.where(np.arange(300) < 30, 1, y)]
    truth = np.array([0.6, 0.3, 0.1])

    def error(rule: str, **more: object) -> float:
        prior = ClassPrior("estimated", rule, None)
        return float(np.abs(pooled(scores, X, prior=prior, **more).shares("x") - truth).max())

    counted = error("classifier")
    assert counted > 0.05
    assert error("kmeans") < 0.01
    known = {"synthetic": lambda count: np.zeros((3 * count, 4), np.float32)}

    def rescored(rows: np.ndarray) -> np.ndarray:  # a sixth of class 0 is taken for class 1
        truth = np.repeat([0, 1, 2], len(rows) // 3)
        return 5 * np.eye(3, dtype=np.float32)[np.where((truth == 0) & (np.arange(len(rows)) % 6 == 0), 1, truth)]

    assert error("bbse", rescored=rescored, **known) < counted / 2
    with pytest.raises(MethodError, match=r"found bbse around a method that generates no features, expected"):
        error("bbse")


@pytest.mark.parametrize("name", ["sinkhorn", "self-train", "propagate"])
def test_a_collapse_is_one_sentence(name: str) -> None:
    rng = np.random.default_rng(0)
    scores = np.tile(np.array([[1.0, 0, 0]], np.float32), (40, 1))
    prior = ClassPrior("estimated", "classifier", None)
    told = pooled(scores, rng.normal(size=(40, 4)).astype(np.float32), prior=prior)
    with pytest.raises(
        MethodError,
        match=rf"{name}: all 40 unlabelled rows were given to 'class 0', .* use class_prior: uniform, other",
    ):
        make_wrapper({"name": name}).fit(told, seed=0)


@pytest.mark.parametrize("name", ["sinkhorn", "self-train", "propagate"])
def test_rows_that_no_score_tells_apart_are_one_sentence_with_a_uniform_prior_too(name: str) -> None:
    told = pooled(np.tile(np.array([[1.0, 0, 0]], np.float32), (40, 1)), np.ones((40, 4), np.float32))
    with pytest.raises(
        MethodError, match=rf"{name}: all 40 unlabelled rows were given to 'class \d', .* use other features"
    ):
        make_wrapper({"name": name}).fit(told, seed=0)


SMALL = {"n_epochs": 2, "hidden_dim": 16}


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("qfsl", {"n_epochs": 1}),
        ("tmv", {}),
        ("gfzsl-t", {}),
        ("zlap", {}),
        ("bi-vaegan", SMALL),
        ("sabr-t", SMALL | {"critic_dim": 16, "latent_dim": 16, "latent_epochs": 1, "seen_epochs": 1}),
    ],
)
def test_methods_refuse_a_pool_that_they_give_to_one_class(name: str, more: dict[str, object]) -> None:
    recipe = load_recipe("zlap/letters" if name == "zlap" else f"{name}/simulated")
    view = final_task(open_dataset(recipe), **recipe.preparation(0)).view
    alike = np.tile(view.unlabelled.to_array()[:1], (60, 1))
    with pytest.raises(MethodError, match=rf"{name}: all 60 unlabelled rows were given to '.*', expected some of each"):
        create(name, **more).fit(replace(view, unlabelled_features=FeatureRows(alike)))


def test_a_graph_that_falls_into_pieces_is_refused() -> None:
    view = final_task(load("simulated", preset="easy"), "minmax", "transductive").view
    pool = view.unlabelled.to_array().copy()
    pool[::2] = pool[:1]  # copies are each other's nearest rows, and nobody else's
    odd = replace(view, unlabelled_features=FeatureRows(pool))
    with pytest.raises(MethodError, match=r"tmv: the graph of neighbours falls into \d+ pieces, and no label reaches"):
        create("tmv", n_neighbours=1, hyper_share=0.0, seen_rows=1).fit(odd)


def test_unlabelled_rows_that_are_no_numbers_are_refused() -> None:
    task = final_task(load("simulated", preset="easy"), "minmax", "transductive")
    odd = replace(task.view, unlabelled_features=FeatureRows(np.full((3, task.view.n_features), np.nan, np.float32)))
    with pytest.raises(MethodError, match="NaN"):
        Transduced().fit(odd)


def test_wrapping_a_fitted_method_is_fitting_the_wrapped_one() -> None:
    view = final_task(load("simulated", preset="easy"), "minmax", "transductive", PoolChoice("all")).view
    base = create("eszsl").fit(view.without_pool())
    around = Transduced.around(base, make_wrapper({"name": "propagate"}), view)
    whole = create("transduced", by={"name": "propagate"}).fit(view)
    for name, array in whole.fitted_arrays().items():
        np.testing.assert_array_equal(array, around.fitted_arrays()[name])
    X = view.unlabelled.to_array()[:20]
    columns = around.scores(X, view.semantics)[:, view.unseen]
    np.testing.assert_array_equal(around.scores(X, view.unseen_semantics), columns)


@pytest.mark.parametrize("name", ["sinkhorn", "self-train", "propagate"])
@pytest.mark.parametrize("pool", ["unseen", "all"])
def test_a_run_tells_both_settings_and_its_pseudo_labels(tmp_path: Path, name: str, pool: str) -> None:
    keys = {"dataset": "simulated", "method": "eszsl", "selection": "last", "seeds": [0], "calibration": "stacking"}
    recipe = make_recipe({**keys, "transductive": name, "pool": pool})
    assert (recipe.setting, recipe.title) == ("transductive", f"eszsl+{name} on simulated")
    (result,) = run_recipe(recipe, out=tmp_path)
    (plain,) = run_recipe(make_recipe(keys), out=tmp_path)
    metrics = json.loads((result.folder / "metrics.json").read_text())
    assert metrics["inductive"] == {name: plain.metrics[name] for name in ("T1", "U", "S", "H", "AUSUC")}
    rounds = metrics["diagnosis"]["pseudo_labels"]
    assert [found["round"] for found in rounds] == list(range(len(rounds)))
    assert rounds[0]["labelled"] == 1
    assert rounds[-1]["accuracy"] > 0.2
    assert metrics["test_reads"] == 4  # unlabelled, scored, scored without the wrapper, diagnosed
    assert metrics["protocol"]["pool_reads"] == 1


def test_a_wrapper_lifts_what_a_bias_spoils() -> None:
    """One unseen class is favoured by all scores; balanced assignment takes the favour back."""
    task = final_task(load("simulated", preset="easy"), "minmax", "transductive")
    base = create("eszsl").fit(task.view.without_pool())

    class Favouring(type(base)):  # type: ignore[misc]
        def _scores(self, X: np.ndarray, semantics: object) -> np.ndarray:
            found = super()._scores(X, semantics)
            place = [i for i, name in enumerate(semantics.class_names) if name == self.unseen_classes_[0]]  # type: ignore[attr-defined]
            found[:, place] += 3 * found.std()
            return found

    base.__class__ = Favouring
    spoilt = evaluate(base, task).T1
    assert evaluate(Transduced.around(base, make_wrapper({"name": "sinkhorn"}), task.view), task).T1 > spoilt + 0.2


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ({"transductive": "propagat"}, "unknown wrapper 'propagat'; did you mean 'propagate'"),
        ({"transductive": {"name": "sinkhorn", "temprature": 1}}, "transductive: unknown key 'temprature'"),
        ({"transductive": {"name": "sinkhorn", "temperature": -1.0}}, "temperature"),
        ({"transductive": "sinkhorn", "setting": "inductive"}, "transductive: found one in the inductive setting"),
        ({"setting": "transductive"}, r"eszsl supports inductive alone.*; or put a wrapper around it"),
        ({"method": "transduced", "transductive": "sinkhorn"}, "found a wrapper around transduced, expected none"),
    ],
)  # fmt: skip
def test_bad_wrappers_are_one_sentence(keys: dict[str, object], sentence: str) -> None:
    with pytest.raises((RecipeError, MethodError), match=sentence):
        make_recipe({"dataset": "simulated", "method": "eszsl", **keys})
