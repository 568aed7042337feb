"""The calibrator in docs/calibration.md works as printed."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import gzsl
from gzsl.calibration import Observation, base, make_calibrator
from gzsl.data import final_task
from gzsl.evaluation import evaluate

PAGE = Path(__file__).resolve().parents[2] / "docs" / "calibration.md"


def test_as_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base._CALIBRATORS, "_members", dict(base._CALIBRATORS._members))
    programs = re.findall(r"```python\n(.*?)```", PAGE.read_text(), flags=re.DOTALL)
    (program,) = [program for program in programs if "@register_calibrator" in program]
    exec(program, {"__name__": "documented"})
    task = final_task(gzsl.load("simulated", preset="easy"))
    method = gzsl.create("eszsl").fit(task.view)
    calibrator = make_calibrator({"name": "norm"}).prepare(task.view).attach(method, task.view)
    noted = Observation.of(evaluate(method, task, observer=calibrator), calibrator.reference_)
    rows = np.concatenate([part.features.to_array() for part in task.gate.open()])
    np.testing.assert_allclose(calibrator.decide(noted).margin, np.linalg.norm(rows, axis=1), rtol=1e-5)
    assert len(calibrator.fit([noted]).apply(noted)) == len(rows)
