"""Scores from a file: right numbers, and one sentence for everything that can be wrong with one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io

from gzsl.errors import DataError, MethodError
from gzsl.evaluation import evaluate_scores_file

GOOD: dict[str, Any] = {
    "scores": np.array([[3.0, 0, 1, 0], [0, 2, 3, 0], [2, 1, 1, 0], [0, 0, 5, 0]]),
    "labels": np.array([0, 1, 2, 2]), "seen": np.array([0, 1]), "unseen": np.array([2, 3]),
}  # fmt: skip


def write(path: Path, **changes: Any) -> Path:
    arrays = {name: array for name, array in {**GOOD, **changes}.items() if array is not None}
    np.savez(path / "scores.npz", **arrays)
    return path / "scores.npz"


def test_numbers_by_hand(tmp_path: Path) -> None:
    found = evaluate_scores_file(write(tmp_path), gamma=1.5)
    assert (found.T1, found.U, found.S, found.H) == (1.0, 0.5, 0.5, 0.5)
    assert pytest.approx(0.75) == found.AUSUC
    assert (found.calibrated.U, found.calibrated.S) == (1.0, 0.5)
    assert (found.oracle.gamma, found.oracle.H) == pytest.approx((-3.0, 2 / 3))
    rows = found.per_class_rows()
    assert [row["name"] for row in rows] == ["0", "1", "2", "3"]
    assert rows[3] == {
        "class_id": 3, "name": "3", "kind": "unseen", "images": 0, "gzsl": None, "zsl": None, "calibrated": None,
    }  # fmt: skip


def test_class_names_may_come_with_it(tmp_path: Path) -> None:
    found = evaluate_scores_file(write(tmp_path, class_names=np.array(["ant", "bee", "cat", "dog"])))
    assert [row["name"] for row in found.per_class_rows()] == ["ant", "bee", "cat", "dog"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scores": None, "score": GOOD["scores"]}, r"no array 'scores'; .*did you mean 'score'\?"),
        ({"unseen": None}, "no array 'unseen'; the file has"),
        ({"scores": np.zeros(4)}, "scores: found float64 of shape"),
        ({"scores": np.array([["a"]])}, "scores: found <U1"),
        ({"scores": GOOD["scores"][:, :3].T}, r"labels: found 4, expected 3.*look transposed"),
        ({"labels": np.array([0, 1])}, "labels: found 2, expected 4, one a row of scores$"),
        ({"labels": GOOD["labels"][:, None]}, "labels: found int64 of shape"),
        ({"labels": GOOD["labels"].astype(float)}, "labels: found float64"),
        ({"labels": np.array([1, 2, 3, 4])}, "labels: found 1 to 4, expected 0 to 3.*look 1-based"),
        ({"labels": np.array([0, 1, 2, 9])}, "labels: found 0 to 9, expected 0 to 3, the columns of scores$"),
        ({"labels": np.array([-1, 1, 2, 2])}, "labels: found -1 to 2"),
        ({"unseen": np.array([3, 4])}, "unseen: found 3 to 4, .*look 1-based"),
        ({"seen": np.array([0, 0, 1])}, "seen: found class 0 twice"),
        ({"seen": np.array([0, 1, 2])}, "class 2 in both seen and unseen"),
        ({"unseen": np.array([3])}, "labels: found class 2, which is in neither"),
        ({"labels": np.array([0, 1, 0, 0])}, "no row of a class in unseen"),
        ({"scores": np.where(GOOD["scores"] == 5, np.nan, GOOD["scores"])}, "row 3, column 2 is nan"),
        ({"scores": np.full((4, 4), -np.inf)}, "row 0 is -inf for every class"),
        ({"class_names": np.array(["ant"])}, "class_names: found shape"),
        ({"labels": np.array([0, 1, 2, None])}, "labels: found Python objects, which are stored as a pickle"),
    ],
)
def test_one_sentence_for_every_fault(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    path = write(tmp_path, **changes)
    with pytest.raises(DataError, match=message) as caught:
        evaluate_scores_file(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_files_that_are_no_archives(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file, expected a NumPy archive"):
        evaluate_scores_file(tmp_path / "absent.npz")
    (tmp_path / "text.npz").write_text("scores")
    np.save(tmp_path / "single.npy", np.zeros(3))
    (tmp_path / "empty.npz").write_bytes(b"")
    (tmp_path / "cut.npz").write_bytes(write(tmp_path).read_bytes()[:200])
    for name in ("text.npz", "single.npy", "empty.npz", "cut.npz"):
        with pytest.raises(DataError, match=r"a NumPy archive \(.npz\) with the arrays scores, labels"):
            evaluate_scores_file(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("s.csv", "a text file"), ("s.mat", "a MATLAB file"), ("s.npy", "an .npy array"), ("s.npz", "an empty file"),
        ("s.pkl", "a Python pickle .which may run code and is never opened"),
    ],
)  # fmt: skip
def test_other_kinds_of_files_are_named(name: str, found: str, tmp_path: Path) -> None:
    scores, path = GOOD["scores"], tmp_path / name
    if name == "s.csv":
        np.savetxt(path, scores, delimiter=",")
    elif name == "s.mat":
        scipy.io.savemat(path, {"scores": scores})
    elif name == "s.npy":
        np.save(path, scores)
    else:
        path.write_bytes(b"\x80\x04\x95\x00\x00" if name == "s.pkl" else b"")
    with pytest.raises(DataError, match=f"{name}: found {found}.*, expected a NumPy archive"):
        evaluate_scores_file(path)


@pytest.mark.parametrize("gamma", [float("nan"), float("inf"), -float("inf")])
def test_gamma_is_a_number(gamma: float, tmp_path: Path) -> None:
    with pytest.raises(MethodError, match="gamma: found .*, expected a finite number"):
        evaluate_scores_file(write(tmp_path), gamma)


def hard(scores: np.ndarray) -> np.ndarray:
    return np.eye(scores.shape[1])[scores.argmax(axis=1)]


BUSY = np.random.default_rng(0).normal(size=(40, 6)) + np.eye(6)[np.repeat(np.arange(6), [7, 7, 7, 7, 6, 6])]
SIDES: dict[str, Any] = {
    "labels": np.repeat(np.arange(6), [7, 7, 7, 7, 6, 6]), "seen": np.arange(4), "unseen": np.array([4, 5]),
}  # fmt: skip


@pytest.mark.parametrize(
    ("scores", "word"),
    [
        (hard(BUSY), "hard predictions"),
        (1e6 * hard(BUSY) - 3, "hard predictions"),
        (np.where(hard(BUSY) > 0, 0, -np.inf), "hard predictions"),
        (np.round(BUSY / 3), "rows tie for the best class of a side"),
    ],
)
def test_scores_that_rank_nothing_are_named(tmp_path: Path, scores: np.ndarray, word: str) -> None:
    (note,) = evaluate_scores_file(write(tmp_path, scores=scores, **SIDES)).notes
    assert word in note
    assert "ties" in note


def test_scores_that_rank_are_not(tmp_path: Path) -> None:
    assert not evaluate_scores_file(write(tmp_path, scores=BUSY, **SIDES)).notes
    one_unseen = {"seen": np.arange(5), "unseen": np.array([5])}
    assert not evaluate_scores_file(write(tmp_path, scores=BUSY, **{**SIDES, **one_unseen})).notes


def test_rows_of_unseen_classes_alone_give_t1(tmp_path: Path) -> None:
    keep = SIDES["labels"] > 3
    found = evaluate_scores_file(write(tmp_path, scores=BUSY[keep], **{**SIDES, "labels": SIDES["labels"][keep]}))
    assert not found.generalized
    columns = {"labels": SIDES["labels"][keep] - 4, "seen": np.array([]), "unseen": np.array([0, 1])}
    alone = evaluate_scores_file(write(tmp_path, scores=BUSY[keep][:, 4:], **columns))
    assert alone.T1 == found.T1
    assert alone.to_dict()["H"] is None
    assert [row["name"] for row in alone.per_class_rows()] == ["0", "1"]


def test_scores_in_memory_are_taken_too() -> None:
    assert evaluate_scores_file(GOOD).T1 == 1.0
    with pytest.raises(DataError, match="scores: no array 'labels'"):
        evaluate_scores_file({"scores": GOOD["scores"]})
