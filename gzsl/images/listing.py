"""Which pictures, and of which class: a folder a class, or a CSV of paths and classes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gzsl.brief import brief
from gzsl.door.names import same_form
from gzsl.door.shown import shown
from gzsl.door.tables import read_rows
from gzsl.errors import DataError

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp")


@dataclass(frozen=True)
class ImageList:
    """Pictures with their classes, sorted by path.

    Attributes
    ----------
    root : Path
        Folder that paths are relative to.
    images : tuple of (str, str)
        Path with forward slashes, and class; the class is empty where it is not known.
    """

    root: Path
    images: tuple[tuple[str, str], ...]

    __repr__ = brief


def list_images(source: Path | str) -> ImageList:
    """List pictures.

    Parameters
    ----------
    source : path
        A folder with a sub-folder a class; a folder of pictures alone (no classes); or a CSV with the columns
        ``image`` (path relative to the CSV) and ``class``.

    Raises
    ------
    DataError
        When nothing is found, files of the CSV are missing or stand twice, class names differ in case only, or a name
        is no UTF-8.
    """
    source = Path(source)
    if source.is_file():
        found = ImageList(source.parent, tuple(sorted(_from_csv(source))))
    elif source.is_dir():
        found = ImageList(source, tuple(sorted(_from_folder(source))))
    else:
        raise DataError(f"{source}: no such folder or file, expected a folder of pictures, or a CSV with image,class")
    if not found.images:
        raise DataError(f"{source}: found no picture ({', '.join(SUFFIXES)}), expected some in a folder a class")
    _check_names(source, [text for pair in found.images for text in pair])
    _check_classes(source, {name for _, name in found.images})
    return found


def _from_folder(root: Path) -> list[tuple[str, str]]:
    found = []
    empty = []
    for folder in sorted(path for path in root.iterdir() if path.is_dir() and not _is_hidden(path.name)):
        pictures = [path for path in folder.rglob("*") if _is_picture(path, root)]
        empty += [] if pictures else [folder.name]
        found += [(path.relative_to(root).as_posix(), same_form(folder.name)) for path in pictures]
    if empty:
        raise DataError(f"{root}: the folder of class {empty[0]!r} has no picture, expected at least one, or no folder")
    if found:
        return found
    return [(path.name, "") for path in root.iterdir() if _is_picture(path, root)]


def _is_picture(path: Path, root: Path) -> bool:
    hidden = any(_is_hidden(part) for part in path.relative_to(root).parts)
    return path.suffix.lower() in SUFFIXES and not hidden and path.is_file()


def _is_hidden(name: str) -> bool:
    """Whether a system keeps it for itself: ``._x.jpg`` and ``__MACOSX`` are what macOS puts beside pictures."""
    return name.startswith(".") or name == "__MACOSX"


def _from_csv(path: Path) -> list[tuple[str, str]]:
    rows = read_rows(path, ("image", "class"))
    missing = [row["image"] for row in rows if not (path.parent / row["image"]).is_file()]
    if missing:
        raise DataError(f"{path}: {len(missing)} pictures do not exist, e.g. {missing[0]!r} (paths are relative to it)")
    found: dict[str, str] = {}
    for row in rows:
        name = Path(row["image"]).as_posix()
        if name in found:
            raise DataError(f"{path}: the picture {name!r} stands twice, expected one row a picture")
        found[name] = same_form(row["class"])
    return list(found.items())


def _check_names(source: Path, names: list[str]) -> None:
    for name in names:
        if not name.isascii() and shown(name) != name:
            raise DataError(f"{source}: found the name {shown(name)}, expected UTF-8 letters (rename it)")


def _check_classes(source: Path, names: set[str]) -> None:
    folded: dict[str, str] = {}
    for name in sorted(names):
        other = folded.setdefault(name.casefold(), name)
        if other != name:
            raise DataError(f"{source}: found the classes {other!r} and {name!r}, expected clearly different names")
