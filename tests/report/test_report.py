from __future__ import annotations

import statistics

import pytest

from gzsl.report import aggregate


def test_mean_and_sample_deviation() -> None:
    metrics = [{"T1": 0.1 * k, "U": 0.0, "S": 1.0, "H": 0.0, "AUSUC": 0.0} for k in range(3)]
    found = aggregate(metrics)
    assert found.mean["T1"] == pytest.approx(0.1)
    assert found.std["T1"] == pytest.approx(statistics.stdev([0.0, 0.1, 0.2]))
    assert aggregate(metrics[:1]).std == {}
    assert "calibrated.H" not in found.mean
