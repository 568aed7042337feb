"""What every method must do; its author writes none of these checks."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import clone

from gzsl.conformance.regions import other_regions
from gzsl.conformance.subject import CheckFailed, Subject, differing, expect, expect_refusal, listed, same
from gzsl.data import FeatureRows, TrainView
from gzsl.data.view import SETTINGS
from gzsl.errors import MethodError
from gzsl.evaluation import evaluate
from gzsl.methods import create, load_method, save_method
from gzsl.methods.persistence import plain_values
from gzsl.params import parameters, plain

# declaration


def every_hyper_parameter_is_documented(subject: Subject) -> None:
    """Every hyper-parameter says in a line what it is."""
    silent = [name for name, parameter in parameters(subject.cls).items() if not parameter.doc]
    expect(not silent, f"no doc: {listed(silent)}")


def constructor_stores_untouched_and_clones(subject: Subject) -> None:
    """The constructor stores what it is given; a clone is equal."""
    method = subject.make()
    copy: Any = clone(method)
    expect(plain(copy) == plain(method), "a clone has other hyper-parameters")
    for key, value in subject.params.items():
        part = getattr(method, key)
        stored, given = part, value
        if isinstance(value, Mapping):  # a part such as a head
            stored, given = {"name": part.part_id, **plain(part)}, {**plain(part), **value}
        expect(stored == given, f"{key}: given {given!r}, stored {stored!r}")


def unknown_hyper_parameter_is_named(subject: Subject) -> None:
    """A misspelt hyper-parameter is named."""
    expect_refusal(
        lambda: create(subject.name, no_such_thing=1), MethodError, "unknown key 'no_such_thing'",
        "a hyper-parameter that does not exist",
    )  # fmt: skip


def hyper_parameter_out_of_range_is_named(subject: Subject) -> None:
    """A hyper-parameter below its range is named when the method is fitted."""
    for key, parameter in parameters(subject.cls).items():
        if parameter.low is not None:
            method = subject.make(**{key: type(parameter.low)(parameter.low - 1)})
            expect_refusal(
                lambda method=method: method.fit(subject.view),  # type: ignore[misc]
                MethodError, f"{subject.cls.__name__}.{key}", f"{key} below its range",
            )  # fmt: skip


# fitting


def refuses_scores_before_fit(subject: Subject) -> None:
    """Scores before fit are refused."""
    X = subject.blank(1)
    expect_refusal(
        lambda: subject.make().scores(X, subject.view.semantics), MethodError, "before fit", "scores before fit"
    )


def same_seed_same_bits_and_nothing_else_changes(subject: Subject) -> None:
    """Fitted again with one seed, it learns the same bits; its hyper-parameters and the data stay as they were."""
    method, view = subject.quick(), subject.bench.small
    before, labels, features = plain(method), view.labels.copy(), view.features.to_array().copy()
    expect(method.fit(view, seed=0) is method, "fit does not return the method itself")
    other = differing(method, subject.brief[0])
    expect(not other, f"two fits with seed 0 differ in {listed(other)}")
    expect(plain(method) == before, "fit changes hyper-parameters")
    kept = same(view.labels, labels) and same(view.features.to_array(), features)
    expect(kept, "fit writes into the training data")


def fit_does_not_touch_the_global_random_state(subject: Subject) -> None:
    """Random numbers come from the fit's own seed, not from numpy's global state."""
    before = np.random.get_state()[1].copy()  # type: ignore[index, union-attr] # noqa: NPY002 - the thing under test
    subject.retrain()
    after = np.random.get_state()[1]  # type: ignore[index] # noqa: NPY002
    expect(bool(np.array_equal(after, before)), "fit draws from numpy's global random state; use the fit's seed")


def fit_does_not_depend_on_class_order(subject: Subject) -> None:
    """A table with its classes in another order gives the same bits."""
    other = differing(subject.retrain(_reordered(subject.bench.small)), subject.brief[0])
    expect(not other, f"with the classes in another order, fit gives other {listed(other)}")


def fit_does_not_depend_on_node_order(subject: Subject) -> None:
    """A class graph with its nodes in another order gives the same bits."""
    view = subject.bench.small
    if view.class_graph is None:
        return
    order = np.random.default_rng(1).permutation(len(view.class_graph))
    other = differing(subject.retrain(replace(view, class_graph=view.class_graph.permuted(order))), subject.brief[0])
    expect(not other, f"with the nodes of the graph in another order, fit gives other {listed(other)}")


def never_sees_test_labels_or_features(subject: Subject) -> None:
    """Other test features and shuffled test labels change nothing of what is learnt, but for features of the pool."""
    dataset, rng = subject.bench.dataset, np.random.default_rng(0)
    split = dataset.split
    pooled = subject.bench.setting == "transductive"
    tests = split.test_seen if pooled else np.concatenate([split.test_seen, split.test_unseen])
    features, labels = np.array(dataset.features), np.array(dataset.labels)
    features[tests] = rng.random((len(tests), features.shape[1]), dtype=np.float32) * 100
    regions = dataset.regions and other_regions(dataset.regions, tests, rng)
    for rows in (split.test_seen, split.test_unseen):
        labels[rows] = rng.permutation(labels[rows])
    view = subject.bench.task_of(replace(dataset, features=features, labels=labels, regions=regions)).view
    other = differing(subject.retrain(subject.bench.smaller(view)), subject.brief[0])
    expect(not other, f"with other test rows, fit gives other {listed(other)}")


def refuses_a_setting_it_does_not_support(subject: Subject) -> None:
    """A setting that its card does not name is refused."""
    for setting in sorted(set(SETTINGS) - set(subject.cls.card.settings)):
        view = subject.bench.task_of(subject.bench.dataset, setting).view
        expect_refusal(
            lambda view=view: subject.make().fit(view),  # type: ignore[misc]
            MethodError, setting, f"the {setting} setting",
        )  # fmt: skip


# scores


def scores_are_finite_float32_of_the_right_shape(subject: Subject) -> None:
    """Scores are finite, float32, one row an image and one column a class."""
    _expect_scores(subject.fitted.scores(subject.rows, subject.view.semantics), subject.view, subject.rows)


def scores_follow_the_rows(subject: Subject) -> None:
    """Images in another order get the same scores."""
    method, X, table = subject.fitted, subject.rows, subject.view.semantics
    order = np.random.default_rng(0).permutation(len(X))
    found, wanted = method.scores(X[order], table), method.scores(X, table)[order]
    expect(bool(np.allclose(found, wanted, rtol=1e-4, atol=1e-5)), "the scores of an image depend on its place")


def scores_do_not_depend_on_the_rows_beside(subject: Subject) -> None:
    """An image gets the same scores alone, in any block, beside training images, and when asked again.

    A block or a call may not tell the side of its images; what needs other test images is transductive and says so.
    """
    if "inductive" not in subject.cls.card.settings:
        return
    method, X, table = subject.fitted, subject.rows, subject.view.semantics
    others = subject.view.features.take(np.arange(min(len(X), len(subject.view.labels)))).to_array()
    together = method.scores(X, table)
    blocks = {
        "alone": (X[:1], slice(0, 1)), "the last one alone": (X[-1:], slice(len(X) - 1, None)),
        "in a small block": (X[10:17], slice(10, 17)), "after training images": (np.concatenate([others, X]), None),
        "in the first block again": (X, slice(None)),
    }  # fmt: skip
    for how, (rows, which) in blocks.items():
        found = method.scores(rows, table)
        near = np.allclose(found[-len(X) :], together if which is None else together[which], rtol=1e-4, atol=1e-5)
        expect(
            bool(near),
            f"the scores of an image depend on the images beside it ({how}), which only transduction may use",
        )


def scores_follow_the_classes_exactly(subject: Subject) -> None:
    """A table with its classes in another order gives the same scores, bit for bit."""
    method, X, table = subject.fitted, subject.rows, subject.view.semantics
    order = np.random.default_rng(0).permutation(len(table))
    found = method.scores(X, table.take(order))
    expect(same(found, method.scores(X, table)[:, order].copy()), "scores depend on the order of the classes")


def other_class_tables(subject: Subject) -> None:
    """One class, unseen classes alone and classes that fit did not know can be scored."""
    view, known = subject.view, subject.view.unseen_semantics
    names = tuple(f"new {c}" for c in known.class_names)
    tables = {
        "one": view.semantics.take(view.unseen[:1]), "unseen": known,
        "new": replace(known, class_names=names, table=known.table * 0.9),
    }  # fmt: skip
    method = subject.retrain()  # a fit of its own: `prepare` changes it
    for name, table in tables.items():
        found = method.prepare(table).scores(subject.rows, table)
        expect(found.shape == (len(subject.rows), len(table)), f"{name}: scores of shape {found.shape}")
        expect(bool(np.isfinite(found).all()), f"{name}: scores are not finite")


def beats_chance_by_far_on_the_easy_set(subject: Subject) -> None:
    """On the easy simulated set, T1 is over twice chance and AUSUC over 20 percent."""
    result = evaluate(subject.fitted, subject.bench.task)
    chance = 1 / len(subject.view.unseen)
    expect(2 * chance < result.T1, f"T1 {100 * result.T1:.1f} percent, where chance is {100 * chance:.1f}")
    if result.generalized:
        expect(result.AUSUC > 0.2, f"AUSUC {100 * result.AUSUC:.1f} percent, expected over 20")


# persistence


def saved_and_loaded_scores_are_equal(subject: Subject) -> None:
    """Saved and loaded, it knows the same and scores the same bits."""
    method, X = subject.fitted, subject.rows
    with tempfile.TemporaryDirectory() as folder:
        loaded = load_method(save_method(method, Path(folder) / "method.safetensors"))
    expect(plain(loaded) == plain(method), "hyper-parameters differ after loading")
    expect(plain_values(loaded) == plain_values(method), "plain values that it learnt differ after loading")
    for table in (subject.view.semantics, subject.view.unseen_semantics):
        expect(same(loaded.scores(X, table), method.scores(X, table)), "scores differ after loading")


# bad and odd input


def refuses_nan_features(subject: Subject) -> None:
    """NaN in a feature is refused with its row, at fit and at scores."""
    X = subject.view.features.to_array().copy()
    X[3, ..., 1] = np.nan
    view = replace(subject.view, features=FeatureRows(X))
    expect_refusal(lambda: subject.make().fit(view), MethodError, "row 3", "NaN in a training row")
    expect_refusal(
        lambda: subject.fitted.scores(X[:5], subject.view.semantics), MethodError, "row 3", "NaN in a row to score"
    )


def refuses_wrong_dimensions(subject: Subject) -> None:
    """Another number of features or of attributes is refused."""
    method, view = subject.fitted, subject.view
    wide = subject.blank(2, more=1)
    short = replace(view.semantics, table=view.semantics.table[:, 1:], attribute_names=None, members=None)
    X = subject.blank(2)
    expect_refusal(lambda: method.scores(wide, view.semantics), MethodError, "features", "a wider feature row")
    expect_refusal(lambda: method.scores(X, short), MethodError, "columns", "a table with a column less")


ODDITIES = (
    "constant feature", "duplicated class vector", "zero class vector", "zero attribute", "class with one image",
)  # fmt: skip


def odd_but_legal_data_give_finite_scores(subject: Subject) -> None:
    """A constant feature, equal or empty class vectors, an empty attribute, a class of one image: finite scores."""
    for name in ODDITIES:
        view = _odd(subject.bench.small, name)
        try:
            found = subject.retrain(view).scores(subject.rows, view.semantics)
        except MethodError as error:
            raise CheckFailed(f"{name}: refused with {str(error)!r}") from error
        expect(bool(np.isfinite(found).all()), f"{name}: scores are not finite")


def _odd(view: TrainView, oddity: str) -> TrainView:
    table, X = np.array(view.semantics.table), view.features.to_array().copy()
    if oddity == "class with one image":
        rows = np.flatnonzero(view.labels == view.seen[0])[1:]
        keep = np.setdiff1d(np.arange(len(view.labels)), rows)
        return replace(view, features=view.features.take(keep), labels=view.labels[keep])
    if oddity == "constant feature":
        X[..., 0] = 0.5
        return replace(view, features=FeatureRows(X))
    if oddity == "duplicated class vector":
        table[view.seen[1]] = table[view.seen[0]]
    elif oddity == "zero class vector":
        table[[view.seen[0], view.unseen[0]]] = 0
    else:
        table[:, 3] = 0
    return replace(view, semantics=replace(view.semantics, table=table))


def _reordered(view: TrainView, seed: int = 1) -> TrainView:
    """The same view with its classes in another order."""
    order = np.random.default_rng(seed).permutation(len(view.semantics))
    position = np.argsort(order)
    return replace(
        view, semantics=view.semantics.take(order), labels=position[view.labels],
        seen=np.sort(position[view.seen]), unseen=np.sort(position[view.unseen]),
        shots=None if view.shots is None else replace(view.shots, labels=position[view.shots.labels]),
        class_graph=None if view.class_graph is None else view.class_graph.take(order),
        prior=None if view.prior is None else view.prior.reordered(order),
    )  # fmt: skip


def _expect_scores(found: Any, view: TrainView, X: np.ndarray) -> None:
    expect(isinstance(found, np.ndarray), f"scores are {type(found).__name__}, expected an array")
    wanted = (len(X), len(view.semantics))
    expect(found.shape == wanted, f"scores have the shape {found.shape}, expected {wanted}")
    expect(found.dtype == np.float32, f"scores are {found.dtype}, expected float32")
    expect(bool(np.isfinite(found).all()), "scores are not finite")
