"""Calibrators on files of scores: the same thresholds as on one's own fits, and no way round the protocol."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import gzsl
from gzsl.calibration.base import REFERENCE_ROWS
from gzsl.cli.app import app
from gzsl.data import Task
from gzsl.errors import DataError, RecipeError

NAMES = [f"class {k}" for k in range(10)]
CENTRES = np.random.default_rng(9).normal(size=(10, 6)) * 2
PER = 12


def drawn(n_seen: int, n_unseen: int, seed: int) -> dict[str, Any]:
    """Scores biased towards seen classes, the first ones; with features and scores of training rows."""
    draw, n = np.random.default_rng(seed), n_seen + n_unseen
    labels, train = np.repeat(np.arange(n), PER), np.repeat(np.arange(n_seen), PER)

    def scores(y: np.ndarray) -> np.ndarray:
        found = draw.normal(size=(len(y), n)) + 2.5 * np.eye(n)[y]
        found[:, :n_seen] += 1.5
        return found

    return {
        "scores": scores(labels), "labels": labels, "seen": np.arange(n_seen), "unseen": np.arange(n_seen, n),
        "class_names": np.array(NAMES[:n]), "features": CENTRES[labels] + draw.normal(size=(len(labels), 6)),
        "train_scores": scores(train), "train_labels": train,
    }  # fmt: skip


VALIDATION, TEST = drawn(5, 2, seed=1), drawn(7, 3, seed=2)


def without(arrays: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: array for name, array in arrays.items() if name not in names}


def test_a_threshold_lifts_h_and_none_is_the_scores_as_they_are() -> None:
    found = gzsl.calibrate_scores(VALIDATION, TEST)
    rows = {row["calibrator"]: row for row in found.to_rows()}
    plain = gzsl.calibrate_scores(VALIDATION, TEST, ["none"]).evaluations["none"]
    assert rows["none"]["H"] == plain.H
    for name, lift in (("stacking", 0.1), ("cosmo(own_seen_scores=True)", 0.1), ("cosmo", 0.1), ("knn", 0.01)):
        assert rows[name]["H"] > plain.H + lift, name
    assert set(found.left_out) == {"boundary-ood", "loki"}
    assert not found.notes


def test_stacking_is_that_of_ones_own_fits() -> None:
    fits = gzsl.fit_folds(gzsl.create("eszsl"), gzsl.load("simulated"), n_folds=1)
    calibrator, expected = gzsl.calibrate(fits, "stacking")
    found = gzsl.calibrate_scores(*(exported(*fit) for fit in fits), calibrators=["stacking"]).evaluations["stacking"]
    assert found.gamma == pytest.approx(calibrator.gamma_, rel=1e-6)
    assert found.calibrated is not None
    assert expected.calibrated is not None
    assert found.calibrated.H == expected.calibrated.H


def exported(task: Task, method: gzsl.Method) -> dict[str, Any]:
    view = task.view
    sides = task.gate.open()
    X, labels = np.concatenate([s.features.to_array() for s in sides]), np.concatenate([s.labels for s in sides])
    rows = np.unique(np.linspace(0, len(view.labels) - 1, REFERENCE_ROWS).round().astype(int))
    return {
        "scores": method.scores(X, view.semantics), "labels": labels, "seen": view.seen, "unseen": view.unseen,
        "class_names": np.array(view.semantics.class_names), "train_labels": view.labels[rows],
        "train_scores": method.scores(view.features.take(rows).to_array(), view.semantics),
    }  # fmt: skip


def test_test_scores_choose_nothing() -> None:
    """Other test rows, or test labels in another order, leave every threshold where it was."""
    shuffled = {**TEST, "labels": np.random.default_rng(0).permutation(TEST["labels"])}
    others = {**drawn(7, 3, seed=5), "train_scores": TEST["train_scores"], "train_labels": TEST["train_labels"]}
    expected = {row["calibrator"]: row["gamma"] for row in gzsl.calibrate_scores(VALIDATION, TEST).to_rows()}
    for test in (shuffled, others):
        found = {row["calibrator"]: row["gamma"] for row in gzsl.calibrate_scores(VALIDATION, test).to_rows()}
        assert found == expected


def test_without_features_what_needs_them_is_named() -> None:
    found = gzsl.calibrate_scores(without(VALIDATION, "features"), TEST)
    assert {"stacking", "max-prob", "entropy", "energy", "none", "cooked(members=['method'])"} <= set(found.evaluations)
    assert found.left_out["knn"] == "it needs features, and there are none in validation"
    bare = [without(one, "class_names") for one in (VALIDATION, TEST)]
    assert "class_names in both files" in gzsl.calibrate_scores(*bare).left_out["knn"]
    part = {name: TEST[name] for name in TEST} | {"class_names": np.array([*NAMES[:6], "new", *NAMES[7:]])}
    assert "none of 'new'" in gzsl.calibrate_scores(drawn(4, 2, seed=1), part).left_out["knn"]


def test_without_training_rows_thresholds_are_carried_as_they_are() -> None:
    pair = [without(one, "train_scores", "train_labels") for one in (VALIDATION, TEST)]
    found = gzsl.calibrate_scores(*pair, calibrators=["stacking"])
    assert any("carried from one file to the other as they are" in note for note in found.notes)
    louder = [{**one, "scores": 10 * one["scores"]} for one in pair[1:]]
    raw = gzsl.calibrate_scores(pair[0], louder[0], ["stacking"]).evaluations["stacking"]
    assert raw.gamma == found.evaluations["stacking"].gamma, "nothing tells the other scale"
    scaled = {**TEST, "scores": 10 * TEST["scores"], "train_scores": 10 * TEST["train_scores"]}
    known = gzsl.calibrate_scores(VALIDATION, scaled, ["stacking"]).evaluations["stacking"]
    usual = gzsl.calibrate_scores(VALIDATION, TEST, ["stacking"]).evaluations["stacking"]
    assert known.gamma == pytest.approx(10 * (usual.gamma or 0.0))


@pytest.mark.parametrize(
    ("validation", "test", "message"),
    [
        (TEST, TEST, "found rows of validation again, expected other rows"),
        ({**VALIDATION, "features": TEST["features"][: 7 * PER]}, TEST, "found rows of validation again"),
        ({**VALIDATION, "class_names": np.array([*NAMES[:6], "class 8"])}, TEST, "'class 8', which is not seen in"),
        ({**VALIDATION, "features": np.ones((7 * PER, 2))}, TEST, "features: found 2 columns, expected 6"),
        ({**VALIDATION, "features": np.ones((3, 6))}, TEST, r"features: found float64 of shape \(3, 6\)"),
        ({**VALIDATION, "labels": np.full(7 * PER, 6)}, TEST, "no row of a seen class, expected rows of both sides"),
        (without(VALIDATION, "train_labels"), TEST, "train_labels: found none beside train_scores"),
        ({**VALIDATION, "train_labels": np.full(5 * PER, 6)}, TEST, "train_labels: found class 6, expected seen"),
        (without(VALIDATION, "scores"), TEST, "validation: no array 'scores'"),
        ({**VALIDATION, "class_names": np.array(["a"] * 7)}, TEST, "class_names: found 'a' twice"),
    ],
)
def test_files_that_cannot_belong_together(validation: Any, test: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        gzsl.calibrate_scores(validation, test)


def test_hard_predictions_and_missing_names_are_said() -> None:
    hard = {**without(VALIDATION, "class_names"), "scores": np.eye(7)[VALIDATION["scores"].argmax(axis=1)]}
    found = gzsl.calibrate_scores(hard, TEST, ["stacking"])
    assert any("hard predictions" in note and "ties" in note for note in found.notes)
    assert any("cannot be checked" in note for note in found.notes)


def test_the_result_is_short_and_a_frame() -> None:
    pytest.importorskip("pandas")
    found = gzsl.calibrate_scores(VALIDATION, TEST, ["none", "stacking"])
    assert len(repr(found)) < 500
    assert found.to_frame().loc["stacking", "H"] == found.to_rows()[1]["H"]


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    for name, arrays in (("val", VALIDATION), ("test", TEST)):
        np.savez(tmp_path / f"{name}.npz", **without(arrays, "features"))
    return ["calibrate", "--validation", str(tmp_path / "val.npz"), "--test", str(tmp_path / "test.npz")]


def test_the_command_prints_a_table_and_what_is_left_out(files: list[str], tmp_path: Path) -> None:
    done = CliRunner().invoke(app, [*files, "--csv", str(tmp_path / "out.csv")], catch_exceptions=False)
    assert done.exit_code == 0
    for word in ("stacking", "entropy", "AUSUC", "left out: knn: it needs features"):
        assert word in done.output
    assert (tmp_path / "out.csv").read_text().startswith("calibrator,gamma,U,S,H,AUSUC")
    done = CliRunner().invoke(app, [*files, "--with", "{name: stacking, form: zscored}", "--json"])
    (row,) = json.loads(done.output)["calibrators"]
    assert row["calibrator"] == "stacking(form=zscored)"


@pytest.mark.parametrize("arguments", [["calibrate"], ["calibrate", "--test", "x.npz"], ["FILES", "eszsl/simulated"]])
def test_recipes_or_files(arguments: list[str], files: list[str]) -> None:
    given = [*files, *arguments[1:]] if arguments[0] == "FILES" else arguments
    with pytest.raises(RecipeError, match="expected recipes, or --validation FILE.npz with --test FILE.npz"):
        CliRunner().invoke(app, given, catch_exceptions=False)
