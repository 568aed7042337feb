"""The transductive setting: which unlabelled rows, read how often, and what is known of their shares."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gzsl.data import Dataset, FeatureRows, final_task, fold_task, load, validation_folds
from gzsl.data.pool import PoolChoice, stated_shares
from gzsl.errors import ProtocolError

TRANSDUCTIVE = ("none", "transductive")


@pytest.fixture(scope="module")
def data() -> Dataset:
    return load("simulated", preset="easy")


def sorted_rows(X: np.ndarray) -> np.ndarray:
    return X[np.lexsort(X.T)]


@pytest.mark.parametrize("pool", ["unseen", "all"])
def test_a_pool_holds_its_rows_and_counts_its_reads(data: Dataset, pool: str) -> None:
    task = final_task(data, *TRANSDUCTIVE, PoolChoice(pool))
    split = data.split
    rows = split.test_unseen if pool == "unseen" else np.concatenate([split.test_seen, split.test_unseen])
    np.testing.assert_array_equal(
        sorted_rows(task.view.unlabelled.to_array()), sorted_rows(np.array(data.features[rows]))
    )
    assert (task.view.pool, task.gate.reads) == (pool, 1)
    expected = task.view.unseen if pool == "unseen" else np.arange(len(task.view.semantics))
    np.testing.assert_array_equal(task.view.candidates, expected)
    shares = task.view.class_prior.shares
    assert shares is not None
    np.testing.assert_allclose(shares[expected], 1 / len(expected))
    assert shares.sum() == pytest.approx(1)


def test_a_fold_has_a_pool_of_its_own_rows(data: Dataset) -> None:
    fold = validation_folds(data)[0]
    view = fold_task(data, fold, *TRANSDUCTIVE, PoolChoice("all")).view
    rows = np.concatenate([fold.val_seen, fold.val_unseen])
    np.testing.assert_array_equal(sorted_rows(view.unlabelled.to_array()), sorted_rows(np.array(data.features[rows])))


def test_the_true_prior_is_counted_and_costs_a_read(data: Dataset) -> None:
    task = final_task(data, *TRANSDUCTIVE, PoolChoice("all", "given"))
    labels = data.labels[np.concatenate([data.split.test_seen, data.split.test_unseen])]
    counts = np.bincount(np.searchsorted(np.unique(data.labels), labels), minlength=len(task.view.semantics))
    np.testing.assert_allclose(task.view.class_prior.shares, counts / counts.sum())
    assert task.gate.reads == 2


def test_an_estimated_prior_tells_no_shares(data: Dataset) -> None:
    prior = final_task(data, *TRANSDUCTIVE, PoolChoice(prior="estimated", rule="kmeans")).view.class_prior
    assert (prior.name, prior.rule, prior.shares) == ("estimated", "kmeans", None)


def test_labels_of_the_pool_are_those_of_its_rows(data: Dataset) -> None:
    task = final_task(data, *TRANSDUCTIVE)
    names = np.array(task.view.semantics.class_names)[task.gate.pool_labels()]
    place = {row.tobytes(): data.class_names[label] for row, label in zip(data.features, data.labels, strict=True)}
    assert [place[row.tobytes()] for row in task.view.unlabelled.to_array()] == list(names)


@given(order=st.permutations(range(12)))
@settings(max_examples=10, deadline=None)
def test_shares_follow_the_classes_into_any_order(order: list[int]) -> None:
    view = final_task(load("simulated", preset="easy"), *TRANSDUCTIVE, PoolChoice("all", "given")).view
    order = order[: len(view.semantics)] if len(view.semantics) <= 12 else list(range(len(view.semantics)))
    shares = dict(zip(view.semantics.class_names, view.class_prior.shares, strict=True))  # type: ignore[arg-type]
    shown = view.canonical()
    found = shown.class_prior.shares
    assert found is not None
    assert {name: shares[name] for name in shares} == dict(zip(shown.semantics.class_names, found, strict=True))


def test_bad_pools_end_in_one_sentence(data: Dataset) -> None:
    with pytest.raises(ProtocolError, match="pool: found 'all' in the inductive setting, expected none"):
        final_task(data, pool=PoolChoice("all"))
    with pytest.raises(ProtocolError, match="pool: found 'some', expected one of unseen, all"):
        PoolChoice("some")
    with pytest.raises(ProtocolError, match="found shares beside the uniform prior"):
        PoolChoice(shares={"a": 1.0})
    view = final_task(data).view
    with pytest.raises(ProtocolError, match="pool: found no unlabelled row, expected at least one"):
        none = FeatureRows(np.empty((0, view.n_features), np.float32))
        replace(view, setting="transductive", unlabelled_features=none)
    with pytest.raises(ProtocolError, match="a class prior was asked for in the inductive setting"):
        _ = view.class_prior


@pytest.mark.parametrize(
    ("shares", "sentence"),
    [
        ({"a": 0.5, "b": 0.2}, "found shares that sum to 0.7, expected 1"),
        ({"a": 0.5, "seen": 0.5}, "found the class 'seen', expected classes of the pool alone, such as 'a'"),
        ({"a": 1.5, "b": -0.5}, "'b': found -0.5, expected a share from 0 to 1"),
    ],
)  # fmt: skip
def test_bad_shares_are_named(shares: dict[str, float], sentence: str) -> None:
    with pytest.raises(ProtocolError, match=sentence):
        stated_shares(shares, ("a", "b", "seen"), np.array([0, 1]))


def test_stated_shares_stand_at_their_classes() -> None:
    found = stated_shares({"b": 0.75, "a": 0.25}, ("a", "b", "s"), np.array([0, 1]))
    np.testing.assert_allclose(found, [0.25, 0.75, 0])
