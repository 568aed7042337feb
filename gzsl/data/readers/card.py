"""The card beside features: which network made them."""

from __future__ import annotations

from pathlib import Path

from gzsl.door.documents import Document, read_document
from gzsl.errors import DataError

CARD = "card.json"


class FeaturesCard(Document):
    """What is read of ``card.json``; whatever else stands in it is kept.

    Attributes
    ----------
    features : str or None
        Name of the features.
    fine_tuned : bool or None
        Whether their network was trained on the classes; None when unknown.
    """

    features: str | None = None
    fine_tuned: bool | None = None


def read_card(folder: Path) -> FeaturesCard:
    """The card in a folder of features; an empty one where there is none.

    Raises
    ------
    DataError
        When there is a card that cannot be read.
    """
    path = folder / CARD
    return read_document(path, FeaturesCard, DataError) if path.exists() else FeaturesCard()
