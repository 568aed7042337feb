"""Embeddings that were made elsewhere, as a features folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gzsl.data.imports import import_features
from gzsl.data.readers.labelled import open_labelled
from gzsl.data.readers.plain import open_features
from gzsl.errors import DataError

X = np.random.default_rng(0).standard_normal((6, 4)).astype(np.float32)
LABELS = ["fox", "fox", "seal", "seal", "seal", "owl"]


def source(folder: Path, kind: str) -> Path:
    path = folder / f"given.{kind}"
    if kind == "npy":
        np.save(path, X)
    elif kind == "npz":
        np.savez(path, embeddings=X, labels=[0, 0, 2, 2, 2, 1], class_names=["fox", "owl", "seal"])
    elif kind == "csv":
        lines = ["class,a,b,c,d", *(",".join([c, *map(str, row)]) for c, row in zip(LABELS, X.tolist(), strict=True))]
        path.write_text("\n".join(lines) + "\n")
    else:
        pandas = pytest.importorskip("pandas")
        pytest.importorskip("pyarrow")
        pandas.DataFrame({"label": LABELS, "vector": list(X)}).to_parquet(path)
    return path


@pytest.mark.parametrize("kind", ["npz", "csv", "parquet"])
def test_names_come_along(kind: str, tmp_path: Path) -> None:
    card = import_features(source(tmp_path, kind), tmp_path / "out", "clip-b-32", fine_tuned=False)
    found = open_labelled(tmp_path / "out")
    assert found.labels == LABELS
    assert (card["dimensions"], card["features"]) == (4, "clip-b-32")
    plain = open_features(tmp_path / "out")
    assert plain.features == "clip-b-32"
    np.testing.assert_allclose(plain.matrix, X, rtol=1e-6)
    assert json.loads((tmp_path / "out" / "card.json").read_text())["fine_tuned"] is False


def test_a_bare_matrix_gets_its_names_from_a_listing(tmp_path: Path) -> None:
    listing = tmp_path / "names.csv"
    listing.write_text("image,class\n" + "".join(f"{k}.png,{c}\n" for k, c in enumerate(LABELS)))
    import_features(source(tmp_path, "npy"), tmp_path / "out", "x", listing=listing)
    found = open_labelled(tmp_path / "out")
    assert found.images[:2] == ("0.png", "1.png") and found.labels == LABELS
    import_features(source(tmp_path, "npy"), tmp_path / "plain", "x")
    assert open_features(tmp_path / "plain").images == tuple("012345")


@pytest.mark.parametrize(
    ("arrays", "options", "message"),
    [
        ({"X": np.where(np.arange(6)[:, None] == 2, 0, X)}, {}, r"row 2 \(2\) is a zero vector, .* leave it out"),
        ({"other": X}, {}, "no array features or .*; found other"),
        ({"X": X}, {"array": "Y"}, "no array Y"),
        ({"X": X[0]}, {}, r"numbers of shape \(4,\), expected \(pictures, dimensions\)"),
        ({"X": X, "labels": ["a"]}, {}, "labels: found 1, expected 6"),
        ({"X": X, "images": ["a"]}, {}, "images: found 1, expected 6"),
        ({"X": X}, {"name": "a/b"}, "--name: found 'a/b'"),
    ],
)
def test_what_does_not_fit_is_named(
    arrays: dict[str, Any], options: dict[str, Any], message: str, tmp_path: Path
) -> None:
    np.savez(tmp_path / "g.npz", **arrays)
    with pytest.raises(DataError, match=message):
        import_features(tmp_path / "g.npz", tmp_path / "out", **{"name": "x", **options})
    assert not (tmp_path / "out" / "card.json").exists()


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("x")
    with pytest.raises(DataError, match=r"found mine.txt in it"):
        import_features(source(tmp_path, "npy"), tmp_path / "out", "x")
