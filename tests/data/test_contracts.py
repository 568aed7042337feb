"""Dataset, split, folds, feature rows, scalers, views: what later layers rely on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gzsl.data import (
    SCALINGS,
    DataCard,
    Dataset,
    EvalRows,
    FeatureRows,
    Scaler,
    Split,
    TestGate,
    TrainView,
    final_task,
    fold_task,
    validation_folds,
)
from gzsl.data.folds import holdout_mask
from gzsl.errors import DataError, MethodError, ProtocolError
from gzsl.semantics import Semantics
from gzsl.semantics.graph import IS_A, ClassGraph

NAMES = ("a", "b", "c", "d", "e", "f")


def dataset(**changes: Any) -> Dataset:
    """Six classes, class c with c + 2 images; b and e are unseen; the first image of a seen class is test_seen."""
    labels = np.repeat(np.arange(6), np.arange(6) + 2)
    X = np.random.default_rng(0).random((len(labels), 4), dtype=np.float32)
    firsts = np.array([int(np.flatnonzero(labels == c)[0]) for c in (0, 2, 3, 5)])
    unseen_rows = np.flatnonzero(np.isin(labels, [1, 4]))
    trainval = np.setdiff1d(np.arange(len(labels)), [*firsts, *unseen_rows])
    parts = {
        "features": X, "labels": labels, "semantics": Semantics(np.eye(6), NAMES),
        "split": Split([5, 3, 0, 2], [4, 1], trainval, firsts, unseen_rows), "card": DataCard("toy"), **changes,
    }  # fmt: skip
    return Dataset(**parts)


# --- split


def test_class_ids_are_kept_ascending() -> None:
    split = dataset().split
    assert split.seen.tolist() == [0, 2, 3, 5]
    assert split.unseen.tolist() == [1, 4]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"unseen": [1, 3, 4]}, "class 'd' is both seen and unseen"),
        ({"unseen": []}, "found 4 seen and 0 unseen classes"),
        ({"unseen": [1, 4, 9]}, "found class id 9, expected 0 to 5"),
        ({"unseen": [-1, 1, 4]}, "found class id -1, expected 0 to 5"),
        ({"test_unseen": []}, "test_unseen is empty"),
        ({"test_seen": [0, 27]}, "test_seen has row 27, expected 0 to 26"),
        ({"test_seen": [-3]}, "test_seen has row -3, expected 0 to 26"),
        ({"test_seen": [0, 0]}, "test_seen lists a row twice"),
        ({"test_seen": [1]}, r"1 rows are in both trainval and test_seen \(row 1\)"),
        ({"test_seen": [2]}, "1 rows are in both test_seen and test_unseen"),
        ({"test_unseen": [0]}, "in both test_seen and test_unseen"),
        ({"test_unseen": [2, 3], "test_seen": [0, 14]}, "test_seen has rows of class 'e', expected seen classes only"),
        ({"trainval": [1, 6, 7, 8, 10, 11, 12, 13]}, "the seen class 'f' has no row in trainval"),
        ({"validation_classes": (np.array([0, 1]),)}, "a validation fold has classes that are not seen"),
    ],
)
def test_a_split_that_contradicts_the_labels(changes: dict[str, Any], message: str) -> None:
    good = dataset()
    with pytest.raises(DataError, match=message):
        dataset(split=replace(good.split, **changes))


# --- dataset


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"features": np.zeros((27, 4))}, r"features: found float64 of shape \(27, 4\), expected float32"),
        ({"features": np.zeros(27, np.float32)}, "expected float32 of shape"),
        ({"labels": np.zeros(5, int)}, "labels: found 5, expected 27"),
        ({"labels": np.full(27, 6)}, "labels: found 6 to 6, expected 0 to 5"),
        ({"tables": {"att": Semantics(np.eye(6), NAMES[::-1])}}, "class names differ"),
    ],
)
def test_inconsistent_parts(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        dataset(**changes)


def test_a_dataset_cannot_be_changed_through_its_arrays() -> None:
    labels = dataset().labels.copy()
    X = np.random.default_rng(0).random((27, 4), dtype=np.float32)
    built = dataset(features=X, labels=labels)
    for array in (built.features, built.labels, built.split.trainval, built.semantics.table):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
    labels[0] = 5
    assert built.labels[0] == 0
    X[0] = 7  # the caller's array stays the caller's


def test_tables_are_switched_by_name_with_statistics_of_the_seen_classes() -> None:
    att = Semantics(np.random.default_rng(0).random((6, 3)), NAMES)
    sent = Semantics(np.random.default_rng(1).random((6, 2)), NAMES, name="sent")
    both = dataset(semantics=att, tables={"att": att, "sent": sent})
    scaled = both.with_semantics("sent", "minmax").semantics
    seen = scaled.table[both.split.seen]
    np.testing.assert_allclose(seen.min(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(seen.max(axis=0), 1, atol=1e-6)
    assert (scaled.name, scaled.normalisation) == ("sent", "minmax")
    assert both.with_semantics("att") is both
    renormalised = both.with_semantics("att", "l2").with_semantics("att", "none")
    np.testing.assert_array_equal(renormalised.semantics.table, att.table)


# --- feature rows


def test_rows_are_taken_in_order_and_in_blocks() -> None:
    X = np.arange(30, dtype=np.float32).reshape(10, 3)
    rows = FeatureRows(X, np.array([7, 2, 2, 9]))
    np.testing.assert_array_equal(rows.to_array(), X[[7, 2, 2, 9]])
    pieces = list(rows.blocks(3))
    assert [(where.start, where.stop) for where, _ in pieces] == [(0, 3), (3, 4)]
    np.testing.assert_array_equal(rows.take(np.array([3, 0])).to_array(), X[[9, 7]])
    assert rows.shape == (4, 3)
    for _, block in rows.blocks():
        block[:] = -1  # a block is a copy
    np.testing.assert_array_equal(X[7], [21, 22, 23])


def test_memory_mapped_rows_equal_those_in_memory(tmp_path: Any) -> None:
    X = np.random.default_rng(0).random((5000, 3), dtype=np.float32)
    np.save(tmp_path / "x.npy", X)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    order = np.random.default_rng(1).permutation(5000)
    np.testing.assert_array_equal(FeatureRows(mapped, order).to_array(), X[order])
    np.testing.assert_array_equal(FeatureRows(mapped).to_array(), X)


# --- scalers

matrices = arrays(np.float32, st.tuples(st.integers(2, 40), st.integers(1, 5)), elements=st.floats(-100, 100, width=32))


@given(matrices)
@settings(deadline=None, max_examples=50)
def test_scaler_statistics(X: np.ndarray) -> None:
    rows = FeatureRows(X)
    varies = np.ptp(X.astype(np.float64), axis=0) > 1e-2
    scaled = {kind: rows.scaled(Scaler.fit(kind, rows)).to_array() for kind in SCALINGS}
    assert all(values.dtype == np.float32 and np.isfinite(values).all() for values in scaled.values())
    np.testing.assert_array_equal(scaled["none"], X)
    np.testing.assert_allclose(scaled["minmax"].min(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(scaled["minmax"].max(axis=0)[varies], 1, atol=1e-4)
    np.testing.assert_allclose(scaled["standard"].mean(axis=0)[varies], 0, atol=2e-2)
    np.testing.assert_allclose(scaled["standard"].std(axis=0)[varies], 1, atol=2e-2)
    assert np.abs(scaled["max"]).max() <= 1 + 1e-6 or np.abs(X).max() <= 1e-8
    norms = np.linalg.norm(scaled["l2"].astype(np.float64), axis=1)
    np.testing.assert_allclose(norms[np.abs(X).max(axis=1) > 1e-6], 1, atol=1e-4)


def test_scalers_by_hand() -> None:
    X = np.array([[0, -8], [4, 2]], dtype=np.float32)
    rows = FeatureRows(X)
    np.testing.assert_allclose(Scaler.fit("minmax", rows).transform(X), [[0, 0], [1, 1]])
    np.testing.assert_allclose(Scaler.fit("standard", rows).transform(X), [[-1, -1], [1, 1]])
    np.testing.assert_allclose(Scaler.fit("max", rows).transform(X), X / 8)
    np.testing.assert_allclose(Scaler.fit("l2", rows).transform(X)[1], np.array([4, 2]) / np.sqrt(20), rtol=1e-6)
    centred = np.array([2, 5]) / np.sqrt(29)
    np.testing.assert_allclose(Scaler.fit("centre-l2", rows).transform(X), [-centred, centred], rtol=1e-6)
    outside = Scaler.fit("minmax", rows).transform(np.array([[8, 2]], dtype=np.float32))
    np.testing.assert_allclose(outside, [[2, 1]])
    with pytest.raises(DataError, match="found 'minimax'"):
        Scaler.fit("minimax", rows)


def test_moments_over_blocks_are_those_of_the_whole() -> None:
    X = (1000 + np.random.default_rng(0).standard_normal((5000, 3))).astype(np.float32)
    scaler = Scaler.fit("standard", FeatureRows(X))
    np.testing.assert_allclose(scaler.shift, X.mean(axis=0, dtype=np.float64), rtol=1e-6)
    np.testing.assert_allclose(scaler.scale, X.astype(np.float64).std(axis=0), rtol=1e-5)


# --- folds


def many_classes(n_seen: int, n_unseen: int, per_class: int, published: tuple[np.ndarray, ...] = ()) -> Dataset:
    n = n_seen + n_unseen
    labels = np.repeat(np.arange(n), per_class)
    is_test = np.arange(len(labels)) % per_class == 0
    in_unseen = labels >= n_seen
    split = Split(
        np.arange(n_seen), np.arange(n_seen, n), np.flatnonzero(~in_unseen & ~is_test),
        np.flatnonzero(~in_unseen & is_test), np.flatnonzero(in_unseen), validation_classes=published,
    )  # fmt: skip
    names = tuple(f"c{i:03d}" for i in range(n))
    X = np.zeros((len(labels), 2), np.float32)
    return Dataset(X, labels, Semantics(np.eye(n), names), split, DataCard("many"))


@given(
    n_seen=st.integers(3, 20), n_unseen=st.integers(1, 8), per_class=st.integers(2, 9), n_folds=st.integers(1, 5),
    holdout=st.floats(0.01, 0.99), seed=st.integers(0, 99),
)  # fmt: skip
@settings(deadline=None, max_examples=50)
def test_folds_are_class_disjoint_and_inside_trainval(
    n_seen: int, n_unseen: int, per_class: int, n_folds: int, holdout: float, seed: int
) -> None:
    data = many_classes(n_seen, n_unseen, per_class)
    folds = validation_folds(data, n_folds, holdout, seed)
    assert 1 <= len(folds) <= n_folds
    trainval = set(data.split.trainval.tolist())
    pseudo_unseen: set[int] = set()
    for fold in folds:
        parts = [set(rows.tolist()) for rows in (fold.train, fold.val_seen, fold.val_unseen)]
        assert set.union(*parts) == trainval
        assert sum(map(len, parts)) == len(trainval)
        assert set(data.labels[fold.train]) == set(fold.seen), "every class keeps an image to train on"
        assert set(data.labels[fold.val_seen]) <= set(fold.seen)
        assert set(data.labels[fold.val_unseen]) == set(fold.unseen)
        assert not set(fold.seen) & set(fold.unseen)
        assert set(fold.seen) | set(fold.unseen) == set(data.split.seen)
        assert len(fold.seen) >= 2
        assert not pseudo_unseen & set(fold.unseen)
        pseudo_unseen |= set(fold.unseen)
    again = validation_folds(data, n_folds, holdout, seed)
    assert all(np.array_equal(a.train, b.train) for a, b in zip(folds, again, strict=True))


def test_published_folds_come_first_and_none_is_invented() -> None:
    data = many_classes(8, 2, 5, published=(np.array([1, 3]), np.array([3, 4, 5])))
    folds = validation_folds(data, n_folds=3)
    assert [(fold.name, fold.unseen.tolist()) for fold in folds] == [
        ("published-0", [1, 3]), ("published-1", [3, 4, 5]),
    ]  # fmt: skip
    assert len(validation_folds(data, n_folds=1)) == 1
    np.testing.assert_array_equal(folds[0].seen, [0, 2, 4, 5, 6, 7])


def test_too_few_classes_for_a_fold() -> None:
    with pytest.raises(ProtocolError, match="needs at least 3 seen classes, found 2"):
        validation_folds(many_classes(2, 1, 4))


@pytest.mark.parametrize(
    ("size", "share", "expected"), [(1, 0.5, 0), (2, 0.01, 1), (2, 0.99, 1), (10, 0.2, 2), (10, 0.25, 2)]
)
def test_how_many_are_held_out(size: int, share: float, expected: int) -> None:
    assert holdout_mask(np.zeros(size, int), share, np.random.default_rng(0)).sum() == expected


# --- tasks and views


def test_the_final_task_has_all_trainval_rows_and_counts_test_reads() -> None:
    data = dataset()
    task = final_task(data, "minmax")
    np.testing.assert_array_equal(task.view.labels, data.labels[data.split.trainval])
    assert task.view.seen.tolist() == [0, 2, 3, 5]
    assert task.view.unseen.tolist() == [1, 4]
    train = data.features[data.split.trainval]
    expected = (train - train.min(axis=0)) / np.ptp(train, axis=0)
    np.testing.assert_allclose(task.view.features.to_array(), expected, atol=1e-6)
    assert task.gate.reads == 0
    seen, unseen = task.gate.open()
    assert task.gate.reads == 1
    np.testing.assert_array_equal(unseen.labels, data.labels[data.split.test_unseen])
    test = data.features[data.split.test_seen]
    np.testing.assert_allclose(seen.features.to_array(), (test - train.min(axis=0)) / np.ptp(train, axis=0), atol=1e-6)


def test_a_fold_task_knows_neither_test_rows_nor_unseen_classes() -> None:
    data = many_classes(6, 2, 5)
    fold = validation_folds(data, 1)[0]
    task = fold_task(data, fold)
    assert len(task.view.semantics) == 6
    assert set(task.view.semantics.class_names) == {f"c{i:03d}" for i in range(6)}
    names = [task.view.semantics.class_names[c] for c in task.view.unseen]
    assert names == [data.class_names[c] for c in fold.unseen]
    seen, unseen = task.gate.open()
    assert len(seen.features) == len(fold.val_seen)
    assert set(unseen.labels) == set(task.view.unseen)


def test_unlabelled_rows_are_only_in_the_transductive_setting() -> None:
    data = dataset()
    with pytest.raises(ProtocolError, match="unlabelled features were asked for in the inductive setting"):
        _ = final_task(data).view.unlabelled
    view = final_task(data, setting="transductive").view
    unlabelled, expected = view.unlabelled.to_array(), data.features[data.split.test_unseen]
    np.testing.assert_array_equal(np.sort(unlabelled, axis=0), np.sort(expected, axis=0))
    assert (unlabelled != expected).any()  # rows of a class often stand together in files
    with pytest.raises(ProtocolError, match="given in the inductive setting"):
        replace(view, setting="inductive")
    with pytest.raises(ProtocolError, match="found 'semi'"):
        final_task(data, setting="semi")
    with pytest.raises(ProtocolError, match="carries none"):
        _ = view.graph


def test_a_view_sorts_its_classes_and_checks_its_labels() -> None:
    view = final_task(dataset()).view
    shuffled = replace(view, seen=view.seen[::-1], unseen=view.unseen[::-1])
    np.testing.assert_array_equal(shuffled.seen_labels, view.seen_labels)
    np.testing.assert_array_equal(view.seen[view.seen_labels], view.labels)
    with pytest.raises(MethodError, match="the seen class 'b' has no training row"):
        replace(view, seen=[0, 1, 2, 3, 5])
    with pytest.raises(MethodError, match="name a class that is not seen"):
        replace(view, seen=[0, 2, 3])
    with pytest.raises(MethodError, match="labels: found 3"):
        replace(view, labels=view.labels[:3])


@given(st.permutations(range(6)))
@settings(deadline=None, max_examples=20)
def test_the_canonical_view_does_not_depend_on_class_order(order: list[int]) -> None:
    view = final_task(dataset()).view
    place = np.argsort(order)
    ends = np.array([0, 1, 1, 4]), np.array([2, 3, 5, 0])
    graph = ClassGraph.from_edges(
        (*NAMES, "all"), {"near": (*ends, None), IS_A: (np.arange(6), np.full(6, 6), None)}, NAMES, np.arange(6)
    )
    mixed = TrainView(
        view.features, place[view.labels], view.semantics.take(order), place[view.seen], place[view.unseen],
        class_graph=graph.permuted([6, *order]).take(order),
    )  # fmt: skip
    back = mixed.canonical()
    assert back.semantics.class_names == NAMES
    np.testing.assert_array_equal(back.labels, view.labels)
    np.testing.assert_array_equal(back.seen, view.seen)
    np.testing.assert_array_equal(back.unseen, view.unseen)
    assert back.graph.content_hash == graph.content_hash
    assert back.graph.nodes == graph.canonical().nodes
    np.testing.assert_array_equal(back.graph.class_nodes, graph.canonical().class_nodes)
    np.testing.assert_array_equal(back.semantics.table, view.semantics.table)


def test_the_gate_counts() -> None:
    rows = EvalRows(FeatureRows(np.zeros((1, 1), np.float32)), np.zeros(1, int))
    gate = TestGate(rows, rows)
    gate.open()
    gate.open()
    assert gate.reads == 2
