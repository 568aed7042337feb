"""Index base, orientation and class names: found from the numbers, stated in a note, never assumed silently."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches

import numpy as np

from gzsl.door.names import places, repeated, same_form
from gzsl.errors import DataError, suggest

LARGEST = 2**53  # of whole numbers: up to here floating-point numbers hold each of them


def as_integers(where: str, values: np.ndarray) -> np.ndarray:
    """Flatten to int64, or raise `DataError` when something is not a whole number."""
    flat = np.asarray(values).ravel()
    if flat.dtype.kind not in "iufb":
        raise DataError(f"{where}: found values of type {flat.dtype}, expected whole numbers")
    if flat.dtype.kind == "f":
        wrong = ~np.isfinite(flat) | (flat != np.round(np.where(np.isfinite(flat), flat, 0)))
        if wrong.any():
            raise DataError(f"{where}: found {flat[wrong][0]}, expected whole numbers")
    large = (flat < -LARGEST) | (flat > LARGEST) if flat.dtype.kind in "uf" else np.zeros(len(flat), bool)
    if large.any():
        raise DataError(f"{where}: found {flat[large][0]}, expected whole numbers of at most {LARGEST:,}")
    return flat.astype(np.int64)


def as_vector(where: str, values: np.ndarray, of: str) -> np.ndarray:
    """Whole numbers of a column or a row, flat; a matrix, such as one-hot labels, is a `DataError`."""
    if np.ndim(values) > 2 or min(np.shape(values) or (1,), default=1) > 1 and np.ndim(values) == 2:
        kind = " (one-hot labels?)" if np.isin(values, (0, 1)).all() else ""
        raise DataError(f"{where}: found a matrix of shape {np.shape(values)}{kind}, expected a vector, {of}")
    return as_integers(where, values)


def is_mask(values: np.ndarray, n_images: int) -> bool:
    """Whether an array marks rows by zeros and ones, one entry an image, instead of listing their numbers."""
    return n_images > 2 and np.size(values) == n_images and bool(np.isin(values, (0, 1)).all())


def listed_rows(where: str, values: np.ndarray, n_images: int) -> tuple[np.ndarray, bool]:
    """Row numbers as they stand in a file, or 0-based ones that a mask marks, and whether it was a mask.

    Raises
    ------
    DataError
        For numbers that are not whole, and for truth values that are not one an image.
    """
    if is_mask(values, n_images):
        return np.flatnonzero(values), True
    if values.dtype.kind == "b":
        raise DataError(f"{where}: found a mask of {values.size:,} entries, expected {n_images:,}, one an image")
    return as_integers(where, values), False


def label_base(where: str, labels: np.ndarray, n_classes: int, default: int) -> tuple[int, str]:
    """Whether labels count from 0 or from 1, and a sentence that says how that was found.

    Parameters
    ----------
    where : str
        File and variable, for messages.
    labels : ndarray of int64
        As they stand in the file.
    n_classes : int
        Rows of the class table.
    default : int
        Base of this layout, used only where the numbers allow both.

    Raises
    ------
    DataError
        When neither base puts all labels inside the class table.
    """
    low, high = int(labels.min()), int(labels.max())
    possible = [base for base in (0, 1) if low >= base and high < n_classes + base]
    if not possible:
        raise DataError(
            f"{where}: found labels {low} to {high}, expected 1 to {n_classes} or 0 to {n_classes - 1}, "
            "the rows of the class table"
        )
    if len(possible) == 1:
        return possible[0], f"labels count from {possible[0]}: they run from {low} to {high} over {n_classes} classes"
    return default, f"labels {low} to {high} could count from 0 or 1; taken as {default}, the base of this layout"


def row_base(where: str, rows: Mapping[str, np.ndarray], labels: np.ndarray, default: int) -> tuple[int, str]:
    """Whether row numbers count from 0 or from 1, and a sentence that says how that was found.

    The largest and smallest number decide where they can; otherwise the base under which seen and unseen
    classes are disjoint; otherwise ``default``.

    Parameters
    ----------
    where : str
        File, for messages.
    rows : mapping of str to ndarray of int64
        At least ``trainval``, ``test_seen`` (which alone may be empty) and ``test_unseen``, as they stand in the file.
    labels : ndarray, shape (N,)
        Class of every image.
    default : int
        Base of this layout.
    """
    for name, values in rows.items():
        if not len(values) and name != "test_seen":
            raise DataError(f"{where}: {name} is empty, expected at least one row")
    low = min(int(values.min()) for values in rows.values() if len(values))
    high = max(int(values.max()) for values in rows.values() if len(values))
    possible = [base for base in (0, 1) if low >= base and high < len(labels) + base]
    if not possible:
        wrong = {n: (v.min() < 0, v.max() > len(labels), v.min() == low) for n, v in rows.items() if len(v)}
        name = max(wrong, key=lambda n: (any(wrong[n][:2]), wrong[n][2]))  # of those alike the first
        raise DataError(
            f"{where}: found row numbers {low} to {high} (see {name}), expected 1 to {len(labels)} "
            f"or 0 to {len(labels) - 1}, one an image"
        )
    if len(possible) == 1:
        note = f"row numbers count from {possible[0]}: they run from {low} to {high} of {len(labels)} images"
        return possible[0], note
    pure = [base for base in possible if _is_class_pure(rows, labels, base)]
    if len(pure) == 1:
        return pure[0], f"row numbers count from {pure[0]}: only so are seen and unseen classes disjoint"
    return default, f"row numbers {low} to {high} could count from 0 or 1; taken as {default}, the base of this layout"


def has_test_seen(present: Iterable[str], name: str, known: Iterable[str]) -> bool:
    """Whether a file has rows of seen classes to test, or something that looks like a misspelt name for them.

    Without them it holds plain zero-shot data, of which T1 alone is measured.

    Parameters
    ----------
    present : iterable of str
        Names of the file's variables.
    name : str
        What the rows should be called.
    known : iterable of str
        Names that other variables of this layout have.
    """
    found = set(present)
    return name in found or bool(get_close_matches(name, found - set(known), n=1, cutoff=0.8))


def _is_class_pure(rows: Mapping[str, np.ndarray], labels: np.ndarray, base: int) -> bool:
    seen, unseen = labels[rows["trainval"] - base], labels[rows["test_unseen"] - base]
    return not len(np.intersect1d(seen, unseen)) and np.isin(labels[rows["test_seen"] - base], seen).all().item()


def is_transposed(where: str, shape: Sequence[int], count: int, of: str, default: bool) -> tuple[bool, str]:
    """Whether ``count`` things lie along the columns of a matrix rather than its rows.

    Parameters
    ----------
    where : str
        File and variable, for messages.
    shape : sequence of int
        Shape of the matrix as it stands in the file.
    count : int
        Number of things, e.g. of images.
    of : str
        What is counted: ``images`` or ``classes``.
    default : bool
        Answer for a square matrix.

    Raises
    ------
    DataError
        When neither dimension is ``count``.
    """
    if len(shape) != 2 or count not in shape or 0 in shape:
        raise DataError(f"{where}: found shape {tuple(shape)}, expected a matrix with {count} {of} along one side")
    if shape[0] == shape[1]:
        return default, f"{where} is square; its {of} are taken to be its {'columns' if default else 'rows'}"
    transposed = shape[1] == count
    return transposed, f"{where}: its {count} {of} are its {'columns' if transposed else 'rows'}"


def absent(where: str, kind: str, name: str, present: Iterable[str]) -> DataError:
    """The error about a variable or an array that a file does not have, naming those it has."""
    found = sorted(present)
    near = suggest(name, found)
    hint = near if near.startswith("did you mean") else f"found {', '.join(found) or 'none'}"
    return DataError(f"{where}: no {kind} {name!r}; {hint}")


def unique_names(where: str, names: Sequence[str]) -> tuple[str, ...]:
    """Class names without outer white space; a repeated or an empty one is a `DataError`."""
    cleaned = tuple(str(name).strip() for name in names)
    for i, name in enumerate(cleaned):
        if not name:
            raise DataError(f"{where}: the name of class {i} (counted from 0) is empty, expected a name")
    twice = repeated(cleaned)
    if twice is not None:
        raise DataError(f"{where}: the class name {twice!r} stands twice, expected unique names")
    return cleaned


def name_ids(where: str, wanted: Sequence[str], names: Sequence[str]) -> np.ndarray:
    """Position of every wanted name in ``names``, in whatever Unicode form; an unknown one is a `DataError`."""
    position, asked = places(names), [same_form(name) for name in wanted]
    missing = [name for name, form in zip(wanted, asked, strict=True) if form not in position]
    if missing:
        near = suggest(missing[0], names)
        hint = f" ({near})" if near.startswith("did you mean") else ""
        raise DataError(f"{where}: class {missing[0]!r} has no row in the class table, expected one{hint}")
    return np.array([position[form] for form in asked], dtype=np.int64)
