"""Every method with every calibrator; the methods are those that the other conformance tests fitted."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import Any

import numpy as np
import pytest

from gzsl.calibration import Calibrator, Observation, calibrator_names, make_calibrator
from gzsl.conformance import Bench, Subject
from gzsl.data import Task
from gzsl.evaluation import evaluate

SMALL: dict[str, dict[str, Any]] = {
    "boundary-ood": {"n_epochs": 2, "hidden_dim": 16, "code_dim": 8, "codes": "mean"},
    "cosmo": {"n_iterations": 30},
    "cooked": {"n_iterations": 30, "n_components": 10},
    "knn": {"bank_size": 100},
}


@pytest.fixture(scope="session")
def prepared() -> Callable[[Task], list[Calibrator]]:
    """What calibrators learn of training rows does not depend on the method, only on the data it needs."""
    found: dict[int, list[Calibrator]] = {}

    def of(task: Task) -> list[Calibrator]:
        if id(task) not in found:
            sections = [{"name": name, **SMALL.get(name, {})} for name in calibrator_names()]
            found[id(task)] = [make_calibrator(section).prepare(task.view) for section in sections]
        return found[id(task)]

    return of


def test_every_calibrator_decides_over_every_method(
    name: str, params: dict[str, Any], bench: Bench, prepared: Callable[[Task], list[Calibrator]]
) -> None:
    subject = Subject(name, params, bench)
    method, task = subject.fitted, subject.bench.task
    classes = set(range(len(task.view.semantics)))
    for calibrator in map(copy, prepared(task)):
        calibrator.attach(method, task.view)
        evaluation = evaluate(method, task, observer=calibrator)
        noted = Observation.of(evaluation, calibrator.reference_)
        calibrator.fit([noted])
        assert np.isfinite(calibrator.gamma_), calibrator.label
        answers = calibrator.apply(noted)
        assert set(answers) <= classes, calibrator.label
        point = evaluation.calibrated_by(calibrator.decide(noted), calibrator.gamma_).calibrated
        assert point is not None
        if calibrator.label == "stacking":  # the threshold was chosen on these very rows
            assert point.H >= evaluation.H - 1e-12
        if calibrator.label == "none":
            assert point.H == pytest.approx(evaluation.H)
