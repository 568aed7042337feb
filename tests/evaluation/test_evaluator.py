"""Evaluation of a scorer on a task, against the whole score matrix by hand."""

from __future__ import annotations

import json

import numpy as np
import pytest

from gzsl.data import DataCard, Dataset, FeatureRows, Split, Task, final_task
from gzsl.errors import MethodError
from gzsl.evaluation import SeenUnseenCurve, evaluate, operating_point, summarise
from gzsl.semantics import Semantics

N_CLASSES, SEEN, UNSEEN = 5, np.array([0, 2, 4]), np.array([1, 3])


class Compatibility:
    """Inner product with the class table, with a bonus for tables of exactly the unseen classes."""

    def __init__(self, bonus_class: str | None = None) -> None:
        self.bonus_class = bonus_class
        self.tables: set[tuple[str, ...]] = set()

    def scores(self, X: np.ndarray, semantics: Semantics) -> np.ndarray:
        self.tables.add(semantics.class_names)
        found = X @ semantics.table.T
        if self.bonus_class is not None and len(semantics) == len(UNSEEN):
            found[:, semantics.class_names.index(self.bonus_class)] += 1e6
        return found


class Broken:
    def __init__(self, value: float = np.nan, columns: int = 0) -> None:
        self.value, self.columns = value, columns

    def scores(self, X: np.ndarray, semantics: Semantics) -> np.ndarray:
        found = np.zeros((len(X), len(semantics) + self.columns), dtype=np.float32)
        if len(X) > 1:
            found[1, -1] = self.value
        return found


@pytest.fixture
def task() -> Task:
    rng = np.random.default_rng(0)
    table = rng.standard_normal((N_CLASSES, 6)).astype(np.float32)
    labels = rng.integers(0, N_CLASSES, 400)
    features = (table[labels] + 1.5 * rng.standard_normal((400, 6))).astype(np.float32)
    of_seen = np.flatnonzero(np.isin(labels, SEEN))
    split = Split(SEEN, UNSEEN, of_seen[::2], of_seen[1::2], np.flatnonzero(np.isin(labels, UNSEEN)))
    semantics = Semantics(table, tuple("abcde"))
    return final_task(Dataset(features, labels, semantics, split, DataCard("tiny")))


def test_equals_the_whole_matrix(task: Task) -> None:
    found = evaluate(Compatibility(), task, gamma=0.7)
    rows = task.gate.open()
    X = np.concatenate([part.features.to_array() for part in rows])
    labels = np.concatenate([part.labels for part in rows])
    scores = X @ task.view.semantics.table.T
    whole = summarise(scores, labels, SEEN, UNSEEN)
    point = operating_point(whole)
    assert (found.U, found.S, found.H) == (point.U, point.S, point.H)
    assert 0.0 < found.H < 1.0
    assert SeenUnseenCurve.of(whole).area == found.AUSUC
    assert found.calibrated == operating_point(whole, 0.7)
    assert max(point.H, found.calibrated.H) <= found.oracle.H
    unseen = np.isin(labels, UNSEEN)
    right = UNSEEN[scores[unseen][:, UNSEEN].argmax(axis=1)] == labels[unseen]
    by_class = [right[labels[unseen] == c].mean() for c in UNSEEN]
    assert pytest.approx(np.mean(by_class)) == found.T1
    text = str(found)
    assert text.startswith(f"T1 {100 * found.T1:.1f}, U {100 * found.U:.1f}")
    assert "at gamma 0.7" in text


def test_gate_is_opened_once_and_unseen_classes_get_their_own_table(task: Task) -> None:
    scorer = Compatibility(bonus_class="b")
    found = evaluate(scorer, task)
    assert task.gate.reads == 1
    assert scorer.tables == {tuple("abcde"), ("b", "d")}
    assert found.T1 == 0.5, "with its own table the scorer always answers b, right for one of two classes"
    assert found.U != 0.5


def test_dictionary_is_the_layout_of_metrics_json(task: Task) -> None:
    values = evaluate(Compatibility(), task, gamma=0.25).to_dict()
    assert list(values) == ["T1", "U", "S", "H", "AUSUC", "calibrated", "domain", "oracle", "notes"]
    assert list(values["calibrated"]) == ["gamma", "U", "S", "H", "AUSUC", "domain"]
    assert values["calibrated"]["gamma"] == 0.25
    best = values["oracle"]["best_gamma"]
    assert best["valid"] is False
    assert "not a valid result" in best["note"]
    assert all(0.0 <= values[name] <= 1.0 for name in ("T1", "U", "S", "H", "AUSUC"))
    again = evaluate(Compatibility(), task, gamma=0.25).to_dict()
    assert json.dumps(values, allow_nan=False) == json.dumps(again, allow_nan=False)
    assert evaluate(Compatibility(), task).to_dict()["calibrated"] is None


def test_per_class_rows_average_to_the_metrics(task: Task) -> None:
    found = evaluate(Compatibility(), task, gamma=0.5)
    rows = found.per_class_rows()
    assert [row["name"] for row in rows] == list("abcde")
    assert [row["kind"] for row in rows] == ["seen", "unseen", "seen", "unseen", "seen"]
    assert sum(row["images"] for row in rows) == len(found.summary)

    def mean(kind: str, key: str) -> float:
        return float(np.mean([row[key] for row in rows if row["kind"] == kind]))

    assert (mean("unseen", "gzsl"), mean("seen", "gzsl")) == pytest.approx((found.U, found.S))
    assert mean("unseen", "zsl") == pytest.approx(found.T1)
    assert (mean("unseen", "calibrated"), mean("seen", "calibrated")) == pytest.approx(
        (found.calibrated.U, found.calibrated.S)
    )
    assert [row["zsl"] for row in rows if row["kind"] == "seen"] == [None] * 3
    assert "calibrated" not in evaluate(Compatibility(), task).per_class_rows()[0]


