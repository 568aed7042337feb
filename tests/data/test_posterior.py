"""Features brought to class vectors by a classifier of other classes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gzsl.data import Scaler, final_task, load
from gzsl.data.posterior import PosteriorMap, read_posterior
from gzsl.errors import DataError, GzslError, ProtocolError
from gzsl.evaluation import evaluate
from gzsl.runs.recipe import Recipe, make_recipe
from gzsl.semantics import Semantics

RNG = np.random.default_rng(0)


class Cosine:
    """The plain head."""

    def scores(self, X: np.ndarray, semantics: Semantics) -> np.ndarray:
        return X @ semantics.normalised("l2").table.T


def test_the_ten_likeliest_classes_are_averaged() -> None:
    weight, bias, vectors = RNG.standard_normal((14, 5)), RNG.standard_normal(14), RNG.standard_normal((14, 3))
    X = RNG.standard_normal((6, 5)).astype(np.float32)
    found = PosteriorMap(weight.T, bias, vectors).transform(X)
    for row, x in zip(found, X, strict=True):
        logits = weight @ x + bias
        p = np.exp(logits) / np.exp(logits).sum()
        best = np.argsort(-p)[:10]
        wanted = (p[best, None] * vectors[best]).sum(axis=0)
        np.testing.assert_allclose(row, wanted / np.linalg.norm(wanted), rtol=1e-4, atol=1e-5)
    regions = PosteriorMap(weight.T, bias, vectors).transform(X.reshape(2, 3, 5))
    np.testing.assert_allclose(regions.reshape(6, 3), found, rtol=1e-5)


def recipe(**preprocess: Any) -> Recipe:
    return make_recipe({
        "dataset": {"name": "simulated", "options": {"images_per_class": 4}}, "method": "prompt-ensemble",
        "setting": "transfer", "selection": "last", "preprocess": preprocess, "seeds": [0],
    })  # fmt: skip


def test_a_recipe_names_the_classifier_and_its_content_is_in_the_key(tmp_path: Path) -> None:
    data = load("simulated", images_per_class=4)
    weight = RNG.standard_normal((12, data.features.shape[1]))
    path = tmp_path / "head.npz"
    np.savez(path, weight=weight, bias=np.zeros(12), vectors=RNG.standard_normal((12, data.semantics.n_attributes)))
    made = recipe(align="conse", classifier=str(path))
    assert made.preprocess.label == "conse(head)"
    before = made.decided()
    task = final_task(data, **made.preparation(0))
    assert task.view.semantics.joint and task.view.n_features == data.semantics.n_attributes
    np.savez(tmp_path / "scaler.npz", **task.scaler.to_arrays())
    again = Scaler.load(tmp_path / "scaler.npz").transform(data.features[:3])
    np.testing.assert_array_equal(again, task.scaler.transform(data.features[:3]))
    np.savez(path, weight=2 * weight, vectors=RNG.standard_normal((12, data.semantics.n_attributes)))
    assert made.decided() != before
    np.savez(path, weight=weight[:, 1:], vectors=np.ones((12, 3)))
    with pytest.raises(ProtocolError, match=r"found weights for 63 features .* expected 64"):
        final_task(data, **made.preparation(0))


@pytest.mark.parametrize(
    ("preprocess", "message"),
    [
        ({"align": "conse"}, "classifier: found none for align: conse"),
        ({"align": "ridge", "classifier": "x.npz"}, "classifier: found one for align: ridge"),
        ({"align": "conse", "classifier": "x.npz", "features": "l2"}, "features: found 'l2', expected none"),
    ],
)
def test_what_does_not_go_together_is_said(preprocess: dict[str, Any], message: str) -> None:
    with pytest.raises(GzslError, match=message):
        recipe(**preprocess)


def test_bad_classifiers_are_named(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", weight=np.ones((3, 2)))
    with pytest.raises(DataError, match="found the arrays weight, expected an .npz with weight"):
        read_posterior(str(tmp_path / "a.npz"))
    np.savez(tmp_path / "a.npz", weight=np.ones((3, 2)), vectors=np.ones((2, 2)))
    with pytest.raises(DataError, match=r"found weight \(3, 2\), 3 biases and vectors \(2, 2\)"):
        read_posterior(str(tmp_path / "a.npz"))


@pytest.mark.data
@pytest.mark.skipif(
    not (Path(os.environ.get("GZSL_DATA", "")) / "LITE0HEAD").is_dir(), reason="needs the real data of GZSL_DATA"
)
def test_on_real_features_it_gives_the_rows_that_came_with_them() -> None:
    plain, joint = load("CAL100J", semantics="cupl", array="features"), load("CAL100J", semantics="cupl")
    found = read_posterior("LITE0HEAD/lite0_head.npz").transform(plain.features[:200])
    agree = (found * joint.features[:200]).sum(axis=1)
    assert np.median(agree) > 0.99
    task = final_task(plain, setting="transfer", align=read_posterior("LITE0HEAD/lite0_head.npz"))
    assert 100 * evaluate(Cosine(), task).T1 == pytest.approx(46.2, abs=1.5)
