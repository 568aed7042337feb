"""Maps from features to the space of class vectors, learnt on seen rows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import check_grad

from gzsl.bundles import load_bundle
from gzsl.bundles.trained import bundle_of
from gzsl.data import Dataset, FeatureRows, Scaler, final_task, load
from gzsl.data.alignment import KEPT, RIDGES, ContrastiveLoss, _Moments, _solved, fit_map
from gzsl.errors import DataError, ProtocolError, RecipeError
from gzsl.evaluation import evaluate
from gzsl.runs.recipe import make_recipe
from gzsl.runs.run import Run, run_recipe
from gzsl.semantics import Semantics


class Cosine:
    """The plain head."""

    def scores(self, X: np.ndarray, semantics: Semantics) -> np.ndarray:
        return X @ semantics.normalised("l2").table.T


@pytest.fixture(scope="module")
def data() -> Dataset:
    return load("simulated", preset="easy", images_per_class=12)


@pytest.mark.parametrize("ridge", [1e-3, 1.0, 100.0])
def test_the_ridge_solution_is_that_of_a_direct_solve(ridge: float) -> None:
    rng = np.random.default_rng(0)
    X, table, y = rng.standard_normal((40, 6)) + 2, rng.standard_normal((8, 3)), np.arange(40) % 8
    moments = _Moments.of(FeatureRows(X.astype(np.float32)), y, table, np.arange(8) % 3)
    (weights, offset), = _solved(moments.total(), (ridge,))
    X = X.astype(np.float32).astype(np.float64)
    centred, targets = X - X.mean(0), table[y] - table[y].mean(0)
    gram = centred.T @ centred
    wanted = np.linalg.solve(gram + ridge * np.trace(gram) / 6 * np.eye(6), centred.T @ targets)
    np.testing.assert_allclose(weights, wanted, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(offset, table[y].mean(0) - X.mean(0) @ wanted, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("kind", ["contrastive", "cwcl"])
def test_the_gradient_of_the_loss_is_its_slope(kind: str) -> None:
    rng = np.random.default_rng(1)
    loss = ContrastiveLoss.of(kind, rng.standard_normal((12, 3)), np.arange(12) % 4, rng.standard_normal((4, 3)))
    place = np.concatenate([np.eye(3).ravel(), np.zeros(3)]) + 0.1 * rng.standard_normal(12)
    assert check_grad(lambda p: loss(p)[0], lambda p: loss(p)[1], place) < 1e-5
    shares = loss.share[0]
    assert shares.sum() == pytest.approx(1) and (shares.max() == 1) == (kind == "contrastive")


@pytest.mark.parametrize("align", ["ridge", "contrastive", "cwcl"])
def test_with_a_map_cosines_tell_unseen_classes_apart(data: Dataset, align: str) -> None:
    task = final_task(data, "centre-l2", align=align)
    assert task.view.semantics.joint and task.view.n_features == data.semantics.n_attributes
    np.testing.assert_allclose(np.linalg.norm(task.view.features.to_array(), axis=1), 1, rtol=1e-5)
    assert evaluate(Cosine(), task).T1 > 2 / len(data.split.unseen)


def test_a_map_knows_nothing_of_unseen_classes_or_the_order_of_classes(data: Dataset) -> None:
    unseen, tests = data.split.unseen, np.concatenate([data.split.test_seen, data.split.test_unseen])
    table, features = np.array(data.semantics.table), np.array(data.features)
    table[unseen], features[tests] = 7, 3
    other = replace(data.semantics, table=table)
    changed = replace(data, features=features, semantics=other, tables={"att": other})
    one, two = (final_task(found, "l2", align="ridge").scaler.align for found in (data, changed))
    assert one is not None and two is not None
    np.testing.assert_array_equal(one.weights, two.weights)
    view = final_task(data, "l2").view
    order = np.random.default_rng(0).permutation(len(view.seen))
    turned = fit_map("ridge", view.features, np.argsort(order)[view.seen_labels], view.seen_semantics.take(order))
    np.testing.assert_allclose(turned.weights, one.weights, rtol=1e-4, atol=1e-6)


def test_the_ridge_is_chosen_among_those_offered(data: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    view = final_task(data, "l2").view
    free = fit_map("ridge", view.features, view.seen_labels, view.seen_semantics)
    monkeypatch.setattr("gzsl.data.alignment.RIDGES", RIDGES[-1:])
    strong = fit_map("ridge", view.features, view.seen_labels, view.seen_semantics)
    assert np.linalg.norm(strong.weights) < np.linalg.norm(free.weights)


def test_without_training_rows_there_is_no_map(data: Dataset) -> None:
    with pytest.raises(ProtocolError, match="'ridge' without training rows"):
        final_task(data, "l2", "transfer", align="ridge")
    with pytest.raises(RecipeError, match=r"preprocess.align: found 'ridg'; did you mean 'ridge'"):
        make_recipe({"dataset": "simulated", "method": "eszsl", "preprocess": {"align": "ridg"}})


def test_a_run_keeps_its_map_and_so_does_its_bundle(tmp_path: Path) -> None:
    recipe = make_recipe({
        "dataset": {"name": "simulated", "options": {"preset": "easy", "images_per_class": 6}}, "seeds": [0],
        "method": "eszsl", "preprocess": {"features": "centre-l2", "align": "ridge"}, "selection": "last",
    })  # fmt: skip
    (result,) = run_recipe(recipe, out=tmp_path / "runs")
    assert "/centre-l2+ridge/" in Run(recipe, 0, load("simulated", images_per_class=6), tmp_path).protocol().key()
    kept = Scaler.load(result.folder / "scaler.npz")
    data = load("simulated", preset="easy", images_per_class=6)
    bundle = bundle_of(Run(recipe, 0, data, tmp_path / "runs"), result)
    again = load_bundle(bundle.save(tmp_path / "bundle"))
    X = data.features[:5]
    assert again.n_features == X.shape[1] and again.semantics.joint
    np.testing.assert_array_equal(kept.transform(X), again.scaler.transform(X))
    np.testing.assert_array_equal(again.scores(X), bundle.scores(X))
    with pytest.raises(DataError, match="no way back"):
        kept.inverse(kept.transform(X))


def test_a_process_remembers_the_map_of_the_same_rows_and_no_other() -> None:
    rng = np.random.default_rng(0)
    X, table, y = rng.standard_normal((40, 6)).astype(np.float32), rng.standard_normal((8, 3)), np.arange(40) % 8
    semantics = Semantics(table.astype(np.float32), tuple("abcdefgh"))
    first = fit_map("ridge", FeatureRows(X), y, semantics)
    assert fit_map("ridge", FeatureRows(X.copy()), y.copy(), semantics) is first
    moved = X.copy()
    moved[0, 0] += 1
    swapped = y[np.r_[1, 0, 2:40]]
    others = [fit_map("ridge", FeatureRows(moved), y, semantics), fit_map("ridge", FeatureRows(X), swapped, semantics)]
    assert all((other.weights != first.weights).any() for other in others)
    for k in range(KEPT):
        fit_map("ridge", FeatureRows(X + np.float32(k + 1)), y, semantics)
    again = fit_map("ridge", FeatureRows(X), y, semantics)
    assert again is not first, "only the last ones are kept"
    np.testing.assert_array_equal(again.weights, first.weights)
