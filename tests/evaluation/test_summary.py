"""The four vectors of a score matrix, against the plain way to get them."""

from __future__ import annotations

import io
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gzsl.errors import MethodError
from gzsl.evaluation import ScoreSummary, SummaryBuilder, concatenate, sides, summarise


def plainly(scores: np.ndarray, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    columns = ids[np.argmax(scores[:, ids], axis=1)]
    return scores[np.arange(len(scores)), columns], columns


def assert_same(found: ScoreSummary, scores: np.ndarray, seen: np.ndarray, unseen: np.ndarray) -> None:
    for side, ids in (("seen", seen), ("unseen", unseen)):
        score, column = plainly(scores, np.sort(ids))
        np.testing.assert_array_equal(getattr(found, f"{side}_score"), score)
        np.testing.assert_array_equal(getattr(found, f"{side}_class"), column)


@st.composite
def problems(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Coarse scores, so that ties and -inf are common; sides of any size, with columns in neither."""
    n_classes = draw(st.integers(2, 9))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    order = rng.permutation(n_classes) if draw(st.booleans()) else np.arange(n_classes)
    n_seen = draw(st.integers(1, n_classes - 1))
    n_unseen = draw(st.integers(1, n_classes - n_seen))
    dtype = draw(st.sampled_from(["f2", "f4", "f8"]))
    scores = rng.integers(-2, 3, (draw(st.integers(1, 12)), n_classes)).astype(dtype)
    scores[scores == -2] = -np.inf
    seen, unseen = order[:n_seen], order[n_seen : n_seen + n_unseen]
    scores[:, seen[0]] = np.maximum(scores[:, seen[0]], -1)
    return scores, seen, unseen


@given(problems())
@settings(deadline=None, max_examples=50)
def test_equals_argmax_of_each_side_with_ties_to_the_lowest_class(
    problem: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    scores, seen, unseen = problem
    labels = np.full(len(scores), seen[0])
    assert_same(summarise(scores, labels, seen, unseen), scores, seen, unseen)
    assert_same(summarise(np.asfortranarray(scores), labels, seen, unseen), scores, seen, unseen)


@pytest.mark.parametrize("shuffled", [False, True])
@pytest.mark.parametrize("n_seen", [3, 37])
def test_many_blocks_and_threads_change_nothing(
    shuffled: bool, n_seen: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    scores = rng.integers(0, 40, (500, 40)).astype(np.float32)
    order = rng.permutation(40) if shuffled else np.arange(40)
    seen, unseen = order[:n_seen], order[n_seen:]
    monkeypatch.setattr(sides, "_BLOCK_BYTES", 7 * 40 * 4)
    monkeypatch.setattr(sides, "_workers", lambda n_bytes: 3)
    assert_same(summarise(scores, np.zeros(500, dtype=int), [*seen], [*unseen]), scores, seen, unseen)


@pytest.mark.parametrize("shuffled", [False, True])
def test_nothing_of_the_size_of_the_scores_is_allocated(shuffled: bool) -> None:
    scores = np.zeros((20_000, 1_000), dtype=np.float32)
    ids = np.random.default_rng(0).permutation(1_000) if shuffled else np.arange(1_000)
    tracemalloc.start()
    try:
        summarise(scores, np.full(20_000, ids[0]), ids[:800], ids[800:])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < scores.nbytes / 4


def test_integer_and_double_scores_are_exact() -> None:
    scores = np.array([[2**60, 2**60 + 1024, 3]], dtype=np.int64)
    assert summarise(scores, [0], [0, 1], [2]).seen_class[0] == 1
    close = np.array([[1.0, 1.0 + 1e-12, 0.0]])
    assert summarise(close, [0], [0], [1, 2]).margin[0] == pytest.approx(-1e-12, rel=1e-3)


def test_blocks_equal_the_whole() -> None:
    rng = np.random.default_rng(1)
    scores, labels = rng.standard_normal((50, 6)).astype(np.float32), rng.integers(0, 6, 50)
    builder = SummaryBuilder([5, 0, 2], [1, 3, 4])
    for start in range(0, 50, 7):
        builder.add(scores[start : start + 7], labels[start : start + 7])
    whole = summarise(scores, labels, [0, 2, 5], [4, 3, 1])
    joined = concatenate([summarise(scores[:20], labels[:20], [0, 2, 5], [1, 3, 4]),
                          summarise(scores[20:], labels[20:], [0, 2, 5], [1, 3, 4])])  # fmt: skip
    for other in (builder.build(), joined):
        for name, array in whole.to_arrays().items():
            np.testing.assert_array_equal(other.to_arrays()[name], array)
    assert len(whole) == 50
    np.testing.assert_array_equal(whole.is_seen, np.isin(labels, [0, 2, 5]))


def test_npz_round_trip_without_pickle() -> None:
    summary = summarise(np.eye(3), np.arange(3), [0, 1], [2])
    stream = io.BytesIO()
    np.savez(stream, **summary.to_arrays())
    stream.seek(0)
    with np.load(stream, allow_pickle=False) as archive:
        again = ScoreSummary.from_arrays(archive)
        with pytest.raises(MethodError, match="'labels' is missing"):
            ScoreSummary.from_arrays({name: archive[name] for name in archive.files if name != "labels"})
    for name, array in summary.to_arrays().items():
        np.testing.assert_array_equal(again.to_arrays()[name], array)
        assert not again.to_arrays()[name].flags.writeable


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("column", [0, 1, 2])
def test_bad_scores_are_named_by_row_and_column(bad: float, column: int) -> None:
    builder = SummaryBuilder([0, 2], [1])
    builder.add(np.zeros((4, 3)), np.zeros(4, dtype=int))
    scores = np.zeros((3, 3), dtype=np.float32)
    scores[1, column] = bad
    with pytest.raises(MethodError, match=f"row 5, column {column} is {bad}"):
        builder.add(scores, np.zeros(3, dtype=int))


def test_a_column_in_neither_side_may_hold_anything() -> None:
    scores = np.array([[0.0, np.nan, 1.0]])
    assert summarise(scores, [0], [0], [2]).unseen_class[0] == 2


def test_a_row_without_any_finite_score_is_refused() -> None:
    with pytest.raises(MethodError, match="row 1 is -inf for every class"):
        summarise(np.array([[0.0, -np.inf], [-np.inf, -np.inf]]), [0, 0], [0], [1])


@pytest.mark.parametrize(
    ("seen", "unseen", "message"),
    [
        ([], [1], "seen: found"),
        ([0, 0], [1], "class id 0 stands twice"),
        ([0, 1], [1, 2], "1 is both seen and unseen"),
        ([-1, 0], [1], "found class id -1"),
        ([0.5], [1], "expected a list of at least one integer"),
    ],
)
def test_wrong_ids(seen: list[int], unseen: list[int], message: str) -> None:
    with pytest.raises(MethodError, match=message):
        SummaryBuilder(seen, unseen)


@pytest.mark.parametrize(
    ("scores", "labels", "message"),
    [
        (np.zeros(3), [0], "expected real numbers of shape"),
        (np.zeros((1, 3), dtype=complex), [0], "found complex128"),
        (np.zeros((2, 3)), [0], "scores: found 2 rows, expected 1, one a label"),
        (np.zeros((1, 3)), [0.0], "found float64"),
        (np.zeros((1, 2)), [0], "found 2 columns, expected 3"),
        (np.zeros((2, 3)), [0, 1], "row 1 has class 1"),
        (np.zeros((2, 3)), [0, 99], "row 1 has class 99"),
        (np.zeros((2, 3)), [-1, 0], "row 0 has class -1"),
    ],
)
def test_wrong_blocks(scores: np.ndarray, labels: list[int], message: str) -> None:
    with pytest.raises(MethodError, match=message):
        summarise(scores, np.array(labels), [0], [2])


def test_blocks_of_another_width_and_other_classes_are_refused() -> None:
    builder = SummaryBuilder([0], [1])
    builder.add(np.zeros((1, 2)), np.array([0]))
    with pytest.raises(MethodError, match="found 3 columns, expected 2"):
        builder.add(np.zeros((1, 3)), np.array([0]))
    with pytest.raises(MethodError, match="classes differ"):
        concatenate([builder.build(), summarise(np.zeros((1, 2)), [0], [1], [0])])
    with pytest.raises(MethodError, match="found none"):
        concatenate([])
