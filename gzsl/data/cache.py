"""Datasets converted once to memory-mapped float32, in the cache folder, keyed by the content of the user's files.

A first load reads the user's files block by block, writes ``features.npy`` and the small arrays into a
temporary folder and renames it into place, so that an entry is whole or absent and two processes may convert
the same files at once. A later load hashes none of the user's files whose size and times are those of last time.

An entry is sealed when it is written, by a hash a mebibyte. Opening it checks samples, and everything where size or
times of a file are not those of the last check; ``gzsl data doctor`` checks everything in any case. What is damaged is
made again from the user's files, with a warning.
"""

from __future__ import annotations

import math
import os
import shutil
import warnings
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gzsl.data import benchmarks
from gzsl.data.assemble import assemble
from gzsl.data.entries import build_entry, hash_of, not_writable, stat_of
from gzsl.data.fingerprint import content_hash
from gzsl.data.networks import features_name
from gzsl.data.readers import Layout, RawData, read
from gzsl.data.sealed import is_whole, seal_folder, write_features
from gzsl.data.splits import ROW_SETS, Split
from gzsl.door.archives import NpzFile
from gzsl.door.documents import Document, read_document
from gzsl.door.room import check_disk
from gzsl.errors import DataError, GzslError, GzslWarning, RunError
from gzsl.files import file_hash, value_hash, write_json
from gzsl.resources import cache_dir
from gzsl.semantics import Members, Semantics

FORMAT = 3
FEATURES, ARRAYS, FACTS = FILES = ("features.npy", "arrays.npz", "facts.json")
SETS = ("seen", "unseen", *ROW_SETS, "reserve")
DAMAGE = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error, GzslError)


class MemberFacts(Document):
    """What is known of the members of a class table besides their vectors and sizes."""

    rule: str
    templates: list[str] | None = None
    texts: list[str] | None = None


class Facts(Document):
    """What is known of a converted dataset besides its arrays: ``facts.json``."""

    content_hash: str
    class_names: list[str]
    tables: dict[str, list[str] | None]
    version: str
    n_folds: int
    features: str
    fine_tuned: bool | None
    benchmark: str | None
    complete: bool
    notes: list[str]
    members: dict[str, MemberFacts] = {}
    joint: list[str] = []


@dataclass(frozen=True, eq=False)
class Stored:
    """A converted dataset as it lies in the cache.

    Attributes
    ----------
    features : memmap, shape (N, d), float32
        Read-only.
    labels : ndarray, shape (N,), int64
        Class of every row.
    tables : dict of str to Semantics
        Class tables, unnormalised.
    split : Split
        Checked when it was converted.
    facts : Facts
        Everything else.
    """

    features: np.ndarray
    labels: np.ndarray
    tables: dict[str, Semantics]
    split: Split
    facts: Facts


def open_stored(layout: Layout, whole: bool = False) -> Stored:
    """Open the converted form of some files, converting them first where that has not been done.

    Parameters
    ----------
    layout : Layout
        The user's files.
    whole : bool
        Whether to check the converted features whole, as ``gzsl data doctor`` does.

    Raises
    ------
    DataError
        When the files are bad, change while they are read, or the cache folder cannot be written to.
    """
    before = [stat_of(path) for path in layout.files]
    entry = _datasets_dir() / _key(layout)
    stored = _open(entry, whole)
    if stored is None:
        try:
            _convert(layout, entry)
        except (OSError, RunError) as error:
            raise not_writable(error) from error
        if before != [stat_of(path) for path in layout.files]:
            shutil.rmtree(entry, ignore_errors=True)
            raise DataError(f"{layout.folder}: the files changed while they were read; try again")
        stored = _open(entry)
    if stored is None:
        raise DataError(f"{entry}: the converted dataset vanished or cannot be read back; try again")
    return stored


def _datasets_dir() -> Path:
    return cache_dir() / "datasets"


def _key(layout: Layout) -> str:
    """Hash of the format, the facts in use, and name and content of every file."""
    known = [file_hash(path) for path in benchmarks.files()]
    files = [[path.name, hash_of(path)] for path in layout.files]
    chosen = [layout.array, layout.level]
    return value_hash([FORMAT, known, layout.kind, layout.folder.name, files, *(chosen if any(chosen) else [])])


