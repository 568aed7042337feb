"""The list of a finished run's files with size and hash: what was damaged since is found, and the run made again."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from gzsl.door.documents import read_document
from gzsl.errors import GzslError, RunError
from gzsl.files import file_hash
from gzsl.runs.documents import FileFacts, Manifest

NAME = "done"
NEEDED = ("recipe.yaml", "environment.json", "metrics.json", "timing.json")
OWN = (*NEEDED, "records.jsonl", "per_class.csv", "weights.safetensors", "*.npz", "calibration*", "validation/*.npz")


def manifest_of(folder: Path) -> dict[str, Any]:
    """Plain values of a `Manifest` of what a run has written into its folder; the log, which grows, is not in it."""
    paths = sorted({path for pattern in OWN for path in folder.glob(pattern) if path.is_file()})
    facts = {str(path.relative_to(folder).as_posix()): path for path in paths}
    return {"files": {name: {"bytes": p.stat().st_size, "blake2b": file_hash(p)} for name, p in facts.items()}}


def read_manifest(folder: Path) -> Manifest | None:
    """The manifest of a finished run; None for a run of an older gzsl, which wrote none.

    Raises
    ------
    RunError
        When it is damaged.
    """
    path = folder / NAME
    if path.is_file() and path.stat().st_size == 0:
        return None
    found = read_document(path, Manifest)
    missing = [name for name in NEEDED if name not in found.files]
    if missing:
        raise RunError(f"{path}: files.{missing[0]}: found nothing, expected size and hash of that file")
    return found


def damaged(folder: Path, names: Iterable[str] | None = None) -> dict[str, str]:
    """What is wrong with a finished run's files (all of them, or some), by name: one sentence each.

    Raises
    ------
    RunError
        When the manifest itself is damaged.
    """
    manifest = read_manifest(folder)
    if manifest is None:
        return {}
    chosen = manifest.files if names is None else {name: manifest.files.get(name) for name in names}
    found = {name: _problem(folder / name, facts) for name, facts in chosen.items() if facts is not None}
    return {name: problem for name, problem in found.items() if problem}


def intact(path: Path) -> Path:
    """The path of a run's file that is as it was written.

    Raises
    ------
    RunError
        When it was changed since the run was finished.
    """
    try:
        problem = damaged(path.parent, [path.name]).get(path.name)
    except GzslError:
        problem = None  # told where the run is read as a whole
    if problem:
        raise RunError(f"{path.name}: {problem}")
    return path


def _problem(path: Path, facts: FileFacts) -> str | None:
    try:
        size = path.stat().st_size
        if size != facts.bytes:
            return f"found {size:,} bytes, expected {facts.bytes:,}"
        return None if file_hash(path) == facts.blake2b else "found other bytes than were written"
    except OSError as error:
        return f"found no file that can be read ({error.strerror}), expected {facts.bytes:,} bytes"
