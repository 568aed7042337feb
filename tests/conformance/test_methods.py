"""What every registered method must do; its author writes none of these tests."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone

from gzsl.data import Dataset, FeatureRows, Task, TrainView, final_task
from gzsl.errors import MethodError, ProtocolError
from gzsl.evaluation import evaluate
from gzsl.methods import Method, create, get_method, load_method, save_method
from gzsl.params import parameters, plain
from gzsl.resources import configs_dir

Params = Mapping[str, Any]


def reordered(view: TrainView, seed: int = 1) -> TrainView:
    """The same view with its classes in another order."""
    order = np.random.default_rng(seed).permutation(len(view.semantics))
    position = np.argsort(order)
    return replace(
        view,
        semantics=view.semantics.take(order),
        labels=position[view.labels],
        seen=np.sort(position[view.seen]),
        unseen=np.sort(position[view.unseen]),
    )


def some_rows(task: Task) -> np.ndarray:
    return task.gate.open()[1].features.to_array()[:50]


def same_state(a: Method, b: Method) -> bool:
    first, second = a.fitted_arrays(), b.fitted_arrays()
    return first.keys() == second.keys() and all(np.array_equal(first[k], second[k]) for k in first)


# declaration


def test_declared_in_the_folder_and_file_of_its_name(name: str, params: Params) -> None:
    cls = get_method(name)
    path = Path(inspect.getfile(cls))
    assert path.stem == name.replace("-", "_")
    assert path.parent.name == cls.card.family


def test_every_hyper_parameter_is_documented(name: str, params: Params) -> None:
    for parameter in parameters(get_method(name)).values():
        assert parameter.doc, parameter.name


def test_has_a_recipe_for_every_benchmark(name: str, params: Params) -> None:
    shipped = {path.stem for path in (configs_dir() / name).glob("*.yaml")}
    assert {"AWA1", "AWA2", "CUB", "SUN", "APY", "digits", "simulated"} <= shipped


# contract


def test_constructor_stores_untouched_and_clones(name: str, params: Params) -> None:
    method = create(name, **params)
    copy = clone(method)
    assert plain(copy) == plain(method)
    for key, value in params.items():
        stored = getattr(method, key)
        if isinstance(value, Mapping):
            stored, value = {"name": stored.part_id, **plain(stored)}, {**plain(stored), **value}
        assert stored == value


def test_refuses_scores_before_fit(name: str, params: Params, task: Task) -> None:
    with pytest.raises(MethodError, match="before fit"):
        create(name, **params).scores(np.zeros((1, task.view.n_features)), task.view.semantics)


def test_unknown_hyper_parameter_is_named(name: str, params: Params) -> None:
    with pytest.raises(MethodError, match="unknown key 'no_such_thing'"):
        create(name, no_such_thing=1)


def test_same_seed_same_bits_and_nothing_else_changes(name: str, params: Params, task: Task, fits: Any) -> None:
    method = create(name, **params)
    before, labels = plain(method), task.view.labels.copy()
    features = task.view.features.to_array().copy()
    assert method.fit(task.view, seed=0) is method
    assert same_state(method, fits.get(name, params))
    assert plain(method) == before
    np.testing.assert_array_equal(task.view.labels, labels)
    np.testing.assert_array_equal(task.view.features.to_array(), features)


def test_fit_does_not_touch_the_global_random_state(name: str, params: Params, task: Task) -> None:
    before = np.random.get_state()[1].copy()  # noqa: NPY002 - the very thing under test
    create(name, **params).fit(task.view, seed=0)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


# scores


def test_scores_are_finite_float32_of_the_right_shape(name: str, params: Params, task: Task, fits: Any) -> None:
    found = fits.get(name, params).scores(some_rows(task), task.view.semantics)
    assert found.shape == (50, len(task.view.semantics))
    assert found.dtype == np.float32
    assert np.isfinite(found).all()


def test_scores_follow_the_rows(name: str, params: Params, task: Task, fits: Any) -> None:
    method, X = fits.get(name, params), some_rows(task)
    order = np.random.default_rng(0).permutation(len(X))
    expected = method.scores(X, task.view.semantics)[order]
    np.testing.assert_allclose(method.scores(X[order], task.view.semantics), expected, rtol=1e-4, atol=1e-5)


def test_scores_follow_the_classes_exactly(name: str, params: Params, task: Task, fits: Any) -> None:
    method, X, table = fits.get(name, params), some_rows(task), task.view.semantics
    order = np.random.default_rng(0).permutation(len(table))
    np.testing.assert_array_equal(method.scores(X, table.take(order)), method.scores(X, table)[:, order])


def test_fit_does_not_depend_on_class_order(name: str, params: Params, task: Task, fits: Any) -> None:
    assert same_state(create(name, **params).fit(reordered(task.view), seed=0), fits.get(name, params))


@pytest.mark.parametrize("part", ["one", "unseen", "new"])
def test_other_class_tables(name: str, params: Params, part: str, task: Task) -> None:
    method = create(name, **params).fit(task.view, seed=0)
    table = {"one": task.view.semantics.take(task.view.unseen[:1]), "unseen": task.view.unseen_semantics}.get(part)
    if table is None:
        known = task.view.unseen_semantics
        table = replace(known, class_names=tuple(f"new {c}" for c in known.class_names), table=known.table * 0.9)
    found = method.prepare(table).scores(some_rows(task), table)
    assert found.shape == (50, len(table))
    assert np.isfinite(found).all()


# honesty


def test_never_sees_test_labels_or_features(name: str, params: Params, dataset: Dataset, fits: Any) -> None:
    split = dataset.split
    tests = np.concatenate([split.test_seen, split.test_unseen])
    rng = np.random.default_rng(0)
    features, labels = np.array(dataset.features), np.array(dataset.labels)
    features[tests] = rng.random((len(tests), features.shape[1]), dtype=np.float32) * 100
    for rows in (split.test_seen, split.test_unseen):
        labels[rows] = rng.permutation(labels[rows])
    other = replace(dataset, features=features, labels=labels)
    method = create(name, **params).fit(final_task(other, "minmax").view, seed=0)
    assert same_state(method, fits.get(name, params))


def test_unlabelled_rows_cannot_be_reached_in_the_inductive_setting(task: Task) -> None:
    with pytest.raises(ProtocolError, match="inductive"):
        _ = task.view.unlabelled


def test_refuses_a_setting_it_does_not_support(name: str, params: Params, dataset: Dataset) -> None:
    unsupported = {"inductive", "transductive"} - set(get_method(name).card.settings)
    for setting in unsupported:
        with pytest.raises(MethodError, match=setting):
            create(name, **params).fit(final_task(dataset, "minmax", setting).view)


# persistence


def test_saved_and_loaded_scores_are_equal(
    name: str, params: Params, task: Task, fits: Any, tmp_path: Path
) -> None:
    method, X = fits.get(name, params), some_rows(task)
    loaded = load_method(save_method(method, tmp_path / "method.safetensors"))
    assert plain(loaded) == plain(method)
    for table in (task.view.semantics, task.view.unseen_semantics):
        np.testing.assert_array_equal(loaded.scores(X, table), method.scores(X, table))


def test_a_file_that_is_no_method_is_refused(name: str, params: Params, tmp_path: Path) -> None:
    (tmp_path / "x.safetensors").write_bytes(b"not a method")
    with pytest.raises(MethodError, match="found no saved method"):
        load_method(tmp_path / "x.safetensors")


# learning


def test_beats_chance_by_far_on_the_easy_set(name: str, params: Params, task: Task, fits: Any) -> None:
    result = evaluate(fits.get(name, params), task)
    chance = 1 / len(task.view.unseen)
    assert 2 * chance < result.T1
    assert result.AUSUC > 0.2


def test_hyper_parameter_out_of_range_is_named(name: str, params: Params, task: Task) -> None:
    cls = get_method(name)
    for key, parameter in parameters(cls).items():
        if parameter.low is not None:
            method = create(name, **params).set_params(**{key: type(parameter.low)(parameter.low - 1)})
            with pytest.raises(MethodError, match=f"{cls.__name__}.{key}"):
                method.fit(task.view)


# bad input


def test_refuses_nan_features(name: str, params: Params, task: Task, fits: Any) -> None:
    X = task.view.features.to_array().copy()
    X[3, 1] = np.nan
    with pytest.raises(MethodError, match="row 3"):
        create(name, **params).fit(replace(task.view, features=FeatureRows(X)))
    with pytest.raises(MethodError, match="row 3"):
        fits.get(name, params).scores(X[:5], task.view.semantics)


def test_refuses_wrong_dimensions(name: str, params: Params, task: Task, fits: Any) -> None:
    method = fits.get(name, params)
    with pytest.raises(MethodError, match="features"):
        method.scores(np.zeros((2, task.view.n_features + 1)), task.view.semantics)
    short = replace(task.view.semantics, table=task.view.semantics.table[:, 1:], attribute_names=None)
    with pytest.raises(MethodError, match="columns"):
        method.scores(np.zeros((2, task.view.n_features)), short)


def test_refuses_a_seen_class_without_rows(task: Task) -> None:
    keep = task.view.labels != task.view.seen[0]
    with pytest.raises(MethodError, match="no training row"):
        replace(task.view, features=task.view.features.take(np.flatnonzero(keep)), labels=task.view.labels[keep])


@pytest.mark.parametrize(
    "oddity",
    ["constant feature", "duplicated class vector", "zero class vector", "zero attribute", "class with one image"],
)
def test_odd_but_legal_data_give_finite_scores(name: str, params: Params, oddity: str, task: Task) -> None:
    view = task.view
    if oddity == "constant feature":
        X = view.features.to_array().copy()
        X[:, 0] = 0.5
        view = replace(view, features=FeatureRows(X))
    elif oddity != "class with one image":
        table = np.array(view.semantics.table)
        if oddity == "duplicated class vector":
            table[view.seen[1]] = table[view.seen[0]]
        elif oddity == "zero class vector":
            table[[view.seen[0], view.unseen[0]]] = 0
        else:
            table[:, 3] = 0
        view = replace(view, semantics=replace(view.semantics, table=table))
    else:
        rows = np.flatnonzero(view.labels == view.seen[0])[1:]
        keep = np.setdiff1d(np.arange(len(view.labels)), rows)
        view = replace(view, features=view.features.take(keep), labels=view.labels[keep])
    method = create(name, **params).fit(view, seed=0)
    assert np.isfinite(method.scores(some_rows(task), view.semantics)).all()
