"""A dataset folder from what people have: features with a class a row, and a table of classes."""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.optimize import nnls

from gzsl.brief import brief
from gzsl.data.assemble import assemble
from gzsl.data.readers.detect import unique_names
from gzsl.data.readers.grids import FILE as REGIONS
from gzsl.data.readers.grids import Grids, open_grids, write_regions
from gzsl.data.readers.holdout import rows_from_unseen
from gzsl.data.readers.labelled import open_labelled
from gzsl.data.readers.raw import Features, RawData, RawTable
from gzsl.data.readers.table import Table, is_true
from gzsl.data.sealed import write_features
from gzsl.door.names import places, same_form
from gzsl.door.paths import is_folder, user_path
from gzsl.door.room import check_disk
from gzsl.door.tables import csv_text
from gzsl.errors import DataError, suggest
from gzsl.files import make_folder, replacing, write_text

FILES = ("features.npy", "images.csv", "classes.csv", "card.json")


@dataclass(frozen=True)
class Made:
    """A dataset folder that was written.

    Attributes
    ----------
    folder : Path
        Where it is.
    unseen : tuple of str
        Classes without training images.
    notes : tuple of str
        What was decided or left out, one sentence each.
    """

    folder: Path
    unseen: tuple[str, ...]
    notes: tuple[str, ...]

    __repr__ = brief


def make_dataset(
    features: Path | str,
    classes: Path | str,
    out: Path | str,
    *,
    unseen: Sequence[str] | None = None,
    propose: int | None = None,
) -> Made:
    """Write a dataset folder that `gzsl.data.load` reads.

    Everything is checked as loading will check it, features included, before anything is written.

    Parameters
    ----------
    features : path
        Features with a class a row, as `gzsl.data.readers.labelled.open_labelled` reads them: a features folder, a CSV
        or an ``.npz``.
    classes : path
        CSV with a column ``class``, one column an attribute, optionally a column ``unseen``.
    out : path
        Folder to write: new, empty, or one that was made before.
    unseen : sequence of str, optional
        Classes to keep from training, each a name or several with commas between them; else the column ``unseen``.
    propose : int, optional
        Choose that many unseen classes: those that the others' attributes describe best.

    Raises
    ------
    DataError
        For classes without images or attributes, constant attributes only, numbers that are not finite, an image that
        stands twice, a missing or impossible split, and a folder that holds something else.
    """
    source, table = open_labelled(features), Table(user_path(classes), ("unseen",))
    folder = _free_folder(user_path(out), (*source.files, table.path))
    text, values = table.text(), table.values()
    names = unique_names(f"{table.where}: class", text["class"])
    labels, notes = _matched(table.where, names, source.labels)
    kept = [k for k, name in enumerate(names) if name in set(labels)]
    values, names = values[kept], tuple(names[k] for k in kept)
    notes += _constant(table, values)
    marked = None
    if "unseen" in table:
        marked = [names[i] for i, k in enumerate(kept) if is_true(table.where, names[i], text["unseen"][k])]
    chosen, note = _unseen(table.where, unseen, propose, marked, values, names)
    notes += note
    place = {name: i for i, name in enumerate(names)}
    ids = np.array([place[label] for label in labels])
    rows, note_of_rows = rows_from_unseen(ids, np.array([place[c] for c in chosen]))
    raw = RawData(table.where, source.features, ids, names, {"att": RawTable(values, table.numeric_names)}, rows)
    assemble(raw, folder.name)
    parts = {
        "images.csv": csv_text([("image", "class", "split"), *_listing(source.images, labels, rows)]),
        "card.json": json.dumps(source.card.of_other_features, indent=2) + "\n",
        "classes.csv": csv_text([
            ("class", "unseen", *table.numeric_names),
            *((name, int(name in chosen), *row) for name, row in zip(names, values.tolist(), strict=True)),
        ]),
    }  # fmt: skip
    _write(folder, source.features, parts, None if source.regions is None else open_grids(source.regions))
    return Made(folder, chosen, (*source.notes, *table.notes, *notes, note_of_rows))


def propose_unseen(values: np.ndarray, names: Sequence[str], count: int) -> tuple[str, ...]:
    """Choose unseen classes one after the other, each the one that mixtures of the remaining ones describe best.

    Parameters
    ----------
    values : ndarray, shape (C, a)
        Class vectors; columns are scaled to unit range first.
    names : sequence of str
        One a class.
    count : int
        How many; at least two classes stay seen.
    """
    if not 1 <= count <= len(names) - 2:
        raise DataError(f"--propose: found {count}, expected 1 to {len(names) - 2} of {len(names)} classes")
    spread = np.ptp(values, axis=0)
    scaled = (values - values.min(axis=0)) / np.where(spread > 0, spread, 1)
    scaled = np.hstack([scaled, np.ones((len(scaled), 1))])  # mixtures add up to about 1
    remaining = list(range(len(names)))
    chosen = []
    for _ in range(count):
        left = {c: nnls(scaled[[r for r in remaining if r != c]].T, scaled[c])[1] for c in remaining}
        best = min(left, key=lambda c: (left[c], names[c]))
        chosen.append(names[best])
        remaining.remove(best)
    return tuple(chosen)


