"""A few labelled rows of unseen classes, of which none is ever scored."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gzsl.data import Dataset, final_task, fold_task, load, validation_folds
from gzsl.data.shots import ShotPlan, draw_shots
from gzsl.errors import MethodError, ProtocolError
from gzsl.methods import create


@pytest.fixture(scope="module")
def data() -> Dataset:
    return load("simulated", preset="easy", images_per_class=10)


def rows_of(array: np.ndarray) -> set[bytes]:
    return {row.tobytes() for row in array}


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 4), st.integers(0, 5), st.integers(0, 99), st.booleans())
def test_no_shot_is_scored_and_more_shots_hold_fewer(k: int, more: int, seed: int, kept: bool) -> None:
    labels = np.repeat(np.arange(4), 12)
    rows = np.random.default_rng(seed).permutation(len(labels))
    test, reserve = (rows[:24], rows[24:]) if kept else (rows, rows[:0])
    reserve = reserve[np.isin(labels[reserve], [0, 1])]  # the other classes have no row apart
    plan, names = ShotPlan(k, k + more), ["a", "b", "c", "d"]
    least = min(int((labels[test] == c).sum()) for c in range(4))
    if kept and (least <= k + more or min(int((labels[reserve] == c).sum()) for c in (0, 1)) < k):
        return
    shown, scored = draw_shots(plan, labels, range(4), names, reserve, test, seed)
    assert not len(np.intersect1d(shown, scored))
    assert (np.bincount(labels[shown], minlength=4) == k).all()
    assert len(np.intersect1d(scored, test)) == len(scored)
    fewer, same = draw_shots(ShotPlan(k // 2, k + more), labels, range(4), names, reserve, test, seed)
    assert set(fewer) <= set(shown)
    np.testing.assert_array_equal(same, scored)


@pytest.mark.parametrize("setting", ["inductive", "transductive", "transfer"])
def test_no_view_and_no_gate_share_a_row(data: Dataset, setting: str) -> None:
    task = final_task(data, "none", setting, shots=ShotPlan(3), seed=1)
    assert task.view.shots is not None
    shown = task.view.shots
    n_classes = len(task.view.unseen)
    assert len(shown.labels) == 3 * n_classes
    scored = [rows.features.to_array() for rows in task.gate.open()]
    assert not rows_of(shown.features.to_array()) & (rows_of(scored[0]) | rows_of(scored[1]))
    if setting == "transductive":
        assert not rows_of(shown.features.to_array()) & rows_of(task.view.unlabelled.to_array())


def test_the_draw_follows_seed_and_name_not_the_order_of_classes(data: Dataset) -> None:
    one = final_task(data, shots=ShotPlan(2), seed=0).view.shots
    again = final_task(data, shots=ShotPlan(2), seed=0).view.shots
    other = final_task(data, shots=ShotPlan(2), seed=1).view.shots
    assert one is not None and again is not None and other is not None
    np.testing.assert_array_equal(one.features.to_array(), again.features.to_array())
    assert rows_of(one.features.to_array()) != rows_of(other.features.to_array())


def test_a_fold_draws_from_its_own_rows(data: Dataset) -> None:
    fold = validation_folds(data, 1)[0]
    task = fold_task(data, fold, shots=ShotPlan(2), seed=0)
    assert task.view.shots is not None
    shown = rows_of(task.view.shots.features.to_array())
    assert shown <= rows_of(data.features[fold.val_unseen])
    assert not shown & rows_of(task.gate.open()[1].features.to_array())


def test_a_reserve_is_drawn_from_and_leaves_the_test_whole(data: Dataset) -> None:
    split = data.split
    reserve = np.concatenate([split.test_unseen[data.labels[split.test_unseen] == c][:4] for c in split.unseen])
    apart = replace(data, split=replace(split, test_unseen=np.setdiff1d(split.test_unseen, reserve), reserve=reserve))
    task = final_task(apart, shots=ShotPlan(2), seed=0)
    assert len(task.gate.open()[1].labels) == len(split.test_unseen) - len(reserve)
    assert task.view.shots is not None
    assert rows_of(task.view.shots.features.to_array()) <= rows_of(data.features[reserve])
    assert not rows_of(final_task(apart).view.features.to_array()) & rows_of(data.features[reserve])
    with pytest.raises(ProtocolError, match=r"has 4 rows in the reserve, expected at least 5: ask for fewer shots"):
        final_task(apart, shots=ShotPlan(5))


def test_more_shots_than_rows_are_refused(data: Dataset) -> None:
    with pytest.raises(ProtocolError, match=r"shots: class .* has 10 rows to test.* expected at least 11"):
        final_task(data, shots=ShotPlan(10))


def test_a_method_that_would_not_use_shots_refuses_them(data: Dataset) -> None:
    with pytest.raises(MethodError, match="eszsl: found shots of unseen classes"):
        create("eszsl").fit(final_task(data, shots=ShotPlan(1)).view)
