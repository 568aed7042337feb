"""Fitted calibrators on disk: one safetensors file, and one a method that serves as an expert."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from gzsl.calibration.base import Calibrator, make_calibrator
from gzsl.door.shown import short
from gzsl.errors import MethodError
from gzsl.files import replacing
from gzsl.methods import load_method, save_method
from gzsl.methods.fitted_names import check_learnt, read_saved
from gzsl.params import plain

FORMAT = 1
FIELDS = {"format": int, "calibration": dict, "fitted": dict, "experts": list}


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
        When the file is missing, is not one of ours, is of a newer format, or holds something else than what the
        calibrator learns.
    """
    stem = Path(stem)
    path = stem.with_name(f"{stem.name}.safetensors")
    arrays, about = read_saved(path, "calibrator", FIELDS)
    if about["format"] != FORMAT:
        raise MethodError(f"{path}: found format {about['format']}, expected {FORMAT}; a newer gzsl wrote it")
    calibrator = make_calibrator(about["calibration"])
    calibrator.check_parameters()
    numbers = about["fitted"]
    check_learnt(type(calibrator), [*arrays, *numbers, *about["experts"]], path)
    for name, number in numbers.items():
        if not isinstance(number, int | float):
            raise MethodError(f"{path}: fitted.{name}: found {short(number)}, expected a number")
    if "gamma_" not in numbers:
        raise MethodError(f"{path}: found no gamma_, expected a fitted calibrator")
    for name, value in {**arrays, **numbers}.items():
        setattr(calibrator, name, value)
    for name in about["experts"]:
        setattr(calibrator, name, load_method(_beside(stem, name)))
    return calibrator


def _beside(stem: Path, name: str) -> Path:
    return stem.with_name(f"{stem.name}-{name.rstrip('_')}.safetensors")
