from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from gzsl.errors import DataError
from gzsl.images import Backbone, list_images
from gzsl.images.pictures import hashed_picture, read_picture, without_warnings

Image = pytest.importorskip("PIL.Image")
NET = Backbone("tiny", torch.nn.Identity(), 32, 1.0, (0.0,) * 3, (1.0,) * 3, {}, "pixels")
GREY = np.tile(np.linspace(0, 255, 32).round().astype(np.uint8), (32, 1))


def pixels(path: Path) -> np.ndarray:
    found = read_picture(path, NET)
    assert not isinstance(found, str), found
    return found


def reason(path: Path) -> str:
    found = read_picture(path, NET)
    assert isinstance(found, str)
    return found


def tiff(path: Path, values: np.ndarray, bits: int, white_is_zero: bool = False) -> Path:
    """A little-endian grey TIFF of one strip, since Pillow cannot write every kind that it reads."""
    import struct

    tags = [(256, 4, values.shape[1]), (257, 4, values.shape[0]), (258, 3, bits), (259, 3, 1),
            (262, 3, 0 if white_is_zero else 1), (273, 4, 8), (277, 3, 1), (278, 4, values.shape[0]),
            (279, 4, values.nbytes)]  # fmt: skip
    entries = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
    data = values.astype("<u2").tobytes()
    directory = struct.pack("<H", len(tags)) + entries + struct.pack("<I", 0)
    path.write_bytes(b"II*\0" + struct.pack("<I", 8 + len(data)) + data + directory)
    return path


def test_sixteen_bits_look_as_eight(tmp_path: Path) -> None:
    Image.fromarray(GREY).save(tmp_path / "8.png")
    wide = GREY.astype(np.uint16) * 257
    expected = pixels(tmp_path / "8.png")
    for name in ("16.png", "16.tif"):
        Image.fromarray(wide).save(tmp_path / name)
        np.testing.assert_array_equal(pixels(tmp_path / name), expected)
    (tmp_path / "16.ppm").write_bytes(b"P5 32 32 65535\n" + wide.astype(">u2").tobytes())
    np.testing.assert_array_equal(pixels(tmp_path / "16.ppm"), expected)
    np.testing.assert_array_equal(pixels(tiff(tmp_path / "inverted.tif", 65535 - wide, 16, True)), expected)


def test_numbers_without_an_agreed_range_are_refused_by_name(tmp_path: Path) -> None:
    Image.fromarray(GREY.astype(np.float32) / 255).save(tmp_path / "f.tif")
    Image.fromarray(GREY.astype(np.int32) * 10**6).save(tmp_path / "i.tif")
    assert "holds floating-point numbers" in reason(tmp_path / "f.tif")
    assert "holds 32-bit numbers" in reason(tmp_path / "i.tif")


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "webp"])
@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_a_picture_is_turned_as_its_camera_says(suffix: str, orientation: int, tmp_path: Path) -> None:
    turns = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}
    squares = np.random.default_rng(0).integers(0, 255, (4, 6, 3), dtype=np.uint8)
    upright = Image.fromarray(np.kron(squares, np.ones((16, 16, 1), np.uint8)))
    note = Image.Exif()
    note[274] = orientation
    lossless = {"lossless": True} if suffix == "webp" else {"quality": 95} if suffix == "jpg" else {}
    upright.save(tmp_path / f"up.{suffix}", **lossless)
    upright.transpose(turns[orientation]).save(tmp_path / f"turned.{suffix}", exif=note, **lossless)
    difference = pixels(tmp_path / f"up.{suffix}").astype(int) - pixels(tmp_path / f"turned.{suffix}")
    assert np.abs(difference).mean() < 3


def test_a_damaged_note_of_the_camera_leaves_the_picture_as_it_is(tmp_path: Path) -> None:
    Image.fromarray(GREY).convert("RGB").save(tmp_path / "plain.png")
    Image.fromarray(GREY).convert("RGB").save(tmp_path / "x.png", exif=b"Exif\0\0II*\0\xff\xff\xff\xff nonsense")
    with without_warnings():
        np.testing.assert_array_equal(pixels(tmp_path / "x.png"), pixels(tmp_path / "plain.png"))


