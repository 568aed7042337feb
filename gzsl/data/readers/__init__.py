"""Reading what users have: the released benchmark layout, arrays in one file, or two CSV tables.

Released layout, a folder
    ``res101.mat`` (any name) with ``features`` and ``labels``; ``att_splits.mat``; optionally
    ``sent_splits.mat`` and other ``<name>_splits.mat``. See `gzsl.data.readers.released`.
Arrays, one ``.npz`` or ``.h5``
    ``features``, ``labels``, ``att``, ``class_names`` and either row numbers or ``unseen``. See
    `gzsl.data.readers.arrays`.
CSV, a folder
    ``features.csv`` and ``classes.csv``. See `gzsl.data.readers.table`.
Dataset folder, written by ``gzsl data make``
    ``features.npy``, ``images.csv`` and ``classes.csv``. See `gzsl.data.readers.folder`.
"""

from __future__ import annotations

from gzsl.data.readers.layout import Layout, find_layout, has_dataset
from gzsl.data.readers.raw import Features, RawData, RawTable

__all__ = ["Features", "Layout", "RawData", "RawTable", "find_layout", "has_dataset", "read"]


def read(layout: Layout) -> RawData:
    """Read the small arrays of a dataset; its features stay on disk until they are asked for.

    Raises
    ------
    DataError
        For damaged files and numbers that contradict each other.
    """
    if layout.kind == "released":
        from gzsl.data.readers.released import read_released

        return read_released(layout)
    if layout.kind == "csv":
        from gzsl.data.readers.table import read_csv

        return read_csv(layout)
    if layout.kind == "folder":
        from gzsl.data.readers.folder import read_folder

        return read_folder(layout)
    from gzsl.data.readers.arrays import read_arrays

    return read_arrays(layout)
