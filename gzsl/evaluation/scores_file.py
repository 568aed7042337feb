"""Evaluation of scores that were made anywhere, from one ``.npz`` file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from gzsl.brief import brief
from gzsl.door.archives import NpzFile
from gzsl.door.arrays import plain
from gzsl.errors import DataError, MethodError, suggest
from gzsl.evaluation.evaluator import summary_evaluation
from gzsl.evaluation.one_sided import summarise_unseen
from gzsl.evaluation.result import Evaluation
from gzsl.evaluation.summary import ScoreSummary, summarise, with_margin
from gzsl.evaluation.ties import tie_note

_REQUIRED = ("scores", "labels", "seen", "unseen")
_BESIDE = ("features", "train_scores", "train_labels")
_OPTIONAL = ("class_names", "gate", *_BESIDE)
_IDS = ("labels", "seen", "unseen")


@dataclass(frozen=True, eq=False)
class Scores:
    """Checked scores of some rows.

    Attributes
    ----------
    where : str
        File, for messages.
    summary : ScoreSummary
        Best class of each side.
    scores : ndarray, shape (N, C)
        Higher is better.
    class_names : tuple of str or None
        One a column, where they came with the scores.
    gate, features : ndarray or None
        One number a row, larger for seen; features (N, d) float32.
    train_scores, train_labels : ndarray or None
        Scores (K, C) of training rows under the same model, and their columns (K,).
    """

    where: str
    summary: ScoreSummary
    scores: np.ndarray
    class_names: tuple[str, ...] | None = None
    gate: np.ndarray | None = None
    features: np.ndarray | None = None
    train_scores: np.ndarray | None = None
    train_labels: np.ndarray | None = None

    __repr__ = brief

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns; their numbers where none came with the scores."""
        return self.class_names or tuple(map(str, range(self.scores.shape[1])))

    def evaluation(self, gamma: float | None = None) -> Evaluation:
        """U, S, H and AUSUC of these scores, T1 of their unseen columns; a word where they rank nothing."""
        found = summary_evaluation(self.summary, self.names, gamma)
        note = tie_note(self.scores, self.summary.seen, self.summary.unseen)
        found = found if note is None else replace(found, remarks=(note,))
        if self.gate is None or not found.generalized:
            return found
        return found.calibrated_by(with_margin(self.summary, self.gate), gamma or 0.0)


def read_scores(source: Path | str | Mapping[str, Any], name: str = "scores") -> Scores:
    """Read and check scores from a file, or from arrays in memory by name.

    Parameters
    ----------
    source : path or mapping
        As in `evaluate_scores_file`; optionally ``features`` (N, d), and ``train_scores`` (K, C) with
        ``train_labels`` (K,) of training rows.
    name : str
        What arrays in memory are called in messages.

    Raises
    ------
    DataError
        One sentence with the file, the array, what was found and what was expected.
    """
    if isinstance(source, Mapping):
        where, arrays = name, _given(source, name)
    else:
        where, arrays = str(source), _read(Path(source))
    n_classes = _check_shapes(where, arrays)
    for ids in _IDS:
        _check_ids(where, ids, arrays[ids], n_classes)
    _check_sides(where, arrays)
    names = arrays.get("class_names")
    if names is not None and names.shape != (n_classes,):
        raise DataError(f"{where}: class_names: found shape {names.shape}, expected ({n_classes},), one a column")
    named = None if names is None else tuple(map(str, names.tolist()))
    if named is not None and len(set(named)) < len(named):
        twice = next(name for name in named if named.count(name) > 1)
        raise DataError(f"{where}: class_names: found {twice!r} twice, expected distinct names")
    try:
        classes = (arrays["labels"], arrays["seen"], arrays["unseen"])
        plain_zsl = not len(arrays["seen"])
        summary = (summarise_unseen if plain_zsl else summarise)(arrays["scores"], *classes)
    except MethodError as error:
        raise DataError(f"{where}: {error}") from None
    gate = _checked_gate(where, arrays["gate"], len(summary)) if "gate" in arrays else None
    return Scores(where, summary, arrays["scores"], named, gate, *_training_rows(where, arrays, n_classes))


