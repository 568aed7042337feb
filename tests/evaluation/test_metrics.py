"""Class-averaged accuracy and harmonic mean, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from gzsl.errors import MethodError
from gzsl.evaluation import harmonic_mean, operating_point, per_class_accuracy, predictions, summarise
from gzsl.evaluation.metrics import mean_accuracy


def test_classes_weigh_the_same_and_empty_ones_do_not_count() -> None:
    labels = np.array([0, 0, 0, 0, 1, 3])
    predicted = np.array([0, 0, 0, 1, 2, 3])
    found = per_class_accuracy(labels, predicted, np.array([3, 0, 1, 2, 7]))
    np.testing.assert_array_equal(found, [1.0, 0.75, 0.0, np.nan, np.nan])
    assert mean_accuracy(found) == pytest.approx(1.75 / 3)
    with pytest.raises(MethodError, match="none of the classes has a sample"):
        mean_accuracy(per_class_accuracy(labels, predicted, np.array([2])))


def test_harmonic_mean() -> None:
    assert harmonic_mean(0.5, 0.25) == pytest.approx(1 / 3)
    assert harmonic_mean(0.0, 0.0) == 0.0
    assert harmonic_mean(0.0, 1.0) == 0.0
    np.testing.assert_allclose(harmonic_mean(np.array([0.0, 0.5, 1.0]), np.array([0.0, 0.25, 1.0])), [0, 1 / 3, 1])


def test_a_tie_between_the_sides_is_unseen() -> None:
    summary = summarise(np.array([[2.0, 1.0], [1.0, 1.0]]), [0, 0], [0], [1])
    np.testing.assert_array_equal(predictions(summary), [0, 1])
    np.testing.assert_array_equal(predictions(summary, 1.0), [1, 1])
    np.testing.assert_array_equal(predictions(summary, 0.999), [0, 1])
    np.testing.assert_array_equal(predictions(summary, -1.0), [0, 0])


def test_operating_point_by_hand() -> None:
    scores = np.array([[3.0, 0.0, 1.0], [0.0, 2.0, 3.0], [2.0, 1.0, 1.0], [0.0, 0.0, 5.0]])
    summary = summarise(scores, [0, 1, 2, 2], [0, 1], [2])
    point = operating_point(summary)
    assert (point.U, point.S) == (0.5, 0.5)
    assert point.to_dict() == {"gamma": 0.0, "U": 0.5, "S": 0.5, "H": 0.5}
    assert operating_point(summary, 1.5).U == 1.0
    with pytest.raises(MethodError, match="none of the classes has a sample"):
        operating_point(summarise(scores[:1], [0], [0, 1], [2]))
