"""Fitted methods on disk: safetensors and JSON, so that loading one never executes code."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from gzsl.door.shown import short
from gzsl.errors import MethodError
from gzsl.files import replacing
from gzsl.methods.base import Method
from gzsl.methods.fitted_names import PLAIN, check_learnt, read_saved
from gzsl.methods.registry import get_method
from gzsl.params import configure, plain

FORMAT = 1
FIELDS = {"format": int, "method": str, "parameters": dict, "fitted": dict}


def save_method(method: Method, path: Path | str) -> Path:
    """Write a fitted method to one ``.safetensors`` file; hyper-parameters and sizes are its metadata.

    Raises
    ------
    RunError
        When the file cannot be written.
    """
    from safetensors.numpy import save_file

    method._check_fitted()
    arrays, values = method.fitted_arrays(), plain_values(method)
    about = {"format": FORMAT, "method": method.card.id, "parameters": plain(method), "fitted": values}
    target = Path(path)
    with replacing(target) as temporary:
        save_file(
            {name: np.ascontiguousarray(array) for name, array in arrays.items()},
            temporary,
            metadata={"gzsl": json.dumps(about)},
        )
    return target


def load_method(path: Path | str) -> Method:
    """Read a method that `save_method` wrote.

    Raises
    ------
    MethodError
        When the file is missing, is not one of ours, is of a newer format, or holds something else than what the
        method learns.
    """
    path = Path(path)
    arrays, about = read_saved(path, "method", FIELDS)
    if about["format"] != FORMAT:
        raise MethodError(f"{path}: found format {about['format']}, expected {FORMAT}; a newer gzsl wrote it")
    cls = get_method(about["method"])
    method = configure(cls, about["parameters"], where=f"{path}: parameters", error=MethodError)
    method.check_parameters()
    values = about["fitted"]
    check_learnt(cls, values, path)
    check_learnt(cls, [name for name in arrays if "/" not in name], path)  # the rest belongs to networks
    _check_sizes(path, values, arrays)
    try:
        take_back(method, values, arrays)
    except (AttributeError, IndexError, KeyError, MemoryError, RuntimeError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise MethodError(
            f"{path}: found arrays that are not those of {cls.card.id} with {method.n_features_} features ({reason})"
        ) from None
    return method


def take_back(method: Method, values: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
    """Give an unfitted method the plain values and arrays of a fitted one.

    Values are set twice: arrays need sizes, and networks that are built for them start counts of passes anew.
    """
    _set(method, values)
    method.restore_arrays(arrays)
    _set(method, values)


def _set(method: Method, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        setattr(method, name, tuple(value) if isinstance(value, list) else value)


def _check_sizes(path: Path, values: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
    """Refuse a file without the sizes and classes that every method has, and sizes that its arrays cannot be of."""
    most = max(2**20, sum(array.size for array in arrays.values()))
    for name in ("n_features_", "n_attributes_"):
        size = values.get(name)
        if not isinstance(size, int) or isinstance(size, bool) or not 1 <= size <= most:
            raise MethodError(f"{path}: {name}: found {short(size)}, expected a whole number from 1 to {most}")
    for name in ("classes_", "seen_classes_", "unseen_classes_"):
        names = values.get(name)
        if not isinstance(names, list) or not all(isinstance(entry, str) for entry in names):
            raise MethodError(f"{path}: {name}: found {short(names)}, expected a list of class names")
    for name, value in values.items():
        entries = value if isinstance(value, list) else [value]
        if not all(isinstance(entry, PLAIN) for entry in entries):
            raise MethodError(f"{path}: {name}: found {short(value)}, expected a plain value or a list of them")


def plain_values(method: Method) -> dict[str, Any]:
    """What a fitted method learnt besides arrays: plain values among the attributes that end in ``_``."""
    return {
        name: value
        for name, value in vars(method).items()
        if name.endswith("_") and isinstance(value, str | int | float | tuple)
    }
