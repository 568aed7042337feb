"""What can be reached from a view: training rows and their labels, and nothing else."""

from __future__ import annotations

import contextlib
import mmap
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from types import FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np
import pytest

from gzsl.data import Dataset, FeatureRows, Scaler, TrainView, features, final_task, fold_task, load, validation_folds

CLASSES, PER_CLASS, DIMS = 12, 9, 7


@pytest.fixture
def stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Dataset:
    """A dataset that is memory-mapped from the cache, with test rows between the training rows."""
    monkeypatch.setenv("GZSL_CACHE", str(tmp_path / "cache"))
    rng = np.random.default_rng(0)
    labels = rng.permutation(np.repeat(np.arange(CLASSES), PER_CLASS))
    names = np.array([f"class {c}" for c in range(CLASSES)])
    np.savez(
        tmp_path / "mine.npz", features=rng.random((len(labels), DIMS)), labels=labels, unseen=names[-3:],
        att=rng.random((CLASSES, 4)), class_names=names,
    )  # fmt: skip
    return load(tmp_path / "mine.npz")


@pytest.fixture(params=["copied", "mapped"])
def kept(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Few rows are copied into memory, many are mapped from a file without a name."""
    if request.param == "mapped":
        monkeypatch.setattr(features, "COPIED_BYTES", 0)
    return str(request.param)


HOLDS: list[tuple[Any, Callable[[Any], Iterable[Any]]]] = [
    (np.ndarray, lambda x: [x.base]),
    (np.memmap, lambda x: [x.filename, x._mmap]),
    (memoryview, lambda x: [x.obj]),
    (dict, lambda x: [*x.keys(), *x.values()]),
    (list | tuple | set | frozenset, list),
    (partial, lambda x: [x.func, x.args, x.keywords]),
    (MethodType, lambda x: [x.__self__, x.__func__]),
    (FunctionType, lambda x: [x.__defaults__, *(cell.cell_contents for cell in x.__closure__ or ())]),
]


def parts(thing: Any) -> Iterator[Any]:
    """Whatever a method gets hold of without looking into modules and types."""
    for kind, held in HOLDS:
        if isinstance(thing, kind):
            yield from held(thing)
    if type(thing).__module__.startswith("gzsl"):
        for name in set(dir(thing)) - {"__class__", "__doc__"}:
            with contextlib.suppress(Exception):  # what refuses to be looked at hands out nothing
                yield getattr(thing, name)


def reachable(start: Any) -> list[Any]:
    found: dict[int, Any] = {}
    waiting = [start]
    while waiting:
        assert len(found) < 10_000, "the walk goes on for ever"
        thing = waiting.pop()
        if thing is None or id(thing) in found or isinstance(thing, ModuleType | type | int | float | bool):
            continue
        found[id(thing)] = thing
        waiting.extend(parts(thing))
    return list(found.values())


def rows_of(array: np.ndarray) -> set[bytes]:
    return {row.tobytes() for row in np.ascontiguousarray(array, dtype=np.float32)}


def check(view: TrainView, dataset: Dataset, allowed: np.ndarray) -> None:
    """No row but the allowed ones, no labels but theirs, no file and no map that holds more."""
    others = rows_of(np.delete(np.asarray(dataset.features), allowed, axis=0))
    things = reachable(view)
    matrices = [x for x in things if isinstance(x, np.ndarray) and x.ndim == 2 and x.shape[1] == DIMS]
    assert any(len(matrix) == len(view.labels) for matrix in matrices)
    for matrix in matrices:
        assert not rows_of(matrix) & others
        assert not matrix.flags.writeable
    for array in (x for x in things if isinstance(x, np.ndarray) and x.dtype.kind in "iu"):
        assert array.size <= len(allowed)
    for mapped in (x for x in things if isinstance(x, mmap.mmap)):
        assert len(mapped) == 4 * DIMS * len(view.labels)
    assert not [x for x in things if isinstance(x, np.memmap | Path | FeatureRows) and hasattr(x, "filename")]
    texts = [x.decode(errors="replace") if isinstance(x, bytes) else x for x in things if isinstance(x, str | bytes)]
    assert not [text for text in texts if "cache" in text or "mine.npz" in text]


@pytest.mark.parametrize("scaling", ["none", "minmax"])
def test_no_test_row_and_no_label_is_within_reach_of_a_view(scaling: str, stored: Dataset, kept: str) -> None:
    assert isinstance(stored.features, np.memmap)
    view = final_task(stored).view
    check(view, stored, stored.split.trainval)
    check(view.canonical(), stored, stored.split.trainval)
    scaled = final_task(stored, scaling)
    assert not [thing for thing in reachable(scaled.view) if isinstance(thing, Scaler)]
    expected = scaled.scaler.transform(np.asarray(stored.features[stored.split.trainval]))
    np.testing.assert_array_equal(scaled.view.features.to_array(), expected)


def test_a_view_of_a_fold_holds_no_held_out_row(stored: Dataset, kept: str) -> None:
    for fold in validation_folds(stored, 2):
        check(fold_task(stored, fold).view, stored, fold.train)


def test_unlabelled_rows_come_without_the_rest(stored: Dataset, kept: str) -> None:
    view = final_task(stored, setting="transductive").view
    others = rows_of(np.asarray(stored.features[stored.split.test_seen]))
    matrices = [x for x in reachable(view) if isinstance(x, np.ndarray) and x.ndim == 2 and x.shape[1] == DIMS]
    assert len(matrices) > 1
    assert not any(rows_of(matrix) & others for matrix in matrices)


def test_the_walk_would_find_them(stored: Dataset) -> None:
    task = final_task(stored)
    leaky = TrainView(
        FeatureRows(stored.features, stored.split.trainval), task.view.labels, task.view.semantics, task.view.seen,
        task.view.unseen,
    )  # fmt: skip
    assert any(isinstance(thing, Path | str) and "cache" in str(thing) for thing in reachable(leaky))
    with pytest.raises(AssertionError):
        check(leaky, stored, stored.split.trainval)


def test_rows_are_mapped_without_a_name_and_copied_where_the_disk_is_full(
    stored: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(features, "COPIED_BYTES", 0)
    before = sorted((tmp_path / "cache").iterdir())
    rows = FeatureRows(stored.features, stored.split.trainval)
    mapped = rows.apart()
    assert any(isinstance(thing, mmap.mmap) for thing in reachable(mapped))
    assert sorted((tmp_path / "cache").iterdir()) == before

    def full(**_: Any) -> Any:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(features.tempfile, "TemporaryFile", full)
    copied = rows.apart()
    assert not any(isinstance(thing, mmap.mmap) for thing in reachable(copied))
    np.testing.assert_array_equal(copied.to_array(), mapped.to_array())
    np.testing.assert_array_equal(copied.to_array(), rows.to_array())


def test_the_scaler_that_training_and_test_share_cannot_be_written(stored: Dataset) -> None:
    scaler = final_task(stored, "minmax").scaler
    with pytest.raises(ValueError, match="read-only"):
        scaler.scale[:] = 0
