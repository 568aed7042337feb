"""Where the recipes and split facts lie, in a checkout and in an installed package."""

from __future__ import annotations

import os
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def configs_dir() -> Path:
    """Folder with one sub-folder of recipes a method."""
    return _shipped("configs")


def data_splits_dir() -> Path:
    """Folder with one YAML of split facts a benchmark."""
    return _shipped("data_splits")


def experiments_dir() -> Path:
    """Folder with one YAML a study."""
    return _shipped("experiments")


def cache_dir() -> Path:
    """Folder for converted datasets: ``GZSL_CACHE``, else ``gzsl`` in the user's cache folder."""
    explicit = os.environ.get("GZSL_CACHE")
    if explicit:
        return Path(explicit).expanduser()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base).expanduser() if base else Path.home() / ".cache") / "gzsl"


def _shipped(name: str) -> Path:
    for parent in (_PACKAGE, _PACKAGE.parent):
        if (parent / name).is_dir():
            return parent / name
    raise FileNotFoundError(f"the folder {name!r} is missing from this installation of gzsl")
