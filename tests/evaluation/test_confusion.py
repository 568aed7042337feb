"""Which classes are taken for which: counted by hand on a handful of rows."""

from __future__ import annotations

import numpy as np
import pytest

from gzsl.errors import MethodError
from gzsl.evaluation import Evaluation, summarise

SEEN, UNSEEN = np.array([0, 2]), np.array([1, 3])
NAMES = ("ant", "bee", "cow", "dog")
LABELS = np.array([0, 0, 2, 1, 3, 3])
SCORES = np.array(
    [
        [3.0, 0, 1, 0],  # ant as ant
        [1.0, 2, 0, 0],  # ant as bee; calibrated the other way: stays bee
        [0, 0, 3.0, 1],  # cow as cow
        [2.0, 1, 0, 0],  # bee as ant; with gamma 1.5 as bee
        [0, 0, 1.0, 4],  # dog as dog
        [0, 2.0, 3, 1],  # dog as cow; with gamma 1.5 as bee
    ]
)


def found(gamma: float | None = None) -> Evaluation:
    return Evaluation(summarise(SCORES, LABELS, SEEN, UNSEEN), np.array([1, 3, 1]), NAMES, gamma)


def test_counts_by_hand_seen_first() -> None:
    confusion = found().confusion()
    assert confusion.class_names == ("ant", "cow", "bee", "dog")
    assert confusion.kinds == ("seen", "seen", "unseen", "unseen")
    assert confusion.counts.tolist() == [[1, 0, 1, 0], [0, 1, 0, 0], [1, 0, 0, 0], [0, 1, 0, 1]]
    assert confusion.sides.tolist() == [[2, 1], [2, 1]]
    assert confusion.shares[3].tolist() == [0, 0.5, 0, 0.5]


def test_the_calibrated_decision_is_shown_where_there_is_one() -> None:
    calibrated = found(1.5).confusion()
    assert calibrated.decision == "calibrated"
    assert calibrated.counts.tolist() == [[1, 0, 1, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 1, 1]]
    assert found(1.5).confusion("given").counts.tolist() == found().confusion().counts.tolist()


def test_among_the_unseen_classes_alone() -> None:
    zsl = found().confusion("zsl")
    assert zsl.class_names == ("bee", "dog")
    assert zsl.counts.tolist() == [[1, 0], [1, 1]]
    assert zsl.sides.tolist() == [[0, 0], [0, 3]]


def test_the_diagonal_gives_the_accuracies_of_the_evaluation() -> None:
    result = found(1.5)
    shares = np.diag(result.confusion().shares)
    assert result.calibrated is not None
    assert shares[:2].mean() == result.calibrated.S
    assert shares[2:].mean() == result.calibrated.U
    assert np.diag(result.confusion("zsl").shares).mean() == result.T1


def test_the_most_confused_pairs_come_first() -> None:
    pairs = found(1.5).confusion().most_confused(1)
    assert pairs == [
        {"class": "ant", "kind": "seen", "taken_for": "bee", "taken_for_kind": "unseen", "rows": 1, "share": 0.5}
    ]
    assert len(found().confusion().most_confused()) == 3


def test_a_class_without_rows_has_no_shares() -> None:
    summary = summarise(SCORES[:5], np.array([0, 0, 0, 1, 3]), SEEN, UNSEEN)
    confusion = Evaluation(summary, np.array([1, 3]), NAMES).confusion()
    assert np.isnan(confusion.shares[1]).all()


def test_a_decision_that_does_not_exist_is_named() -> None:
    with pytest.raises(MethodError, match="found decision 'calibrated', expected one of given, zsl"):
        found().confusion("calibrated")


def test_frames_of_counts_and_shares() -> None:
    pytest.importorskip("pandas")
    frame = found().confusion().to_frame()
    assert frame.loc["bee", "ant"] == 1
    assert found().confusion().to_frame(normalised=True).loc["dog", "cow"] == 0.5
    header, rows = found().confusion().table()
    assert header == ["class", "kind", "ant", "cow", "bee", "dog"]
    assert rows[3] == ["dog", "unseen", 0, 1, 0, 1]
