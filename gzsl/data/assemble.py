"""From what a reader found to a checked split with its version and validation classes, each step said in a note."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gzsl.data import benchmarks
from gzsl.data.readers.raw import RawData
from gzsl.data.splits import Split
from gzsl.data.tables import checked_tables
from gzsl.errors import DataError
from gzsl.semantics import Semantics

MIN_FOLD_CLASSES = 2


@dataclass(frozen=True, eq=False)
class Assembled:
    """A split and what is known about a dataset.

    Attributes
    ----------
    split : Split
        Checked.
    benchmark : Match or None
        What it is, or is cut from.
    tables : dict of str to Semantics
        Those that agree with the rest, under names that are true of them; never empty.
    notes : tuple of str
        What was derived.
    """

    split: Split
    benchmark: benchmarks.Match | None
    tables: dict[str, Semantics]
    notes: tuple[str, ...]


def assemble(raw: RawData, folder_name: str = "") -> Assembled:
    """Derive seen and unseen classes, split version and validation classes.

    Seen classes are those of trainval rows, unseen classes those of test_unseen rows.

    Tables: see `gzsl.data.tables`.

    Version: ``PS1`` when train_loc and val_loc together contain all test_seen rows, as in the first release of
    the proposed splits; ``PS2`` when they stay inside trainval; ``PS2`` also when they are absent, as in release
    2.0, from what is, or is cut from, a benchmark and has its unseen classes and, where complete, its sizes;
    ``custom`` otherwise, and always where unseen classes or sizes are not those of the benchmark that it is.

    Validation classes: the published folds, restricted to the seen classes that are present; else the classes
    of val_loc where they are disjoint from those of train_loc; else none.

    Raises
    ------
    DataError
        When a class is empty or on both sides, or rows overlap.
    """
    seen, unseen = _sides(raw)
    att = raw.tables.get("att") or next(iter(raw.tables.values()))
    match = benchmarks.identify(raw.class_names, len(raw.labels), att.values.shape[1], folder_name)
    notes = [match.note] if match else ["this is not one of the known benchmarks, nor cut from one"]
    agrees = match is not None and _unseen_agree(match.name, raw, unseen, notes) and _sizes_agree(match, raw, notes)
    version = "custom" if match is not None and not agrees else _version(raw, match, notes)
    folds = _validation_classes(raw, match.name if match and agrees else None, seen, notes)
    tables, table_notes = checked_tables(raw, match)
    notes += table_notes
    rows = raw.rows
    if not len(rows["test_seen"]) and len(seen):
        notes.append("there are no test_seen rows: plain zero-shot learning, T1 alone")
    kept = rows.get("reserve", np.empty(0, dtype=np.int64))
    split = Split(
        seen, unseen, rows["trainval"], rows["test_seen"], rows["test_unseen"], version, folds, reserve=kept
    )
    try:
        split.check(raw.labels, raw.class_names)
    except DataError as error:
        raise DataError(f"{raw.source}: {error}") from None
    return Assembled(split, match, tables, tuple(notes))


def _sides(raw: RawData) -> tuple[np.ndarray, np.ndarray]:
    for name in ("test_unseen",) if raw.transfer_only else ("trainval", "test_unseen"):
        if not len(raw.rows[name]):
            raise DataError(f"{raw.source}: {name} is empty, expected at least one row")
    seen = np.unique(raw.labels[raw.rows["trainval"]])
    unseen = np.unique(raw.labels[raw.rows["test_unseen"]])
    both = np.intersect1d(seen, unseen)
    if len(both):
        raise DataError(
            f"{raw.source}: {len(both)} classes have rows both in trainval and in test_unseen, "
            f"e.g. {raw.class_names[both[0]]!r}, expected none (are row numbers off by one?)"
        )
    missing = np.setdiff1d(np.arange(len(raw.class_names)), np.concatenate([seen, unseen]))
    if len(missing):
        name, count = raw.class_names[missing[0]], int((raw.labels == missing[0]).sum())
        rows = f"{count} images but none in trainval or test_unseen" if count else "no image"
        raise DataError(f"{raw.source}: class {name!r} has {rows}, expected at least one for every class of the table")
    return seen, unseen


def _unseen_agree(name: str, raw: RawData, unseen: np.ndarray, notes: list[str]) -> bool:
    known = benchmarks.facts(name)
    if not known.classes:
        return len(unseen) == known.n_unseen
    expected = benchmarks.published_ids(known.unseen, raw.class_names)
    if np.array_equal(expected, unseen):
        return True
    differ = np.setxor1d(expected, unseen)
    notes.append(
        f"the unseen classes are not those of the proposed split of {name}: {len(differ)} differ, "
        f"e.g. {raw.class_names[differ[0]]!r}"
    )
    return False


def _version(raw: RawData, match: benchmarks.Match | None, notes: list[str]) -> str:
    parts = [raw.rows[name] for name in ("train", "val") if name in raw.rows]
    if not parts:
        if match is not None and raw.rows_are_given:
            notes.append("there are no train and val rows, as in release 2.0 of the proposed splits: split PS2")
            return "PS2"
        notes.append("there are no train and val rows to tell a version by: split custom")
        return "custom"
    both = np.unique(np.concatenate(parts))
    leaked = np.intersect1d(both, raw.rows["test_seen"])
    if len(leaked) and len(leaked) == len(raw.rows["test_seen"]):
        notes.append(
            "train and val rows contain all test_seen rows, as in the first release of the proposed splits: "
            "split PS1; they are not used"
        )
        return "PS1"
    if np.isin(both, raw.rows["trainval"]).all():
        notes.append("train and val rows stay inside trainval: split PS2")
        return "PS2"
    notes.append(
        f"train and val rows reach outside trainval and contain {len(leaked)} of the "
        f"{len(raw.rows['test_seen'])} test_seen rows: split custom; they are not used"
    )
    return "custom"


def _sizes_agree(match: benchmarks.Match, raw: RawData, notes: list[str]) -> bool:
    published = benchmarks.facts(match.name).sizes
    wrong = [f"{name} has {len(raw.rows[name])} rows, not {size}"
             for name, size in published.items() if len(raw.rows[name]) != size]  # fmt: skip
    if not match.complete or not wrong:
        return True
    notes.append(f"the rows are not those of the proposed split of {match.name}: {', '.join(wrong)}: split custom")
    return False


def _validation_classes(
    raw: RawData, benchmark: str | None, seen: np.ndarray, notes: list[str]
) -> tuple[np.ndarray, ...]:
    published = benchmarks.facts(benchmark).validation_folds if benchmark else ()
    if published:
        return _restricted_folds(published, raw, seen, notes)
    if "train" not in raw.rows or "val" not in raw.rows:
        return ()
    train, val = (np.unique(raw.labels[raw.rows[name]]) for name in ("train", "val"))
    if len(np.intersect1d(train, val)) or not np.isin(val, seen).all() or len(val) < MIN_FOLD_CLASSES:
        return ()
    notes.append(f"one validation fold: the {len(val)} classes of the val rows")
    return (val,)


def _restricted_folds(
    published: tuple[tuple[str, ...], ...], raw: RawData, seen: np.ndarray, notes: list[str]
) -> tuple[np.ndarray, ...]:
    folds = [benchmarks.published_ids(fold, raw.class_names) for fold in published]
    folds = [fold[np.isin(fold, seen)] for fold in folds]
    kept = tuple(fold for fold in folds if MIN_FOLD_CLASSES <= len(fold) <= len(seen) - MIN_FOLD_CLASSES)
    sizes = " + ".join(str(len(fold)) for fold in kept)
    whole = [len(fold) for fold in folds] == [len(fold) for fold in published]
    if whole:
        notes.append(f"validation folds are the published ones ({sizes} classes)")
    else:
        notes.append(f"validation folds are the published ones restricted to the classes present ({sizes} classes)")
    if len(kept) < len(folds):
        notes.append(f"{len(folds) - len(kept)} published validation folds have too few classes left and are dropped")
    return kept
