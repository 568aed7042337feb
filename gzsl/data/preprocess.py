"""Feature scalers, fitted on training rows only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gzsl.brief import brief
from gzsl.data.alignment import ClassMap
from gzsl.data.features import FeatureRows
from gzsl.door.archives import NpzFile
from gzsl.errors import DataError

SCALINGS = ("none", "l2", "minmax", "standard", "max", "centre-l2")


@dataclass(frozen=True, eq=False)
class Scaler:
    """``x -> (x - shift) / scale``, then unit length where asked for.

    Attributes
    ----------
    kind : str
        One of `SCALINGS`: ``l2`` unit length a row; ``minmax`` training range to [0, 1] a dimension;
        ``standard`` z-score a dimension; ``max`` divide by the largest absolute training value; ``centre-l2``
        subtract the training mean, then unit length.
    shift, scale : ndarray, shape (d,), float32
        Statistics of the training rows.
    align : ClassMap or None
        What brings scaled rows into the space of class vectors, learnt on training rows.
    """

    kind: str
    shift: np.ndarray
    scale: np.ndarray
    align: ClassMap | None = None

    __repr__ = brief

    def __post_init__(self) -> None:
        for name in ("shift", "scale"):
            array = np.array(getattr(self, name), dtype=np.float32)
            array.setflags(write=False)  # training and test rows are scaled by the same numbers
            object.__setattr__(self, name, array)

    @classmethod
    def fit(cls, kind: str, rows: FeatureRows) -> Scaler:
        """Fit on training rows; constant dimensions get scale 1. Every region of a row counts as a row.

        Raises
        ------
        DataError
            For an unknown kind.
        """
        if kind not in SCALINGS:
            raise DataError(f"preprocess.features: found {kind!r}, expected one of {', '.join(SCALINGS)}")
        d = rows.shape[-1]
        shift, scale = np.zeros(d), np.ones(d)
        if kind in ("minmax", "max"):
            low, high = _range(rows)
            largest = np.maximum(np.abs(low), np.abs(high)).max()
            shift, scale = (low, high - low) if kind == "minmax" else (shift, np.full(d, largest))
        elif kind in ("standard", "centre-l2"):
            shift, spread = _moments(rows)
            scale = spread if kind == "standard" else scale
        scale = np.where(scale > 1e-8, scale, 1.0)
        return cls(kind, shift, scale)

    def inverse(self, X: np.ndarray) -> np.ndarray:
        """Rows (n, d) in the scale of the features as they were, such as what a generator synthesised.

        Raises
        ------
        DataError
            Where rows were brought to unit length: how long they were is not known any more.
        """
        if self.align is not None:
            raise DataError(f"align {self.align.kind}: found rows in the space of class vectors, with no way back")
        if self.kind.endswith("l2"):
            raise DataError(f"scaler {self.kind}: found rows of unit length, whose own length cannot be told any more")
        return X if self.kind == "none" else X * self.scale + self.shift

    def to_arrays(self) -> dict[str, np.ndarray]:
        """All values by name, for ``np.savez``."""
        found = {"kind": np.array(self.kind), "shift": self.shift, "scale": self.scale}
        if self.align is None:
            return found
        return {**found, "align": np.array(self.align.kind), "weights": self.align.weights, "offset": self.align.offset}

    @property
    def label(self) -> str:
        """What the protocol calls it: ``centre-l2``, or ``centre-l2+ridge`` with a map."""
        return self.kind if self.align is None else f"{self.kind}+{self.align.kind}"

    @property
    def width(self) -> int:
        """How many numbers a row has when it is prepared."""
        return len(self.shift) if self.align is None else len(self.align.offset)

    @classmethod
    def load(cls, path: Path | str) -> Scaler:
        """Read the ``scaler.npz`` of a run.

        Raises
        ------
        DataError
            For a missing, damaged or other file.
        """
        file = NpzFile(Path(path), expected="the scaler.npz of a run")
        for name in ("kind", "shift", "scale"):
            if name not in file:
                raise DataError(f"{path}: no array {name!r}, expected the scaler.npz of a run")
        found = None
        if "align" in file:
            found = ClassMap(str(file.array("align")), file.array("weights"), file.array("offset"))
        return cls(str(file.array("kind")), file.array("shift"), file.array("scale"), found)

    def transform(self, X: np.ndarray) -> np.ndarray:
        """Scale rows (n, d) or (n, R, d) float32, and map them where there is a map; the input is left as it is."""
        scaled = self._scaled(X)
        return scaled if self.align is None else self.align.transform(scaled)

    def _scaled(self, X: np.ndarray) -> np.ndarray:
        """Scale rows (n, d) or regions (n, R, d), float32 -> float32; the input is left as it is."""
        if self.kind == "none":
            return X
        if self.kind != "l2":
            X = (X - self.shift) / self.scale
        if self.kind.endswith("l2"):
            norms = np.linalg.norm(X, axis=-1, keepdims=True)
            X = X / np.where(norms > 0, norms, 1.0)
        return X


def _range(rows: FeatureRows) -> tuple[np.ndarray, np.ndarray]:
    low = np.full(rows.shape[-1], np.inf)
    high = np.full(rows.shape[-1], -np.inf)
    for block in _vectors(rows):
        np.minimum(low, block.min(axis=0), out=low)
        np.maximum(high, block.max(axis=0), out=high)
    return low, high


def _moments(rows: FeatureRows) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation a dimension by Chan's pairwise update of blocks."""
    count, mean, squares = 0, np.zeros(rows.shape[-1]), np.zeros(rows.shape[-1])
    for block in _vectors(rows):
        values = block.astype(np.float64)
        block_mean = values.mean(axis=0)
        total = count + len(values)
        delta = block_mean - mean
        squares += ((values - block_mean) ** 2).sum(axis=0) + delta**2 * count * len(values) / total
        mean += delta * len(values) / total
        count = total
    return mean, np.sqrt(squares / count)


def _vectors(rows: FeatureRows) -> Iterator[np.ndarray]:
    """Blocks (n, d) of the rows, or of all their regions."""
    for _, block in rows.blocks():
        yield block.reshape(-1, block.shape[-1])
