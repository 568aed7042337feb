from __future__ import annotations

from typing import Any

import pytest

from gzsl.evaluation import Protocol
from gzsl.report.aggregate import Aggregate, aggregate
from gzsl.report.reproduction import Band, nearest_published, protocol_differences, reproduction
from gzsl.runs import load_recipe


def protocol(**changes: object) -> Protocol:
    values = {
        "dataset": "AWA1", "split": "PS2", "setting": "inductive", "features": "res101", "fine_tuned": False,
        "semantics": "att", "normalisation": "none", "preprocessing": "none", "selection": "validation",
        "calibration": "none",
    }  # fmt: skip
    return Protocol(**{**values, **changes})  # type: ignore[arg-type]


def seeds(*h: float, **others: float) -> Aggregate:
    fixed = {"T1": 0.582, "U": 0.066, "S": 0.756, "AUSUC": 0.3, **others}
    return aggregate([{**fixed, "H": value} for value in h])


@pytest.mark.parametrize(
    ("ours", "spread", "tolerance", "verdict"),
    [
        (50.0, 0.0, 0.0, "within"), (51.5, 0.0, 1.5, "within"), (51.6, 0.0, 1.5, "above"),
        (48.4, 0.0, 1.5, "below"), (48.4, 0.2, 1.5, "within"), (40.0, 9.0, 1.5, "within"),
    ],
)  # fmt: skip
def test_the_band_and_its_ends(ours: float, spread: float, tolerance: float, verdict: str) -> None:
    assert Band("H", ours, spread, 50.0, tolerance).verdict == verdict


def test_the_spread_is_the_t_interval_of_the_mean() -> None:
    """Three seeds, 11.1, 12.1 and 13.1: sample std 1, t(0.975; 2) = 4.302653, 4.302653 / sqrt(3) = 2.484137."""
    outcome = reproduction(load_recipe("eszsl/AWA1"), protocol(), seeds(0.111, 0.121, 0.131), tolerance=0.5)
    bands = {band.metric: band for band in outcome.bands}
    assert bands["H"].ours == pytest.approx(12.1)
    assert bands["H"].published == 12.1
    assert bands["H"].spread == pytest.approx(2.484137, abs=1e-5)
    assert bands["H"].half_width == pytest.approx(2.984137, abs=1e-5)
    assert bands["T1"].spread == 0
    assert outcome.verdict == "within"


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        (seeds(0.121), "within"),
        (seeds(0.05), "below"),
        (seeds(0.2), "above"),
        (seeds(0.2, T1=0.5), "below"),  # one of the two deciding metrics is enough
        (seeds(0.121, U=0.01, S=0.9), "within"),  # U and S do not decide
    ],
)
def test_t1_and_h_decide(found: Aggregate, verdict: str) -> None:
    assert reproduction(load_recipe("eszsl/AWA1"), protocol(), found).verdict == verdict


def test_differences_are_named_most_likely_first_and_unknown_ones_last() -> None:
    line = nearest_published("ce-gzsl", protocol(dataset="SUN"))
    assert line is not None
    assert line.dataset == "SUN"
    found = protocol_differences(protocol(dataset="SUN", semantics="sent", selection="last"), line)
    assert [difference.field for difference in found] == ["semantics", "selection", "split"]
    assert found[1].sentence.startswith("selection: last here, test-oracle there")
    assert found[-1].theirs == "unknown"


@pytest.mark.parametrize(("dataset", "method", "there"), [("CUB127", "eszsl", "CUB"), ("FLO89", "tf-vaegan", "FLO")])
def test_nothing_comparable_names_the_nearest_line(dataset: str, method: str, there: str) -> None:
    ours = protocol(dataset=dataset, features="efficientnet_lite0")
    outcome = reproduction(load_recipe(f"{method}/{dataset}"), ours, seeds(0.4))
    assert outcome.verdict == "not comparable"
    assert outcome.bands == ()
    assert outcome.nearest is not None
    assert outcome.nearest.dataset == there
    fields = [difference.field for difference in outcome.differences]
    assert fields[0] == "dataset"
    assert "features" in fields


def test_a_method_without_any_published_number() -> None:
    outcome = reproduction(load_recipe("protonet/AWA1"), protocol(), seeds(0.4))
    assert (outcome.published, outcome.nearest, outcome.differences) == (None, None, ())


def test_a_gated_number_is_held_against_a_gated_one() -> None:
    """f-CLSWGAN with COSMO on FLO was published; its calibrated numbers are compared, not the plain ones."""
    recipe = load_recipe("f-clswgan/FLO", {"calibration": "cosmo"})
    calibrated: dict[str, Any] = {"gamma": 0.0, "U": 0.59, "S": 0.81, "H": 0.68}
    found = aggregate([{"T1": 0.6, "U": 0.1, "S": 0.9, "H": 0.2, "AUSUC": 0.3, "calibrated": calibrated}])
    outcome = reproduction(recipe, protocol(dataset="FLO"), found)
    assert {band.metric: band.ours for band in outcome.bands} == pytest.approx({"U": 59.0, "S": 81.0, "H": 68.0})
    assert outcome.verdict == "within"


def test_values_that_are_not_the_papers_are_named() -> None:
    outcome = reproduction(load_recipe("ale/AWA1"), protocol(), seeds(0.4))
    assert {"n_epochs", "batch_size"} <= set(outcome.own_values)
    assert "margin" not in outcome.own_values
