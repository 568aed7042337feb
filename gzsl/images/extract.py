"""Pictures through a network into a features folder: streamed, resumable, bad pictures named and left out."""

from __future__ import annotations

import math
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
    REGIONS,
    Batch,
    Progress,
    Skipped,
    batch_digest,
    bytes_digest,
    resume,
)  # fmt: skip

DECODERS = 2
BLOCK_VALUES = 1 << 22  # that are copied at once
AHEAD = 2  # batches that are decoded while one is in the network
POOLINGS = ("global", "grid")
PRECISIONS = {"float16": "<f2", "float32": "<f4"}
Tick = Callable[[int, int], None]
Decoded = list[tuple[str, np.ndarray | str]]


def extract_features(
    images: ImageList,
    backbone: Backbone,
    out: Path | str,
    *,
    batch_size: int = 32,
    pooling: str = "global",
    precision: str = "float16",
    on_progress: Tick = lambda done, total: None,
    on_note: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """Write ``features.npy``, ``images.csv`` and ``card.json``; an interrupted extraction continues.

    With ``pooling="grid"``, ``regions.npy`` (N, R, d) is written too: the cells of the last map, row by row.

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
        ``global``: the mean of the feature map, d numbers; ``grid``: the whole map besides, h w regions of d numbers.
    precision : str
        Of the regions: ``float16`` or ``float32``.
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
    if precision not in PRECISIONS:
        raise DataError(f"--precision: found {precision!r}, expected one of {', '.join(PRECISIONS)}")
    kept = pooling if pooling == "global" else [pooling, precision]
    folder = Path(out)
    with locked(folder, lambda: on_note(f"{folder}: another process is at work there; waiting for it")):
        key = value_hash([READING, backbone.card(), images.images, batch_size, kept])
        progress = resume(folder, key, images, on_note)
        if progress.files:
            found: dict[str, Any] = read_json(folder / CARD)
            return found
        progress.write(folder)
        for name in (CARD, FEATURES, REGIONS, LISTING):  # an unfinished folder holds nothing that looks finished
            (folder / name).unlink(missing_ok=True)
        with without_warnings():
            progress = _run(images, backbone, folder, progress, batch_size, pooling, on_progress)
        return _finish(images, backbone, folder, progress, precision)


def _run(
    images: ImageList, backbone: Backbone, folder: Path, progress: Progress, batch_size: int, pooling: str, tick: Tick
) -> Progress:
    try:
        with (folder / PART).open("ab") as stream:
            stream.truncate(progress.rows * progress.dimensions * 4)
            for start, batch in _decoded(images, backbone, progress.done, batch_size):
                rows, grid = _features(batch, backbone, pooling)
                progress = _written(images, progress, start, batch, rows, grid or progress.grid, stream)
                progress.write(folder)
                tick(progress.done, len(images.images))
    except OSError as error:  # of the output: pictures that cannot be read are named and left out
        raise as_run_error(error, folder / PART) from error
    return progress


def _features(batch: Decoded, backbone: Backbone, pooling: str) -> tuple[np.ndarray | None, tuple[int, ...]]:
    """Rows (n, d) of the pictures of a batch that can be used, None when there is none; and the map's sides."""
    good = [picture for _, picture in batch if not isinstance(picture, str)]
    if not good:
        return None, ()
    maps = backbone.maps(np.stack(good))
    if maps.ndim != 4 and pooling == "grid":
        raise DataError(f"--pooling grid: {backbone.name} gives no map, only {maps.shape[1]} pooled values")
    grid = tuple(maps.shape[2:]) if pooling == "grid" else ()
    if maps.ndim == 4:
        maps = maps.flatten(2).transpose(1, 2) if grid else maps.mean(dim=(2, 3))
    return np.ascontiguousarray(maps.flatten(1).numpy(), dtype="<f4"), grid


def _written(
    images: ImageList, progress: Progress, start: int, batch: Decoded, rows: np.ndarray | None, grid: tuple[int, ...],
    stream: BinaryIO,
) -> Progress:  # fmt: skip
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
    return Progress(key=progress.key, dimensions=dimensions, grid=grid, batches=(*progress.batches, added))


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
    images: ImageList, backbone: Backbone, folder: Path, progress: Progress, precision: str
) -> dict[str, Any]:
    skipped = progress.skipped
    if not progress.rows:
        raise DataError(f"{images.root}: no picture could be used, e.g. {skipped[0]['image']} {skipped[0]['reason']}")
    about, arrays = _arrays_written(folder, progress, precision)
    left_out = {entry["image"] for entry in skipped}
    kept = [pair for pair in images.images if pair[0] not in left_out]
    write_text(folder / LISTING, csv_text([("image", "class"), *kept]))
    card = {
        "format": 1, **backbone.card(), **about, "pictures": str(images.root.resolve()), "images": progress.rows,
        "skipped": skipped,
        "gzsl_version": version("gzsl"), "features_blake2b": arrays[FEATURES],
    }  # fmt: skip
    write_json(folder / CARD, card)
    files = {**arrays, **{name: file_hash(folder / name) for name in (LISTING, CARD)}}
    progress.model_copy(update={"files": files}).write(folder)
    (folder / PART).unlink()
    return card


def _arrays_written(folder: Path, progress: Progress, precision: str) -> tuple[dict[str, Any], dict[str, str]]:
    """Write features, and regions where there are any; what the card says of them, and the files' digests."""
    n_regions = math.prod(progress.grid)
    n_dims = progress.dimensions // n_regions
    part = np.memmap(folder / PART, dtype="<f4", mode="r", shape=(progress.rows, n_regions, n_dims))
    means = (block.mean(axis=1) if progress.grid else block[:, 0] for block in _blocks(part))
    _write_npy(folder / FEATURES, "<f4", (progress.rows, n_dims), means)
    names, about = [FEATURES], {"pooling": "global", "dimensions": n_dims}
    if progress.grid:
        names.append(REGIONS)
        about |= {"pooling": "grid", "grid": list(progress.grid), "precision": precision}
        _write_npy(folder / REGIONS, PRECISIONS[precision], part.shape, _blocks(part))
    del part
    return about, {name: file_hash(folder / name) for name in names}


def _blocks(part: np.ndarray) -> Iterator[np.ndarray]:
    size = max(1, BLOCK_VALUES // math.prod(part.shape[1:]))
    for start in range(0, len(part), size):
        yield part[start : start + size]


def _write_npy(path: Path, kind: str, shape: tuple[int, ...], blocks: Iterator[np.ndarray]) -> None:
    with replacing(path) as temporary, temporary.open("wb") as stream:
        np.lib.format.write_array_header_1_0(stream, {"descr": kind, "fortran_order": False, "shape": shape})
        for block in blocks:
            with np.errstate(over="ignore"):  # what float16 cannot hold becomes infinite and is refused below
                stored = np.ascontiguousarray(block, dtype=kind)
            if kind == "<f2" and not np.isfinite(stored).all():
                raise DataError(f"{path}: found numbers that float16 cannot hold, expected --precision float32")
            stream.write(stored.data)
