"""Arrays from outside: kinds first, sizes before allocation, damage in one sentence, nothing unpickled."""

from __future__ import annotations

import struct
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st

from gzsl.data.readers.mat import open_mat
from gzsl.door import room
from gzsl.door.archives import NpzFile, open_npy
from gzsl.door.arrays import numbers, plain, texts
from gzsl.errors import DataError


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.arange(3, dtype=">i2"), [0, 1, 2]), (np.array([1, 2], np.float16), [1, 2]), ([[1, 2]], [[1, 2]]),
        (np.array([True, False]), [True, False]), (np.array(2.5), 2.5), (np.asfortranarray([[1, 2]]), [[1, 2]]),
        (np.array([1, 2.5, True], dtype=object), [1, 2.5, 1]),
        (np.array([np.int8(1), np.bool_(0)], dtype=object), [1, 0]),
        (np.array([["a", "bé"]], dtype=object), [["a", "bé"]]), (np.array(["é".encode(), b"b"]), ["é", "b"]),
        (np.array([b"a", b"b"], dtype=object), ["a", "b"]), (np.array(["a  ", "b"]), ["a  ", "b"]),
        (np.ma.masked_array([1, 2], mask=[0, 0]), [1, 2]), (np.zeros((0, 3)), []),
    ],
)  # fmt: skip
def test_plain_arrays_come_in(values: Any, expected: Any) -> None:
    found = plain("x", values)
    assert found.dtype.kind in "biufU"
    assert found.tolist() == expected


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (np.array([1 + 2j]), "found complex numbers"),
        (np.array(["2020-01-01"], "M8[D]"), "found dates"),
        (np.array([1], "m8[s]"), "found times"),
        (np.zeros(2, [("a", "f4"), ("b", "i4")]), "found structured records"),
        (np.zeros(2, "V8"), "found structured records or raw bytes"),
        (np.array([b"ok", b"M\xe9sange"]), r"entry 1 .*found the bytes b'M\\xe9sange', which are no UTF-8"),
        (np.array(["ok", "b\ud800"]), r"entry 1 .*found text that is no Unicode \('b\\ud800'\)"),
        (np.array(["a", None, "b"], dtype=object), "entry 1 .*found None among Python objects"),
        (np.array([1.5, "a", 2], dtype=object), "entry 1 .*found 'a' among"),
        (np.array([{}, 1, 2], dtype=object), "entry 0 .*found a dict among"),
        ([[1, 2], [3]], "found a list that is no array"),
        (np.ma.masked_array([1, 2], mask=[0, 1]), "found masked entries"),
        (scipy.sparse.eye(3, format="csr"), "found a sparse matrix"),
        (np.array([10**400], dtype=object), "found numbers that no array holds"),
    ],
)
def test_other_kinds_are_refused(values: Any, sentence: str) -> None:
    with pytest.raises(DataError, match=f"^f.npz: x: {sentence}") as caught:
        plain("f.npz: x", values)
    assert "\n" not in str(caught.value)
    str(caught.value).encode()


def test_numbers_and_texts() -> None:
    assert texts("x", np.array([["a"], ["b"]])) == ["a", "b"]
    with pytest.raises(DataError, match="x: found int64 values, expected text"):
        texts("x", np.arange(2))
    with pytest.raises(DataError, match="x: found text, e.g. 'a', expected real numbers"):
        numbers("x", np.array(["a"]))