def evaluate_scores_file(path: Path | str | Mapping[str, Any], gamma: float | None = None) -> Evaluation:
    """Evaluate a file of scores, or scores in memory.

    Parameters
    ----------
    path : path, or mapping of str to array
        NumPy archive with ``scores`` (N, C) real, higher is better; ``labels`` (N,) integer columns of
        ``scores``, from 0; ``seen`` and ``unseen`` integer columns; optionally ``class_names`` (C,), and ``gate`` (N,):
        one number a row, larger for seen, that decides between the best seen and the best unseen class instead of
        their scores.
        It is read without pickle, so reading it never executes code.
    gamma : float, optional
        Calibration strength that was chosen on other rows; with a gate, its threshold (0 when None).

    Returns
    -------
    Evaluation
        T1 is computed from the unseen columns of the same scores; without rows of seen classes there is nothing else.

    Raises
    ------
    DataError
        One sentence with the file, the array, what was found and what was expected.
    MethodError
        When ``gamma`` is no finite number.
    """
    if gamma is not None and not np.isfinite(gamma):
        raise MethodError(f"gamma: found {gamma}, expected a finite number")
    return read_scores(path).evaluation(gamma)


def _given(source: Mapping[str, Any], where: str) -> dict[str, np.ndarray]:
    for name in _REQUIRED:
        if name not in source:
            raise DataError(f"{where}: no array {name!r}; {_nearest(name, [str(key) for key in source])}")
    there = (name for name in (*_REQUIRED, *_OPTIONAL) if source.get(name) is not None)
    return {name: plain(f"{where}: {name}", source[name]) for name in there}


def _training_rows(
    where: str, arrays: Mapping[str, np.ndarray], n_classes: int
) -> tuple[np.ndarray | None, np.ndarray | None, np.ndarray | None]:
    """Features of the rows, and scores and labels of training rows; None where there are none."""
    n, (features, scores, labels) = len(arrays["labels"]), map(arrays.get, _BESIDE)
    if features is not None:
        _check_matrix(where, "features", features, (n, None))
        features = np.ascontiguousarray(features, dtype=np.float32)
    if (scores is None) != (labels is None):
        here, missing = _BESIDE[1:] if labels is None else _BESIDE[:0:-1]
        raise DataError(f"{where}: {missing}: found none beside {here}, expected both or none")
    if scores is not None and labels is not None:
        _check_matrix(where, "train_scores", scores, (None, n_classes))
        if labels.shape != (len(scores),) or labels.dtype.kind not in "iu":
            raise DataError(f"{where}: train_labels: found {labels.dtype} of shape {labels.shape}, expected "
                            f"{len(scores)} integers, one a row of train_scores")  # fmt: skip
        _check_ids(where, "train_labels", labels, n_classes)
        outside = np.setdiff1d(labels, arrays["seen"])
        if len(outside):
            raise DataError(f"{where}: train_labels: found class {outside[0]}, expected seen classes alone")
    return features, scores, labels


def _check_matrix(where: str, name: str, array: np.ndarray, shape: tuple[int | None, int | None]) -> None:
    wanted = "({}, {})".format(*("any number" if size is None else size for size in shape))
    fits = array.ndim == 2 and array.size and all(w in (None, n) for w, n in zip(shape, array.shape, strict=True))
    if not fits or array.dtype.kind not in "fiu":
        raise DataError(f"{where}: {name}: found {array.dtype} of shape {array.shape}, expected real numbers {wanted}")
    if not np.isfinite(array).all():
        row = int(np.flatnonzero(~np.isfinite(array).all(axis=1))[0])
        raise DataError(f"{where}: {name}: row {row} has NaN or infinite values, expected finite ones")


