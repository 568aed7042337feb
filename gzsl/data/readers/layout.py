"""Which files make up a dataset: decided by their names alone, before anything is read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gzsl.errors import DataError, suggest

SPLITS_FILE = "att_splits.mat"
ARRAY_SUFFIXES = (".npz", ".h5", ".hdf5")
EXPECTED = (
    f"a features .mat with {SPLITS_FILE}, one .npz or .h5, or features.csv with classes.csv (see gzsl.data.readers)"
)


@dataclass(frozen=True)
class Layout:
    """The files of one dataset.

    Attributes
    ----------
    kind : str
        ``released``, ``arrays``, ``csv`` or ``folder``.
    features : Path
        File with features and labels.
    classes : Path
        File with the class table and the split, ``att_splits.mat`` where there is one; the same file for ``arrays``.
    others : tuple of Path
        Further class tables, ``<name>_splits.mat``.
    array, level : str or None
        Of a file of named arrays: which one holds the features, and which coarser classes take the place of its own.
    """

    kind: str
    features: Path
    classes: Path
    others: tuple[Path, ...] = ()
    array: str | None = None
    level: str | None = None

    @property
    def files(self) -> tuple[Path, ...]:
        """Every file once, in a fixed order."""
        beside = [self.folder / name for name in ("images.csv", "card.json")] if self.kind == "folder" else []
        present = [path for path in beside if path.is_file()]
        return tuple(dict.fromkeys((self.features, self.classes, *self.others, *present)))

    @property
    def folder(self) -> Path:
        """Folder that holds them."""
        return self.features.parent


def find_layout(path: Path, features_file: str | None = None) -> Layout:
    """Find the files of the dataset at ``path``.

    Parameters
    ----------
    path : Path
        A folder or one of the files.
    features_file : str, optional
        Which features, where a folder holds several.

    Raises
    ------
    DataError
        When nothing readable, only half of a pair, or more than one choice is there.
    """
    if path.is_dir():
        return _in_folder(path, features_file)
    if not path.exists():
        raise DataError(f"{path}: no such file or folder, expected {EXPECTED}")
    suffix = path.suffix.lower()
    if suffix in ARRAY_SUFFIXES:
        return Layout("arrays", path, path)
    if suffix == ".mat":
        return _released(path.parent, None if path.name.endswith("_splits.mat") else path.name)
    if suffix == ".csv":
        return _csv(path.parent)
    raise DataError(f"{path}: found a {suffix or 'nameless'} file, expected {EXPECTED}")


def has_dataset(folder: Path) -> bool:
    """Whether a folder looks like a dataset, by file names."""
    telling = ("features.csv", "features.npy")
    return bool(_splits_files(folder)) or any((folder / name).is_file() for name in telling) or bool(
        _array_files(folder)
    )


def _in_folder(folder: Path, features_file: str | None) -> Layout:
    if features_file is not None:
        chosen = folder / features_file
        if not chosen.is_file():
            names = [path.name for path in [*_feature_mats(folder), *_array_files(folder)]]
            raise DataError(f"{folder}: no features file {features_file!r}; {suggest(features_file, names)}")
        if chosen.suffix.lower() in ARRAY_SUFFIXES:
            return Layout("arrays", chosen, chosen)
        return _released(folder, features_file)
    if _splits_files(folder) or _feature_mats(folder):
        return _released(folder, None)
    if (folder / "features.csv").is_file():
        return _csv(folder)
    if (folder / "features.npy").is_file():
        return _made(folder)
    arrays = _array_files(folder)
    if not arrays:
        raise DataError(f"{folder}: found no dataset in this folder, expected {EXPECTED}")
    chosen = _only(folder, arrays)
    return Layout("arrays", chosen, chosen)


def _released(folder: Path, features_file: str | None) -> Layout:
    splits = _splits_files(folder)
    if not splits:
        raise DataError(f"{folder}: no {SPLITS_FILE}, expected it beside the features with class table and split")
    candidates = [folder / features_file] if features_file else _feature_mats(folder)
    if not candidates:
        raise DataError(f"{folder}: no features file, expected res101.mat or another .mat beside {splits[0].name}")
    standard = [path for path in candidates if path.name == "res101.mat"]
    features = standard[0] if standard else _only(folder, candidates)
    return Layout("released", features, splits[0], tuple(splits[1:]))


def _made(folder: Path) -> Layout:
    for name in ("images.csv", "classes.csv"):
        if not (folder / name).is_file():
            raise DataError(f"{folder}: found features.npy but no {name}, expected both; gzsl data make writes them")
    others = sorted(path for path in folder.glob("*.csv") if path.name not in ("images.csv", "classes.csv"))
    return Layout("folder", folder / "features.npy", folder / "classes.csv", tuple(others))


def _csv(folder: Path) -> Layout:
    for name in ("features.csv", "classes.csv"):
        if not (folder / name).is_file():
            raise DataError(f"{folder}: no {name}, expected features.csv and classes.csv")
    return Layout("csv", folder / "features.csv", folder / "classes.csv")


def _feature_mats(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*.mat") if not path.name.endswith("_splits.mat"))


def _splits_files(folder: Path) -> list[Path]:
    """Files with class tables; the first one also has the split: ``att_splits.mat`` where there is one."""
    return sorted(folder.glob("*_splits.mat"), key=lambda path: (path.name != SPLITS_FILE, path.name))


def _array_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in ARRAY_SUFFIXES)


def _only(folder: Path, candidates: list[Path]) -> Path:
    if len(candidates) > 1:
        names = ", ".join(path.name for path in candidates)
        raise DataError(f"{folder}: found several features files ({names}), expected one or features_file=NAME")
    return candidates[0]
