"""What a bundle is applied to: feature rows in memory or in files, or pictures through the network it was made with."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gzsl.bundles.bundle import Bundle
from gzsl.data.readers.grids import FILE
from gzsl.data.readers.plain import PlainFeatures, open_features, open_regions_alone
from gzsl.data.regions import without_regions
from gzsl.door.paths import is_folder
from gzsl.errors import DataError, MethodError

if TYPE_CHECKING:
    from gzsl.images import ImageList

Source = PlainFeatures | np.ndarray | Path | str | Sequence[float] | Sequence[Sequence[float]] | Sequence[Path | str]
EXPECTED = "expected feature rows (images, dimensions), a file or folder of them, or pictures"
REGIONS = (
    "expected features of regions (images, regions, dimensions), a file or folder of them, or pictures; gzsl features "
    "extract PICTURES --pooling grid makes them"
)


@contextmanager
def opened(
    bundle: Bundle, source: Source, on_note: Callable[[str], None] = lambda text: None
) -> Iterator[PlainFeatures]:
    """Features as they are, or of pictures through the network that the bundle's features came from.

    Parameters
    ----------
    bundle : Bundle
        The classifier.
    source : array, sequence of numbers, path, or sequence of paths
        Rows (n, d) or one row (d,), where the method looks at regions (n, R, d) or (R, d); what
        `gzsl.data.readers.plain` opens; a folder of pictures; or pictures one by one.
    on_note : callable
        Called with a sentence for each picture that is left out.

    Raises
    ------
    GzslError
        For what is none of these, and for pictures where the network is not at hand.
    """
    regions = len(bundle.row_shape) == 2
    found = _understood(source, regions)
    if isinstance(found, PlainFeatures):
        yield found
        return
    from gzsl.images import BACKBONES, extract_features, open_backbone

    called = bundle.card.get("features", {}).get("name")
    name = without_regions(str(called))
    if name not in BACKBONES:
        raise MethodError(
            f"{found.root}: found pictures, but the bundle's features {called!r} are of no network that is at hand, "
            "expected features made by gzsl features extract"
        )
    with tempfile.TemporaryDirectory() as folder:
        pooling = "grid" if regions else "global"
        card = extract_features(found, open_backbone(name), folder, pooling=pooling, precision="float32")
        for skipped in card["skipped"]:
            on_note(f"left out: {skipped['image']} {skipped['reason']}")
        yield open_regions_alone(folder) if regions else open_features(Path(folder))


def _understood(source: Source, regions: bool) -> PlainFeatures | ImageList:
    if isinstance(source, PlainFeatures):
        return source
    if isinstance(source, str | Path):
        return _from_path(Path(source), regions)
    if isinstance(source, Sequence) and source and all(isinstance(entry, str | Path) for entry in source):
        from gzsl.images import ImageList

        return ImageList(Path(), tuple((str(entry), "") for entry in source))
    try:
        rows = np.asarray(source)
    except ValueError as error:
        raise DataError(f"predict: found rows that are no array ({error}), {EXPECTED}") from None
    wanted = 3 if regions else 2
    if rows.ndim == wanted - 1:
        rows = rows[None]
    if rows.ndim != wanted or rows.dtype.kind not in "fiub":
        raise DataError(f"predict: found {rows.dtype} of shape {rows.shape}, {REGIONS if regions else EXPECTED}")
    return PlainFeatures(rows, tuple(map(str, range(len(rows)))), None)


def _from_path(path: Path, regions: bool) -> PlainFeatures | ImageList:
    from gzsl.images import list_images
    from gzsl.images.listing import SUFFIXES, ImageList

    extracted = any((path / name).is_file() for name in ("features.npy", FILE))
    if is_folder(path, "features or pictures") and not extracted:
        return list_images(path)
    if path.suffix.lower() in SUFFIXES and path.is_file():
        return ImageList(path.parent, ((path.name, ""),))
    return open_regions_alone(path) if regions else open_features(path)
