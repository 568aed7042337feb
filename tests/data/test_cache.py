"""Converted once, opened in milliseconds, never half-written, nothing beside the user's files."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from gzsl.data import cache, load, sealed
from gzsl.data.doctor import examine
from gzsl.data.entries import BUILDING
from gzsl.data.fingerprint import FeatureHash, content_hash, hash_features
from gzsl.data.readers.raw import Features
from gzsl.data.sealed import write_features
from gzsl.door import room
from gzsl.errors import DataError


@pytest.fixture
def folder(toy: Any, tmp_path: Path) -> Path:
    return toy.released(tmp_path / "toy")


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GZSL_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def entries(own_cache: Path) -> list[Path]:
    return sorted((own_cache / "datasets").iterdir())


def test_features_are_memory_mapped_float32_and_read_only(folder: Path, own_cache: Path, toy: Any) -> None:
    dataset = load(folder)
    assert isinstance(dataset.features, np.memmap)
    assert dataset.features.dtype == np.float32
    with pytest.raises(ValueError, match="read-only"):
        dataset.features[0, 0] = 1
    assert sorted(path.name for path in folder.iterdir()) == ["att_splits.mat", "res101.mat"]
    assert len(entries(own_cache)) == 1


def test_a_second_load_neither_reads_nor_hashes_the_files(
    folder: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = load(folder)
    original = cache.file_hash

    def refuse(path: Path) -> str:
        assert path.suffix == ".yaml", f"{path} was hashed again"
        return original(path)

    def refuse_reading(layout: Any) -> Any:
        raise AssertionError("read again")

    monkeypatch.setattr(cache, "file_hash", refuse)
    monkeypatch.setattr(cache, "read", refuse_reading)
    second = load(folder)
    assert second.card == first.card
    np.testing.assert_array_equal(second.features, first.features)
    times = []
    for _ in range(5):
        start = time.perf_counter()
        load(folder)
        times.append(time.perf_counter() - start)
    assert min(times) < 0.1


def test_changed_content_is_another_entry_touched_files_are_not(folder: Path, own_cache: Path, toy: Any) -> None:
    first = load(folder)
    os.utime(folder / "res101.mat", ns=(1, 1))
    assert load(folder).card.content_hash == first.card.content_hash
    assert len(entries(own_cache)) == 1
    toy.X[0, 0] = 0.5
    toy.released(folder)
    changed = load(folder)
    assert changed.features[0, 0] == 0.5
    assert changed.card.content_hash != first.card.content_hash
    assert len(entries(own_cache)) == 2


@pytest.mark.parametrize("damage", ["facts.json", "arrays.npz", "features.npy"])
@pytest.mark.parametrize("how", ["cut", "gone"])
def test_a_damaged_entry_is_made_again(damage: str, how: str, folder: Path, own_cache: Path, toy: Any) -> None:
    load(folder)
    (entry,) = entries(own_cache)
    path = entry / damage
    if how == "gone":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    np.testing.assert_array_equal(load(folder).features, toy.X)


@pytest.mark.parametrize("damage", ["facts.json", "arrays.npz", "features.npy", "seals.json"])
def test_a_flipped_bit_is_found_and_made_good(
    damage: str, folder: Path, own_cache: Path, toy: Any, recwarn: pytest.WarningsRecorder
) -> None:
    load(folder)
    (entry,) = entries(own_cache)
    path = entry / damage
    content, times = bytearray(path.read_bytes()), path.stat()
    content[len(content) // 2] ^= 4
    path.write_bytes(content)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))  # as a disk that forgets a bit would leave it
    np.testing.assert_array_equal(load(folder).features, toy.X)
    assert ["was damaged and is made again" in str(found.message) for found in recwarn] == [True]
    load(folder)
    assert len(recwarn) == 1


def test_large_features_are_checked_by_samples_and_whole_by_the_doctor(
    tmp_path: Path, own_cache: Path, make_toy: Any, monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    monkeypatch.setattr(sealed, "BLOCK", 32)
    toy, looked_at, hash_of = make_toy(), [], sealed._hash
    folder = toy.released(tmp_path / "toy")

    def count(stream: Any, block: int) -> str:
        looked_at.append(stream.name)
        return hash_of(stream, block)

    monkeypatch.setattr(sealed, "_hash", count)
    load(folder)
    (entry,) = entries(own_cache)
    features, n_blocks = entry / "features.npy", -(-(entry / "features.npy").stat().st_size // 32)
    assert n_blocks > 40
    assert looked_at.count(str(features)) == n_blocks  # read back from disk right after writing
    looked_at.clear()
    load(folder)
    assert looked_at.count(str(features)) == sealed.SAMPLED
    monkeypatch.setattr(sealed, "_times", lambda path: [])  # damage that no time tells
    load(folder)
    content = bytearray(features.read_bytes())
    content[-40] ^= 1
    features.write_bytes(content)
    monkeypatch.setattr(sealed, "SAMPLED", 2)
    load(folder)
    assert not len(recwarn)
    examine(folder)
    assert "was damaged and is made again" in str(recwarn.pop().message)
    np.testing.assert_array_equal(np.load(features), toy.X)


def test_a_full_disk_is_found_before_writing(folder: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room.shutil, "disk_usage", lambda _: SimpleNamespace(free=100))
    with pytest.raises(DataError, match="toy: needs 1.1 KiB, expected at most the 100 bytes free in"):
        load(folder)
    assert entries(own_cache) == []


def test_a_failed_conversion_leaves_nothing(toy: Any, tmp_path: Path, own_cache: Path) -> None:
    toy.X[50, 3] = np.nan
    with pytest.raises(DataError, match="row 50, column 3"):
        load(toy.released(tmp_path / "bad"))
    assert entries(own_cache) == []


def test_an_abandoned_conversion_is_swept_and_a_running_one_is_not(folder: Path, own_cache: Path) -> None:
    old, young = (own_cache / "datasets" / f"{BUILDING}{name}" for name in ("old", "young"))
    for path in (old, young):
        path.mkdir(parents=True)
    os.utime(old, (0, 0))
    load(folder)
    assert not old.exists()
    assert young.exists()


def test_files_that_change_while_they_are_read(
    folder: Path, own_cache: Path, toy: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = cache.read

    def read_and_touch(layout: Any) -> Any:
        raw = original(layout)
        os.utime(folder / "res101.mat", ns=(1, 1))
        return raw

    monkeypatch.setattr(cache, "read", read_and_touch)
    with pytest.raises(DataError, match="changed while they were read"):
        load(folder)
    assert entries(own_cache) == []


def test_a_cache_that_cannot_be_written(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("GZSL_CACHE", str(tmp_path / "file"))
    with pytest.raises(DataError, match="set GZSL_CACHE to another folder"):
        load(folder)


def test_two_processes_convert_the_same_files_at_once(folder: Path, own_cache: Path, toy: Any) -> None:
    program = (
        "import sys, time, gzsl\n"
        "from gzsl.data import cache\n"
        "write = cache._write_entry\n"
        "def slowly(*args):\n"
        "    write(*args)\n"
        "    time.sleep(0.5)\n"
        "cache._write_entry = slowly\n"
        "print(gzsl.load(sys.argv[1]).card.content_hash)\n"
    )
    command = [sys.executable, "-c", program, str(folder)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    hashes = {process.communicate(timeout=60)[0].strip() for process in running}
    assert [process.returncode for process in running] == [0, 0]
    assert hashes == {load(folder).card.content_hash}
    assert len(entries(own_cache)) == 1


def test_the_loser_of_a_race_uses_the_winner(
    folder: Path, own_cache: Path, toy: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, winners = cache._write_entry, []

    def write_twice(raw: Any, layout: Any, building: Path) -> None:
        write(raw, layout, building)
        if not winners:
            winners.append(building)
            cache._convert(layout, own_cache / "datasets" / cache._key(layout))

    monkeypatch.setattr(cache, "_write_entry", write_twice)
    np.testing.assert_array_equal(load(folder).features, toy.X)
    assert len(entries(own_cache)) == 1


def test_features_are_converted_in_blocks(tmp_path: Path) -> None:
    blocks = [np.full((n, 3), n, dtype=np.float64) for n in (4, 1, 2)]
    features = Features("f: features", (7, 3), lambda: iter(blocks))
    digest = write_features(features, tmp_path / "features.npy")
    written = np.load(tmp_path / "features.npy")
    np.testing.assert_array_equal(written, np.concatenate(blocks))
    assert written.dtype == np.float32
    assert digest == hash_features(written)
    short = Features("f: features", (9, 3), lambda: iter(blocks))
    with pytest.raises(DataError, match="found 7 rows, expected 9"):
        write_features(short, tmp_path / "short.npy")


def test_the_content_hash_sees_every_part(folder: Path, own_cache: Path) -> None:
    from dataclasses import replace

    dataset = load(folder)
    split, table = dataset.split, dataset.semantics
    features = hash_features(dataset.features)
    swapped = replace(split, trainval=split.trainval[::-1])
    other_table = table.take([1, 0, 2, 3, 4, 5])
    variants = [
        (features, dataset.labels, {"att": table}, split),
        (hash_features(dataset.features[:, ::-1]), dataset.labels, {"att": table}, split),
        (features, dataset.labels[::-1], {"att": table}, split),
        (features, dataset.labels, {"att": other_table}, split),
        (features, dataset.labels, {"sent": table}, split),
        (features, dataset.labels, {"att": table}, swapped),
        (features, dataset.labels, {"att": table}, replace(split, version="PS2")),
        (features, dataset.labels, {"att": table}, replace(split, validation_classes=(np.array([0, 2]),))),
    ]
    assert len({content_hash(*parts) for parts in variants}) == len(variants)
    assert content_hash(*variants[0]) == dataset.card.content_hash
    pieces = FeatureHash(5)
    for row in dataset.features:
        pieces.add(row[None])
    assert pieces.result() == features
