"""A dataset as the files that other repositories read: the released benchmark layout."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from gzsl.data.dataset import Dataset
from gzsl.data.folds import validation_folds
from gzsl.door.paths import user_path
from gzsl.door.room import check_memory, in_words
from gzsl.errors import DataError, ProtocolError
from gzsl.files import make_folder, replacing

FORMATS = ("xlsa17",)
LARGEST = 2**31 - 1  # bytes of one variable in a MATLAB v5 file


def export(dataset: Dataset, folder: Path | str, layout: str = "xlsa17") -> list[Path]:
    """Write ``res101.mat`` and ``att_splits.mat``, whatever network made the features.

    Features are d x N, labels and image numbers count from 1. ``train_loc`` and ``val_loc`` are the first class-wise
    validation fold, cut from trainval only, so that loaders which expect them work and stay honest.

    Parameters
    ----------
    dataset : Dataset
        What to write; all its class tables go along, ``<name>_splits.mat`` for other names than ``att``.
    folder : path
        Created where it does not exist.
    layout : str
        ``xlsa17``, the layout of the proposed splits' release.

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    DataError
        For an unknown layout, or features over 2 GiB, which the format cannot hold.
    """
    from scipy.io import savemat

    if layout not in FORMATS:
        raise DataError(f"--format: found {layout!r}, expected one of {', '.join(FORMATS)}")
    wanted = 2 * dataset.features.nbytes  # as float64
    if wanted > LARGEST:
        raise DataError(
            f"{dataset.name}: features of {in_words(wanted)} as MATLAB's doubles, expected at most 2 GiB: MATLAB v5 "
            "files hold no larger variable"
        )
    check_memory(f"{dataset.name}: export", wanted)
    folder = user_path(folder)
    if folder.resolve() == Path(dataset.card.source).resolve():
        raise DataError(f"--out {folder}: found the folder of the data themselves, expected another one")
    folder = make_folder(folder)
    split = dataset.split
    rows = {
        "trainval_loc": split.trainval, "test_seen_loc": split.test_seen, "test_unseen_loc": split.test_unseen,
        **_validation_rows(dataset),
    }  # fmt: skip
    shared = {name: (positions + 1).astype(np.float64)[:, None] for name, positions in rows.items()}
    shared["allclasses_names"] = np.array([[name] for name in dataset.class_names], dtype=object)
    written = {"res101.mat": {
        "features": np.asarray(dataset.features).T.astype(np.float64), "labels": (dataset.labels + 1.0)[:, None],
    }}  # fmt: skip
    written["att_splits.mat"] = {**shared, **_tables(dataset)}
    for name, table in dataset.tables.items():
        if name not in ("att", "original_att"):
            written[f"{name}_splits.mat"] = {**shared, "att": table.table.T.astype(np.float64)}
    for name, variables in written.items():
        with replacing(folder / name) as temporary, temporary.open("wb") as stream:
            savemat(stream, variables, do_compression=True)
    return [folder / name for name in written]


def _tables(dataset: Dataset) -> dict[str, np.ndarray]:
    """``att`` of unit length a class, and ``original_att`` as it is."""
    first = dataset.tables.get("att") or next(iter(dataset.tables.values()))
    original = dataset.tables.get("original_att", first)
    return {
        "att": first.normalised("l2").table.T.astype(np.float64), "original_att": original.table.T.astype(np.float64)
    }


def _validation_rows(dataset: Dataset) -> dict[str, np.ndarray]:
    try:
        fold = validation_folds(dataset, 1)[0]
    except ProtocolError:
        return {}
    trainval = dataset.split.trainval
    held = np.isin(dataset.labels[trainval], fold.unseen)
    return {"train_loc": trainval[~held], "val_loc": trainval[held]}