def _open(entry: Path, whole: bool = False) -> Stored | None:
    """Open an entry; None when it is absent or damaged, and then nothing of it is left."""
    try:
        if not is_whole(entry, FILES, whole):
            raise DataError(f"{entry}: found other bytes than were written")
        facts = read_document(entry / FACTS, Facts)
        features = np.load(entry / FEATURES, mmap_mode="r")
        archive = NpzFile(entry / ARRAYS)
        arrays = {name: archive.array(name) for name in archive.names}
        names = tuple(facts.class_names)
        tables = {
            name: Semantics(
                arrays[f"table_{name}"], names, name, attribute_names=None if columns is None else tuple(columns),
                members=_members(name, facts, arrays), joint=name in facts.joint,
            )
            for name, columns in facts.tables.items()
        }  # fmt: skip
        folds = tuple(arrays[f"fold_{k}"] for k in range(facts.n_folds))
        sets = {name: arrays[name] for name in SETS}
        split = Split(**sets, version=facts.version, validation_classes=folds)  # type: ignore[arg-type]
        return Stored(features, arrays["labels"], tables, split, facts)
    except DAMAGE as damage:
        if entry.is_dir():
            warnings.warn(GzslWarning(f"{entry}: the converted dataset was damaged and is made again ({damage})"))
        shutil.rmtree(entry, ignore_errors=True)
        return None


def _members(name: str, facts: Facts, arrays: dict[str, np.ndarray]) -> Members | None:
    if name not in facts.members:
        return None
    about = facts.members[name]
    templates, texts = (None if found is None else tuple(found) for found in (about.templates, about.texts))
    return Members(arrays[f"members_{name}"], arrays[f"sizes_{name}"], about.rule, templates, texts)


def _convert(layout: Layout, entry: Path) -> None:
    build_entry(entry, lambda folder: _write_entry(read(layout), layout, folder))


def _write_entry(raw: RawData, layout: Layout, folder: Path) -> None:
    assembled = assemble(raw, layout.folder.name)
    split, match = assembled.split, assembled.benchmark
    tables = assembled.tables
    check_disk(raw.source, 4 * math.prod(raw.features.shape), folder)
    features = write_features(raw.features, folder / FEATURES)
    file = layout.features.name if layout.array is None else f"{layout.features.stem}-{layout.array}.npz"
    called, tuned, feature_notes = features_name(file, raw.features.shape[1])
    if raw.features_name is not None:
        called, tuned, feature_notes = raw.features_name, raw.fine_tuned, ["features are called as their card says"]
    sets = {name: getattr(split, name) for name in SETS}
    folds = {f"fold_{k}": fold for k, fold in enumerate(split.validation_classes)}
    values = {f"table_{name}": table.table for name, table in tables.items()}
    members = {name: table.members for name, table in tables.items() if table.members is not None}
    values |= {f"members_{name}": found.vectors for name, found in members.items()}
    values |= {f"sizes_{name}": found.sizes for name, found in members.items()}
    arrays: dict[str, Any] = {"labels": raw.labels, **sets, **folds, **values}
    with (folder / ARRAYS).open("wb") as stream:
        np.savez(stream, **arrays)
        _flush(stream)
    facts = Facts(
        content_hash=content_hash(features, raw.labels, tables, split),
        class_names=list(raw.class_names),
        tables={name: list(table.attribute_names) if table.attribute_names else None for name, table in tables.items()},
        version=split.version, n_folds=len(folds), features=called, fine_tuned=tuned,
        benchmark=match.name if match else None, complete=bool(match and match.complete),
        notes=[*assembled.notes, *feature_notes, *raw.notes],
        members={
            name: MemberFacts(
                rule=found.rule, templates=None if found.templates is None else list(found.templates),
                texts=None if found.texts is None else list(found.texts),
            )
            for name, found in members.items()
        },
        joint=[name for name, table in tables.items() if table.joint],
    )  # fmt: skip
    write_json(folder / FACTS, facts.values)
    seal_folder(folder, FILES)


def _flush(stream: Any) -> None:
    stream.flush()
    os.fsync(stream.fileno())
