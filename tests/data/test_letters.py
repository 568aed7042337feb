"""The embedded letters: pictures, features against a plain loop, statements, split."""

from __future__ import annotations

import numpy as np
import pytest

import gzsl
from gzsl.data import Dataset, validation_folds
from gzsl.data.embedded import letters
from gzsl.errors import DataError


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return gzsl.load("letters")


def test_sizes_and_split(dataset: Dataset) -> None:
    assert dataset.features.shape == (3720, 512)
    assert dataset.semantics.table.shape == (62, 36)
    split = dataset.split
    assert (len(split.seen), len(split.unseen)) == (48, 14)
    assert (len(split.trainval), len(split.test_seen), len(split.test_unseen)) == (48 * 48, 48 * 12, 14 * 60)
    order = np.random.default_rng(0).permutation(62)  # the documented draw
    assert set(split.unseen) == set(order[:14])
    for k, fold in enumerate(validation_folds(dataset), start=1):
        assert set(fold.unseen) == set(order[14 * k : 14 * k + 14])
        assert not np.intersect1d(fold.unseen, split.unseen).size


def test_files_are_small() -> None:
    assert letters.SHEET.stat().st_size < 1_000_000


def test_features_follow_the_formula() -> None:
    """Histogram of one picture by a loop over pixels."""
    picture = letters.pictures()[letters.PER_CLASS * 6]
    framed = np.pad(picture / 255, 1)
    cells = np.zeros((8, 8, 8))
    for y in range(32):
        for x in range(32):
            down = framed[y + 2, x + 1] - framed[y, x + 1]
            right = framed[y + 1, x + 2] - framed[y + 1, x]
            place = (np.arctan2(down, right) % np.pi) / np.pi * 8
            low, share = int(place), place - int(place)
            cells[y // 4, x // 4, low % 8] += np.hypot(down, right) * (1 - share)
            cells[y // 4, x // 4, (low + 1) % 8] += np.hypot(down, right) * share
    expected = np.sqrt(cells.ravel() / cells.sum())
    np.testing.assert_allclose(letters.picture_features(picture[None])[0], expected, atol=2e-4)


def test_features_have_unit_length_and_an_empty_picture_is_no_nan() -> None:
    rows = letters.picture_features(np.stack([letters.pictures()[0], np.zeros((32, 32), np.uint8)]))
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), [1, 0], atol=1e-6)


def test_statements_tell_all_classes_apart_and_name_glyphs_only() -> None:
    table = letters.attributes().table
    assert len(np.unique(table, axis=0)) == 62
    assert set("".join(letters.STATEMENTS.values())) <= set(letters.GLYPHS)
    for statement, glyphs in letters.STATEMENTS.items():
        assert len(set(glyphs)) == len(glyphs), statement


@pytest.mark.parametrize(
    ("glyph", "true"),
    [
        ("O", ["closed counter", "counter over the full height", "left mirrors right", "wide"]),
        ("i", ["dot", "stem in the middle", "narrow", "straight strokes only"]),
        ("z", ["within the x-height", "bar at the top", "bar at the bottom", "rising diagonal"]),
    ],
)
def test_some_cells_as_anybody_sees_them(glyph: str, true: list[str]) -> None:
    table = letters.attributes()
    row = dict(zip(table.attribute_names or (), table.table[letters.GLYPHS.index(glyph)], strict=True))
    assert all(row[statement] == 1 for statement in true)
    assert row["two counters"] == 0


def test_pictures_are_in_the_order_of_rows() -> None:
    pictures = letters.pictures()
    assert pictures.shape == (3720, 32, 32)
    assert pictures.dtype == np.uint8
    ink = pictures.reshape(62, 60, -1).mean(axis=(1, 2))
    by_glyph = dict(zip(letters.GLYPHS, ink, strict=True))
    assert max(by_glyph, key=by_glyph.get) in "MW"  # type: ignore[arg-type]
    assert min(by_glyph, key=by_glyph.get) in "ilrc"  # type: ignore[arg-type]
    tall = pictures.reshape(62, 60, 32, 32)[letters.GLYPHS.index("x")]
    assert tall[:, :6].max() == 0, "a small x does not reach up"


def test_options_are_checked() -> None:
    with pytest.raises(DataError, match="seed"):
        gzsl.load("letters", sed=1)
    other = gzsl.load("letters", seed=1)
    assert not np.array_equal(other.split.test_seen, gzsl.load("letters").split.test_seen)
    np.testing.assert_array_equal(other.split.unseen, gzsl.load("letters").split.unseen)


def test_the_drawing_script_makes_the_sheet() -> None:
    """The same glyphs in the same order; other versions of the fonts may differ by a few grey levels."""
    import importlib.util
    from pathlib import Path

    path = Path(__file__).resolve().parents[2] / "experiments" / "make_letters.py"
    spec = importlib.util.spec_from_file_location("make_letters", path)
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    assert script.CLASSES == letters.GLYPHS
    assert len(script.FONTS) * script.COPIES == letters.PER_CLASS
    drawn = script.sheet().reshape(62, 32, 60, 32).transpose(0, 2, 1, 3).reshape(-1, 32, 32)
    off = np.abs(drawn.astype(int) - letters.pictures()).mean()
    assert off < 8
