"""Several vectors a class, as many as each class has."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gzsl.errors import DataError
from gzsl.semantics import Members, Semantics

SETTINGS = settings(max_examples=30, deadline=None)


@st.composite
def ragged(draw: st.DrawFn) -> Members:
    sizes = draw(st.lists(st.integers(1, 4), min_size=1, max_size=6))
    width = draw(st.integers(2, 4))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    rule = draw(st.sampled_from(["mean", "unit-mean"]))
    groups = [1 + rng.random((size, width)) for size in sizes]
    texts = [[f"{c}.{k}" for k in range(size)] for c, size in enumerate(sizes)]
    return Members.of(groups, rule, texts=texts)


def table_of(members: Members) -> Semantics:
    return Semantics.of_members(members, [f"class {c}" for c in range(len(members))])


@SETTINGS
@given(ragged())
def test_the_table_is_the_mean_by_the_stated_rule(members: Members) -> None:
    for c, row in enumerate(members.table()):
        own = members.group(c).astype(np.float64)
        if members.rule == "mean":
            wanted = own.mean(axis=0)
        else:
            wanted = np.mean([v / np.linalg.norm(v) for v in own], axis=0)
            wanted /= np.linalg.norm(wanted)
        np.testing.assert_allclose(row, wanted, rtol=2e-6)


@SETTINGS
@given(ragged(), st.randoms(use_true_random=False))
def test_classes_take_their_members_along(members: Members, random: object) -> None:
    table = table_of(members)
    order = np.array(random.sample(range(len(members)), len(members)))  # type: ignore[attr-defined]
    taken = table.take(order).members
    assert taken is not None and taken.texts is not None
    for place, c in enumerate(order):
        np.testing.assert_array_equal(taken.group(place), members.group(c))
    assert [text.split(".")[0] for text in taken.texts] == [str(order[c]) for c in taken.class_of]
    back = table.take(order).canonical()[0]
    np.testing.assert_array_equal(back.members.vectors, table.canonical()[0].members.vectors)  # type: ignore[union-attr]


@SETTINGS
@given(ragged())
def test_padded_and_reduced_agree_with_a_loop(members: Members) -> None:
    array, mask = members.padded()
    values = members.vectors.T  # (a, M)
    for c in range(len(members)):
        own = members.group(c)
        np.testing.assert_array_equal(array[c][mask[c]], own)
        assert not array[c][~mask[c]].any()
        for how, wanted in (("sum", own.sum(0)), ("mean", own.mean(0)), ("max", own.max(0)), ("min", own.min(0))):
            np.testing.assert_allclose(members.reduce(values, how)[:, c], wanted, rtol=1e-6)


@SETTINGS
@given(ragged(), st.sampled_from(["l2", "l2-sqrt-dim", "zscore", "minmax"]))
def test_members_are_normalised_as_their_table_is(members: Members, kind: str) -> None:
    table = table_of(members)
    found = table.normalised(kind)
    assert found.members is not None
    raw = table.table.astype(np.float64)
    if kind.startswith("l2"):
        length = np.sqrt(raw.shape[1]) if kind == "l2-sqrt-dim" else 1.0
        np.testing.assert_allclose(np.linalg.norm(found.members.vectors, axis=1), length, rtol=1e-5)
        return
    shift, spread = (raw.mean(0), raw.std(0)) if kind == "zscore" else (raw.min(0), np.ptp(raw, 0))
    wanted = (members.vectors.astype(np.float64) - shift) / np.where(spread > 1e-12, spread, 1)
    np.testing.assert_allclose(found.members.vectors, wanted, rtol=1e-4, atol=1e-4)


def test_only_normalisations_that_keep_directions_keep_a_joint_space() -> None:
    table = Semantics(np.eye(3) + 0.1, ("a", "b", "c"), joint=True)
    assert table.normalised("l2").joint and not table.normalised("zscore").joint
    assert table.take([1]).joint


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Members(np.ones((2, 3)), np.array([2, 0])), "class 1 .* has no member"),
        (lambda: Members(np.ones((2, 3)), np.array([2, 1])), "sizes that add up to 3"),
        (lambda: Members(np.array([[1.0, 2], [0, 0]]), np.array([1, 1])), "member 0 of class 1 .* zero vector"),
        (lambda: Members(np.array([[1.0, np.nan]]), np.array([1])), "member 0 of class 0 .* NaN"),
        (lambda: Members(np.ones((3, 2)), np.array([2, 1]), templates=("x", "y")), "2 templates and 1 to 2 members"),
        (lambda: Members(np.ones((1, 2)), np.array([1]), "median"), "rule 'median'"),
        (lambda: Members.of([np.ones((1, 2)), np.ones((1, 3))]), "2 to 3 values"),
        (lambda: Members(np.array([[1.0, 0], [-1, 0]]), np.array([2])).table(), "cancel out"),
        (lambda: Semantics(np.ones((2, 3)), ("a", "b"), members=Members(np.ones((2, 2)), [1, 1])), "and 3 values"),
    ],
)
def test_what_is_wrong_with_members_is_said(make: object, message: str) -> None:
    with pytest.raises(DataError, match=message):
        make()  # type: ignore[operator]
