"""Pictures through a network into a features folder: streamed, resumable, bad pictures named and left out."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from gzsl.door.tables import csv_text
from gzsl.errors import DataError
from gzsl.files import make_folder, replacing, value_hash, write_json, write_text
from gzsl.images.backbones import Backbone
from gzsl.images.listing import ImageList

SMALLEST = 16  # pixels a side
DECODERS = 2
AHEAD = 2  # batches that are decoded while one is in the network
POOLINGS = ("global", "grid")
Tick = Callable[[int, int], None]


@dataclass
class _Progress:
    """What is written so far, always at the end of a batch."""

    key: str
    done: int = 0
    rows: list[int] = field(default_factory=list)
    skipped: list[dict[str, str]] = field(default_factory=list)
    shape: list[int] | None = None


def extract_features(
    images: ImageList,
    backbone: Backbone,
    out: Path | str,
    *,
    batch_size: int = 32,
    pooling: str = "global",
    on_progress: Tick = lambda done, total: None,
) -> dict[str, Any]:
    """Write ``features.npy``, ``images.csv`` and ``card.json``; an interrupted extraction continues.

    Parameters
    ----------
    images : ImageList
        What to extract.
    backbone : Backbone
        With what.
    out : path
        Folder to write.
    batch_size : int
        Pictures at once; it decides memory, and speed.
    pooling : str
        ``global``: the mean of the feature map, d numbers; ``grid``: the whole map, d h w numbers, channel by channel.
    on_progress : callable
        Called with (pictures done, pictures in all) after every batch.

    Returns
    -------
    dict
        The card.

    Raises
    ------
    DataError
        When no picture can be read.
    """
    if pooling not in POOLINGS:
        raise DataError(f"--pooling: found {pooling!r}, expected one of {', '.join(POOLINGS)}")
    folder = make_folder(Path(out))
    key = value_hash([backbone.card(), images.images, batch_size, pooling])
    progress = _resume(folder, key)
    card = folder / "card.json"
    if progress.done == len(images.images) and card.is_file():
        found: dict[str, Any] = json.loads(card.read_text(encoding="utf-8"))
        return found
    _run(images, backbone, folder, progress, batch_size, pooling, on_progress)
    return _finish(images, backbone, folder, progress, pooling)


def _run(
    images: ImageList, backbone: Backbone, folder: Path, progress: _Progress, batch_size: int, pooling: str, tick: Tick
) -> None:
    with (folder / "features.part").open("ab") as stream:
        stream.truncate(len(progress.rows) * int(np.prod(progress.shape or [0])) * 4)
        for start, batch in _decoded(images, backbone, progress.done, batch_size):
            good = [k for k, picture in enumerate(batch) if not isinstance(picture, str)]
            if good:
                maps = backbone.maps(np.stack([batch[k] for k in good]))
                if maps.ndim != 4 and pooling == "grid":
                    raise DataError(f"--pooling grid: {backbone.name} gives no map, only {maps.shape[1]} pooled values")
                if maps.ndim == 4 and pooling == "global":
                    maps = maps.mean(dim=(2, 3))
                rows = maps.flatten(1).numpy().astype("<f4")
                progress.shape = [rows.shape[1]]
                stream.write(np.ascontiguousarray(rows).data)
                stream.flush()
            progress.rows += [start + k for k in good]
            progress.skipped += [
                {"image": images.images[start + k][0], "reason": reason}
                for k, reason in enumerate(batch) if isinstance(reason, str)
            ]  # fmt: skip
            progress.done = start + len(batch)
            write_json(folder / "progress.json", vars(progress))
            tick(progress.done, len(images.images))


def _decoded(
    images: ImageList, backbone: Backbone, done: int, batch_size: int
) -> Iterator[tuple[int, list[np.ndarray | str]]]:
    """Batches of pictures (or of reasons why one cannot be used), decoded ahead of the network."""
    starts = iter(range(done, len(images.images), batch_size))
    with ThreadPoolExecutor(DECODERS) as pool:

        def ask(start: int) -> tuple[int, list[Any]]:
            chosen = images.images[start : start + batch_size]
            return start, [pool.submit(read_picture, images.root / name, backbone) for name, _ in chosen]

        waiting = [ask(start) for start in islice(starts, AHEAD)]
        while waiting:
            start, futures = waiting.pop(0)
            batch = [future.result() for future in futures]
            waiting += [ask(following) for following in islice(starts, 1)]
            yield start, batch


def read_picture(path: Path, backbone: Backbone) -> np.ndarray | str:
    """A picture as (size, size, 3) uint8: shorter side resized, centre cropped; or why it cannot be used."""
    from PIL import Image

    try:
        with Image.open(path) as stored:
            picture = stored.convert("RGB")
    except Exception as error:  # Pillow raises OSError, SyntaxError, ValueError, struct.error, ...
        return f"cannot be read as a picture ({' '.join(str(error).split()) or type(error).__name__})"[:200]
    if min(picture.size) < SMALLEST:
        return f"is {picture.width} x {picture.height} pixels, expected at least {SMALLEST} a side"
    scale = round(backbone.size / backbone.crop_share) / min(picture.size)
    size = [max(backbone.size, round(side * scale)) for side in picture.size]
    picture = picture.resize((size[0], size[1]), Image.Resampling.BICUBIC)
    left, top = (size[0] - backbone.size) // 2, (size[1] - backbone.size) // 2
    return np.asarray(picture.crop((left, top, left + backbone.size, top + backbone.size)))


def _resume(folder: Path, key: str) -> _Progress:
    path = folder / "progress.json"
    if path.is_file():
        found = _Progress(**json.loads(path.read_text(encoding="utf-8")))
        if found.key == key:
            return found
    (folder / "card.json").unlink(missing_ok=True)
    return _Progress(key)


def _finish(
    images: ImageList, backbone: Backbone, folder: Path, progress: _Progress, pooling: str
) -> dict[str, Any]:
    if not progress.rows or progress.shape is None:
        first = progress.skipped[0]
        raise DataError(f"{images.root}: no picture could be used, e.g. {first['image']} {first['reason']}")
    shape = (len(progress.rows), progress.shape[0])
    part = np.memmap(folder / "features.part", dtype="<f4", mode="r", shape=shape)
    with replacing(folder / "features.npy") as temporary, temporary.open("wb") as stream:
        np.lib.format.write_array_header_1_0(stream, {"descr": "<f4", "fortran_order": False, "shape": shape})
        for start in range(0, len(part), 4096):
            stream.write(np.ascontiguousarray(part[start : start + 4096]).data)
    write_text(folder / "images.csv", csv_text([("image", "class"), *(images.images[row] for row in progress.rows)]))
    card = {
        "format": 1, **backbone.card(), "pooling": pooling, "dimensions": shape[1], "images": shape[0],
        "skipped": progress.skipped, "gzsl_version": version("gzsl"),
    }  # fmt: skip
    write_json(folder / "card.json", card)
    del part
    (folder / "features.part").unlink()
    return card
