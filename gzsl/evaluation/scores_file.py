"""Evaluation of scores that were made anywhere, from one ``.npz`` file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from gzsl.door.archives import NpzFile
from gzsl.errors import DataError, MethodError, suggest
from gzsl.evaluation.evaluator import summary_evaluation
from gzsl.evaluation.result import Evaluation
from gzsl.evaluation.summary import summarise, with_margin

_REQUIRED = ("scores", "labels", "seen", "unseen")
_OPTIONAL = ("class_names", "gate")
_IDS = ("labels", "seen", "unseen")


def evaluate_scores_file(path: Path, gamma: float | None = None) -> Evaluation:
    """Evaluate a file of scores.

    Parameters
    ----------
    path : Path
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
        T1 is computed from the unseen columns of the same scores.

    Raises
    ------
    DataError
        One sentence with the file, the array, what was found and what was expected.
    MethodError
        When ``gamma`` is no finite number.
    """
    path = Path(path)
    if gamma is not None and not np.isfinite(gamma):
        raise MethodError(f"gamma: found {gamma}, expected a finite number")
    arrays = _read(path)
    n_classes = _check_shapes(path, arrays)
    for name in _IDS:
        _check_ids(path, name, arrays[name], n_classes)
    _check_sides(path, arrays)
    names = arrays.get("class_names", np.arange(n_classes).astype(str))
    if names.shape != (n_classes,):
        raise DataError(f"{path}: class_names: found shape {names.shape}, expected ({n_classes},), one a column")
    try:
        summary = summarise(arrays["scores"], arrays["labels"], arrays["seen"], arrays["unseen"])
    except MethodError as error:
        raise DataError(f"{path}: {error}") from None
    found = summary_evaluation(summary, [str(name) for name in names], gamma)
    if "gate" not in arrays:
        return found
    return found.calibrated_by(with_margin(summary, _checked_gate(path, arrays["gate"], len(summary))), gamma or 0.0)


def _checked_gate(path: Path, gate: np.ndarray, n: int) -> np.ndarray:
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


def _check_shapes(path: Path, arrays: dict[str, np.ndarray]) -> int:
    """Check the dimensions of all arrays and return the number of classes."""
    scores, labels = arrays["scores"], arrays["labels"]
    if scores.ndim != 2 or scores.dtype.kind not in "fiu":
        raise DataError(
            f"{path}: scores: found {scores.dtype} of shape {scores.shape}, expected real numbers of shape (N, C)"
        )
    for name in _IDS:
        if arrays[name].ndim != 1 or arrays[name].dtype.kind not in "iu" or not len(arrays[name]):
            array = arrays[name]
            raise DataError(
                f"{path}: {name}: found {array.dtype} of shape {array.shape}, expected a list of at least one integer"
            )
    if len(labels) != len(scores):
        turned = " (scores look transposed)" if len(labels) == scores.shape[1] else ""
        raise DataError(f"{path}: labels: found {len(labels)}, expected {len(scores)}, one a row of scores{turned}")
    return int(scores.shape[1])


def _check_ids(path: Path, name: str, ids: np.ndarray, n_classes: int) -> None:
    low, high = int(ids.min()), int(ids.max())
    if low >= 0 and high < n_classes:
        return
    hint = "; they look 1-based, subtract 1" if low >= 1 and high == n_classes else ""
    raise DataError(
        f"{path}: {name}: found {low} to {high}, expected 0 to {n_classes - 1}, the columns of scores{hint}"
    )


def _check_sides(path: Path, arrays: dict[str, np.ndarray]) -> None:
    seen, unseen, labels = arrays["seen"], arrays["unseen"], np.unique(arrays["labels"])
    for name in ("seen", "unseen"):
        values, counts = np.unique(arrays[name], return_counts=True)
        if counts.max() > 1:
            raise DataError(f"{path}: {name}: found class {values[counts.argmax()]} twice, expected distinct classes")
    both = np.intersect1d(seen, unseen)
    if len(both):
        raise DataError(f"{path}: found class {both[0]} in both seen and unseen, expected it in one of them")
    neither = np.setdiff1d(labels, np.concatenate([seen, unseen]))
    if len(neither):
        raise DataError(
            f"{path}: labels: found class {neither[0]}, which is in neither seen nor unseen, expected it in one of them"
        )
    for name, ids in (("seen", seen), ("unseen", unseen)):
        if not len(np.intersect1d(labels, ids)):
            raise DataError(f"{path}: labels: found no row of a class in {name}, expected at least one")
