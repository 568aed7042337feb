"""How text from outside is shown: what would steer a terminal, or hide, is written out instead."""

from __future__ import annotations

import re

# control characters but tab and line feed, bidirectional overrides, other line ends, halves of surrogate pairs
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


def shown(text: object) -> str:
    r"""The text with control characters as Python writes them, such as ``\x1b`` for the escape character."""
    return _UNSAFE.sub(lambda found: found.group().encode("unicode_escape").decode(), str(text))


def short(value: object, most: int = 60) -> str:
    """How a sentence shows a value that was found: as Python writes it, cut where it is long."""
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 4 * most:
        return f"an integer of {value.bit_length()} bits"
    if isinstance(value, dict | list | tuple | set) and len(value) > 20:
        return f"a {type(value).__name__} of {len(value):,} entries"
    text = repr(value)
    return text if len(text) <= most else f"{text[: most - 3]}..."


def counted(n: int, one: str, many: str | None = None) -> str:
    """A number with its noun: ``1 row``, ``2 rows``, ``3 classes``."""
    return f"{n} {one if n == 1 else many or one + 's'}"
