"""The card beside features: which network made them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field

from gzsl.door.documents import Document, read_document
from gzsl.errors import DataError
from gzsl.files import file_hash

CARD = "card.json"


class FeaturesCard(Document):
    """What is read of ``card.json``; whatever else stands in it is kept.

    Attributes
    ----------
    features : str or None
        Name of the features.
    fine_tuned : bool or None
        Whether their network was trained on the classes; None when unknown.
    features_blake2b : str or None
        Digest of the ``features.npy`` that the card was written for.
    pooling : str or None
        ``grid`` where features are means of the regions beside them.
    grid : list of int or None
        Rows and columns of these regions.
    pictures : str or None
        Folder of the pictures, as it was when they were read.
    resize, crop : int or None
        To what their shorter side was brought, and the square that was cut.
    """

    features: str | None = None
    fine_tuned: bool | None = None
    features_blake2b: str | None = None
    pooling: str | None = None
    grid: list[int] | None = Field(default=None, min_length=2, max_length=2)
    pictures: str | None = None
    resize: int | None = Field(default=None, ge=1, le=100_000)
    crop: int | None = Field(default=None, ge=1, le=100_000)

    @property
    def of_other_features(self) -> dict[str, Any]:
        """Plain values for a card beside another copy of the features."""
        return {key: value for key, value in self.values.items() if key != "features_blake2b"}


def read_card(folder: Path) -> FeaturesCard:
    """The card in a folder of features; an empty one where there is none.

    Raises
    ------
    DataError
        When there is a card that cannot be read.
    """
    path = folder / CARD
    return read_document(path, FeaturesCard, DataError) if path.exists() else FeaturesCard()


def check_features(folder: Path, card: FeaturesCard) -> None:
    """Refuse a ``features.npy`` that is not the one that the card beside it was written for.

    Raises
    ------
    DataError
        When it was cut, damaged or replaced.
    """
    path = folder / "features.npy"
    if card.features_blake2b is not None and file_hash(path) != card.features_blake2b:
        raise DataError(
            f"{path}: its content is not what {CARD} was written for, so it was damaged or replaced; expected both as "
            "gzsl features extract wrote them (run it again)"
        )
