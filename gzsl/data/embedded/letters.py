"""Real pictures without a download: 62 letters and digits in twenty fonts, described as a typographer would."""

from __future__ import annotations

import string
from pathlib import Path
from typing import Any

import numpy as np

from gzsl.data.dataset import DataCard, Dataset
from gzsl.data.embedded.common import check_number, check_options, split_with_hold_out
from gzsl.data.fingerprint import content_hash, hash_features
from gzsl.data.splits import Split
from gzsl.semantics.table import Semantics

GLYPHS = string.ascii_uppercase + string.ascii_lowercase + string.digits
CLASS_NAMES = tuple(
    f"{'digit' if g in string.digits else 'capital' if g in string.ascii_uppercase else 'small'} {g}" for g in GLYPHS
)
SHEET = Path(__file__).with_name("letters.png")  # drawn once by experiments/make_letters.py
SIDE = 32
PER_CLASS = 60  # twenty fonts, three distortions each
CELL = 4
ORIENTATIONS = 8
TEST_ROWS = 12  # a seen class
UNSEEN = "CEIKQUXbiqsz07"
FOLDS = ("ABDLRSVYejkr35", "GJTWZacglmuw18", "FHMNOdnotvxy29")

# A statement about the shape, and the glyphs for which it is true in most of the fonts. Serifs are no strokes.
STATEMENTS = {
    "closed counter": "ABDOPQRabdegopq04689",
    "two counters": "B8",
    "counter in the upper half": "ABPRegpq489",
    "counter in the lower half": "Babd68",
    "counter over the full height": "DOQo0",
    "rises above the x-height": string.ascii_uppercase + "bdfhijklt" + string.digits,
    "within the x-height": "acemnorsuvwxz",
    "descends below the baseline": "Qgjpqy",
    "stem on the left": "BDEFHKLMNPRUbhkmnpru",
    "stem on the right": "HJMNUadghmnqu4",
    "stem in the middle": "ITYfijlt1",
    "three or more strokes side by side": "MNWmw",
    "bar at the top": "BDEFPRTZz57",
    "bar in the middle": "ABEFGHPReft4",
    "bar at the bottom": "BDELZz12",
    "bulges to the right": "BDOPQRSbeops0235689",
    "bulges to the left": "CGOQSacdegoqs0689",
    "rising diagonal": "AKMVWXYZkvwxyz247",
    "falling diagonal": "AKMNQRVWXYkvwxy",
    "left mirrors right": "AHIMOTUVWXYovwx08",
    "top mirrors bottom": "BCDEHIKOXcox038",
    "same after half a turn": "HINOSXZosxz08",
    "mostly round": "CGOQSacegos03689",
    "straight strokes only": "AEFHIKLMNTVWXYZiklvwxz147",
    "dot": "ij",
    "curled end at the top": "CGSacfrs2369",
    "curled end at the bottom": "CScegjJsty359",
    "stem and arch": "Uhmnru",
    "wide": "ADHKMNOQUVWXmw",
    "narrow": "Iijlrt1",
    "much higher than wide": "IJLQSbdfghijklqty0123456789",
    "bay open to the right": "CEFGKLSXZcefkrstxz256",
    "bay open to the left": "JSXZagjsxz23579",
    "bay open to the top": "HKMNUVWXYkuvwxy",
    "bay open to the bottom": "AHKMNRWXhkmnwx",
    "crossing strokes": "Xftx4",
}