def header(shape: str, descr: str = "<i8") -> bytes:
    text = f"{{'descr':'{descr}','fortran_order':False,'shape':{shape}}}"
    text += " " * (63 - (len(text) + 10) % 64) + "\n"
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(text)) + text.encode()


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (header("(100000000000000,)"), "declares the shape"),
        (header("(1" + "0" * 40 + ",)"), "declares the shape"),
        (header("(3,)") + b"\0" * 8, "declares the shape"),
        (header("(-3,)") + b"\0" * 8, "expected sides of at least 0"),
        (header("(1,)", "|O") + b"\0" * 8, "found Python objects"),
        (b"x", "cannot be read as an .npz file"),
        (b"\x93NUMPY\1\0\xff\xff{", "cannot be read as an .npz file"),
    ],
)
def test_npz_members_that_lie(data: bytes, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", data)
    for read in (NpzFile(path).array, NpzFile(path).shape):
        with pytest.raises(DataError, match=sentence):
            read("x")


def test_a_packed_bomb_is_held_against_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.npz"
    np.savez_compressed(path, x=np.zeros(2**20))
    assert NpzFile(path).array("x").sum() == 0
    monkeypatch.setattr(room, "memory_free", lambda: 2**22)
    with pytest.raises(DataError, match="a.npz: x: needs 8.0 MiB, expected at most the 4.0 MiB of free memory"):
        NpzFile(path).array("x")


def test_an_array_that_stands_twice(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w") as archive:
        warnings.simplefilter("ignore")
        for _ in range(2):
            archive.writestr("x.npy", b"")
    with pytest.raises(DataError, match="the array 'x' stands twice"):
        NpzFile(path)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damaged_archives_end_in_a_sentence(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    path = tmp_path_factory.getbasetemp() / "flipped.npz"
    packed = data.draw(st.booleans())
    save = np.savez_compressed if packed else np.savez
    arrays = {"x": np.arange(60.0), "names": np.array(["a", "é"])}
    save(path, **arrays)
    found = bytearray(path.read_bytes())
    if data.draw(st.booleans()):
        found = found[: data.draw(st.integers(0, len(found) - 1))]
    else:
        found[data.draw(st.integers(0, len(found) - 1))] ^= data.draw(st.integers(1, 255))
    path.write_bytes(found)
    try:
        archive = NpzFile(path)
        read = {name: archive.array(name) for name in archive.names}
    except DataError as error:
        assert str(path) in str(error)
        return
    for name, array in read.items():  # what is read is what was written: names in the directory may have changed
        np.testing.assert_array_equal(array, arrays.get(name, array))


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_damaged_npy_files_end_in_a_sentence(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    path = tmp_path_factory.getbasetemp() / "flipped.npy"
    np.save(path, np.arange(12.0).reshape(3, 4))
    found = bytearray(path.read_bytes())
    at = data.draw(st.integers(0, 127))
    found[at] ^= data.draw(st.integers(1, 255))
    path.write_bytes(found)
    try:
        assert open_npy(path).dtype.kind in "biufU"
    except DataError as error:
        assert str(path) in str(error)


def test_npy_files_are_mapped_where_they_can_be(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    table = np.arange(6.0).reshape(2, 3)
    for array in (table, np.asfortranarray(table), np.arange(6, dtype=">f4")):
        np.save(path, array)
        assert isinstance(open_npy(path), np.memmap)
        np.testing.assert_array_equal(open_npy(path), array)
    for small in (np.array(3.0), np.zeros((0, 4))):
        np.save(path, small)
        assert open_npy(path).shape == small.shape
    path.write_bytes(header("(4,)") + b"\0" * 31)
    with pytest.raises(DataError, match=r"found 31 bytes below the header, expected 32 for the shape \(4,\)"):
        open_npy(path)
    np.savez(tmp_path / "b.npy.npz", x=np.arange(3))
    with pytest.raises(DataError, match="found an .npz file, expected an .npy array"):
        open_npy(tmp_path / "b.npy.npz")


def element(kind: int, data: bytes) -> bytes:
    return struct.pack("<II", kind, len(data)) + data + b"\0" * (-len(data) % 8)


def nested(depth: int) -> bytes:
    """A MATLAB v5 cell in a cell in a cell, from the inside: scipy itself cannot write it."""
    dims = element(5, struct.pack("<ii", 1, 1))
    inner = element(14, element(6, struct.pack("<II", 6, 0)) + dims + element(1, b"") + element(9, bytes(8)))
    for level in range(depth):
        name = b"names" if level == depth - 1 else b""
        inner = element(14, element(6, struct.pack("<II", 1, 0)) + dims + element(1, name) + inner)
    return inner


def test_deep_cells_do_not_kill_the_process(tmp_path: Path) -> None:
    path = tmp_path / "deep.mat"
    path.write_bytes(b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM" + nested(3000))
    with pytest.raises(DataError, match="deep.mat: cannot be read as a MATLAB file.*cells nested more than 16 deep"):
        open_mat(path).strings("names")
    scipy.io.savemat(path, {"x": np.array([["a"], ["bé"]], dtype=object)}, do_compression=True)
    assert open_mat(path).strings("x") == ["a", "bé"]


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ({"a": 1}, "found a structure, expected a real matrix"), ("text", "found text, expected"),
        (np.array([["a"]], dtype=object), "found cells, expected"), (np.array([[1j]]), "found complex numbers"),
    ],
)  # fmt: skip
def test_other_variables_of_mat_files_are_named(value: Any, sentence: str, tmp_path: Path) -> None:
    scipy.io.savemat(tmp_path / "a.mat", {"x": value})
    with pytest.raises(DataError, match=f"a.mat: x: {sentence}"):
        open_mat(tmp_path / "a.mat").numbers("x")


def test_sparse_and_padded_variables_of_mat_files(tmp_path: Path) -> None:
    scipy.io.savemat(tmp_path / "a.mat", {"x": scipy.sparse.csc_matrix([[0, 2], [3, 0]]), "n": np.array(["kat", "oé"])})
    file = open_mat(tmp_path / "a.mat")
    assert file.numbers("x").tolist() == [[0, 2], [3, 0]]
    assert [name.strip() for name in file.strings("n")] == ["kat", "oé"]


def test_sizes_in_words() -> None:
    assert [room.in_words(n) for n in (5, 2048, 3 * 2**30, 10**40)] == [
        "5 bytes", "2.0 KiB", "3.0 GiB", "more than any disk holds",
    ]  # fmt: skip
    assert room.memory_free() is None or room.memory_free() > 0
    with pytest.raises(DataError, match="x: needs .* free in"):
        room.check_disk("x", 2**80, Path("/tmp"))


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damaged_mat_files_end_in_a_sentence(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """scipy's reader crashes the process on some of these."""
    path = tmp_path_factory.getbasetemp() / "flipped.mat"
    variables = {"x": np.arange(12.0).reshape(3, 4), "names": np.array([["ab"], ["é"]], dtype=object), "s": np.eye(2)}
    variables["s"] = scipy.sparse.csc_matrix(variables["s"])
    scipy.io.savemat(path, variables, do_compression=data.draw(st.booleans()))
    found = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        found[data.draw(st.integers(0, len(found) - 1))] ^= data.draw(st.integers(1, 255))
    path.write_bytes(found[: data.draw(st.sampled_from([None, None, None, len(found) - 9]))])
    try:
        file = open_mat(path)
        for name in ("x", "s"):
            file.numbers(name)
        file.strings("names")
    except DataError as error:
        assert "flipped.mat" in str(error)
        assert "\n" not in str(error)


def test_a_sparse_matrix_whose_columns_end_before_they_start_ends_in_a_sentence(tmp_path: Path) -> None:
    """scipy checks where columns end only if the last end is not zero, and crashes the process on the others."""
    path = tmp_path / "ends.mat"
    scipy.io.savemat(path, {"s": scipy.sparse.csc_matrix(np.eye(2))})
    found = path.read_bytes()
    ends = np.array([0, 1, 2], "<i4").tobytes()
    assert found.count(ends) == 1
    path.write_bytes(found.replace(ends, np.array([0, 2**30, 0], "<i4").tobytes()))
    with pytest.raises(DataError, match="ends.mat: cannot be read .*its columns end before they start"):
        open_mat(path).numbers("s")


@pytest.mark.parametrize("packed", [False, True])
def test_mat_variables_are_those_that_scipy_reads(packed: bool, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    variables = {
        "double": rng.random((3, 4)), "short": np.arange(6, dtype="i2").reshape(2, 3), "cube": rng.random((2, 2, 2)),
        "single": np.float32(rng.random((1, 5))), "large": np.int64([[2**60]]), "none": np.zeros((0, 3)),
        "mask": np.array([[True], [False]]),
    }  # fmt: skip
    texts_of = {"row": "hallo", "c": np.array([["x"], ["ÿ€漢😀"], [""]], dtype=object)}
    scipy.io.savemat(tmp_path / "a.mat", {**variables, **texts_of}, do_compression=packed)
    file, other = open_mat(tmp_path / "a.mat"), scipy.io.loadmat(tmp_path / "a.mat")
    assert file.shapes == {name: other[name].shape for name in variables} | {"row": (1, 5), "c": (3, 1)}
    for name in variables:
        np.testing.assert_array_equal(file.numbers(name), other[name])
    assert file.strings("row") == ["hallo"]
    assert file.strings("c") == ["x", "ÿ€漢😀", ""]


def test_old_mat_files_are_read(tmp_path: Path) -> None:
    scipy.io.savemat(tmp_path / "a.mat", {"x": np.eye(2), "n": "abc"}, format="4")
    file = open_mat(tmp_path / "a.mat")
    assert file.numbers("x").tolist() == [[1, 0], [0, 1]]
    assert file.strings("n") == ["abc"]
