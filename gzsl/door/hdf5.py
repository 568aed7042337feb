"""HDF5 files (MATLAB v7.3 is one): everything has to lie in the file itself, and fit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gzsl.door import kinds
from gzsl.door.opening import reading
from gzsl.door.room import check_declared, check_memory
from gzsl.errors import DataError, install


def is_hdf5(path: Path) -> bool:
    """Whether a file is HDF5, with MATLAB's 512-byte header in front or without; a missing file is a `DataError`."""
    with reading(path, "a data file"):
        return kinds.kind_of(kinds.head_of(path)) in (kinds.HDF, kinds.MAT73)


@contextmanager
def open_hdf5(path: Path) -> Iterator[Any]:
    """Yield an open ``h5py.File``.

    Raises
    ------
    DataError
        When h5py is not installed, naming the command that installs it, or when the file is damaged.
    """
    try:
        import h5py
    except ImportError:
        raise DataError(
            f"{path}: found an HDF5 file (MATLAB v7.3 is one), which needs h5py: {install('hdf5')}"
        ) from None
    with reading(path, "an HDF5 file"), h5py.File(path, "r", rdcc_nbytes=2**26) as file:
        yield file


def item_of(where: str, file: Any, name: str) -> Any:
    """A dataset or group that lies in the file itself.

    Raises
    ------
    DataError
        For links into other files, external and virtual storage: what they lead to could change unnoticed.
    """
    import h5py

    if isinstance(file.get(name, getlink=True), h5py.ExternalLink):
        raise _outside(where, "a link into another file")
    item = file.get(name)
    if item is None:
        raise DataError(f"{where}: found a link that leads nowhere, expected an array")
    if item.file.id != file.file.id and item.file.filename != file.file.filename:
        raise _outside(where, "a link into another file")
    if isinstance(item, h5py.Dataset):
        if item.external:
            raise _outside(where, "external storage")
        if item.is_virtual:
            raise _outside(where, "a virtual dataset, which is put together from other ones")
    return item


def array_of(where: str, file: Any, name: str, whole: bool = True) -> Any:
    """An array that lies in the file and fits: an unread ``h5py.Dataset``.

    Parameters
    ----------
    where : str
        File and field, for messages.
    file : h5py.File or h5py.Group
        Where it lies.
    name : str
        Its name.
    whole : bool
        Whether it will be read as a whole, and has to fit into the memory.

    Raises
    ------
    DataError
        As `item_of`, for a group, an empty dataset, and one that declares more than the file can hold.
    """
    import h5py

    item = item_of(where, file, name)
    if not isinstance(item, h5py.Dataset):
        raise DataError(f"{where}: found a group, expected an array")
    if item.shape is None:
        raise DataError(f"{where}: found a dataset without any data, expected an array")
    stored = Path(file.file.filename).stat().st_size
    check_declared(where, item.shape, item.dtype.itemsize, stored)
    if whole:
        check_memory(where, item.size * item.dtype.itemsize)
    return item


def is_text(item: Any) -> bool:
    """Whether the entries of a dataset are text, of fixed or variable length."""
    import h5py

    return h5py.check_string_dtype(item.dtype) is not None


def _outside(where: str, found: str) -> DataError:
    return DataError(
        f"{where}: found {found}, expected the numbers in the file itself: what lies elsewhere could change unnoticed "
        "(h5repack, or h5py's copy with expand_external=True, puts them in)"
    )
