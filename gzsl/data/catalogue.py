"""Datasets by name or path: the embedded ones, the benchmarks under a root folder, and anything readable."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from gzsl.data import benchmarks
from gzsl.data.dataset import DataCard, Dataset
from gzsl.data.readers import Layout, find_layout, has_dataset, read
from gzsl.data.readers.grids import own_regions
from gzsl.door.paths import is_folder, user_path
from gzsl.errors import DataError, suggest

EMBEDDED = ("letters", "digits", "simulated")
ARRAY_OPTIONS = ("array", "level")  # which array holds the features; which coarser classes are meant
ROOT_VARIABLE = "GZSL_DATA"
ABSENT = "absent"
BELOW_ROOT = ("", "data", "xlsa17/data")
SOURCE = "the proposed splits v2 archive of Xian et al. (xlsa17.zip, data/{name}/)"
FLO_SOURCE = "the features that the authors of f-CLSWGAN released (CVPR 2018); xlsa17.zip does not hold them"


@dataclass(frozen=True)
class Entry:
    """One line of the catalogue; sizes that are not known are None.

    Attributes
    ----------
    name : str
        What `load` accepts.
    images, classes, unseen, attributes : int or None
        Sizes.
    where : str
        ``embedded``, a folder, or what is missing.
    """

    name: str
    images: int | None
    classes: int | None
    unseen: int | None
    attributes: int | None
    where: str

    @property
    def present(self) -> bool:
        """Whether `load` would find it."""
        return not self.where.startswith(ABSENT)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def load(
    name_or_path: str | Path,
    *,
    root: Path | str | None = None,
    semantics: str = "att",
    normalise: str = "none",
    features_name: str | None = None,
    features_file: str | None = None,
    regions: Path | str | None = None,
    **options: Any,
) -> Dataset:
    """Load a dataset.

    Files are converted once to memory-mapped float32 in the cache folder (``GZSL_CACHE``, else the user's);
    nothing is written beside them. What was detected while reading is in ``dataset.card.notes``.

    Parameters
    ----------
    name_or_path : str or Path
        An embedded dataset, a folder below ``root`` in any case (``AWA`` is ``AWA1``), or a path.
    root : path, optional
        Folder that holds the benchmarks' folders; ``GZSL_DATA`` when None.
    semantics : str
        Which class table: ``att``, ``original_att``, ``sent``, ...
    normalise : str
        What to do to it; statistics come from the seen classes.
    features_name : str, optional
        What the features are called in the protocol, where the file name does not say it.
    features_file : str, optional
        Which features, where a folder holds several.
    regions : path, optional
        Features of the regions of every picture that lie elsewhere: a file or features folder, or its place below
        ``root``; those beside the dataset's features when None. See `gzsl.data.grids`.
    **options
        Options of an embedded dataset, e.g. ``preset`` of ``simulated``; of a file of named arrays ``array`` (which
        one holds the features) and ``level`` (coarser classes instead of its own).

    Raises
    ------
    DataError
        When there is no such dataset, its files are bad, or it has no such class table.
    """
    dataset = load_plain(name_or_path, root=root, features_file=features_file, regions=regions, **options)
    if features_name is not None:
        dataset = dataset.with_features_name(features_name)
    return dataset.with_semantics(semantics, normalise)


def load_plain(
    name_or_path: str | Path, *, root: Path | str | None = None, features_file: str | None = None,
    whole: bool = False, regions: Path | str | None = None, **options: Any,
) -> Dataset:  # fmt: skip
    """Load a dataset as its files have it: no class table is asked for by name; the first one is selected.

    Parameters and errors are those of `load`; ``whole`` checks converted features whole rather than by samples.
    """
    name = str(name_or_path)
    if name.lower() in EMBEDDED:
        made = _load_embedded(name.lower(), options)
        return made if regions is None else _with_regions(made, regions, root, None, whole)
    layout = _with_options(name, find_layout(_find(name, root), features_file), options)
    dataset = _load_files(layout, whole)
    found = own_regions(layout) if regions is None else regions
    return dataset if found is None else _with_regions(dataset, found, root, layout, whole)


def layout_of(name_or_path: str | Path, root: Path | str | None = None) -> Layout | None:
    """The files of a dataset that `load` would find; None of an embedded one."""
    name = str(name_or_path)
    return None if name.lower() in EMBEDDED else find_layout(_find(name, root))


def available(root: Path | str | None = None) -> list[Entry]:
    """Embedded datasets, those found below ``root``, and the benchmarks that are not there.

    Parameters
    ----------
    root : path, optional
        Folder that holds the benchmarks' folders; ``GZSL_DATA`` when None.
    """
    found = [_entry_of(load(name), name, "embedded") for name in EMBEDDED]
    found += [_entry_of_folder(folder) for folder in _folders(root)]
    here = {benchmarks.canonical_name(entry.name) for entry in found}
    for name in benchmarks.names():
        if name not in here:
            known = benchmarks.facts(name)
            where = f"{ABSENT}: {', '.join(_wanted_files(name))}"
            found.append(Entry(name, known.images, known.n_classes, known.n_unseen, known.attributes, where))
    return found


def present(root: Path | str | None = None) -> set[str]:
    """Canonical names of the datasets that `load` would find by name; nothing is opened.

    Parameters
    ----------
    root : path, optional
        Folder that holds the benchmarks' folders; ``GZSL_DATA`` when None.
    """
    return {*EMBEDDED, *(benchmarks.canonical_name(folder.name) for folder in _folders(root))}


def _with_options(name: str, layout: Layout, options: dict[str, Any]) -> Layout:
    """A layout as options want it; only files of named arrays have any."""
    known = ARRAY_OPTIONS if layout.kind == "arrays" else ()
    for option, value in options.items():
        if option not in known:
            expected = f"one of {', '.join(known)}" if known else "none for a dataset of files"
            raise DataError(f"{name}: found the option {option!r}, expected {expected}")
        if not isinstance(value, str):
            raise DataError(f"{name}: option {option}: found {value!r}, expected the name of an array")
    return replace(layout, **options)


def _load_embedded(name: str, options: dict[str, Any]) -> Dataset:
    module = importlib.import_module(f"gzsl.data.embedded.{name}")
    dataset: Dataset = module.load(**options)
    return dataset


def _load_files(layout: Layout, whole: bool) -> Dataset:
    from gzsl.data.cache import open_stored

    stored = open_stored(layout, whole)
    facts = stored.facts
    fallback = layout.features.stem if layout.kind == "arrays" else layout.folder.resolve().name
    card = DataCard(
        name=facts.benchmark if facts.benchmark and facts.complete else benchmarks.own_name(fallback),
        features=facts.features, content_hash=facts.content_hash, source=str(layout.folder.resolve()),
        fine_tuned=facts.fine_tuned, notes=tuple(facts.notes),
    )  # fmt: skip
    first = stored.tables.get("att") or next(iter(stored.tables.values()))
    return Dataset(stored.features, stored.labels, first, stored.split, card, stored.tables)


def _with_regions(
    dataset: Dataset, regions: Path | str, root: Path | str | None, layout: Layout | None, whole: bool
) -> Dataset:
    from gzsl.data.grids import with_grids

    path, base = user_path(regions, "a file or folder of regions"), _root(root)
    if not path.exists() and base is not None and (base / path).exists():
        path = base / path
    return with_grids(dataset, path, layout, whole)


def _root(root: Path | str | None) -> Path | None:
    value = root if root is not None else os.environ.get(ROOT_VARIABLE) or None
    return None if value is None else user_path(value, "the folder that holds the benchmarks' folders")


def _folders(root: Path | str | None) -> list[Path]:
    base = _root(root)
    if base is None:
        return []
    if not is_folder(base):
        raise DataError(f"{base}: no such folder, expected the folder that holds the benchmarks' folders")
    return list(_dataset_folders(base))


def _dataset_folders(base: Path) -> Iterator[Path]:
    for below in BELOW_ROOT:
        parent = base / below
        if parent.is_dir():
            yield from sorted(path for path in parent.iterdir() if path.is_dir() and has_dataset(path))
    if has_dataset(base):  # the folder of one dataset was given in place of the one around it
        yield base.absolute()


def _find(name: str, root: Path | str | None) -> Path:
    """The folder or file that a name or path means."""
    path = user_path(name, "the name of a dataset, or a path")
    if path.is_absolute() or len(path.parts) > 1:
        return path
    folders = _folders(root)
    for folder in folders:
        if folder.name.lower() == name.lower():
            return folder
    wanted = benchmarks.canonical_name(name)
    for folder in folders:
        if benchmarks.canonical_name(folder.name) == wanted:
            return folder
    if path.exists():
        return path
    raise DataError(_absent(name, wanted, _root(root), [folder.name for folder in folders]))


def _absent(name: str, wanted: str, base: Path | None, present: list[str]) -> str:
    if base is None:
        place = f"point to the folder that holds {wanted}/ with --data DIR or {ROOT_VARIABLE}"
    else:
        place = f"looked for {base}/{wanted}/ (choose another folder with --data DIR or {ROOT_VARIABLE})"
    if wanted in benchmarks.names():
        files = " and ".join(_wanted_files(wanted))
        source = (FLO_SOURCE if wanted == "FLO" else SOURCE).format(name=wanted)
        return f"{wanted}: its files are not here; it needs {files} from {source}; {place}"
    options = {*EMBEDDED, *benchmarks.names(), *present}
    return f"no dataset and no path {name!r}; {place}; {suggest(name, options)}"


def _wanted_files(name: str) -> list[str]:
    return [f"{name}/res101.mat", f"{name}/att_splits.mat"]


def _entry_of(dataset: Dataset, name: str, where: str) -> Entry:
    sizes = (len(dataset.labels), dataset.n_classes, len(dataset.split.unseen), dataset.semantics.n_attributes)
    return Entry(name, *sizes, where)


def _entry_of_folder(folder: Path) -> Entry:
    """Sizes from the small arrays alone; a damaged folder says so instead."""
    try:
        raw = read(find_layout(folder))
        table = raw.tables.get("att") or next(iter(raw.tables.values()))
        unseen = len(set(raw.labels[raw.rows["test_unseen"]].tolist()))
        return Entry(folder.name, len(raw.labels), len(raw.class_names), unseen, table.values.shape[1], str(folder))
    except DataError as error:
        return Entry(folder.name, None, None, None, None, f"unreadable: {error}")
