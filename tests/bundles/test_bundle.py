from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gzsl.bundles import Bundle, bundle_of, load_bundle, save_bundle
from gzsl.bundles.predict import predict, write_predictions
from gzsl.data import EvalRows, FeatureRows, final_task, load
from gzsl.data.readers.plain import PlainFeatures, open_features
from gzsl.errors import DataError, MethodError, RunError
from gzsl.evaluation.evaluator import score_rows
from gzsl.evaluation.metrics import mean_accuracy, per_class_accuracy
from gzsl.runs import load_recipe, run_recipe
from gzsl.runs.run import Run, open_dataset
from gzsl.semantics import Semantics

QUICK = {
    "eszsl": {"selection.folds": 2, "selection.grid": {"gamma": [10.0], "lam": [1.0]}},
    "ale": {"selection.folds": 2, "method.n_epochs": 5, "selection.grid": {"lr": [0.1]}},
    "f-clswgan": {
        "method.n_epochs": 4, "method.hidden_dim": 32, "method.n_synthetic": 20, "method.n_synthetic_zsl": 20,
        "method.pretrain_epochs": 3, "method.head.n_epochs": 10, "selection.every": 4, "selection.folds": 2,
    },
}  # fmt: skip


def make(method: str, folder: Path) -> tuple[Any, Path]:
    recipe = load_recipe(f"{method}/simulated", QUICK[method])
    (result,) = run_recipe(recipe, out=folder / "runs", seeds=[0])
    return result, save_bundle(recipe, result, folder / "bundle", out=folder / "runs")


@pytest.mark.parametrize("method", sorted(QUICK))
def test_a_bundle_scores_as_its_run_did_bit_for_bit(method: str, tmp_path: Path) -> None:
    result, folder = make(method, tmp_path)
    bundle = load_bundle(folder)
    assert bundle.calibrator is not None
    assert bundle.calibrator.gamma_ == result.metrics["calibrated"]["gamma"]
    dataset = load("simulated", preset="easy")
    split, kept = dataset.split, np.load(result.folder / "scores.npz")
    place = bundle.raw.ids_of(dataset.class_names)
    for rows in (split.test_seen, split.test_unseen):
        blocks = EvalRows(FeatureRows(dataset.features, rows), place[dataset.labels[rows]])
        seen = np.flatnonzero(bundle.is_seen)
        found = score_rows(Raw(bundle), blocks, bundle.semantics, seen, np.flatnonzero(~bundle.is_seen))
        is_here = np.isin(kept["labels"], np.unique(blocks.labels))
        for name in ("seen_score", "unseen_score", "seen_class", "unseen_class"):
            np.testing.assert_array_equal(getattr(found, name), kept[name][is_here])


