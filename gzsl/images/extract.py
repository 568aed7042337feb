"""Pictures through a network into a features folder: streamed, resumable, bad pictures named and left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from gzsl.door.documents import read_json
from gzsl.door.tables import csv_text
from gzsl.errors import DataError
from gzsl.files import as_run_error, file_hash, locked, replacing, value_hash, write_json, write_text
from gzsl.images.backbones import Backbone
from gzsl.images.listing import ImageList
from gzsl.images.pictures import READING, hashed_picture, without_warnings
from gzsl.images.progress import (
    CARD,
    FEATURES,
    LISTING,
    PART,
    Batch,
    Progress,
    Skipped,
    batch_digest,
    bytes_digest,
    resume,
)  # fmt: skip

DECODERS = 2
AHEAD = 2  # batches that are decoded while one is in the network
POOLINGS = ("global", "grid")
Tick = Callable[[int, int], None]
Decoded = list[tuple[str, np.ndarray | str]]


def extract_features(
    images: ImageList,
    backbone: Backbone,
    out: Path | str,
    *,
    batch_size: int = 32,
    pooling: str = "global",
    on_progress: Tick = lambda done, total: None,
    on_note: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """Write ``features.npy``, ``images.csv`` and ``card.json``; an interrupted extraction continues.

    The content of the pictures and of the weights decides what may be taken from an earlier extraction, not names or
    times; a finished folder is read through before it is trusted. Another process with the same folder waits.

    Parameters
    ----------
    images : ImageList
        What to extract.
    backbone : Backbone
        With what.
    out : path
        Folder to write: empty, or of an earlier extraction.
    batch_size : int
        Pictures at once; it decides memory, and speed.
    pooling : str
        ``global``: the mean of the feature map, d numbers; ``grid``: the whole map, d h w numbers, channel by channel.
    on_progress : callable
        Called with (pictures done, pictures in all) after every batch.
    on_note : callable
        Called with a sentence when another process is waited for, and when earlier features do not hold any more.

    Returns
    -------
    dict
        The card.

    Raises
    ------
    DataError
        When no picture can be read, or the folder holds files that are not an extraction's.
    RunError
        When the folder cannot be written to, or the disk is full; the same command continues.
    """
    if pooling not in POOLINGS:
        raise DataError(f"--pooling: found {pooling!r}, expected one of {', '.join(POOLINGS)}")
    folder = Path(out)
    with locked(folder, lambda: on_note(f"{folder}: another process is at work there; waiting for it")):
        key = value_hash([READING, backbone.card(), images.images, batch_size, pooling])
        progress = resume(folder, key, images, on_note)
        if progress.files:
            found: dict[str, Any] = read_json(folder / CARD)
            return found
        progress.write(folder)
        for name in (CARD, FEATURES, LISTING):  # a folder that is not finished holds nothing that looks finished
            (folder / name).unlink(missing_ok=True)
        with without_warnings():
            progress = _run(images, backbone, folder, progress, batch_size, pooling, on_progress)
        return _finish(images, backbone, folder, progress, pooling)


def _run(
    images: ImageList, backbone: Backbone, folder: Path, progress: Progress, batch_size: int, pooling: str, tick: Tick
) -> Progress:
    try:
        with (folder / PART).open("ab") as stream:
            stream.truncate(progress.rows * progress.dimensions * 4)
            for start, batch in _decoded(images, backbone, progress.done, batch_size):
                rows = _features(batch, backbone, pooling)
                progress = _written(images, progress, start, batch, rows, stream)
                progress.write(folder)
                tick(progress.done, len(images.images))
    except OSError as error:  # of the output: pictures that cannot be read are named and left out
        raise as_run_error(error, folder / PART) from error
    return progress


def _features(batch: Decoded, backbone: Backbone, pooling: str) -> np.ndarray | None:
    """Rows (n, d) of the pictures of a batch that can be used; None when there is none."""
    good = [picture for _, picture in batch if not isinstance(picture, str)]
    if not good:
        return None
    maps = backbone.maps(np.stack(good))
    if maps.ndim != 4 and pooling == "grid":
        raise DataError(f"--pooling grid: {backbone.name} gives no map, only {maps.shape[1]} pooled values")
    if maps.ndim == 4 and pooling == "global":
        maps = maps.mean(dim=(2, 3))
    return np.ascontiguousarray(maps.flatten(1).numpy(), dtype="<f4")


def _written(
    images: ImageList, progress: Progress, start: int, batch: Decoded, rows: np.ndarray | None, stream: BinaryIO
) -> Progress:
    data = b"" if rows is None else rows.tobytes()
    stream.write(data)
    stream.flush()
    added = Batch(
        done=start + len(batch), rows=0 if rows is None else len(rows),
        pictures=batch_digest([digest for digest, _ in batch]), features=bytes_digest(data),
        skipped=tuple(
            Skipped(image=images.images[start + k][0], reason=reason)
            for k, (_, reason) in enumerate(batch) if isinstance(reason, str)
        ),
    )  # fmt: skip
    dimensions = progress.dimensions if rows is None else rows.shape[1]
    return Progress(key=progress.key, dimensions=dimensions, batches=(*progress.batches, added))


def _decoded(
    images: ImageList, backbone: Backbone, done: int, batch_size: int
) -> Iterator[tuple[int, Decoded]]:
    """Batches of pictures (or of reasons why one cannot be used), decoded ahead of the network."""
    starts = iter(range(done, len(images.images), batch_size))
    with ThreadPoolExecutor(DECODERS) as pool:

        def ask(start: int) -> tuple[int, list[Any]]:
            chosen = images.images[start : start + batch_size]
            return start, [pool.submit(hashed_picture, images.root / name, backbone) for name, _ in chosen]

        waiting = [ask(start) for start in islice(starts, AHEAD)]
        while waiting:
            start, futures = waiting.pop(0)
            batch = [future.result() for future in futures]
            waiting += [ask(following) for following in islice(starts, 1)]
            yield start, batch


def _finish(
    images: ImageList, backbone: Backbone, folder: Path, progress: Progress, pooling: str
) -> dict[str, Any]:
    skipped = progress.skipped
    if not progress.rows:
        raise DataError(f"{images.root}: no picture could be used, e.g. {skipped[0]['image']} {skipped[0]['reason']}")
    shape = (progress.rows, progress.dimensions)
    part = np.memmap(folder / PART, dtype="<f4", mode="r", shape=shape)
    with replacing(folder / FEATURES) as temporary, temporary.open("wb") as stream:
        np.lib.format.write_array_header_1_0(stream, {"descr": "<f4", "fortran_order": False, "shape": shape})
        for start in range(0, len(part), 4096):
            stream.write(np.ascontiguousarray(part[start : start + 4096]).data)
    del part
    left_out = {entry["image"] for entry in skipped}
    kept = [pair for pair in images.images if pair[0] not in left_out]
    write_text(folder / LISTING, csv_text([("image", "class"), *kept]))
    card = {
        "format": 1, **backbone.card(), "pooling": pooling, "dimensions": shape[1], "images": shape[0],
        "skipped": skipped, "gzsl_version": version("gzsl"),
        "features_blake2b": file_hash(folder / FEATURES),
    }  # fmt: skip
    write_json(folder / CARD, card)
    files = {FEATURES: card["features_blake2b"], **{name: file_hash(folder / name) for name in (LISTING, CARD)}}
    progress.model_copy(update={"files": files}).write(folder)
    (folder / PART).unlink()
    return card
