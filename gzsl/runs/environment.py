"""What a number depends on besides the recipe: versions, processor, threads."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sys
from typing import Any

from gzsl.errors import RunError
from gzsl.version import __version__

_PACKAGES = ("numpy", "scipy", "scikit-learn", "torch", "safetensors", "pydantic")


def environment(device: str) -> dict[str, Any]:
    """Versions and hardware, as plain values; nothing that identifies a person."""
    return {
        "gzsl": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "device": _device_name(device),
        "packages": {name: importlib.metadata.version(name) for name in _PACKAGES},
    }


def resolve_device(asked: str, *, needed: bool = True) -> str:
    """Turn ``auto`` into ``cpu`` or ``cuda``.

    Parameters
    ----------
    asked : str
        ``auto``, ``cpu`` or ``cuda``.
    needed : bool
        Whether the method can use a device at all; closed-form methods stay on the CPU.

    Raises
    ------
    RunError
        When CUDA is asked for and absent.
    """
    if asked not in ("auto", "cpu", "cuda"):
        raise RunError(f"--device: found {asked!r}, expected auto, cpu or cuda")
    if asked == "cpu" or (asked == "auto" and not needed):
        return "cpu"
    import torch

    if torch.cuda.is_available():
        return "cuda" if needed else "cpu"
    if asked == "cuda":
        raise RunError("--device cuda: found no CUDA device, expected one; use --device cpu or auto")
    return "cpu"


def _device_name(device: str) -> str:
    if device == "cuda":
        import torch

        return torch.cuda.get_device_name()
    return "cpu"


def threads() -> int | None:
    """Threads that torch computes with, or None where torch is not loaded."""
    torch = sys.modules.get("torch")
    return None if torch is None else torch.get_num_threads()