class Raw:
    """A scorer of unscaled rows."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle

    def scores(self, X: np.ndarray, semantics: object) -> np.ndarray:
        return self.bundle.scores(X)


def test_predictions_name_classes_and_reasons(tmp_path: Path) -> None:
    _, folder = make("eszsl", tmp_path)
    bundle, dataset = load_bundle(folder), load("simulated", preset="easy")
    rows = dataset.split.test_unseen
    source = PlainFeatures(dataset.features[rows], tuple(f"image {r}" for r in rows), None)
    found = list(predict(bundle, source, top_k=3))
    assert len(found) == 3 * len(rows)
    scores = bundle.scores(dataset.features[rows]) - bundle.calibrator.gamma_ * bundle.is_seen
    for n in range(len(rows)):
        three = found[3 * n : 3 * n + 3]
        assert [p.rank for p in three] == [1, 2, 3]
        best = np.argsort(-scores[n], kind="stable")[:3]
        assert [p.name for p in three] == [bundle.raw.class_names[c] for c in best]
        assert three[0].image == f"image {rows[n]}"
        assert three[0].seen == (three[0].name in bundle.seen)
        assert 0 < len(three[0].reasons) <= 3
        assert not set(three[0].reasons) & set(three[0].doubts)
    labels = np.array([dataset.class_names[c] for c in dataset.labels[rows]])
    right = np.mean([p.name == label for p, label in zip(found[::3], labels, strict=True)])
    assert right > 0.5
    assert write_predictions(predict(bundle, source), tmp_path / "p.csv") == len(rows)
    lines = list(csv.DictReader((tmp_path / "p.csv").open()))
    assert lines[0]["image"] == f"image {rows[0]}"
    assert lines[0]["side"] in ("seen", "unseen")


@pytest.mark.parametrize("method", ["eszsl", "ale"])
def test_a_class_added_later_is_as_good_as_one_known_before(method: str, tmp_path: Path) -> None:
    """Withhold an unseen class from the run, add it to the bundle, and compare with having known it."""
    result, folder = make(method, tmp_path)
    known = load_bundle(folder)
    last = known.raw.class_names[int(np.flatnonzero(~known.is_seen)[-1])]
    keep = [c for c in known.raw.class_names if c != last]
    without = replace(known, raw=known.raw.take(known.raw.ids_of(keep)))
    vector = known.raw.table[known.raw.ids_of([last])[0]]
    grown = load_bundle(without.with_class(last, vector).save(tmp_path / "grown"))
    X = load("simulated", preset="easy").features[:200]
    order = grown.raw.ids_of(known.raw.class_names)
    np.testing.assert_allclose(grown.scores(X)[:, order], known.scores(X), rtol=1e-5, atol=1e-6)
    assert grown.card["added_classes"] == [last]


def test_a_generator_refits_its_classifier_for_a_new_class(tmp_path: Path) -> None:
    _, folder = make("f-clswgan", tmp_path)
    known = load_bundle(folder)
    assert known.method.refits_for_new_classes
    vector = known.raw.table[-1] * 0.9 + 0.05
    grown = load_bundle(known.with_class("brand new", vector).save(tmp_path / "grown"))
    X = load("simulated", preset="easy").features[:20]
    assert grown.scores(X).shape == (20, len(known.raw) + 1)
    assert np.isfinite(grown.scores(X)).all()


def test_zscored_semantics_keep_the_statistics_of_the_seen_classes(tmp_path: Path) -> None:
    recipe = load_recipe("eszsl/simulated", {**QUICK["eszsl"], "dataset.normalise": "zscore"})
    (result,) = run_recipe(recipe, out=tmp_path / "runs", seeds=[0])
    bundle = load_bundle(save_bundle(recipe, result, tmp_path / "b", out=tmp_path / "runs"))
    before = bundle.semantics.table
    after = bundle.with_class("far away", bundle.raw.table[0] + 100).semantics.table
    np.testing.assert_array_equal(after[:-1], before)


def test_predict_takes_arrays_lists_and_paths_and_says_what_decide_says(tmp_path: Path) -> None:
    _, folder = make("eszsl", tmp_path)
    bundle, X = load_bundle(folder), load("simulated", preset="easy").features[:40]
    told = f"Bundle(ESZSL: {len(bundle.raw.class_names)} classes, {len(bundle.seen)} of them seen; rows of "
    assert repr(bundle).startswith(told)
    names = [p.name for p in predict(bundle, X)]
    assert names == bundle.decide(X).tolist()
    assert names == [bundle.raw.class_names[c] for c in bundle.calibrated_scores(X).argmax(axis=1)]
    assert names != [bundle.raw.class_names[c] for c in bundle.scores(X).argmax(axis=1)]  # before calibration
    np.save(tmp_path / "x.npy", X)
    for bundle_or_path in (bundle, folder, str(folder)):
        assert [p.name for p in predict(bundle_or_path, tmp_path / "x.npy")] == names
    assert [p.name for p in predict(bundle, X.tolist())] == names
    assert [p.name for p in predict(bundle, X[0])] == names[:1]
    assert [p.name for p in predict(bundle, X.astype(np.float64), top_k=3)][::3] == names
    assert list(predict(bundle, X[:0])) == []
    for wrong in ("none.npy", [["a"], ["b"]], [[1, 2], [3]], np.zeros((2, 2, 2)), X.astype(complex)):
        with pytest.raises(DataError):
            predict(bundle, wrong)
    with pytest.raises(MethodError, match="top_k: found 0"):
        predict(bundle, X, top_k=0)
    with pytest.raises(MethodError, match="but the bundle's features 'simulated' are of no network that is at hand"):
        predict(bundle, ["a.jpg", "b.jpg"])


def test_absence_that_speaks_for_a_class_is_said_as_absence(tmp_path: Path) -> None:
    """Classes of one attribute each: what speaks for one is its own attribute, and the lack of the others."""
    _, folder = make("eszsl", tmp_path)
    table = np.eye(3)
    raw = Semantics(table, ("animal", "plant", "stone"), attribute_names=("breathes", "green", "hard"))

    class Shows:
        def attribute_evidence(self, X: np.ndarray) -> np.ndarray:
            return np.array([[-2.0, 3.0, -1.0]])

        def scores(self, X: np.ndarray, semantics: Semantics) -> np.ndarray:
            return self.attribute_evidence(X) @ semantics.table.T

        n_features_ = 64

    bundle = replace(load_bundle(folder), method=Shows(), raw=raw, normalise="none", seen=("animal",), calibrator=None)
    plant, stone, animal = predict(bundle, np.ones((1, 64)), top_k=3)
    assert (plant.name, plant.reasons, plant.doubts) == ("plant", ("green", "no breathes", "no hard"), ())
    assert (stone.name, stone.reasons, stone.doubts) == ("stone", ("no breathes",), ("green", "no hard"))
    assert (animal.name, animal.reasons, animal.doubts) == ("animal", ("no hard",), ("no breathes", "green"))
    relative = replace(bundle, raw=replace(raw, table=table + 1))
    assert next(predict(relative, np.ones((1, 64)))).reasons == ("green", "less breathes", "less hard")


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    _, folder = make("eszsl", tmp_path)
    bundle = load_bundle(folder)
    with pytest.raises(MethodError, match="found 3 dimensions, expected 64"):
        list(predict(bundle, PlainFeatures(np.zeros((2, 3)), ("a", "b"), None)))
    named = replace(bundle, card={**bundle.card, "features": {"name": "resnet"}})
    with pytest.raises(MethodError, match="features of 'other', expected those of 'resnet'"):
        list(predict(named, PlainFeatures(np.zeros((2, 64)), ("a", "b"), "other")))
    with pytest.raises(MethodError, match="a class .* already"):
        bundle.with_class(bundle.raw.class_names[0], np.zeros(16))
    with pytest.raises(MethodError, match="found a vector of 3 values, expected 16"):
        bundle.with_class("new", np.zeros(3))


def test_a_changed_or_newer_bundle_is_refused(tmp_path: Path) -> None:
    _, folder = make("eszsl", tmp_path)
    card = folder / "bundle.json"
    text, about = card.read_text(), json.loads(card.read_text())
    card.write_text(text.replace('"scaling": "none"', '"scaling": "l2"'))
    with pytest.raises(RunError, match="does not match its seal"):
        load_bundle(folder)
    card.write_text(json.dumps({**about, "format": 3}))
    with pytest.raises(RunError, match="found format 3, expected 2; another version"):
        load_bundle(folder)
    card.write_text(text)
    weights = folder / about["files"]["method"]["name"]
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")
    with pytest.raises(RunError, match="its hash is not the one in bundle.json"):
        load_bundle(folder)
    weights.unlink()
    with pytest.raises(RunError, match="is missing"):
        load_bundle(folder)
    with pytest.raises(RunError, match="found no bundle.json"):
        load_bundle(tmp_path)


def test_saving_again_leaves_one_whole_bundle(tmp_path: Path) -> None:
    _, folder = make("eszsl", tmp_path)
    bundle = load_bundle(folder)
    bundle.with_class("new", np.ones(16)).save(folder)
    assert len(list(folder.glob("*.safetensors"))) == 3
    assert load_bundle(folder).raw.class_names[-1] == "new"


def test_features_are_opened_from_every_format(tmp_path: Path) -> None:
    X = np.random.default_rng(0).random((3, 4)).astype(np.float32)
    np.save(tmp_path / "x.npy", X)
    np.savez(tmp_path / "x.npz", features=X, images=np.array(["a", "b", "c"]))
    lines = [f"i{k}," + ",".join(map(str, row)) for k, row in enumerate(X)]
    (tmp_path / "x.csv").write_text("\n".join(["image,f0,f1,f2,f3", *lines]) + "\n")
    (tmp_path / "folder").mkdir()
    np.save(tmp_path / "folder" / "features.npy", X)
    (tmp_path / "folder" / "card.json").write_text('{"features": "net"}')
    (tmp_path / "folder" / "images.csv").write_text("image,class\nu,x\nv,x\nw,y\n")
    for name, images in (("x.npy", "012"), ("x.npz", "abc"), ("x.csv", ["i0", "i1", "i2"]), ("folder", "uvw")):
        found = open_features(tmp_path / name)
        np.testing.assert_allclose(found.matrix, X, rtol=1e-6)
        assert found.images == tuple(images)
    assert open_features(tmp_path / "folder").features == "net"
    for name, text in (("none.npy", "no such file"), ("x.txt", "found a .txt file")):
        (tmp_path / "x.txt").write_text("")
        with pytest.raises(DataError, match=text):
            open_features(tmp_path / name)


@pytest.mark.data
def test_on_real_features_a_class_can_be_added_after_training(data_root: Path, tmp_path: Path) -> None:
    changes = {"selection.folds": 1, "selection.grid": {"gamma": [1.0], "lam": [1.0]}}
    recipe = load_recipe("eszsl/CUB127", changes)
    (result,) = run_recipe(recipe, out=tmp_path, data=data_root, seeds=[0])
    dataset = open_dataset(recipe, data_root)
    bundle = bundle_of(Run(recipe, 0, dataset, tmp_path, "cpu"), result)
    rows = dataset.split.test_unseen
    labels = bundle.raw.ids_of([dataset.class_names[c] for c in dataset.labels[rows]])
    unseen = np.flatnonzero(~bundle.is_seen)
    scores = bundle.scores(np.asarray(dataset.features[rows]))
    predicted = unseen[scores[:, unseen].argmax(axis=1)]
    accuracy = mean_accuracy(per_class_accuracy(labels, predicted, unseen))
    assert accuracy == pytest.approx(result.metrics["T1"], abs=1e-9)
    assert final_task(dataset).view.n_features == bundle.n_features
    last = bundle.raw.class_names[unseen[-1]]
    fewer = replace(bundle, raw=bundle.raw.take([c for c in range(len(bundle.raw)) if c != unseen[-1]]))
    grown = fewer.with_class(last, bundle.raw.table[unseen[-1]])
    order = grown.raw.ids_of(bundle.raw.class_names)
    X = np.asarray(dataset.features[rows[:300]])
    np.testing.assert_allclose(grown.scores(X)[:, order], bundle.scores(X), rtol=1e-4, atol=1e-5)
