"""What a dataset is, what is in it, and what is wrong with it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gzsl.brief import brief
from gzsl.data import benchmarks
from gzsl.data.catalogue import load_plain
from gzsl.data.dataset import Dataset
from gzsl.data.duplicates import Duplicate, straddling_duplicates
from gzsl.data.features import FeatureRows
from gzsl.data.splits import ROW_SETS
from gzsl.semantics import Semantics, table_faults

SHOWN_PAIRS = 3


@dataclass(frozen=True)
class Report:
    """The findings about one dataset.

    Attributes
    ----------
    name, source : str
        What it is called, and where it lies.
    lines : tuple of (str, str)
        Label and text, in the order of a one-screen report.
    problems : tuple of str
        What a user should know before training, one sentence each.
    numbers : dict
        All findings as plain values.
    """

    name: str
    source: str
    lines: tuple[tuple[str, str], ...]
    problems: tuple[str, ...]
    numbers: dict[str, Any]

    __repr__ = brief

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"name": self.name, "source": self.source, "problems": list(self.problems), **self.numbers}


def examine(dataset_or_path: Dataset | Path | str, *, root: Path | str | None = None) -> Report:
    """Examine a dataset in one pass over its features and one over its pairs of rows.

    Parameters
    ----------
    dataset_or_path : Dataset, path or str
        A dataset, or whatever `gzsl.data.load` accepts.
    root : path, optional
        Folder that holds the benchmarks' folders; ``GZSL_DATA`` when None.

    Raises
    ------
    DataError
        When it cannot be loaded; the sentence says why.
    """
    if isinstance(dataset_or_path, Dataset):
        dataset = dataset_or_path
    else:
        dataset = load_plain(dataset_or_path, root=root, whole=True)
    features = _feature_numbers(dataset.features)
    pairs = [] if features["not_finite"] else straddling_duplicates(dataset.features, dataset.split)
    numbers = {
        "benchmark": _benchmark_numbers(dataset),
        "sizes": _sizes(dataset),
        "images_per_class": {name: _per_class(dataset, name) for name in ROW_SETS},
        "features": {"name": dataset.card.features, "fine_tuned": dataset.card.fine_tuned, **features},
        "semantics": {name: _table_numbers(table) for name, table in dataset.tables.items()},
        "split": dataset.split.version,
        "validation_folds": [len(fold) for fold in dataset.split.validation_classes],
        "overlaps": {"classes": 0, "rows": 0},  # a Dataset with any does not exist
        "duplicates": [asdict(pair) for pair in pairs],
        "missing": _missing(dataset),
        "notes": list(dataset.card.notes),
        "content_hash": dataset.card.content_hash,
    }
    return Report(
        dataset.name, dataset.card.source, tuple(_lines(dataset, numbers, pairs)),
        tuple(_problems(numbers, pairs)), numbers,
    )  # fmt: skip


def _sizes(dataset: Dataset) -> dict[str, int]:
    split = dataset.split
    return {
        "images": len(dataset.labels), "dimensions": int(dataset.features.shape[1]), "classes": dataset.n_classes,
        "seen": len(split.seen), "unseen": len(split.unseen), "attributes": dataset.semantics.n_attributes,
        **{name: len(getattr(split, name)) for name in ROW_SETS},
    }  # fmt: skip


def _per_class(dataset: Dataset, name: str) -> dict[str, float]:
    ids = dataset.split.unseen if name == "test_unseen" else dataset.split.seen
    rows = getattr(dataset.split, name)
    if not len(ids):  # no class is seen: nothing but heads without training uses such a dataset
        return {"min": 0, "median": 0.0, "max": 0}
    counts = np.bincount(dataset.labels[rows], minlength=dataset.n_classes)[ids]
    return {"min": int(counts.min()), "median": float(np.median(counts)), "max": int(counts.max())}


def _feature_numbers(features: np.ndarray) -> dict[str, Any]:
    n_dims = features.shape[1]
    low, high = np.full(n_dims, np.inf, np.float32), np.full(n_dims, -np.inf, np.float32)
    zeros = not_finite = 0
    for _, block in FeatureRows(features).blocks():
        np.fmin(low, block.min(axis=0), out=low)
        np.fmax(high, block.max(axis=0), out=high)
        zeros += int((block == 0).sum())
        not_finite += int((~np.isfinite(block)).sum())
    finite = np.isfinite(low) & np.isfinite(high)
    return {
        "min": float(low[finite].min()) if finite.any() else None,
        "max": float(high[finite].max()) if finite.any() else None,
        "zero_share": zeros / features.size,
        "constant_dimensions": int((low == high).sum()),
        "not_finite": not_finite,
    }


def _table_numbers(semantics: Semantics) -> dict[str, Any]:
    table, faults = semantics.table, table_faults(semantics)
    norms = np.linalg.norm(table.astype(np.float64), axis=1)
    return {
        "shape": list(table.shape),
        "min": float(table.min()), "max": float(table.max()),
        "norm_min": float(norms.min()), "norm_max": float(norms.max()),
        "zero_columns": faults.zero_columns,
        "constant_columns": int((table == table[0]).all(axis=0).sum()),
        "zero_classes": list(faults.zero_classes),
        "duplicate_classes": [list(pair) for pair in faults.duplicate_classes],
    }  # fmt: skip


def _benchmark_numbers(dataset: Dataset) -> dict[str, Any] | None:
    sizes = _sizes(dataset)
    match = benchmarks.identify(dataset.class_names, sizes["images"], sizes["attributes"], dataset.name)
    if match is None:
        return None
    found = benchmarks.check_against(match.name, dataset.class_names, dataset.split.unseen, sizes)
    return {"name": match.name, "complete": match.complete, "note": match.note, "differences": found}


def _missing(dataset: Dataset) -> list[str]:
    """What another file of the released layout would add."""
    found = []
    if "original_att" not in dataset.tables:
        found.append("original_att, the class table before normalisation: a variable of att_splits.mat")
    if "sent" not in dataset.tables:
        found.append("sent, sentence embeddings: sent_splits.mat")
    if not dataset.split.generalized:
        found.append("rows of seen classes to test with, for U, S and H: test_seen_loc of att_splits.mat")
    if not dataset.split.validation_classes:
        found.append("validation classes: train_loc and val_loc of att_splits.mat; seeded folds are used instead")
    return found


def _lines(dataset: Dataset, numbers: dict[str, Any], pairs: list[Duplicate]) -> list[tuple[str, str]]:
    sizes, features, folds = numbers["sizes"], numbers["features"], numbers["validation_folds"]
    benchmark = numbers["benchmark"]
    per_class = [f"{name} {v['min']}/{v['median']:g}/{v['max']}" for name, v in numbers["images_per_class"].items()]
    rows = ", ".join(f"{name} {sizes[name]}" for name in ROW_SETS)
    lines = [
        ("benchmark", benchmark["note"] if benchmark else "none of the known ones, nor cut from one"),
        ("images", f"{sizes['images']}: {rows}"),
        ("classes", f"{sizes['classes']}: {sizes['seen']} seen, {sizes['unseen']} unseen"),
        ("per class", f"min/median/max: {', '.join(per_class)}"),
        ("split", f"{numbers['split']}; classes overlap: none; rows overlap: none"),
        ("validation", f"folds of {' + '.join(map(str, folds))} classes" if folds else "no folds given; seeded ones"),
        ("features", _features_line(dataset, features)),
        *((f"table {name}", _table_line(values)) for name, values in numbers["semantics"].items()),
        ("duplicates", _duplicates_line(pairs)),
    ]
    lines += [("detected" if k == 0 else "", note) for k, note in enumerate(_reading_notes(dataset))]
    lines += [("not here" if k == 0 else "", text) for k, text in enumerate(numbers["missing"])]
    return lines


def _features_line(dataset: Dataset, found: dict[str, Any]) -> str:
    tuned = {True: "fine-tuned", False: "not fine-tuned", None: "fine-tuning unknown"}[found["fine_tuned"]]
    return (
        f"{found['name']} ({tuned}), {dataset.features.shape[1]}-d, {found['min']:.4g} to {found['max']:.4g}, "
        f"{found['zero_share']:.1%} zeros, {found['constant_dimensions']} constant dimensions, "
        f"{found['not_finite']} NaN or infinite"
    )


def _table_line(found: dict[str, Any]) -> str:
    return (
        f"{found['shape'][0]} x {found['shape'][1]}, {found['min']:.4g} to {found['max']:.4g}, "
        f"norms {found['norm_min']:.4g} to {found['norm_max']:.4g}, {found['zero_columns']} zero columns, "
        f"{len(found['duplicate_classes'])} duplicate classes"
    )


def _duplicates_line(pairs: list[Duplicate]) -> str:
    if not pairs:
        return "no row of one set is (nearly) a row of another"
    exact = sum(pair.distance == 0 for pair in pairs)
    return f"{len(pairs)} pairs of rows straddle two sets: {exact} exact, {len(pairs) - exact} near"


def _reading_notes(dataset: Dataset) -> list[str]:
    """The notes about numbering and orientation; the others are in lines of their own."""
    words = (
        "count from", "could count", "are its", "are taken to be its", "no allclasses_names", "held out", "T1 alone",
    )  # fmt: skip
    return [note for note in dataset.card.notes if any(word in note for word in words)]


def _problems(numbers: dict[str, Any], pairs: list[Duplicate]) -> list[str]:
    found = []
    for pair in pairs[:SHOWN_PAIRS]:
        kind = "the same features" if pair.distance == 0 else "nearly the same features"
        found.append(
            f"row {pair.first_row} ({pair.first_set}) and row {pair.second_row} ({pair.second_set}) have {kind}"
        )
    if len(pairs) > SHOWN_PAIRS:
        found.append(f"{len(pairs) - SHOWN_PAIRS} more pairs of rows straddle two sets; --json lists them")
    for name, table in numbers["semantics"].items():
        found += [f"{name}: class {c!r} is described by zeros alone" for c in table["zero_classes"][:SHOWN_PAIRS]]
        found += [f"{name}: {a!r} and {b!r} have the same row" for a, b in table["duplicate_classes"][:SHOWN_PAIRS]]
    if numbers["features"]["not_finite"]:
        found.append(f"features: {numbers['features']['not_finite']} entries are NaN or infinite")
    if numbers["split"] == "PS1":
        found.append("the train and val rows of this release contain test_seen rows; gzsl does not use them")
    if numbers["sizes"]["unseen"] == 1:
        found.append("one unseen class: T1 is 100 whatever the method; two are the least that can be told apart")
    benchmark = numbers["benchmark"]
    if benchmark and benchmark["complete"]:
        found += [f"differs from {benchmark['name']}: {text}" for text in benchmark["differences"]]
    telling = ("the unseen classes are not", "the rows are not", "table ")
    found += [note for note in numbers["notes"] if note.startswith(telling)]
    return found
