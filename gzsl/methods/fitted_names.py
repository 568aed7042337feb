"""What a saved method or calibrator may set when it is read back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from gzsl.door.documents import parse_json
from gzsl.door.shown import short
from gzsl.errors import MethodError

LEARNT = re.compile(r"[A-Za-z][A-Za-z0-9_]*_")  # the contract: what is learnt is in attributes that end in "_"
PLAIN = (str, int, float, bool)


def check_learnt(cls: type, names: Iterable[object], path: Path) -> None:
    """Refuse names that are no learnt attribute of a class: its own members and hyper-parameters, ``__class__``.

    Raises
    ------
    MethodError
        Names the first one.
    """
    for name in names:
        if not isinstance(name, str) or not LEARNT.fullmatch(name) or hasattr(cls, name):
            raise MethodError(
                f"{path}: found the value {short(name)}, expected what a {cls.__name__} learns (names that end "
                "in _)"
            )


def read_saved(path: Path, kind: str, fields: Mapping[str, type]) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Arrays of a safetensors file of ours, and what its metadata say about them.

    Parameters
    ----------
    path : Path
        The file.
    kind : str
        ``method`` or ``calibrator``, for messages.
    fields : mapping of str to type
        What the metadata have to hold.

    Raises
    ------
    MethodError
        When the file is missing, is not one of ours, or lacks a field.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as stream:
            about = parse_json((stream.metadata() or {})["gzsl"], f"{path}: metadata", MethodError)
            arrays = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118 - not a dict
    except FileNotFoundError:
        raise MethodError(f"{path}: no such file") from None
    except (SafetensorError, OSError, KeyError, ValueError, TypeError) as error:
        raise MethodError(f"{path}: found no saved {kind} of gzsl ({error}), expected one") from None
    for name, expected in fields.items():
        found = about.get(name) if isinstance(about, dict) else None
        if not isinstance(found, expected) or isinstance(found, bool):
            raise MethodError(f"{path}: {name}: found {short(found)}, expected a {expected.__name__}")
    return arrays, about
