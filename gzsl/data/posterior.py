"""A map to the space of class vectors through a classifier of other, named classes; it needs no training rows."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gzsl.brief import brief
from gzsl.door.archives import NpzFile
from gzsl.door.arrays import numbers
from gzsl.door.paths import regular_file
from gzsl.errors import DataError

TOP = 10  # classes whose vectors are averaged
WEIGHTS, BIAS = ("weight", "weights"), "bias"
VECTORS = ("vectors", "name_vec", "name_embed")
EXPECTED = "an .npz with weight (K, d), maybe bias (K), and vectors (K, a) of the K classes"


@dataclass(frozen=True, eq=False)
class PosteriorMap:
    """``x -> unit(mean of the vectors of the ten likeliest classes, weighted by their probabilities)``, as ConSE does.

    Attributes
    ----------
    weights : ndarray, shape (d, K), float32
        Of the classifier.
    offset : ndarray, shape (K,), float32
        Its biases.
    vectors : ndarray, shape (K, a), float32
        Of its classes, in the space of the class vectors.
    kind : str
        ``conse``.
    """

    weights: np.ndarray
    offset: np.ndarray
    vectors: np.ndarray
    kind: str = "conse"

    __repr__ = brief

    def __post_init__(self) -> None:
        for name in ("weights", "offset", "vectors"):
            array = np.array(getattr(self, name), dtype=np.float32)
            array.setflags(write=False)
            object.__setattr__(self, name, array)

    @property
    def width(self) -> int:
        """How many numbers a mapped row has."""
        return int(self.vectors.shape[1])

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything it consists of, by name."""
        return {"weights": self.weights, "offset": self.offset, "vectors": self.vectors}

    def transform(self, X: np.ndarray) -> np.ndarray:
        """Rows (n, d), or (n, R, d) with regions, in the space of class vectors."""
        logits = X @ self.weights + self.offset
        top = min(TOP, logits.shape[-1])
        best = np.argpartition(-logits, top - 1, axis=-1)[..., :top]
        chosen = np.take_along_axis(logits, best, axis=-1)
        shares = np.exp(chosen - chosen.max(axis=-1, keepdims=True))
        shares /= shares.sum(axis=-1, keepdims=True)
        found = np.einsum("...k,...ka->...a", shares, self.vectors[best])
        norms = np.linalg.norm(found, axis=-1, keepdims=True)
        return np.asarray(found / np.where(norms > 0, norms, 1), dtype=np.float32)


def classifier_path(name: str) -> Path:
    """A file as a recipe calls it: as it is written, or below ``GZSL_DATA``."""
    path, root = Path(name), os.environ.get("GZSL_DATA")
    return Path(root) / path if root and not path.exists() and not path.is_absolute() else path


def read_posterior(name: str) -> PosteriorMap:
    """The map of a classifier's file.

    Parameters
    ----------
    name : str
        An ``.npz`` with ``weight`` (K, d), maybe ``bias`` (K), and ``vectors`` (K, a): what its K classes are called,
        in the space of the class vectors; also as ``name_vec`` or ``name_embed``.

    Raises
    ------
    DataError
        For a missing or damaged file, and arrays that do not fit together.
    """
    path = regular_file(classifier_path(name), EXPECTED)
    archive = NpzFile(path)
    keys = [next((key for key in names if key in archive), None) for names in (WEIGHTS, VECTORS)]
    if keys[0] is None or keys[1] is None:
        raise DataError(f"{path}: found the arrays {', '.join(archive.names) or 'none'}, expected {EXPECTED}")
    weight, vectors = (numbers(f"{path}: {key}", archive.array(key)) for key in keys if key is not None)
    bias = numbers(f"{path}: {BIAS}", archive.array(BIAS)).ravel() if BIAS in archive else np.zeros(len(weight))
    if weight.ndim != 2 or vectors.ndim != 2 or not len(weight) == len(bias) == len(vectors):
        raise DataError(
            f"{path}: found weight {weight.shape}, {len(bias)} biases and vectors {vectors.shape}, expected {EXPECTED}"
        )
    if not all(np.isfinite(array).all() for array in (weight, bias, vectors)):
        raise DataError(f"{path}: found NaN or infinite numbers, expected finite ones")
    return PosteriorMap(weight.T, bias, vectors)
