from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from gzsl.errors import RunError
from gzsl.report.class_figures import read_classes
from gzsl.report.collect import collect
from gzsl.report.groups import Group, make_groups
from gzsl.report.significance import holm, significance

Fake = Callable[..., Path]


@pytest.fixture
def groups(tmp_path: Path, fake: Fake) -> list[Group]:
    for seed in range(3):
        fake(tmp_path, "eszsl", seed, strength=1.0)
        fake(tmp_path, "sae", seed, strength=1.3)
        fake(tmp_path, "ale", seed, strength=2.5)
        fake(tmp_path, "f-clswgan", seed, strength=4.0, protocol={"selection": "test-oracle", "valid": False})
    return make_groups(collect(tmp_path).runs)[0]


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.6, 0.5]) == [1.0, 1.0]
    assert holm([]) == []


def test_over_seeds_it_is_the_paired_t_test_with_a_warning(groups: list[Group]) -> None:
    found = significance(groups, "seeds")
    assert {(one.best, one.other) for one in found} == {("ale", "eszsl"), ("ale", "sae")}
    values = {g.method: [run.metrics["calibrated"]["H"] for run in g.runs] for g in groups}
    raw = {one.other: float(stats.ttest_rel(values["ale"], values[one.other]).pvalue) for one in found}
    for one in found:
        assert one.metric == "calibrated H"
        assert one.n == 3
        assert one.p == pytest.approx(raw[one.other])
        assert "3 seeds are few" in one.note
    assert max(one.p_holm or 0 for one in found) >= max(raw.values())


def test_over_classes_it_is_the_signed_rank_test_of_seed_means(groups: list[Group]) -> None:
    found = {(one.metric, one.other): one for one in significance(groups, "classes")}
    assert {metric for metric, _ in found} == {"T1", "U", "S"}
    one = found["S", "eszsl"]

    def means(method: str) -> np.ndarray:
        runs = next(g for g in groups if g.method == method).runs
        rows = [[float(r["gzsl"]) for r in read_classes(run) if r["kind"] == "seen"] for run in runs]
        return np.mean(rows, axis=0)

    difference = means(one.best) - means("eszsl")
    assert one.n == 6
    assert one.difference == pytest.approx(difference.mean())
    assert one.p == pytest.approx(float(stats.wilcoxon(difference).pvalue))


def test_where_nothing_can_be_tested_it_says_so(tmp_path: Path, fake: Fake) -> None:
    for method in ("eszsl", "sae"):
        fake(tmp_path, method, 0)
    fake(tmp_path, "ale", 1, strength=0.1)
    found = significance(make_groups(collect(tmp_path).runs)[0], "seeds")
    assert all(one.p is None and one.p_holm is None and not one.significant for one in found)
    assert [one.note for one in found] == ["1 seed in common, a test needs two", "no seed in common"]
    with pytest.raises(RunError, match="seeds"):
        significance([], "seed")


def test_equal_seeds_say_nothing(tmp_path: Path, fake: Fake) -> None:
    for seed in (0, 1):
        for method in ("eszsl", "sae"):
            fake(tmp_path, method, seed)
    (one,) = significance(make_groups(collect(tmp_path).runs)[0], "seeds")
    assert one.p is None
    assert "same difference" in one.note
    equal = significance(make_groups(collect(tmp_path).runs)[0], "classes")
    assert {(test.p, test.note) for test in equal} == {(1.0, "equal in every class")}