def _checked_gate(path: str, gate: np.ndarray, n: int) -> np.ndarray:
    if gate.shape != (n,) or gate.dtype.kind not in "fiu":
        raise DataError(f"{path}: gate: found {gate.dtype} of shape {gate.shape}, expected {n} real numbers, one a row")
    if not np.isfinite(gate).all():
        row = int(np.flatnonzero(~np.isfinite(gate))[0])
        raise DataError(f"{path}: gate: row {row} is {gate[row]}, expected a finite number")
    return gate.astype(np.float64)


def _read(path: Path) -> dict[str, np.ndarray]:
    archive = NpzFile(path, expected="a NumPy archive (.npz) with the arrays " + ", ".join(_REQUIRED))
    for name in _REQUIRED:
        if name not in archive:
            raise DataError(f"{path}: no array {name!r}; {_nearest(name, archive.names)}")
    return {name: archive.array(name) for name in (*_REQUIRED, *_OPTIONAL) if name in archive}


def _nearest(name: str, found: Sequence[str]) -> str:
    clause = suggest(name, found)
    others = ", ".join(found) or "none"
    return f"the file has {others}" + (f" ({clause})" if clause.startswith("did you mean") else "")


def _check_shapes(path: str, arrays: dict[str, np.ndarray]) -> int:
    """Check the dimensions of all arrays and return the number of classes."""
    scores, labels = arrays["scores"], arrays["labels"]
    if scores.ndim != 2 or scores.dtype.kind not in "fiu":
        raise DataError(
            f"{path}: scores: found {scores.dtype} of shape {scores.shape}, expected real numbers of shape (N, C)"
        )
    if not arrays["seen"].size:
        arrays["seen"] = np.empty(0, dtype=np.int64)  # scores of unseen classes alone
    for name in _IDS:
        array = arrays[name]
        if name == "seen" and not len(array):
            continue
        if array.ndim != 1 or array.dtype.kind not in "iu" or not len(array):
            raise DataError(
                f"{path}: {name}: found {array.dtype} of shape {array.shape}, expected a list of at least one integer"
            )
    if len(labels) != len(scores):
        turned = " (scores look transposed)" if len(labels) == scores.shape[1] else ""
        raise DataError(f"{path}: labels: found {len(labels)}, expected {len(scores)}, one a row of scores{turned}")
    return int(scores.shape[1])


def _check_ids(path: str, name: str, ids: np.ndarray, n_classes: int) -> None:
    if not len(ids):
        return
    low, high = int(ids.min()), int(ids.max())
    if low >= 0 and high < n_classes:
        return
    hint = "; they look 1-based, subtract 1" if low >= 1 and high == n_classes else ""
    raise DataError(
        f"{path}: {name}: found {low} to {high}, expected 0 to {n_classes - 1}, the columns of scores{hint}"
    )


def _check_sides(path: str, arrays: dict[str, np.ndarray]) -> None:
    seen, unseen, labels = arrays["seen"], arrays["unseen"], np.unique(arrays["labels"])
    for name in ("seen", "unseen"):
        values, counts = np.unique(arrays[name], return_counts=True)
        if counts.max(initial=0) > 1:
            raise DataError(f"{path}: {name}: found class {values[counts.argmax()]} twice, expected distinct classes")
    both = np.intersect1d(seen, unseen)
    if len(both):
        raise DataError(f"{path}: found class {both[0]} in both seen and unseen, expected it in one of them")
    neither = np.setdiff1d(labels, np.concatenate([seen, unseen]))
    if len(neither):
        raise DataError(
            f"{path}: labels: found class {neither[0]}, which is in neither seen nor unseen, expected it in one of them"
        )
    if not len(np.intersect1d(labels, unseen)):
        raise DataError(f"{path}: labels: found no row of a class in unseen, expected at least one")
