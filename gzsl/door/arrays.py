"""Arrays from outside: the kind is checked first, and only real numbers, truth values and text come in."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np

from gzsl.errors import DataError

KINDS = {
    "c": "complex numbers", "m": "times", "M": "dates", "V": "structured records or raw bytes",
}  # fmt: skip
NUMBERS = "biuf"


def plain(where: str, values: Any) -> np.ndarray:
    """An array of booleans, integers, floats or text (kind ``U``).

    Bytes are decoded as UTF-8. Python objects, as pandas hands them out, are taken where all of them are numbers or all
    of them are text. Memory maps stay maps.

    Parameters
    ----------
    where : str
        File and field, for messages.
    values : array_like
        Array, list, pandas column or frame, tensor.

    Raises
    ------
    DataError
        For every other kind: complex numbers, dates, records, masked, sparse and ragged arrays, missing entries, and
        text that is no UTF-8.
    """
    if isinstance(values, np.ma.MaskedArray) and np.ma.is_masked(values):
        raise DataError(f"{where}: found masked entries, expected a value everywhere")
    if hasattr(values, "tocsr"):
        raise DataError(f"{where}: found a sparse matrix, expected a full one (its toarray())")
    try:
        array = np.asanyarray(values) if isinstance(values, np.memmap) else np.asarray(values)
    except Exception as error:  # ragged lists, tensors on another device, frames of what has no array
        reason = " ".join(str(error).split())
        raise DataError(f"{where}: found a {type(values).__name__} that is no array ({reason})") from None
    kind = array.dtype.kind
    if kind in NUMBERS:
        return array
    if kind in KINDS:
        raise DataError(f"{where}: found {KINDS[kind]} ({array.dtype}), expected real numbers or text")
    if kind == "S":
        return _decoded(where, array)
    if kind == "O":
        return _of_objects(where, array)
    return _checked_text(where, array if kind == "U" else array.astype(str))


def numbers(where: str, values: Any) -> np.ndarray:
    """An array of booleans, integers or floats, as `plain` takes it; text is a `DataError`."""
    array = plain(where, values)
    if array.dtype.kind not in NUMBERS:
        raise DataError(f"{where}: found text, e.g. {_first(array)!r}, expected real numbers")
    return array


def texts(where: str, values: Any) -> list[str]:
    """A flat list of text; numbers are a `DataError`."""
    array = plain(where, values)
    if array.dtype.kind != "U":
        raise DataError(f"{where}: found {array.dtype} values, expected text")
    found: list[str] = array.ravel().tolist()
    return found


def _first(array: np.ndarray) -> str:
    return str(array.ravel()[0])[:40] if array.size else ""


def _decoded(where: str, array: np.ndarray) -> np.ndarray:
    try:
        return _checked_text(where, np.char.decode(array, "utf-8"))
    except UnicodeDecodeError:
        pass
    for i, value in enumerate(array.ravel().tolist()):
        try:
            value.decode()
        except UnicodeDecodeError:
            raise DataError(
                f"{where}: entry {i} (counted from 0): found the bytes {value[:40]!r}, which are no UTF-8 (Latin-1?), "
                "expected UTF-8 text"
            ) from None
    raise AssertionError("some entry cannot be decoded")


def _checked_text(where: str, array: np.ndarray) -> np.ndarray:
    """Text without halves of surrogate pairs, which no file and no terminal can take."""
    try:
        "".join(array.ravel().tolist()).encode()
    except UnicodeEncodeError:
        broken = next(i for i, text in enumerate(array.ravel().tolist()) if _is_broken(text))
        raise DataError(
            f"{where}: entry {broken} (counted from 0): found text that is no Unicode "
            f"({str(array.ravel()[broken])[:40]!a}), expected text"
        ) from None
    return array


def _is_broken(text: str) -> bool:
    return any("\ud800" <= letter <= "\udfff" for letter in text)


def _of_objects(where: str, array: np.ndarray) -> np.ndarray:
    entries = array.ravel().tolist()
    if all(isinstance(entry, str) for entry in entries):
        return _checked_text(where, array.astype(str))
    if all(isinstance(entry, bytes) for entry in entries):
        return _decoded(where, array.astype(bytes))
    if all(isinstance(entry, Real | np.bool_) for entry in entries):
        return _numeric(where, array, entries)
    usual = str if sum(isinstance(entry, str) for entry in entries) * 2 > len(entries) else Real
    odd = next(i for i, entry in enumerate(entries) if not isinstance(entry, usual))
    raise DataError(
        f"{where}: entry {odd} (counted from 0): found {_described(entries[odd])} among Python objects, expected "
        "numbers alone or text alone"
    )


def _numeric(where: str, array: np.ndarray, entries: list[Any]) -> np.ndarray:
    try:
        found = np.array(entries)
        if found.dtype.kind not in NUMBERS:
            found = found.astype(np.float64)
    except (OverflowError, TypeError, ValueError):
        raise DataError(f"{where}: found numbers that no array holds, expected numbers of 64 bits") from None
    return found.reshape(array.shape)


def _described(value: object) -> str:
    if value is None or isinstance(value, float | int | str | bytes):
        return repr(value) if len(repr(value)) <= 40 else f"{repr(value)[:37]}..."
    return f"a {type(value).__name__}"
