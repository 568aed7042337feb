"""The datasets that need no download."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pytest

from gzsl.data import Dataset
from gzsl.data.embedded import digits, simulated
from gzsl.errors import DataError


@pytest.fixture(scope="module")
def real() -> Dataset:
    return digits.load()


@pytest.fixture(scope="module")
def easy() -> Dataset:
    return simulated.load(preset="easy")


def spread(dataset: Dataset) -> dict[str, int]:
    return {name: len(getattr(dataset.split, name)) for name in ("trainval", "test_seen", "test_unseen")}


# both


@pytest.mark.parametrize("name", ["real", "easy"])
def test_features_are_non_negative_float32(name: str, request: pytest.FixtureRequest) -> None:
    X = request.getfixturevalue(name).features
    assert X.dtype == np.float32
    assert X.min() >= 0
    assert np.isfinite(X).all()


@pytest.mark.parametrize("name", ["real", "easy"])
def test_all_rows_are_used_once(name: str, request: pytest.FixtureRequest) -> None:
    dataset = request.getfixturevalue(name)
    split = dataset.split
    rows = np.concatenate([split.trainval, split.test_seen, split.test_unseen])
    np.testing.assert_array_equal(np.sort(rows), np.arange(len(dataset.labels)))
    assert split.version == "custom"
    assert set(dataset.labels[split.test_seen]) == set(split.seen)


@pytest.mark.parametrize("module", [digits, simulated])
def test_same_seed_same_content_and_the_hash_tells(module: object) -> None:
    first, again, other = (module.load(seed=s) for s in (3, 3, 4))
    np.testing.assert_array_equal(first.features, again.features)
    np.testing.assert_array_equal(first.split.test_seen, again.split.test_seen)
    assert first.card == again.card
    assert not np.array_equal(first.split.test_seen, other.split.test_seen)
    assert first.card.content_hash != other.card.content_hash


# digits


def test_digits_are_the_real_images_in_their_order(real: Dataset) -> None:
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    np.testing.assert_array_equal(real.labels, labels)
    np.testing.assert_allclose(real.features[:, :64] * 16, images)
    assert real.features.shape == (1797, 272)
    assert real.features.max() <= 1
    assert real.class_names[0] == "zero"
    assert real.class_names[9] == "nine"


def test_a_fifth_of_every_seen_digit_is_held_out(real: Dataset) -> None:
    total = np.bincount(real.labels)[real.split.seen]
    held_out = np.bincount(real.labels[real.split.test_seen])[real.split.seen]
    np.testing.assert_allclose(held_out, 0.2 * total, atol=0.5)


def test_attributes_of_one_and_eight_by_hand() -> None:
    table = digits.attributes()
    assert table.attribute_names[:7] == tuple(f"segment {s}" for s in "abcdefg")
    np.testing.assert_array_equal(table.table[1], [0, 1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0])
    np.testing.assert_array_equal(table.table[8], [1, 1, 1, 1, 1, 1, 1, 1, 0, 1, 0, 0])
    assert len(np.unique(table.table, axis=0)) == 10


def test_unseen_digits_follow_from_the_attribute_table_alone() -> None:
    table = digits.attributes().table.astype(np.float64)

    def worst_distance(unseen: tuple[int, ...]) -> float:
        seen = np.setdiff1d(np.arange(10), unseen)
        centre = table[seen].mean(axis=0)
        basis = np.linalg.svd(table[seen] - centre, full_matrices=False)[2][:6]
        rest = (table[list(unseen)] - centre) - (table[list(unseen)] - centre) @ basis.T @ basis
        return float((rest**2).sum(axis=1).max())

    assert min(itertools.combinations(range(10), 3), key=worst_distance) == digits.UNSEEN


def test_image_features_by_hand() -> None:
    ring = np.zeros((1, 8, 8))
    ring[0, 2:6, 2:6] = 16
    ring[0, 3:5, 3:5] = 0
    maps = digits.image_features(ring)[0, 64:].reshape(13, 4, 4)
    enclosed, *open_sides = maps[8:]
    assert enclosed.sum() == pytest.approx(4 / 4)  # four background pixels, averages over cells of four
    assert np.sum(open_sides) == 0
    cup = ring.copy()
    cup[0, 2, 3:5] = 0  # open at the top
    maps = digits.image_features(cup)[0, 64:].reshape(13, 4, 4)
    assert maps[8].sum() == 0
    assert [side.sum() for side in maps[9:]] == pytest.approx([0, 0, 6 / 4, 0])


def test_gradient_directions_by_hand() -> None:
    ramp = np.broadcast_to(2.0 * np.arange(8), (1, 8, 8))  # ink grows to the right
    maps = digits.image_features(ramp)[0, 64:192].reshape(8, 4, 4)
    inner = maps[:, 1:3, 1:3]
    right, left, down_right, up_left, down, up, down_left, up_right = inner[:, 0, 0]
    slanted = np.sqrt(0.5) / 8
    expected = [1 / 8, 0, slanted, 0, 0, 0, 0, slanted]
    found = [right, left, down_right, up_left, down, up, down_left, up_right]
    assert found == pytest.approx(expected)


# simulated


def test_easy_is_small(easy: Dataset) -> None:
    assert easy.features.shape == (750, 64)
    assert (len(easy.split.seen), len(easy.split.unseen)) == (20, 5)
    assert 0.4 < (easy.features == 0).mean() < 0.6
    assert easy.class_names == tuple(sorted(easy.class_names))
    assert easy.semantics.table.min() >= 0
    assert easy.semantics.table.max() <= 1


@pytest.mark.parametrize(
    ("preset", "sizes", "rows"),
    [
        ("AWA2", (40, 10, 85), (23527, 5882, 7913)),
        ("CUB", (150, 50, 312), (7057, 1764, 2967)),
        ("SUN", (645, 72, 102), (10320, 2580, 1440)),
    ],
)
def test_presets_have_the_shape_of_the_benchmark(preset: str, sizes: tuple[int, ...], rows: tuple[int, ...]) -> None:
    dataset = simulated.load(preset=preset, n_features=2)
    assert (len(dataset.split.seen), len(dataset.split.unseen), dataset.semantics.n_attributes) == sizes
    assert tuple(spread(dataset).values()) == rows
    assert simulated.load(preset=preset, scale=0.02).features.shape[1] == 2048


def test_scale_makes_fewer_rows_of_all_classes() -> None:
    dataset = simulated.load(preset="SUN", scale=0.001, n_features=3)
    assert spread(dataset) == {"trainval": 645, "test_seen": 3, "test_unseen": 72}


def test_knobs_replace_the_preset() -> None:
    dataset = simulated.load(n_seen=7, n_unseen=3, n_attributes=4, n_features=6, images_per_class=10, seed=2)
    assert dataset.features.shape == (100, 6)
    assert dataset.semantics.table.shape == (10, 4)
    assert spread(dataset) == {"trainval": 56, "test_seen": 14, "test_unseen": 30}


def test_without_noise_a_class_is_one_point() -> None:
    dataset = simulated.load(noise=0.0, images_per_class=5)
    for c in range(dataset.n_classes):
        assert np.ptp(dataset.features[dataset.labels == c], axis=0).max() == 0


def test_domain_shift_moves_unseen_classes_only() -> None:
    plain, shifted = (simulated.load(noise=0.0, n_unseen=50, n_attributes=80, domain_shift=s) for s in (0.0, 0.7))
    seen = np.isin(plain.labels, plain.split.seen)
    np.testing.assert_array_equal(plain.features[seen], shifted.features[seen])
    assert np.abs(plain.features[~seen] - shifted.features[~seen]).max() > 0.5
    assert plain.features[~seen].std() == pytest.approx(shifted.features[~seen].std(), rel=0.1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"preset": "awa"}, "unknown preset 'awa'; did you mean 'AWA2'"),
        ({"n_sen": 3}, "unknown option 'n_sen'; did you mean 'n_seen'"),
        ({"n_seen": 1}, "'n_seen': found 1, expected an integer of at least 2"),
        ({"n_seen": 2.5}, "'n_seen': found 2.5, expected an integer"),
        ({"n_unseen": True}, "'n_unseen': found True"),
        ({"noise": -1}, "'noise': found -1, expected a number of at least 0"),
        ({"noise": float("nan")}, "'noise': found nan"),
        ({"domain_shift": 2.0}, "'domain_shift': found 2.0, expected a number from 0 to 1"),
        ({"scale": 0}, "'scale': found 0"),
        ({"images_per_class": "ten"}, "'images_per_class': found 'ten'"),
        ({"noise": float("inf")}, "'noise': found inf"),
        ({"n_features": 10**30}, f"'n_features': found {10**30}, expected an integer from 1 to 1e+09"),
        ({"n_features": 10**9}, "simulated: needs 3.9 TiB, expected at most the"),
        ({"images_per_class": 10**9}, "simulated: needs"),
    ],
)
def test_wrong_options_are_named(options: dict[str, object], message: str) -> None:
    with pytest.raises(DataError, match=re.escape(message)):
        simulated.load(**options)


def test_digits_name_wrong_options() -> None:
    with pytest.raises(DataError, match="unknown option 'sed'; did you mean 'seed'"):
        digits.load(sed=1)
    with pytest.raises(DataError, match="'seed': found -1"):
        digits.load(seed=-1)
