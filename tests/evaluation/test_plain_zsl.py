"""Without rows of seen classes there is T1 alone: nothing crashes, and no zero stands in for what was not measured."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from gzsl.errors import MethodError
from gzsl.evaluation import Evaluation, summarise

SCORES = np.array([[5.0, 2, 1], [0, 1, 2], [0, 2, 1]])
LABELS = np.array([1, 2, 2])


def plain(gamma: float | None = None) -> Evaluation:
    summary = summarise(SCORES, LABELS, np.array([0]), np.array([1, 2]))
    return Evaluation(summary, np.array([1, 2, 1]), ("ant", "bee", "cow"), gamma)


def test_t1_alone() -> None:
    found = plain()
    assert found.T1 == 0.75
    assert all(math.isnan(getattr(found, name)) for name in ("U", "S", "H", "AUSUC"))
    assert not found.generalized
    assert str(found) == "T1 75.0 (percent)"
    assert "T1 alone" in found.notes[0]


def test_a_calibration_strength_changes_nothing() -> None:
    found = plain(0.5)
    assert found.calibrated is None
    assert found.calibrated_domain is None
    assert found.to_dict() == plain().to_dict()


def test_json_says_that_nothing_was_measured() -> None:
    found = json.loads(json.dumps(plain().to_dict(), allow_nan=False))
    assert found["T1"] == 0.75
    assert [found[name] for name in ("U", "S", "H", "AUSUC", "calibrated", "domain")] == [None] * 6
    assert found["oracle"] == {}


def test_a_class_has_its_accuracy_among_the_unseen_ones_only() -> None:
    rows = {row["name"]: row for row in plain().per_class_rows()}
    assert [rows["cow"][key] for key in ("kind", "images", "gzsl", "zsl")] == ["unseen", 2, None, 0.5]
    assert rows["ant"]["zsl"] is None


def test_the_curve_says_what_it_lacks() -> None:
    with pytest.raises(MethodError, match="no row has a seen class as its label"):
        _ = plain().curve


def test_the_confusion_is_that_among_unseen_classes() -> None:
    assert plain().confusion().decision == "zsl"
    with pytest.raises(MethodError, match="expected one of zsl"):
        plain().confusion("given")
