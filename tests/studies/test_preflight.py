from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gzsl.data import TestGate, final_task, load
from gzsl.runs.reporter import Reporter
from gzsl.studies import preflight
from gzsl.studies.launch import Launch
from gzsl.studies.preflight import cost_key, estimate
from gzsl.studies.study import Study

FEW = {"selection.folds": 2, "selection.grid": {"lam": [0.1, 1.0, 10.0]}}


def jobs(out: Path, **study: Any) -> list[Any]:
    return Launch(Study(title="t", seeds=[0], **study).cells(), out, device="cpu").jobs


def estimated(out: Path, **study: Any) -> dict[str, Any]:
    (job,) = jobs(out, **study)
    return estimate(job.to_values(patient=False), Reporter())


def no_test_rows(self: TestGate) -> None:
    raise AssertionError("a pre-flight asked for the rows behind the gate")


def test_a_pre_flight_writes_nothing_and_reads_no_test_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TestGate, "open", no_test_rows)
    found = estimated(tmp_path, methods=["eszsl"], datasets=["simulated"], set=FEW)
    assert found["state"] == "estimated"
    assert 0 < found["low"] < found["seconds"] < found["high"]
    assert found["kind"] == "measured"
    assert found["bytes"] > 10 * 2**20
    assert not list(tmp_path.iterdir())


def test_a_trained_method_is_extrapolated_from_its_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TestGate, "open", no_test_rows)
    monkeypatch.setattr(preflight, "STEP_SECONDS", 0.3)
    short, long = (
        estimated(tmp_path, methods=["f-clswgan"], datasets=["simulated"], set={
            "method.n_epochs": n, "method.hidden_dim": 32, "method.n_synthetic": 20, "method.pretrain_epochs": 1,
            "method.head.n_epochs": 4, "selection.every": 10_000, "selection.grid": {},
        }) for n in (20, 20_000)
    )  # fmt: skip
    assert long["seconds"] > 20 * short["seconds"]


def test_a_long_closed_form_is_extrapolated_from_fewer_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "FEW_ROWS", 10)
    monkeypatch.setattr(preflight, "WHOLE_SECONDS", 0.0)
    found = estimated(tmp_path, methods=["eszsl"], datasets=["simulated"], set=FEW)
    assert found["kind"] == "extrapolated"
    assert found["high"] / found["low"] == pytest.approx(4.0)


def test_costs_are_summed_over_folds_candidates_and_rows(tmp_path: Path) -> None:
    (job,) = jobs(tmp_path, methods=["eszsl"], datasets=["simulated"], set={**FEW, "calibration": "none"})
    flight = preflight.Preflight(job.run)
    costs = preflight.Costs(build=8.0, unit=1.0, prepare=0.25, row=0.5, calibrator=2.0)
    searched = flight._fit_seconds(costs, 0.5, 100, search=True)
    assert searched == pytest.approx(2.0 + 0.5 * (8.0 + 2 * 1.0) + 3 * (0.5 * 100 + 0.25))
    assert flight._fit_seconds(costs, 1.0, 100, search=False) == pytest.approx(2.0 + 8.0 + 0.5 * 100)
    assert len(flight._rows_of_folds()) == 2


def test_what_cannot_work_is_found(tmp_path: Path) -> None:
    (job,) = jobs(tmp_path, methods=["eszsl"], datasets=["simulated"])
    values = job.to_values(patient=False)
    values["recipe"]["selection"]["holdout"] = 0.2
    values["recipe"]["setting"] = "transductive"
    found = estimate(values, Reporter())
    assert found["state"] == "failed"
    assert "transductive" in found["error"]


def test_rates_do_not_change_the_cost_but_sizes_do(tmp_path: Path) -> None:
    cells = {"methods": ["ale"], "datasets": ["simulated"]}
    a, b, c = (
        cost_key(jobs(tmp_path, **cells, set=change)[0].run)
        for change in ({"method.lr": 0.1}, {"method.lr": 0.2}, {"method.lr": 0.1, "method.n_epochs": 3})
    )
    assert a == b
    assert a != c


def test_thinned_rows_keep_every_class() -> None:
    view = final_task(load("simulated")).view
    thin = preflight._thinned(view, 4)
    assert 0.2 < len(thin.labels) / len(view.labels) < 0.4
    np.testing.assert_array_equal(np.unique(thin.labels), np.unique(view.labels))
