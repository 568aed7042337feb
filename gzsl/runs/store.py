"""Folders of runs: named by content, locked while written, finished or resumable, never half-written."""

from __future__ import annotations

import contextlib
import hashlib
import inspect
import json
import os
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from gzsl import plugins
from gzsl.door.documents import Document, read_document, read_lines
from gzsl.errors import GzslError, RunError
from gzsl.files import as_run_error, locked, replacing, value_hash, write_json, write_text
from gzsl.params import Configurable
from gzsl.runs import manifest
from gzsl.runs.documents import RECORDS

_PACKAGE = Path(__file__).resolve().parents[1]
_WITHOUT_INFLUENCE = (
    "cli/", "report/", "images/", "tuning/", "studies/", "bundles/", "conformance/", "runs/tracking.py",
)  # fmt: skip


def run_key(decided: dict[str, Any], data_hash: str, seed: int, device: str, parts: Sequence[type]) -> str:
    """Digest that names a run: what the recipe decides, data, seed, device kind and the code of its parts."""
    values = {"recipe": decided, "data": data_hash, "seed": seed, "device": device, "code": code_version(*parts)}
    return value_hash(values)


@cache
def code_version(*parts: type) -> str:
    """Digest of the code that numbers depend on: the package without its upper layers and other methods.

    ``parts`` are the classes of method, heads and calibrator; those of a plugin bring its files with them.
    """
    digest = hashlib.blake2b(digest_size=16)
    classes = {cls for part in parts for cls in inspect.getmro(part) if issubclass(cls, Configurable)}
    files = {Path(inspect.getfile(cls)) for cls in classes}
    own = {path.resolve() for file in files for path in (file, *plugins.sources(file))}
    for path in sorted({*_PACKAGE.rglob("*.py"), *own}):
        steps = path.relative_to(_PACKAGE).parts if path.is_relative_to(_PACKAGE) else ("", path.name)
        content = path.read_bytes()
        a_method = steps[0] == "methods" and b"\n@register(" in content
        name = "/".join(steps)
        if not name.startswith(_WITHOUT_INFLUENCE) and (not a_method or path in own):
            digest.update(name.encode())
            digest.update(content)
    return digest.hexdigest()


_UNREADABLE = (ValueError, TypeError, EOFError, LookupError, NotImplementedError, zipfile.BadZipFile, zlib.error)


class RunFolder:
    """One run on disk.

    Parameters
    ----------
    path : Path
        The run's own folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def done(self) -> bool:
        """Whether the run is complete; the marker is written last."""
        return (self.path / "done").is_file()

    @contextmanager
    def locked(self, on_wait: Callable[[], None] = lambda: None) -> Iterator[None]:
        """Hold the run against other processes; waits while another one holds it.

        The lock belongs to the process, so it disappears with it, even by ``kill -9``.
        """
        with locked(self.path, on_wait):
            self._sweep()
            yield

    def _sweep(self) -> None:
        """Remove temporary files of a killed process."""
        for leftover in self.path.rglob(".*.tmp"):
            leftover.unlink(missing_ok=True)

    def write_json(self, name: str, value: Any) -> None:
        """Write a JSON file atomically."""
        write_json(self.path / name, value)

    def read(self, name: str, model: type[Document]) -> dict[str, Any]:
        """Plain values of a JSON file of the run, which must hold what ``model`` says."""
        return read_document(self.path / name, model).values

    def write_text(self, name: str, text: str) -> None:
        """Write a text file atomically."""
        write_text(self.path / name, text)

    def write_arrays(self, name: str, arrays: dict[str, np.ndarray]) -> None:
        """Write an uncompressed npz atomically, with the same bytes for the same arrays."""
        with replacing(self.path / name) as temporary, temporary.open("wb") as stream:
            np.savez(stream, **arrays)  # type: ignore[arg-type]

    def read_arrays(self, name: str) -> dict[str, np.ndarray]:
        """Read an npz file of the run.

        Raises
        ------
        RunError
            When it is missing or damaged.
        """
        path = self.path / name
        try:
            with np.load(path, allow_pickle=False) as archive:
                return dict(archive)
        except (*_UNREADABLE, OSError) as error:
            reason = getattr(error, "strerror", None) or error
            raise RunError(f"{path}: found no arrays that can be read ({reason}), expected an npz file") from None

    def log(self, text: str) -> None:
        """Append a line with the time of day to ``log.txt``."""
        stamp = time.strftime("%Y-%m-%d %H:%M:%S")
        path = self.path / "log.txt"
        try:
            with path.open("a", encoding="utf-8") as stream:
                stream.write(f"{stamp} [{os.getpid()}] {text}\n")
        except OSError as error:
            raise as_run_error(error, path) from error

    def last_lines(self, count: int = 5) -> tuple[str, ...]:
        """The end of ``log.txt``; nothing where there is none."""
        path = self.path / "log.txt"
        return tuple(path.read_text(encoding="utf-8", errors="replace").splitlines()[-count:]) if path.is_file() else ()

    def finish(self) -> None:
        """Mark the run as complete, with the size and hash of each of its files."""
        write_json(self.path / manifest.NAME, manifest.manifest_of(self.path))

    def damage(self) -> str | None:
        """What was damaged since the run was finished, in one sentence; None when nothing was."""
        try:
            if manifest.read_manifest(self.path) is None:
                return f"{self.path / manifest.NAME}: found an empty file, expected the list of the run's files"
            found = manifest.damaged(self.path)
        except GzslError as error:
            return str(error)
        return next((f"{self.path / name}: {problem}" for name, problem in found.items()), None)

    def drop_checkpoints(self) -> None:
        """Remove the checkpoints of all fits."""
        for leftover in self.path.glob("checkpoint-*.safetensors"):
            leftover.unlink(missing_ok=True)

    def reopen(self) -> None:
        """Make a damaged run an unfinished one: what is damaged is removed, what was recorded soundly stays."""
        wrong = ["records.jsonl"]  # everything, where nobody knows what is sound
        with contextlib.suppress(GzslError):
            if manifest.read_manifest(self.path) is not None:
                wrong = list(manifest.damaged(self.path))
        for name in wrong:
            (self.path / name).unlink(missing_ok=True)
        (self.path / manifest.NAME).unlink(missing_ok=True)


class Records:
    """Evaluations of a run as JSON lines; each line is written once, whatever is killed when.

    Parameters
    ----------
    path : Path
        The ``records.jsonl`` file; an unfinished last line is dropped, and so is everything from a damaged line on.

    Attributes
    ----------
    rows : list of dict
        What is recorded.
    problem : str or None
        What is wrong with the first damaged line.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: list[dict[str, Any]] = []
        self.problem: str | None = None
        try:
            if path.is_file():
                self.rows.extend(read_lines(path, RECORDS, "kind"))
        except GzslError as error:
            self.problem = str(error)

    def find(self, **place: Any) -> dict[str, Any] | None:
        """The record whose fields equal ``place``, or None."""
        return next((row for row in self.rows if all(row.get(k) == v for k, v in place.items())), None)

    def cut(self, count: int) -> None:
        """Keep the first ``count`` records alone."""
        self.rows = self.rows[:count]
        self._write()

    def add(self, record: dict[str, Any]) -> None:
        """Append a record; the file is replaced as a whole."""
        self.rows.append(record)
        self._write()

    def _write(self) -> None:
        write_text(self.path, "".join(json.dumps(row, allow_nan=False) + "\n" for row in self.rows))
