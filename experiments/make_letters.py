"""Draw the pictures of the embedded dataset ``letters``: 62 glyphs in 20 fonts that matplotlib ships, three times each.

Run ``python experiments/make_letters.py gzsl/data/embedded/letters.png``. The result is one picture that people can
look at: a line a class (A to Z, a to z, 0 to 9), in it 60 tiles of 32 x 32 pixels, font by font. Fonts differ a little
between versions of matplotlib, and so would the pictures: that is why they are kept and not drawn on demand.
"""

from __future__ import annotations

import string
import sys
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.ft2font import FT2Font, LoadFlags
from PIL import Image
from scipy import ndimage

CLASSES = string.ascii_uppercase + string.ascii_lowercase + string.digits
STYLES = ("", "-Bold", "-Oblique", "-BoldOblique")
FONTS = (
    *(f"DejaVuSans{style}" for style in STYLES),
    *(f"DejaVuSansMono{style}" for style in STYLES),
    *(f"DejaVuSerif{style.replace('Oblique', 'Italic')}" for style in STYLES),
    *(f"STIXGeneral{style}" for style in ("", "Bol", "Italic", "BolIta")),
    "cmb10", "cmr10", "cmss10", "cmtt10",
)  # fmt: skip
SIDE = 32
FINE = 4  # glyphs are drawn this many times larger, distorted, and averaged down
EM = 0.72  # size of the type as a share of the picture's side
BASELINE = 0.7  # height of the baseline from the top: what has a descender hangs lower
COPIES = 3
LEVELS = 32  # grey levels that are kept


def glyph(font: FT2Font, character: str) -> np.ndarray:
    """One undistorted glyph on its baseline, centred from left to right: (128, 128), ink from 0 to 1."""
    side = SIDE * FINE
    font.set_size(EM * side, 72)
    font.load_char(ord(character), flags=LoadFlags.NO_HINTING)
    font.set_text(character, 0.0, flags=LoadFlags.NO_HINTING)
    font.draw_glyphs_to_bitmap(antialiased=True)
    bitmap = np.array(font.get_image(), dtype=np.float64) / 255
    rows, columns = np.flatnonzero(bitmap.any(axis=1)), np.flatnonzero(bitmap.any(axis=0))
    bitmap = bitmap[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    outline = font.get_path()[0]
    top = round(BASELINE * side - outline[:, 1].max())
    left = (side - bitmap.shape[1]) // 2
    picture = np.zeros((side, side))
    picture[top : top + bitmap.shape[0], left : left + bitmap.shape[1]] = bitmap
    return picture


def distorted(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Turn, slant, stretch and shift a little, then average down to (32, 32) grey levels from 0 to 255."""
    angle, slant = rng.uniform(-0.1, 0.1, size=2)
    scales = rng.uniform(0.92, 1.08, size=2)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = turn @ np.array([[1, 0], [slant, 1]]) @ np.diag(1 / scales)
    middle = np.full(2, (SIDE * FINE - 1) / 2)
    shift = rng.uniform(-0.03, 0.03, size=2) * SIDE * FINE
    moved = ndimage.affine_transform(picture, matrix, middle - matrix @ (middle + shift), order=1)
    pooled = moved.reshape(SIDE, FINE, SIDE, FINE).mean(axis=(1, 3))
    return np.rint(np.rint(pooled * (LEVELS - 1)) * (255 / (LEVELS - 1))).astype(np.uint8)


def sheet() -> np.ndarray:
    """All pictures side by side: (62 * 32, 60 * 32), white ink on black."""
    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    rng = np.random.default_rng(0)
    tiles = np.zeros((len(CLASSES), len(FONTS) * COPIES, SIDE, SIDE), dtype=np.uint8)
    for place, name in enumerate(FONTS):
        font = FT2Font(str(folder / f"{name}.ttf"))
        for row, character in enumerate(CLASSES):
            plain = glyph(font, character)
            for copy in range(COPIES):
                tiles[row, place * COPIES + copy] = distorted(plain, rng)
    return tiles.transpose(0, 2, 1, 3).reshape(len(CLASSES) * SIDE, -1)


if __name__ == "__main__":
    Image.fromarray(sheet()).save(sys.argv[1], optimize=True)