def test_what_is_transparent_lies_on_white(tmp_path: Path) -> None:
    hidden = np.dstack([np.zeros((32, 32, 3), np.uint8), np.full((32, 32), 0, np.uint8)])
    hidden[:, 16:, 3] = 255
    Image.fromarray(hidden, "RGBA").save(tmp_path / "rgba.png")
    Image.fromarray(hidden, "RGBA").convert("LA").save(tmp_path / "la.png")
    flat = Image.fromarray(np.repeat(np.array([[0, 1]], np.uint8), 16, axis=1).repeat(32, axis=0), "P")
    flat.putpalette([9, 9, 9, 0, 0, 0])
    flat.save(tmp_path / "p.png", transparency=0)
    for name in ("rgba.png", "la.png", "p.png"):
        found = pixels(tmp_path / name)
        assert (found[:, :14] == 255).all(), name
        assert (found[:, 18:] == 0).all(), name


@pytest.mark.parametrize("mode", ["1", "L", "P", "CMYK", "YCbCr"])
def test_usual_modes_are_read_as_colours(mode: str, tmp_path: Path) -> None:
    suffix = "jpg" if mode in ("CMYK", "YCbCr") else "png"
    Image.fromarray(np.full((32, 32, 3), 255, np.uint8)).convert(mode).save(tmp_path / f"x.{suffix}")
    assert pixels(tmp_path / f"x.{suffix}").min() > 250


def test_damaged_huge_and_special_files_end_in_one_sentence(tmp_path: Path) -> None:
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)).save(tmp_path / "x.png")
    whole = (tmp_path / "x.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    assert "cannot be read as a picture" in reason(tmp_path / "cut.png")
    (tmp_path / "text.png").write_bytes(b"no picture")
    assert reason(tmp_path / "text.png") == "cannot be read as a picture (unknown or damaged format)"
    header = bytearray(whole)
    header[16:24] = (60_000).to_bytes(4, "big") * 2  # 3.6 thousand million pixels, says its header
    import zlib

    header[29:33] = zlib.crc32(bytes(header[12:29])).to_bytes(4, "big")
    (tmp_path / "bomb.png").write_bytes(bytes(header))
    with without_warnings():
        assert "exceeds limit" in reason(tmp_path / "bomb.png")
    os.mkfifo(tmp_path / "pipe.png")
    assert "no regular file" in reason(tmp_path / "pipe.png")
    assert hashed_picture(tmp_path / "none.png", NET) == ("", "cannot be read as a picture (it is no regular file)")


def test_a_strip_costs_no_more_than_a_picture(tmp_path: Path) -> None:
    strip = np.zeros((16, 60_000, 3), np.uint8)
    strip[:, 29_990:30_010] = 255
    Image.fromarray(strip).save(tmp_path / "strip.png")
    found = pixels(tmp_path / "strip.png")
    assert found.shape == (32, 32, 3)
    assert found.min() > 250


def test_what_a_system_puts_beside_pictures_is_no_picture_and_no_class(tmp_path: Path) -> None:
    for folder in ("cat", "__MACOSX", ".ipynb_checkpoints", "cat/.thumbnails"):
        (tmp_path / folder).mkdir()
        Image.fromarray(GREY).save(tmp_path / folder / "0.png")
    (tmp_path / "cat" / "._0.png").write_bytes(b"\0\x05\x16\x07Mac OS X")
    (tmp_path / "cat" / "folder.png").mkdir()
    assert list_images(tmp_path).images == (("cat/0.png", "cat"),)


def test_a_folder_is_the_same_class_in_either_unicode_form(tmp_path: Path) -> None:
    for form in ("Me\u0301sange", "M\u00e9sange"):
        (tmp_path / form).mkdir(exist_ok=True)
        Image.fromarray(GREY).save(tmp_path / form / "0.png")
    assert {name for _, name in list_images(tmp_path).images} == {"M\u00e9sange"}


def test_a_name_that_is_no_utf8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "cat").mkdir()
    Image.fromarray(GREY).save(tmp_path / "cat" / "0.png")
    (tmp_path / "cat" / "0.png").rename(os.fsdecode(os.fsencode(tmp_path / "cat") + b"/\xe9.png"))
    with pytest.raises(DataError, match=r"found the name cat/\\udce9.png, expected UTF-8"):
        list_images(tmp_path)
