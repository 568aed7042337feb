"""Names as people mean them: the same letters are the same name, in whatever Unicode form a file has them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

NUMBERING = re.compile(r"^\d+\.(?=\D)")  # 001.Black_footed_Albatross


def same_form(name: str) -> str:
    """A name in the one form (NFC) in which names are compared; what is shown stays as it was written.

    macOS writes the names of folders decomposed (an e and an accent), tables have them composed (é); both look alike.
    """
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def places(names: Iterable[str]) -> dict[str, int]:
    """Position of each name, by the form in which names are compared; of equal ones the first."""
    found: dict[str, int] = {}
    for position, name in enumerate(names):
        found.setdefault(same_form(name), position)
    return found


def repeated(names: Iterable[str]) -> str | None:
    """The first name that stands a second time, in whatever form; None where all differ."""
    known: set[str] = set()
    for name in names:
        form = same_form(name)
        if form in known:
            return name
        known.add(form)
    return None


def loose_form(name: str) -> str:
    """A name without case, numbering and punctuation: what differs in these alone is likely the same thing.

    ``001.Black_footed_Albatross``, ``black-footed albatross`` and ``Black footed Albatross`` have one form.
    """
    folded = unicodedata.normalize("NFKC", NUMBERING.sub("", same_form(name.strip()))).casefold()
    return "".join(letter for letter in folded if letter.isalnum()) or folded
