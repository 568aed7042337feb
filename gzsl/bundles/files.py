"""The files of a bundle: which are its own, how they are replaced, and what its card has to say."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from gzsl.data.alignment import ALIGNMENTS
from gzsl.data.preprocess import SCALINGS
from gzsl.door.documents import Document, check_document, read_json
from gzsl.door.names import same_form
from gzsl.door.paths import is_folder
from gzsl.errors import RunError
from gzsl.files import LOCK, file_hash, locked, value_hash, write_json
from gzsl.semantics import NORMALISATIONS
from gzsl.semantics.members import RULES

FORMAT = 2
CARD = "bundle.json"
NEW = ".new"  # folder in which a bundle is written before its files get their names
CALIBRATION = "calibration"
OWN_NAME = re.compile(r"(arrays|method|calibration)-[0-9a-f]{12}(-[A-Za-z0-9_]+)?\.safetensors")
ATTEMPTS = 5  # to read a bundle that another process replaces meanwhile


class Entry(Document):
    """One file of a bundle: its plain name in the folder, and the digest of its content."""

    name: str
    blake2b: str = Field(pattern="^[0-9a-f]{32}$")

    @field_validator("name")
    @classmethod
    def _plain(cls, name: str) -> str:
        if not OWN_NAME.fullmatch(name):
            raise ValueError(f"found the file name {name[:80]!r}, expected one that gzsl gives, in the same folder")
        return name


class Table(Document):
    """What the card says of the class table."""

    name: str
    normalise: Literal[NORMALISATIONS]  # type: ignore[valid-type]
    attributes: list[str] | None
    rule: Literal[tuple(RULES)] | None = None  # type: ignore[valid-type]
    templates: list[str] | None = None
    joint: bool = False


class Card(Document):
    """What has to be in ``bundle.json`` to put a bundle together; whatever else is there says where it is from."""

    scaling: Literal[SCALINGS]  # type: ignore[valid-type]
    align: Literal[ALIGNMENTS] = "none"  # type: ignore[valid-type]
    classes: list[str] = Field(min_length=1)
    seen: list[str]
    semantics: Table
    files: dict[str, Entry]
    features: dict[str, Any] = {}
    added_classes: list[str] = []

    @model_validator(mode="after")
    def _fits(self) -> Card:
        lacking = [kind for kind in ("arrays", "method") if kind not in self.files]
        if lacking:
            raise ValueError(f"files: found no {lacking[0]}")
        names = {same_form(name) for name in self.classes}
        if len(names) < len(self.classes):
            raise ValueError("classes: found a name twice")
        if len(set(self.seen)) < len(self.seen) or not set(self.seen) <= set(self.classes):
            raise ValueError("seen: found a name twice, or one that is not among the classes")
        return self


def check_target(folder: Path) -> None:
    """Refuse to write a bundle where something else is.

    Raises
    ------
    RunError
        For a folder that is not empty and holds no bundle, a run's own folder among them, and for a file.
    """
    is_there = is_folder(folder, "the name of a folder for the bundle", RunError)
    if not is_there and folder.exists():
        raise RunError(f"{folder}: found a file, expected the name of a folder for the bundle")
    if not is_there or (folder / CARD).exists():
        return
    foreign = sorted(path.name for path in folder.iterdir() if not _is_own(path.name))
    if foreign:
        raise RunError(
            f"{folder}: found a folder that is no bundle and not empty ({foreign[0]!r}), expected a new or empty "
            "folder, or a bundle to replace"
        )


def _is_own(name: str) -> bool:
    """Whether a killed writer of a bundle may have left it."""
    return name in (LOCK, NEW) or bool(OWN_NAME.fullmatch(name)) or name.startswith(f".{CARD}.")


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold a bundle's folder, which need not be one yet, against other writers.

    Raises
    ------
    RunError
        As `check_target`, and when the folder cannot be written to.
    """
    check_target(folder)
    with locked(folder):
        check_target(folder)
        yield


