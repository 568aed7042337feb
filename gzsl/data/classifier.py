"""A linear classifier of the seen classes that was trained elsewhere: what a method without images starts from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gzsl.brief import brief
from gzsl.door.archives import NpzFile
from gzsl.door.arrays import numbers, texts
from gzsl.door.names import places, repeated, same_form
from gzsl.errors import DataError, MethodError

EXPECTED = "weights (classes, features), bias (classes,) and class_names (classes,)"


@dataclass(frozen=True, eq=False)
class SeenClassifier:
    """``x -> W x + b`` over the seen classes.

    Parameters
    ----------
    weights : ndarray, shape (s, d), float32
        One row a class.
    bias : ndarray, shape (s,), float32
        Zeros in a classifier without bias.
    class_names : tuple of str
        One unique name a row.

    Raises
    ------
    DataError
        For shapes that do not fit, repeated names, NaN or infinite numbers.
    """

    weights: np.ndarray
    bias: np.ndarray
    class_names: tuple[str, ...]

    __repr__ = brief

    def __post_init__(self) -> None:
        for name in ("weights", "bias"):
            with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite and is refused below
                array = np.array(getattr(self, name), dtype=np.float32, order="C")
            array.setflags(write=False)
            object.__setattr__(self, name, array)
        object.__setattr__(self, "class_names", tuple(str(name) for name in self.class_names))
        found = (self.weights.shape, self.bias.shape, len(self.class_names))
        if self.weights.ndim != 2 or 0 in self.weights.shape or self.bias.shape != (len(self.weights),):
            raise DataError(f"classifier: found shapes {found[0]} and {found[1]}, expected {EXPECTED}")
        if len(self.class_names) != len(self.weights):
            raise DataError(f"classifier: found {found[2]} class names, expected {len(self.weights)}, one a row")
        twice = repeated(self.class_names)
        if twice is not None:
            raise DataError(f"classifier: the class name {twice!r} stands twice, expected unique names")
        if not (np.isfinite(self.weights).all() and np.isfinite(self.bias).all()):
            raise DataError("classifier: found NaN or infinite weights, expected finite ones")

    def check_width(self, n_features: int) -> None:
        """Refuse features of another dimension, with a `MethodError`."""
        if self.weights.shape[1] != n_features:
            raise MethodError(f"classifier: found weights for {self.weights.shape[1]} features, expected {n_features}")

    def for_classes(self, names: Sequence[str]) -> SeenClassifier:
        """The rows of some classes, in their order; a class without one is a `DataError`."""
        place, forms = places(self.class_names), [same_form(name) for name in names]
        missing = [name for name, form in zip(names, forms, strict=True) if form not in place]
        if missing:
            raise DataError(f"classifier: found no row of class {missing[0]!r}, expected one a seen class")
        rows = [place[form] for form in forms]
        return SeenClassifier(self.weights[rows], self.bias[rows], tuple(names))

    def save(self, path: Path | str) -> Path:
        """Write a ``.npz`` that `read` takes back."""
        from gzsl.files import replacing

        target = Path(path)
        with replacing(target) as temporary, temporary.open("wb") as stream:
            np.savez(stream, weights=self.weights, bias=self.bias, class_names=np.array(self.class_names))
        return target

    @classmethod
    def read(cls, path: Path | str) -> SeenClassifier:
        """Read a ``.npz`` with weights, bias (may be absent) and class_names.

        Raises
        ------
        DataError
            When the file is damaged, lacks an array, or has one that does not fit.
        """
        file = NpzFile(Path(path))
        for name in ("weights", "class_names"):
            if name not in file:
                raise DataError(f"{path}: found no array {name!r}, expected {EXPECTED}")
        weights = numbers(f"{path}: weights", file.array("weights"))
        bias = numbers(f"{path}: bias", file.array("bias")) if "bias" in file else np.zeros(len(weights))
        return cls(weights, bias, tuple(texts(f"{path}: class_names", file.array("class_names"))))
