"""Real images without a download: scikit-learn's 8 x 8 digits, described by their seven-segment display."""

from __future__ import annotations

from typing import Any

import numpy as np

from gzsl.data.dataset import DataCard, Dataset
from gzsl.data.embedded.common import check_number, check_options, split_with_hold_out
from gzsl.data.fingerprint import content_hash, hash_features
from gzsl.data.splits import Split
from gzsl.semantics.table import Semantics

CLASS_NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
SEGMENTS = ("abcdef", "bc", "abdeg", "abcdg", "bcfg", "acdfg", "acdefg", "abc", "abcdefg", "abcdfg")
STROKES = {
    # how a digit is written by hand: share of two closed loops, then which digits have the property
    "closed loops": (0.5, 0, 0, 0, 0, 0, 0.5, 0, 1, 0.5),
    "straight upright": (0, 1, 0, 0, 1, 0, 0, 1, 0, 1),
    "curve": (1, 0, 1, 1, 0, 1, 1, 0, 1, 1),
    "open to the left": (0, 0, 1, 1, 0, 1, 0, 1, 0, 1),
    "open to the right": (0, 0, 1, 0, 0, 1, 1, 0, 0, 0),
}
UNSEEN = (1, 6, 8)
HOLD_OUT = 0.2
SIDE = 8
CELL = 2
INK = 16.0  # largest pixel value of the original images


def load(**options: Any) -> Dataset:
    """Load the digits as a zero-shot dataset: 1797 images, 10 classes, 272 features, 12 attributes.

    The three unseen digits are one, six and eight. They were chosen by the attribute table alone, before any
    classifier was run: of all 120 triples it is the one whose attribute vectors are closest to linear
    combinations of those of the other seven digits (smallest worst squared distance to their affine hull).

    Parameters
    ----------
    **options
        ``seed`` : int, of the hold-out of a fifth of the images of every seen digit (default 0).

    Returns
    -------
    Dataset
        Features are computed from one image each (see `image_features`), float32 in [0, 1].

    Raises
    ------
    DataError
        For an unknown option or a seed that is not a non-negative integer.
    """
    check_options("digits", options, ("seed",))
    seed = options.get("seed", 0)
    check_number("digits", "seed", seed, int, 0)
    from sklearn.datasets import load_digits  # lazily: it costs a second

    images, labels = load_digits(return_X_y=True)
    features = image_features(images.reshape(-1, SIDE, SIDE))
    labels = labels.astype(np.int64)
    semantics = attributes()
    split = _split(labels, seed)
    card = DataCard(
        name="digits",
        features="digits-strokes",
        content_hash=content_hash(hash_features(features), labels, {semantics.name: semantics}, split),
        source="scikit-learn's load_digits (UCI optical recognition of handwritten digits, test part)",
        fine_tuned=False,
        notes=(
            "features: pixels, gradients in eight directions and concavities, pooled; computed image by image",
            f"test_seen: {HOLD_OUT:.0%} of the images of every seen digit, drawn with seed {seed}",
        ),
    )
    return Dataset(features, labels, semantics, split, card)


def attributes() -> Semantics:
    """Seven segments of the display (columns a to g, 0 or 1) and five stroke attributes, in [0, 1]."""
    segments = [[float(segment in lit) for segment in "abcdefg"] for lit in SEGMENTS]
    table = np.column_stack([np.array(segments), *STROKES.values()])
    names = (*(f"segment {segment}" for segment in "abcdefg"), *STROKES)
    return Semantics(table, CLASS_NAMES, name="att", attribute_names=names)


def image_features(images: np.ndarray) -> np.ndarray:
    """Describe images by ink, edges and hollows; nothing is learnt and no label is used.

    Parameters
    ----------
    images : ndarray, shape (n, 8, 8)
        Ink from 0 to 16.

    Returns
    -------
    ndarray, shape (n, 272), float32
        In [0, 1]: 64 pixels; the gradient's part in each of 8 directions, averaged over 4 x 4 cells; five
        kinds of hollow (background enclosed on all sides, or open to one side only), averaged likewise.
    """
    ink = images / INK
    maps = [*_gradients(ink), *_hollows(ink)]
    pooled = [_pool(found) for found in maps]
    return np.hstack([ink.reshape(len(ink), -1), *pooled]).astype(np.float32)


def _gradients(ink: np.ndarray) -> list[np.ndarray]:
    """Positive part of the central-difference gradient along 8 directions, each (n, 8, 8)."""
    framed = np.pad(ink, ((0, 0), (1, 1), (1, 1)))
    down = (framed[:, 2:, 1:-1] - framed[:, :-2, 1:-1]) / 2
    right = (framed[:, 1:-1, 2:] - framed[:, 1:-1, :-2]) / 2
    slanted = np.sqrt(0.5)
    axes = [right, slanted * (right + down), down, slanted * (down - right)]
    return [np.maximum(sign * axis, 0) for axis in axes for sign in (1, -1)]


def _hollows(ink: np.ndarray) -> list[np.ndarray]:
    """How much each background pixel is shut in on all sides, or on all but one; each (n, 8, 8)."""
    walls = [  # darkest ink met on the way to each side
        np.maximum.accumulate(ink, axis=2),
        np.maximum.accumulate(ink[:, :, ::-1], axis=2)[:, :, ::-1],
        np.maximum.accumulate(ink, axis=1),
        np.maximum.accumulate(ink[:, ::-1], axis=1)[:, ::-1],
    ]
    background = 1 - ink
    found = [background * np.prod(walls, axis=0)]
    for side in range(len(walls)):
        others = [wall for k, wall in enumerate(walls) if k != side]
        found.append(background * (1 - walls[side]) * np.prod(others, axis=0))
    return found


def _pool(maps: np.ndarray) -> np.ndarray:
    """Average over cells of 2 x 2 pixels: (n, 8, 8) -> (n, 16)."""
    cells = SIDE // CELL
    return maps.reshape(-1, cells, CELL, cells, CELL).mean(axis=(2, 4)).reshape(len(maps), -1)


def _split(labels: np.ndarray, seed: int) -> Split:
    sizes = np.delete(np.bincount(labels), UNSEEN)
    counts = np.rint(HOLD_OUT * sizes).astype(np.int64)
    return split_with_hold_out(labels, np.array(UNSEEN), counts, np.random.default_rng(seed))