def replace_files(folder: Path, write: Callable[[Path], dict[str, Path]], about: dict[str, Any]) -> None:
    """Put new files and a new card in place of those of the old bundle; needs `held`.

    Parameters
    ----------
    folder : Path
        Of the bundle.
    write : callable
        Writes files into the folder it is given, and returns them by kind.
    about : dict
        The card without ``files`` and ``seal``.
    """
    old = _named_files(folder)
    new = folder / NEW
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir()
    try:
        files = _settled(folder, write(new))
        card = {**about, "files": files}
        write_json(folder / CARD, {**card, "seal": value_hash(card)})
    finally:
        shutil.rmtree(new, ignore_errors=True)
    for name in old - {entry["name"] for entry in files.values()}:
        (folder / name).unlink(missing_ok=True)


def _settled(folder: Path, written: Mapping[str, Path]) -> dict[str, dict[str, str]]:
    """Give files the names of their content, so that a bundle is replaced in one step by its card."""
    digests = {kind: file_hash(path) for kind, path in written.items()}
    files = {}
    for kind, path in written.items():
        family, _, part = kind.partition("-")  # the experts of a calibrator share its stem
        members = [digest for other, digest in digests.items() if other.partition("-")[0] == family]
        stem = f"{family}-{(value_hash(members) if len(members) > 1 else digests[kind])[:12]}"
        name = f"{stem}-{part}.safetensors" if part else f"{stem}.safetensors"
        path.replace(folder / name)
        files[kind] = {"name": name, "blake2b": digests[kind]}
    return files


def _named_files(folder: Path) -> set[str]:
    """Names of the files of the bundle that is there: nothing else in the folder is ever removed."""
    path = folder / CARD
    if not path.exists():
        return set()
    about = _raw_card(folder)
    files = about.get("files")
    if about.get("format") is None or not isinstance(files, dict) or "seal" not in about:
        raise RunError(f"{path}: found no card of a bundle of gzsl, expected a new or empty folder, or a bundle")
    names = [entry.get("name") for entry in files.values() if isinstance(entry, dict)]
    return {name for name in names if isinstance(name, str) and OWN_NAME.fullmatch(name)}


def read_card(folder: Path) -> tuple[Card, dict[str, Any], dict[str, Path]]:
    """The checked card of a bundle, what it says besides, and its files, each with the content that the card names.

    Raises
    ------
    RunError
        When the folder holds no bundle, one of another format, one that was changed, or one with a card that lacks
        something.
    """
    for attempt in range(ATTEMPTS):
        about = _sealed_card(folder)
        card = check_document(about, Card, str(folder / CARD))
        try:
            paths = {kind: _checked(folder, entry) for kind, entry in card.files.items()}
        except RunError:
            if attempt + 1 < ATTEMPTS and _sealed_card(folder) != about:
                continue  # another process has just replaced the bundle
            raise
        return card, {key: value for key, value in about.items() if key != "files"}, paths
    raise RunError(f"{folder}: other processes keep replacing the bundle; read it again when they are done")


def _sealed_card(folder: Path) -> dict[str, Any]:
    path = folder / CARD
    about = _raw_card(folder)
    if about.get("format") != FORMAT:
        raise RunError(
            f"{path}: found format {about.get('format')}, expected {FORMAT}; another version of gzsl wrote it"
        )
    seal = about.pop("seal", None)
    if value_hash(about) != seal:
        raise RunError(f"{path}: its content does not match its seal, so it was changed; expected it as it was written")
    return about


def _raw_card(folder: Path) -> dict[str, Any]:
    path, expected = folder / CARD, "a folder written by gzsl run --bundle"
    if not is_folder(folder, expected, RunError) or not path.exists():
        raise RunError(f"{folder}: found no {CARD}, expected {expected}")
    return check_document(read_json(path), Document, str(path)).values


def _checked(folder: Path, entry: Entry) -> Path:
    path = folder / entry.name
    if not path.is_file():
        raise RunError(f"{folder}: the file {path.name} of the bundle is missing")
    if file_hash(path) != entry.blake2b:
        raise RunError(f"{path}: its hash is not the one in {CARD}, so it was changed; expected it as it was written")
    return path

