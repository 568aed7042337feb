"""Fitted methods on disk: safetensors and JSON, so that loading one never executes code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from gzsl.errors import MethodError
from gzsl.files import replacing
from gzsl.methods.base import Method
from gzsl.methods.registry import get_method
from gzsl.params import configure, plain

FORMAT = 1


def save_method(method: Method, path: Path | str) -> Path:
    """Write a fitted method to one ``.safetensors`` file; hyper-parameters and sizes are its metadata.

    Raises
    ------
    RunError
        When the file cannot be written.
    """
    from safetensors.numpy import save_file

    arrays, values = _fitted(method)
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
        When the file is missing, is not one of ours, or is of a newer format.
    """
    path = Path(path)
    arrays, about = _read(path)
    if about["format"] != FORMAT:
        raise MethodError(f"{path}: found format {about['format']}, expected {FORMAT}; a newer gzsl wrote it")
    cls = get_method(about["method"])
    method = configure(cls, about["parameters"], where=f"{path}: parameters", error=MethodError)
    for name, value in about["fitted"].items():
        setattr(method, name, tuple(value) if isinstance(value, list) else value)
    method.restore_arrays(arrays)
    return method


def _fitted(method: Method) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Arrays and plain values among the attributes that end in ``_``."""
    method._check_fitted()
    values = {
        name: value
        for name, value in vars(method).items()
        if name.endswith("_") and isinstance(value, str | int | float | tuple)
    }
    return method.fitted_arrays(), values


def _read(path: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as stream:
            about = json.loads((stream.metadata() or {})["gzsl"])
            arrays = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118 - not a dict
    except FileNotFoundError:
        raise MethodError(f"{path}: no such file") from None
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise MethodError(f"{path}: found no saved method of gzsl ({error}), expected one") from None
    return arrays, about
