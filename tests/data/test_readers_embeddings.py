"""Pictures and texts in one space, as a file of named arrays."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gzsl.data import final_task, load
from gzsl.data.catalogue import load_plain
from gzsl.errors import DataError
from gzsl.evaluation import evaluate
from gzsl.semantics import Semantics

C, P, WIDTH = 5, 3, 6


class Cosine:
    """The plain head."""

    def scores(self, X: np.ndarray, semantics: Semantics) -> np.ndarray:
        return X @ semantics.table.T


def arrays(**changes: Any) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(C), 8)
    text = rng.standard_normal((C, P, WIDTH))
    found: dict[str, Any] = {
        "image_embed": (text.mean(axis=1)[y] + 0.1 * rng.standard_normal((len(y), WIDTH))).astype(np.float16),
        "features": rng.random((len(y), 9)), "labels": y, "class_names": ["a", "b", "c", "d", "e"],
        "text_embed": text, "templates": ["a {}", "the {}", "one {}"],
        "unseen": [1, 3], "train": np.arange(len(y)) % 2 == 0,
    }  # fmt: skip
    found |= changes
    return {name: np.asarray(value) for name, value in found.items() if value is not None}


def written(folder: Path, **changes: Any) -> Path:
    np.savez(folder / "mine.npz", **arrays(**changes))
    return folder / "mine.npz"


def test_prompts_share_the_space_of_pictures(tmp_path: Path) -> None:
    data = load(written(tmp_path), semantics="text")
    table = data.semantics
    assert table.joint and table.members is not None and table.members.templates == ("a {}", "the {}", "one {}")
    np.testing.assert_allclose(table.members.group(2), arrays()["text_embed"][2], rtol=1e-6)
    assert table.label == "text+members:unit-mean"
    split = data.split
    assert (len(split.trainval), len(split.test_seen), len(split.test_unseen), len(split.reserve)) == (12, 12, 8, 8)
    assert set(data.labels[split.reserve]) == {1, 3}
    assert any("text shares the space of image_embed" in note for note in data.card.notes)
    assert evaluate(Cosine(), final_task(data, "l2", "transfer")).T1 > 0.9


def test_another_array_may_be_the_features(tmp_path: Path) -> None:
    data = load_plain(written(tmp_path), array="features")
    assert data.features.shape == (40, 9) and not data.semantics.joint
    with pytest.raises(DataError, match=r"no array 'featurs' for the option array; did you mean 'features'"):
        load_plain(written(tmp_path), array="featurs")
    with pytest.raises(DataError, match="found the option 'preset', expected one of array, level"):
        load_plain(written(tmp_path), preset="easy")


def test_classes_may_have_different_numbers_of_members(tmp_path: Path) -> None:
    text = arrays()["text_embed"].copy()
    text[1, 2] = np.nan
    padded = load(written(tmp_path, text_embed=text), semantics="text").semantics.members
    assert padded is not None and padded.templates is None
    np.testing.assert_array_equal(padded.sizes, [3, 2, 3, 3, 3])
    flat, sizes = text[~np.isnan(text).all(axis=2)], padded.sizes
    ragged = load(written(tmp_path, text_embed=flat, text_sizes=sizes), semantics="text").semantics
    assert ragged.members is not None
    np.testing.assert_array_equal(ragged.members.vectors, padded.vectors)


def test_without_unseen_classes_nobody_trains(tmp_path: Path) -> None:
    data = load(written(tmp_path, unseen=None), semantics="text")
    assert data.split.transfer_only and len(data.split.test_unseen) == len(data.split.reserve) == 20
    with pytest.raises(Exception, match=r"no class is seen .*setting: transfer"):
        final_task(data)


def test_pictures_with_their_captions_are_classes_of_their_own(tmp_path: Path) -> None:
    changes: dict[str, Any] = dict.fromkeys(["labels", "class_names", "unseen", "train", "features", "templates"])
    text = np.random.default_rng(1).standard_normal((7, P, WIDTH))
    data = load(written(tmp_path, **changes, image_embed=text[:, 0], text_embed=text), semantics="text")
    assert data.class_names[:2] == ("picture 0", "picture 1") and len(data.split.test_unseen) == 7


def test_coarser_classes_have_finer_ones_as_members(tmp_path: Path) -> None:
    coarse = {"kind": [0, 0, 1, -1, 1], "kind_names": ["left", "right"]}
    data = load_plain(written(tmp_path, **coarse), level="kind")
    fine = load(written(tmp_path, **coarse), semantics="text")
    assert data.class_names == ("left", "right") and len(data.labels) == 32
    members = data.semantics.members
    assert members is not None and members.texts == ("a", "b", "c", "e")
    np.testing.assert_allclose(members.vectors, fine.semantics.table[[0, 1, 2, 4]])
    np.testing.assert_array_equal(data.features, fine.features[fine.labels != 3])
    own = np.eye(2, WIDTH)
    given = load_plain(written(tmp_path, **coarse, kind_embed=own), level="kind").semantics
    np.testing.assert_array_equal(given.table, own)
    assert given.label == "text+members:given"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"text_embed": np.full((C, P, WIDTH), np.nan)}, r"text_embed: class 0 .* has no member"),
        ({"text_embed": np.zeros((C, P, WIDTH))}, r"text_embed: members: member 0 of class 0 .* is a zero vector"),
        ({"text_sizes": [1, 2], "text_embed": np.ones((3, WIDTH))}, r"text_sizes: found 2, expected 5, one a class"),
        (
            {"text_embed": np.stack([np.ones((C, WIDTH)), -np.ones((C, WIDTH))], axis=1)},
            r"mine.npz: text_embed: members: those of class 0 .* cancel out",
        ),
        (
            {"image_embed": np.eye(40, WIDTH), "templates": None},
            r"mine.npz: image_embed.*row 6 \(counted from 0\) is a zero vector, expected one with a direction",
        ),
        ({"train": np.arange(41)}, r"train: found row 40, expected 0 to 39"),
    ],
)
def test_bad_embeddings_are_named(changes: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message):
        load_plain(written(tmp_path, **changes))


@pytest.mark.data
@pytest.mark.skipif(
    not (Path(os.environ.get("GZSL_DATA", "")) / "CAL100J").is_dir(), reason="needs the real data of GZSL_DATA"
)
def test_real_prompts_reach_what_their_makers_measured() -> None:
    data = load("CAL100J", semantics="cupl")
    everything = evaluate(Cosine(), final_task(data, "l2", "transfer"))
    assert 100 * everything.T1 == pytest.approx(46.2, abs=1.5)  # theirs is over all rows, also those kept for training
    coarse = load_plain("CAL100J", level="superclass")
    assert 100 * (evaluate(Cosine(), final_task(coarse, "l2", "transfer")).top1 or 0) == pytest.approx(62.8, abs=1.0)
