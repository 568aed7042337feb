"""Where a dataset comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gzsl.brief import brief


@dataclass(frozen=True)
class DataCard:
    """Where a dataset comes from and what was detected about it.

    Attributes
    ----------
    name : str
        Dataset name, e.g. ``CUB``.
    features : str
        Which features, e.g. ``res101``; part of the protocol.
    content_hash : str
        Digest of features, labels, semantics and split.
    source : str
        Where the user's files are, or how the data were made.
    fine_tuned : bool or None
        Whether the feature network was fine-tuned on the seen classes; None when unknown.
    notes : tuple of str
        What was detected or derived while reading, one sentence each.
    """

    name: str
    features: str = "unknown"
    content_hash: str = ""
    source: str = ""
    fine_tuned: bool | None = None
    notes: tuple[str, ...] = ()

    __repr__ = brief

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "name": self.name, "features": self.features, "content_hash": self.content_hash,
            "fine_tuned": self.fine_tuned, "notes": list(self.notes),
        }  # fmt: skip