@pytest.mark.parametrize(
    ("scorer", "message"),
    [
        (Broken(np.nan), "row 1, column 4 is nan"),
        (Broken(np.inf), "row 1, column 4 is inf"),
        (Broken(0.0, columns=1), r"Broken.scores: found an array of shape \(\d+, 6\), expected \(\d+, 5\)"),
    ],
)
def test_bad_scores_are_refused(task: Task, scorer: Broken, message: str) -> None:
    with pytest.raises(MethodError, match=message):
        evaluate(scorer, task)


def test_bad_scores_of_the_unseen_head_are_refused(task: Task) -> None:
    class BrokenHead(Compatibility):
        def scores(self, X: np.ndarray, semantics: Semantics) -> np.ndarray:
            found = super().scores(X, semantics)
            return found * (np.nan if len(semantics) == len(UNSEEN) else 1.0)

    with pytest.raises(MethodError, match="scores of the unseen classes: a row of test_unseen has the best score nan"):
        evaluate(BrokenHead(), task)


class Learning:
    """A method that tries to learn the side of a row from how rows come to it."""

    def __init__(self, task: Task, look: str) -> None:
        self.view, self.look, self.calls = task.view, look, 0
        self.mean = task.view.features.to_array().mean(axis=0)
        self.sizes: list[int] = []
        self.remembered: set[bytes] = set()

    def scores(self, X: np.ndarray, semantics: Semantics) -> np.ndarray:
        found = X @ semantics.table.T
        self.calls += 1
        if len(semantics) != N_CLASSES:
            self.remembered |= {row.tobytes() for row in X}
            return found
        distances = np.linalg.norm(X - self.mean, axis=1)
        side = {
            "calls": np.full(len(X), self.calls > 1),
            "mean of the batch": np.full(len(X), np.linalg.norm(X.mean(axis=0) - self.mean) > np.median(distances) / 3),
            "size of the batch": np.full(len(X), len(X) != 64),
            "position in the batch": np.arange(len(X)) >= len(X) // 2,
            "rows before": np.cumsum(np.ones(len(X))) + sum(self.sizes) > 100,
            "rows of T1": np.array([row.tobytes() in self.remembered for row in X]),
        }[self.look]
        self.sizes.append(len(X))
        found[:, UNSEEN] += np.where(side, 1e3, -1e3)[:, None]
        return found


@pytest.mark.parametrize(
    "look",
    ["calls", "mean of the batch", "size of the batch", "position in the batch", "rows before", "rows of T1"],
)
def test_the_side_of_a_row_cannot_be_learnt_from_how_it_comes(
    task: Task, look: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gzsl.data.features.FeatureRows.blocks.__defaults__", (64,))
    honest = evaluate(Compatibility(), task).H
    method = Learning(task, look)
    for _ in range(2):  # the second time a method may remember what it was shown
        assert evaluate(method, task).H <= honest + 0.02


def test_the_order_is_that_of_the_content(task: Task) -> None:
    mixed = task.gate.mixed()
    assert task.gate.reads == 1
    seen, unseen = task.gate.open()
    X = np.concatenate([seen.features.to_array(), unseen.features.to_array()])
    labels = np.concatenate([seen.labels, unseen.labels])
    np.testing.assert_array_equal(mixed.restored(mixed.rows.features.to_array()), X)
    np.testing.assert_array_equal(mixed.restored(mixed.rows.labels), labels)
    np.testing.assert_array_equal(mixed.is_unseen, np.isin(mixed.rows.labels, UNSEEN))
    half = len(labels) // 2
    shares = [mixed.is_unseen[:half].mean(), mixed.is_unseen[half:].mean()]
    assert abs(shares[0] - shares[1]) < 0.15
    shuffled = np.random.default_rng(1).permutation(len(X))
    again = X[shuffled][FeatureRows(X[shuffled]).content_order()]
    np.testing.assert_array_equal(again, mixed.rows.features.to_array())


def test_equal_rows_of_both_sides_do_not_stand_in_the_order_of_the_sides() -> None:
    order = FeatureRows(np.ones((40, 3), dtype=np.float32)).content_order()
    assert sorted(order) == list(range(40))
    assert 0.2 < np.mean(order[:20] < 20) < 0.8


def test_an_observer_sees_the_blocks_that_the_method_sees_and_its_notes_come_back_in_order(task: Task) -> None:
    class Noting:
        def observe(self, X: np.ndarray, scores: np.ndarray) -> dict[str, np.ndarray]:
            return {"first": X[:, 0], "best": scores.max(axis=1)}

    found = evaluate(Compatibility(), task, observer=Noting())
    seen, unseen = task.gate.open()
    X = np.concatenate([seen.features.to_array(), unseen.features.to_array()])
    np.testing.assert_array_equal(found.evidence["first"], X[:, 0])
    np.testing.assert_allclose(found.evidence["best"], (X @ task.view.semantics.table.T).max(axis=1), rtol=1e-5)
