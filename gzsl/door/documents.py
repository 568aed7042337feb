"""Our own JSON read back: every document through one typed model and one reading function.

A document may have been cut, edited, mixed up or forged since it was written. Reading one ends in values of the
declared types or in one sentence with the file, the field, what was found and what was expected.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from gzsl.door.shown import short
from gzsl.door.text import open_text, read_text
from gzsl.errors import GzslError, RunError

LARGEST = 2**26  # bytes of a document
LARGEST_LINES = 2**30  # bytes of a file of lines, each a document
DEEPEST = 50
MOST_DIGITS = 18  # of an integer: 64 bits

_PLAINER = {
    "model_type": "a mapping", "dict_type": "a mapping", "string_type": "text", "float_type": "a number",
    "float_parsing": "a number", "int_type": "a whole number", "int_parsing": "a whole number",
    "int_from_float": "a whole number", "bool_type": "true or false", "bool_parsing": "true or false",
    "list_type": "a list", "finite_number": "a finite number",
}  # fmt: skip

D = TypeVar("D", bound="Document")


class Document(BaseModel):
    """Base of the models of our own files: declared fields are strict, others may be there and are kept."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True, allow_inf_nan=False)

    @property
    def values(self) -> dict[str, Any]:
        """Plain values, as they stood in the file."""
        return self.model_dump(exclude_unset=True)


def read_document(path: Path, model: type[D], error: type[GzslError] = RunError) -> D:
    """Read a JSON file of our own.

    Parameters
    ----------
    path : Path
        The file.
    model : type of Document
        What it must hold.
    error : type of GzslError
        What to raise.

    Raises
    ------
    GzslError
        ``error``, in one sentence, when the file is missing, no regular file, no UTF-8, too large, no JSON, nested too
        deeply, holds NaN, infinity, endless integers or a key twice, or is not what ``model`` says.
    """
    return check_document(read_json(path, error), model, str(path), error)


def read_json(path: Path, error: type[GzslError] = RunError) -> Any:
    """Plain values of a JSON file, of any shape; raises as `read_document`."""
    return parse_json(read_text(path, "a JSON file", error, LARGEST), str(path), error)


def read_lines(
    path: Path, models: Mapping[str, type[Document]], field: str, error: type[GzslError] = RunError
) -> Iterator[dict[str, Any]]:
    """Plain values of a file with one document a line, whose ``field`` names its model; raises as `read_document`.

    A last line without an end was cut by a kill and is passed over.
    """
    if path.is_file() and path.stat().st_size > LARGEST_LINES:
        raise error(f"{path}: found {path.stat().st_size:,} bytes, expected JSON lines of at most {LARGEST_LINES:,}")
    with open_text(path, "JSON lines", error) as stream:
        for number, line in enumerate(stream, start=1):
            if line.endswith("\n"):
                where = f"{path}: line {number}"
                values = parse_json(line, where, error)
                kind = values.get(field) if isinstance(values, dict) else None
                if isinstance(values, dict) and not (isinstance(kind, str) and kind in models):
                    raise error(f"{where}: {field}: found {short(kind)}, expected {' or '.join(map(repr, models))}")
                yield check_document(values, models.get(str(kind), Document), where, error).values


def check_document(values: Any, model: type[D], where: str, error: type[GzslError] = RunError) -> D:
    """Plain values as a model; raises as `read_document`."""
    if not isinstance(values, dict):
        raise error(f"{where}: found {in_words(values)}, expected a mapping")
    try:
        return model.model_validate(values)
    except ValidationError as failure:
        place, problem = problem_of(failure)
        field = ".".join(str(part) for part in place)
        raise error(f"{where}: {field}: {problem}" if field else f"{where}: {problem}") from None


def parse_json(text: str, where: str, error: type[GzslError] = RunError) -> Any:
    """Plain values of JSON text; raises as `read_document`."""
    try:
        values = json.loads(
            text, object_pairs_hook=_mapping, parse_constant=_refuse, parse_float=_number, parse_int=_integer
        )
        _bound(values)
    except RecursionError:
        raise error(f"{where}: found more than {DEEPEST} levels, expected fewer") from None
    except _Refused as found:
        raise error(f"{where}: {found}") from None
    except ValueError as found:
        raise error(f"{where}: found no JSON ({found}), expected a whole JSON document") from None
    return values


def problem_of(failure: ValidationError) -> tuple[tuple[int | str, ...], str]:
    """Place of the first problem that pydantic found, and what was found and expected there."""
    problem = failure.errors(include_url=False)[0]
    place = tuple(part for part in problem["loc"] if not str(part).startswith("function-"))
    kind, message = problem["type"], str(problem["msg"])
    if kind == "missing":
        return place, "found nothing, expected a value"
    if kind == "extra_forbidden":
        return place, "found a field that is not known"
    if kind == "value_error":
        return place, message.removeprefix("Value error, ")
    if kind in ("too_short", "too_long"):
        bound = problem["ctx"]
        count = f"at least {bound['min_length']}" if kind == "too_short" else f"at most {bound['max_length']:,}"
        return place, f"found {bound['actual_length']:,} entries, expected {count}"
    expected = _PLAINER.get(kind, message.removeprefix("Input should be ").removeprefix("Value should be "))
    return place, f"found {short(problem['input'])}, expected {expected}"


class _Refused(Exception):
    """What is JSON, or nearly, but not what we write."""


def in_words(values: Any) -> str:
    """What plain values are as a whole, for messages: ``a list``."""
    names = {list: "a list", str: "text", bool: "true or false", int: "a number", float: "a number", type(None): "null"}
    return names.get(type(values), type(values).__name__)


def _mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        known: set[str] = set()
        repeated = next(key for key, _ in pairs if key in known or known.add(key))  # type: ignore[func-returns-value]
        raise _Refused(f"{repeated}: found twice, expected once")
    return values


def _refuse(text: str) -> Any:
    raise _Refused(f"found {text}, expected a finite number")


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise _Refused(f"found {short(text)}, expected a finite number")
    return value


def _integer(text: str) -> int:
    if len(text) > MOST_DIGITS:
        raise _Refused(f"found an integer of {len(text):,} digits, expected at most {MOST_DIGITS}")
    return int(text)


def _bound(values: Any) -> None:
    """Raise unless the values are flat enough to be walked, and their text can be written."""
    level, depth = [values], 0
    while level:
        depth += 1
        if depth > DEEPEST:
            raise _Refused(f"found more than {DEEPEST} levels, expected fewer")
        below: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                below += [*value.keys(), *value.values()]
            elif isinstance(value, list):
                below += value
            elif isinstance(value, str) and not value.isascii():
                _writable(value)
        level = below


def _writable(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise _Refused(f"found {short(text)}, which is half a character, expected text") from None