def load(**options: Any) -> Dataset:
    """Load the letters as a zero-shot dataset: 3,720 pictures, 62 classes, 512 features, 36 attributes.

    The order ``numpy.random.default_rng(0).permutation(62)`` was drawn once, before any classifier was run: its first
    14 classes are unseen, the next three times 14 are the validation folds. Twelve pictures of every seen class are
    held out.

    Parameters
    ----------
    **options
        ``seed`` : int, of the hold-out (default 0).

    Returns
    -------
    Dataset
        Features are computed from one picture each (see `picture_features`); `pictures` gives what they were computed
        from, in the order of the rows.

    Raises
    ------
    DataError
        For an unknown option or a seed that is not a non-negative integer.
    """
    check_options("letters", options, ("seed",))
    seed = options.get("seed", 0)
    check_number("letters", "seed", seed, int, 0)
    features = picture_features(pictures())
    labels = np.repeat(np.arange(len(GLYPHS)), PER_CLASS)
    semantics = attributes()
    split = _split(labels, seed)
    card = DataCard(
        name="letters",
        features="letters-hog",
        content_hash=content_hash(hash_features(features), labels, {semantics.name: semantics}, split),
        source="glyphs of the fonts that matplotlib ships (DejaVu, STIX, Computer Modern), slightly distorted",
        fine_tuned=False,
        notes=(
            "features: square root of a histogram of oriented gradients; computed picture by picture",
            f"test_seen: {TEST_ROWS} pictures of every seen class, drawn with seed {seed}",
            "unseen classes and three validation folds: one random order of the classes, fixed",
        ),
    )
    return Dataset(features, labels, semantics, split, card)


def pictures() -> np.ndarray:
    """All pictures in the order of the dataset's rows: (3720, 32, 32), uint8, white ink on black."""
    from PIL import Image  # lazily; comes with matplotlib

    with Image.open(SHEET) as sheet:
        tiles = np.asarray(sheet).reshape(len(GLYPHS), SIDE, PER_CLASS, SIDE)
    return tiles.transpose(0, 2, 1, 3).reshape(-1, SIDE, SIDE)


def attributes() -> Semantics:
    """The statements as a table of zeros and ones, (62, 36)."""
    table = np.array([[float(glyph in true) for true in STATEMENTS.values()] for glyph in GLYPHS])
    return Semantics(table, CLASS_NAMES, name="att", attribute_names=tuple(STATEMENTS))


def picture_features(images: np.ndarray) -> np.ndarray:
    """Describe pictures by their edges; nothing is learnt and no label is used.

    Parameters
    ----------
    images : ndarray, shape (n, 32, 32)
        Ink from 0 to 255.

    Returns
    -------
    ndarray, shape (n, 512), float32
        Strength of edges in 8 unsigned directions, each shared between its two nearest directions, summed over 8 x 8
        cells of 4 x 4 pixels; divided by their sum, then the square root, so that every row has unit length.
    """
    framed = np.pad(images.astype(np.float32) / 255, ((0, 0), (1, 1), (1, 1)))
    down = framed[:, 2:, 1:-1] - framed[:, :-2, 1:-1]
    right = framed[:, 1:-1, 2:] - framed[:, 1:-1, :-2]
    place = np.mod(np.arctan2(down, right), np.pi) * (ORIENTATIONS / np.pi)
    lower = place.astype(np.int64)  # ORIENTATIONS itself where rounding puts it there
    share = place - lower
    strength = np.hypot(down, right)
    cells = SIDE // CELL
    size = cells**2 * ORIENTATIONS
    lines = np.arange(SIDE) // CELL
    cell = np.arange(len(images))[:, None, None] * cells**2 + lines[:, None] * cells + lines
    sums = np.zeros(len(images) * size)
    for found, part in ((lower, 1 - share), (lower + 1, share)):
        bins = cell * ORIENTATIONS + found % ORIENTATIONS
        sums += np.bincount(bins.ravel(), (strength * part).ravel(), len(sums))
    pooled = sums.astype(np.float32).reshape(len(images), -1)
    return np.sqrt(pooled / np.maximum(pooled.sum(axis=1, keepdims=True), np.finfo(np.float32).tiny))


def _ids(glyphs: str) -> np.ndarray:
    return np.sort([GLYPHS.index(glyph) for glyph in glyphs])


def _split(labels: np.ndarray, seed: int) -> Split:
    counts = np.full(len(GLYPHS) - len(UNSEEN), TEST_ROWS)
    folds = tuple(_ids(fold) for fold in FOLDS)
    return split_with_hold_out(labels, _ids(UNSEEN), counts, np.random.default_rng(seed), folds)
