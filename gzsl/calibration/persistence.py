"""Fitted calibrators on disk: one safetensors file, and one a method that serves as an expert."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from gzsl.calibration.base import Calibrator, make_calibrator
from gzsl.errors import MethodError
from gzsl.files import replacing
from gzsl.methods import load_method, save_method
from gzsl.params import plain

FORMAT = 1


def save_calibrator(calibrator: Calibrator, stem: Path | str) -> list[Path]:
    """Write a fitted calibrator to ``stem.safetensors``, and its experts beside it.

    Parameters
    ----------
    calibrator : Calibrator
        After `fit`.
    stem : path
        Path without the ending.

    Returns
    -------
    list of Path
        The files written, the calibrator's own first.

    Raises
    ------
    RunError
        When a file cannot be written.
    """
    from safetensors.numpy import save_file

    stem = Path(stem)
    arrays, numbers = calibrator.fitted_values()
    section = {"name": calibrator.part_id, **plain(calibrator)}
    experts = {name: save_method(method, _beside(stem, name)) for name, method in calibrator.experts().items()}
    about = {"format": FORMAT, "calibration": section, "fitted": numbers, "experts": sorted(experts)}
    target = stem.with_name(f"{stem.name}.safetensors")
    with replacing(target) as temporary:
        save_file(
            {name: np.ascontiguousarray(array) for name, array in arrays.items()},
            temporary,
            metadata={"gzsl": json.dumps(about)},
        )
    return [target, *experts.values()]


def load_calibrator(stem: Path | str) -> Calibrator:
    """Read what `save_calibrator` wrote; `Calibrator.rebase` then makes it ready for a class table.

    Raises
    ------
    MethodError
        When the file is missing, is not one of ours, or is of a newer format.
    """
    from safetensors import SafetensorError, safe_open

    stem = Path(stem)
    path = stem.with_name(f"{stem.name}.safetensors")
    try:
        with safe_open(path, framework="numpy") as stream:
            about = json.loads((stream.metadata() or {})["gzsl"])
            arrays = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118 - not a dict
    except FileNotFoundError:
        raise MethodError(f"{path}: no such file") from None
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise MethodError(f"{path}: found no saved calibrator of gzsl ({error}), expected one") from None
    if about["format"] != FORMAT:
        raise MethodError(f"{path}: found format {about['format']}, expected {FORMAT}; a newer gzsl wrote it")
    calibrator = make_calibrator(about["calibration"])
    for name, value in {**arrays, **about["fitted"]}.items():
        setattr(calibrator, name, value)
    for name in about["experts"]:
        setattr(calibrator, name, load_method(_beside(stem, name)))
    return calibrator


def _beside(stem: Path, name: str) -> Path:
    return stem.with_name(f"{stem.name}-{name.rstrip('_')}.safetensors")