def _free_folder(folder: Path, inputs: Sequence[Path]) -> Path:
    """The folder to write, if nothing in it would be lost: it is new, empty, or was made before, from other files."""
    if not is_folder(folder):
        return folder
    present = {path.name for path in folder.iterdir()}
    taken = [path for path in inputs if path.name in (*FILES, REGIONS) and path.resolve().parent == folder.resolve()]
    if taken:
        raise DataError(f"--out {folder}: found {taken[0].name}, one of the files to be read, expected another folder")
    if present and not present.issuperset(FILES):
        found = sorted(present)[0]
        raise DataError(f"--out {folder}: found {found} in it, expected a new or empty folder, or one made before")
    return folder


def _matched(where: str, names: Sequence[str], labels: Sequence[str]) -> tuple[list[str], list[str]]:
    """Labels as the table spells them, and what is said of classes without images."""
    known = places(names)
    unknown = sorted({label for label in labels if same_form(label) not in known})
    if unknown:
        raise DataError(
            f"{where}: no row for class {unknown[0]!r}, which has images; {suggest(unknown[0], names)}"
        )
    found = [names[known[same_form(label)]] for label in labels]
    without = [name for name in names if name not in set(found)]
    if not without:
        return found, []
    shown = ", ".join(without[:5])
    later = "gzsl add-class takes them later"
    return found, [f"{len(without)} classes of the table have no image and are left out ({shown}); {later}"]


def _unseen(
    where: str, given: Sequence[str] | None, propose: int | None, marked: Sequence[str] | None, values: np.ndarray,
    names: Sequence[str],
) -> tuple[tuple[str, ...], list[str]]:  # fmt: skip
    """Unseen classes, each once, and how they were chosen."""
    if given is not None and propose is not None:
        raise DataError("found both --unseen and --propose, expected one of them")
    notes = [f"{where}: its column unseen is not used"] if marked is not None and (given or propose) else []
    if propose is not None:
        chosen = propose_unseen(values, names, propose)
        notes.append(f"proposed unseen classes, best described by the others: {', '.join(chosen)}")
    elif given is not None:
        chosen = tuple(name for text in given for name in named_classes(text, names))
    elif marked is not None:
        chosen = tuple(marked)
    else:
        raise DataError(f"{where}: found no column unseen, expected one, or --unseen NAMES, or --propose COUNT")
    chosen = tuple(dict.fromkeys(chosen))
    if not chosen or len(chosen) > len(names) - 2:
        raise DataError(
            f"unseen: found {len(chosen)} of {len(names)} classes, expected at least 1 and at least 2 seen ones"
        )
    return chosen, notes


def named_classes(text: str, names: Sequence[str]) -> list[str]:
    """Classes that a text names: one name, or several with commas between them; names may hold commas themselves.

    Parameters
    ----------
    text : str
        ``fox``, ``fox,seal``, ``kit fox, Vulpes macrotis,seal`` or ``"kit fox, Vulpes macrotis",seal``.
    names : sequence of str
        All classes.

    Raises
    ------
    DataError
        For what is no name, with the closest one.
    """
    known, parts, found = places(names), text.split(","), []
    while parts:
        for count in range(len(parts), 0, -1):  # the longest name first
            name = ",".join(parts[:count]).strip()
            position = known.get(same_form(name), known.get(same_form(_unquoted(name))))
            if position is not None:
                found.append(names[position])
                parts = parts[count:]
                break
        else:
            name = parts[0].strip()
            hint = "; --unseen may stand once a class, and names with commas are given whole" if "," in text else ""
            raise DataError(f"unseen: no class {name!r} with images; {suggest(name, names)}{hint}")
    return found


def _unquoted(name: str) -> str:
    quoted = len(name) > 1 and name[0] == name[-1] and name[0] in "\"'"
    return name[1:-1].replace('""', '"').strip() if quoted else name


def _constant(table: Table, values: np.ndarray) -> list[str]:
    constant = [name for name, spread in zip(table.numeric_names, np.ptp(values, axis=0), strict=True) if spread == 0]
    if len(constant) == values.shape[1]:
        raise DataError(f"{table.where}: found no attribute that differs between classes, expected some")
    if not constant:
        return []
    return [f"{len(constant)} attributes are the same for all classes and tell nothing: {', '.join(constant[:5])}"]


def _listing(
    images: Sequence[str], labels: Sequence[str], rows: dict[str, np.ndarray]
) -> list[tuple[str, str, str]]:
    where = {row: name for name, members in rows.items() for row in members.tolist()}
    return [(image, label, where[k]) for k, (image, label) in enumerate(zip(images, labels, strict=True))]


def _write(folder: Path, features: Features, texts: dict[str, str], grids: Grids | None) -> None:
    """Write everything beside the folder first, so that it is made whole or not at all."""
    make_folder(folder.parent)
    if grids is not None and grids.shape[0] != features.shape[0]:
        raise DataError(f"{grids.where}: found {grids.shape[0]} pictures, expected the {features.shape[0]} of features")
    with tempfile.TemporaryDirectory(prefix=f".{folder.name[:40]}-", dir=folder.parent) as beside:
        building = Path(beside)
        check_disk(str(folder), 4 * math.prod(features.shape) + (grids.n_bytes if grids else 0), building)
        write_features(features, building / "features.npy")
        if grids is not None:
            write_regions(grids, building / REGIONS)
        for name, text in texts.items():
            write_text(building / name, text)
        make_folder(folder)
        (folder / REGIONS).unlink(missing_ok=True)  # of other pictures, made before
        for name in (*FILES, *([REGIONS] if grids is not None else [])):
            with replacing(folder / name) as temporary:
                (building / name).replace(temporary)
