"""HDF5 files: everything lies in the file itself; MATLAB's sparse, logical and empty arrays are read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse

from gzsl.data.readers.arrays import HDF5File
from gzsl.data.readers.mat import open_mat
from gzsl.errors import DataError

h5py = pytest.importorskip("h5py")


def outside(file: Any, kind: str, other: Path) -> None:
    if kind == "external link":
        file["x"] = h5py.ExternalLink(str(other), "/x")
    elif kind == "soft link through one":
        file["y"], file["x"] = h5py.ExternalLink(str(other), "/"), h5py.SoftLink("/y/x")
    elif kind == "external storage":
        file.create_dataset("x", (4,), "f4", external=[(str(other.with_suffix(".raw")), 0, 16)])
    else:
        layout = h5py.VirtualLayout((4,), "f4")
        layout[:] = h5py.VirtualSource(str(other), "x", (4,))
        file.create_virtual_dataset("x", layout)


@pytest.mark.parametrize("kind", ["external link", "soft link through one", "external storage", "virtual dataset"])
def test_what_lies_in_another_file_is_refused(kind: str, tmp_path: Path) -> None:
    other, path = tmp_path / "other.h5", tmp_path / "a.h5"
    with h5py.File(other, "w") as file:
        file["x"] = np.arange(4, dtype="f4")
    other.with_suffix(".raw").write_bytes(bytes(16))
    with h5py.File(path, "w") as file:
        outside(file, kind, other)
    with pytest.raises(DataError, match="a.h5: x: found .*expected the numbers in the file itself"):
        HDF5File(path).array("x")


def make(file: Any, kind: str) -> None:
    if kind == "group":
        file.create_group("x")
    elif kind == "dangling":
        file["x"] = h5py.SoftLink("/nowhere")
    elif kind == "empty":
        file["x"] = h5py.Empty("f4")
    elif kind == "huge":
        file.create_dataset("x", (10**9, 2048), "f4", chunks=(1024, 2048))
    elif kind == "latin":
        file["x"] = np.array([b"ok", b"M\xe9s"])
    elif kind == "compound":
        file["x"] = np.array([1 + 2j])
    else:
        file.create_dataset("x", (2,), dtype=h5py.vlen_dtype(np.int32))


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("group", "found a group"), ("dangling", "leads nowhere"), ("empty", "without any data"),
        ("huge", "declares the shape .1000000000, 2048., 7.4 TiB, in a file of"), ("latin", "no UTF-8"),
        ("compound", "complex numbers"), ("ragged", "found a ndarray among Python objects"),
    ],
)  # fmt: skip
def test_other_contents_are_refused(kind: str, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        make(file, kind)
    with pytest.raises(DataError, match=f"a.h5: x: .*{sentence}"):
        HDF5File(path).array("x")


def test_plain_contents_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["x"], file["fixed"], file["varying"] = np.eye(2), np.array(["é".encode()]), ["é", "bc"]
        file["mask"], file["soft"] = np.array([True, False]), h5py.SoftLink("/x")
    read = HDF5File(path)
    assert read.array("x").tolist() == read.array("soft").tolist() == [[1, 0], [0, 1]]
    assert (read.array("fixed").tolist(), read.array("varying").tolist()) == (["é"], ["é", "bc"])
    assert read.array("mask").tolist() == [True, False]


def v73(path: Path, fill: Any) -> Path:
    with h5py.File(path, "w", userblock_size=512) as file:
        fill(file)
    with path.open("r+b") as stream:
        stream.write(b"MATLAB 7.3 MAT-file".ljust(508) + b"\x00\x02IM")
    return path


def test_matlab_arrays_of_every_kind(tmp_path: Path) -> None:
    full = np.array([[0, 2, 0], [3, 0, 0.5]])
    packed = scipy.sparse.csc_matrix(full)

    def fill(file: Any) -> None:
        group = file.create_group("s")
        group.attrs["MATLAB_sparse"] = np.uint64(2)
        group["data"], group["ir"], group["jc"] = packed.data, packed.indices.astype("u8"), packed.indptr.astype("u8")
        file["bad/ir"] = file["bad/data"] = np.array([9.0])
        file["bad/jc"], file["bad"].attrs["MATLAB_sparse"] = np.array([0, 1, 1]), 2
        file["zero/jc"], file["zero"].attrs["MATLAB_sparse"] = np.zeros(4, "u8"), 2
        file["mask"] = np.array([[1, 0, 1]], "u1")
        file["mask"].attrs["MATLAB_class"] = np.bytes_("logical")
        file["none"] = np.array([0, 3], "u8")
        file["none"].attrs["MATLAB_empty"] = np.uint8(1)
        file.create_group("struct")

    file = open_mat(v73(tmp_path / "a.mat", fill))
    assert file.shapes == {"bad": (2, 2), "mask": (3, 1), "none": (0, 3), "s": (2, 3), "struct": (), "zero": (2, 3)}
    assert file.numbers("s").tolist() == full.tolist()
    assert file.numbers("zero").tolist() == [[0, 0, 0], [0, 0, 0]]
    assert file.numbers("mask").tolist() == [[True], [False], [True]]
    assert file.numbers("none").shape == (0, 3)
    features, _ = file.features("s", 3)
    assert next(features.blocks())[1].tolist() == full.T.tolist()
    with pytest.raises(DataError, match="a.mat: struct: found a structure"):
        file.numbers("struct")
    with pytest.raises(DataError, match="a.mat: cannot be read as an HDF5 file"):
        file.numbers("bad")
