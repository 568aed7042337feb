"""One picture file to the square of pixels that a network sees: as a viewer shows it, or refused by name."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gzsl.images.backbones import Backbone

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

READING = 2  # part of what names an extraction: raised whenever the same file would give other pixels
SMALLEST = 16  # pixels a side
LONGEST = 8  # times the shorter side: what lies further from the centre is cut before resizing, for memory's sake
WITH_ALPHA = ("LA", "La", "PA", "RGBA", "RGBa")
BITS, PHOTOMETRIC, WHITE_IS_ZERO = 258, 262, 0  # tags of TIFF
FULL_RANGE = ("PNG", "PPM")  # formats whose "32-bit" mode of Pillow holds 16 bits


def read_picture(path: Path, backbone: Backbone) -> np.ndarray | str:
    """A picture as (size, size, 3) uint8: shorter side resized, centre cropped; or why it cannot be used."""
    return hashed_picture(path, backbone)[1]


def hashed_picture(path: Path, backbone: Backbone) -> tuple[str, np.ndarray | str]:
    """Digest of a file's bytes, and what `read_picture` makes of those very bytes."""
    return _read(path, backbone)


def _read(path: Path, backbone: Backbone | Crop) -> tuple[str, np.ndarray | str]:
    try:
        if not path.is_file():
            return "", "cannot be read as a picture (it is no regular file)"
        data = path.read_bytes()
    except OSError as error:
        return "", f"cannot be read as a picture ({error.strerror or error})"
    digest = hashlib.blake2b(data, digest_size=16).hexdigest()
    try:
        return digest, _square(data, backbone)
    except _Unfit as error:
        return digest, str(error)
    except Exception as error:  # Pillow raises OSError, SyntaxError, ValueError, struct.error, ...
        reason = "unknown or damaged format" if "BytesIO" in str(error) else " ".join(str(error).split())
        reason = reason or type(error).__name__
        return digest, f"cannot be read as a picture ({reason})"[:200]


@contextmanager
def without_warnings() -> Iterator[None]:
    """Keep Pillow's remarks about single files from the terminal: it refuses by itself what is far too large."""
    import warnings

    from PIL import Image

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        warnings.filterwarnings("ignore", module=r"PIL\.")
        yield


@dataclass(frozen=True)
class Crop:
    """The square that a network saw: its side, and what the shorter side of a picture was brought to before."""

    size: int
    resize: int

    @property
    def crop_share(self) -> float:
        """The crop's share of the shorter side."""
        return self.size / self.resize


def read_square(path: Path, crop: Crop) -> np.ndarray | str:
    """A picture as `read_picture` gives it, for a network of which only the crop is known."""
    with without_warnings():
        return _read(path, crop)[1]


class _Unfit(Exception):
    """A picture that can be read, but not used."""


def _square(data: bytes, backbone: Backbone | Crop) -> np.ndarray:
    from PIL import Image

    with Image.open(io.BytesIO(data)) as stored:
        picture = _in_colour(stored)
    if min(picture.size) < SMALLEST:
        raise _Unfit(f"is {picture.width} x {picture.height} pixels, expected at least {SMALLEST} a side")
    picture = _not_too_long(picture)
    scale = round(backbone.size / backbone.crop_share) / min(picture.size)
    size = [max(backbone.size, round(side * scale)) for side in picture.size]
    picture = picture.resize((size[0], size[1]), Image.Resampling.BICUBIC)
    left, top = (size[0] - backbone.size) // 2, (size[1] - backbone.size) // 2
    return np.asarray(picture.crop((left, top, left + backbone.size, top + backbone.size)))


def _in_colour(stored: Any) -> Picture:
    """Red, green and blue in 8 bits, the right way up, on white where the picture is transparent."""
    from PIL import Image

    turned = _turned(stored)
    if turned.mode == "F" or (turned.mode == "I" and stored.format not in FULL_RANGE):
        bits = "floating-point" if turned.mode == "F" else "32-bit"
        raise _Unfit(f"holds {bits} numbers, for which no range is agreed; expected 8 or 16 bits a colour")
    if turned.mode.startswith("I"):
        return Image.fromarray(_eight_bits(np.asarray(turned), stored)).convert("RGB")
    if turned.mode in WITH_ALPHA or "transparency" in turned.info:
        shown = (turned.convert("LA") if turned.mode == "La" else turned).convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", shown.size, "white"), shown).convert("RGB")
    return turned.convert("RGB")


def _turned(stored: Any) -> Any:
    from PIL import ImageOps

    stored.load()
    try:
        return ImageOps.exif_transpose(stored)
    except Exception:  # a damaged note about the camera: viewers show such a picture as it is stored
        return stored


def _eight_bits(values: np.ndarray, stored: Any) -> np.ndarray:
    tags = getattr(stored, "tag_v2", {})
    top = (1 << max(tags.get(BITS, (16,)))) - 1
    values = np.clip(values.astype(np.int64), 0, top)
    if tags.get(PHOTOMETRIC) == WHITE_IS_ZERO:
        values = top - values
    return ((values * 255 + top // 2) // top).astype(np.uint8)


def _not_too_long(picture: Picture) -> Picture:
    """The middle of a picture that is a strip: nothing else of it is left after the crop."""
    width, height = picture.size
    most = LONGEST * min(width, height)
    if max(width, height) <= most:
        return picture
    cut = (min(width, most), min(height, most))
    left, top = (width - cut[0]) // 2, (height - cut[1]) // 2
    return picture.crop((left, top, left + cut[0], top + cut[1]))
