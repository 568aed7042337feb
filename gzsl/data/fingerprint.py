"""The content hash of a dataset: the same numbers give the same hash, whatever files they came in."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from gzsl.data.splits import ROW_SETS, Split
from gzsl.files import value_hash
from gzsl.semantics import Semantics

BLOCK_ROWS = 2048


class FeatureHash:
    """Hash of a feature matrix that arrives in blocks of rows; independent of where the blocks are cut."""

    def __init__(self, n_dims: int) -> None:
        self._digest = hashlib.blake2b(f"features {n_dims}".encode(), digest_size=16)

    def add(self, block: np.ndarray) -> None:
        """Add a block (n, d) of float32 rows."""
        self._digest.update(np.ascontiguousarray(block, dtype="<f4").data)

    def result(self) -> str:
        """32 hex digits."""
        return self._digest.hexdigest()


def content_hash(features: str, labels: np.ndarray, tables: Mapping[str, Semantics], split: Split) -> str:
    """Hash of a whole dataset, 32 hex digits.

    Parameters
    ----------
    features : str
        Result of `FeatureHash`.
    labels : ndarray of int, shape (N,)
        Class of every row.
    tables : mapping of str to Semantics
        All class tables.
    split : Split
        Seen and unseen classes, rows, version and validation classes.
    """
    sets = [_hash(getattr(split, name)) for name in ("seen", "unseen", *ROW_SETS)]
    folds = [_hash(fold) for fold in split.validation_classes]
    named = {name: table_facts(table) for name, table in tables.items()}
    apart = [_hash(split.reserve)] if len(split.reserve) else []
    return value_hash([features, _hash(labels), named, sets, split.version, folds, *apart])


def hash_features(features: np.ndarray) -> str:
    """`FeatureHash` of a matrix (N, d) in memory."""
    digest = FeatureHash(features.shape[1])
    for start in range(0, len(features), BLOCK_ROWS):
        digest.add(features[start : start + BLOCK_ROWS])
    return digest.result()


def table_facts(table: Semantics) -> list[Any]:
    """What stands for a class table; one without members and of its own space is known by names and numbers alone."""
    known: list[Any] = [list(table.class_names), _hash(table.table, "<f4")]
    if table.members is not None:
        members = table.members
        known.append([_hash(members.vectors, "<f4"), _hash(members.sizes), members.rule, members.templates])
    return [*known, "joint"] if table.joint else known


def _hash(array: np.ndarray, dtype: str = "<i8") -> str:
    values = np.ascontiguousarray(array, dtype=dtype)
    return hashlib.blake2b(str(values.shape).encode() + values.tobytes(), digest_size=16).hexdigest()
