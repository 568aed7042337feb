"""Names of a dataset's pictures, where its files tell."""

from __future__ import annotations

from gzsl.data.readers.layout import Layout
from gzsl.door.archives import NpzFile
from gzsl.door.arrays import texts
from gzsl.door.hdf5 import is_hdf5
from gzsl.door.tables import read_rows

IMAGES, IMAGE_FILES = "images", "image_files"


def image_names(layout: Layout) -> tuple[str, ...] | None:
    """A path or name a row; None where the files do not tell.

    Parameters
    ----------
    layout : Layout
        ``images.csv`` of a dataset folder; ``image_files`` of a released features ``.mat``; an array ``images`` of an
        ``.npz``.

    Raises
    ------
    DataError
        When what should tell is damaged.
    """
    if layout.kind == "folder":
        return tuple(row["image"] for row in read_rows(layout.features.with_name("images.csv"), ("image",)))
    if layout.kind == "released":
        from gzsl.data.readers.mat import open_mat

        file = open_mat(layout.features)
        return tuple(name or "" for name in file.strings(IMAGE_FILES)) if IMAGE_FILES in file else None
    if layout.kind == "arrays" and not is_hdf5(layout.features):
        archive = NpzFile(layout.features)
        if IMAGES in archive:
            return tuple(texts(f"{layout.features}: {IMAGES}", archive.array(IMAGES)))
    return None
