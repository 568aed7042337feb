"""Which classes are taken for which: counts of decisions by true and predicted class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gzsl.frames import frame

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True, eq=False)
class Confusion:
    """Counts of decisions, one row a true class and one column a predicted one, in the order seen, then unseen.

    Attributes
    ----------
    counts : ndarray, shape (C, C), int64
        Rows of the true class (first axis) that were given the predicted class (second axis).
    class_names : tuple of str
        One a row.
    n_seen : int
        How many of them, the first ones, are seen classes; 0 where decisions were among unseen classes alone.
    decision : str
        ``given``, ``calibrated`` or ``zsl``: see `Evaluation.confusion`.
    """

    counts: np.ndarray
    class_names: tuple[str, ...]
    n_seen: int
    decision: str

    @classmethod
    def of(
        cls,
        labels: np.ndarray,
        predicted: np.ndarray,
        seen: np.ndarray,
        unseen: np.ndarray,
        class_names: Sequence[str],
        decision: str = "given",
    ) -> Confusion:
        """Count decisions.

        Parameters
        ----------
        labels, predicted : ndarray, shape (n,), int64
            True and predicted class ids.
        seen, unseen : ndarray of int64
            Class ids on each side, which labels and predictions keep to.
        class_names : sequence of str
            Name of every class id.
        decision : str
            What the predictions are.
        """
        ids = np.concatenate([seen, unseen]).astype(np.int64)
        place = np.zeros(int(ids.max()) + 1, dtype=np.int64)
        place[ids] = np.arange(len(ids))
        cells = place[labels] * len(ids) + place[predicted]
        counts = np.bincount(cells, minlength=len(ids) ** 2).reshape(len(ids), len(ids))
        return cls(counts, tuple(class_names[c] for c in ids), len(seen), decision)

    def __repr__(self) -> str:
        n, right = int(self.counts.sum()), int(np.trace(self.counts))
        return f"Confusion({self.decision}: {len(self.class_names)} classes, {n} rows, {right} right)"

    @property
    def kinds(self) -> tuple[str, ...]:
        """``seen`` or ``unseen``, one a class."""
        return tuple("seen" if k < self.n_seen else "unseen" for k in range(len(self.class_names)))

    @property
    def shares(self) -> np.ndarray:
        """Counts as shares of each true class, shape (C, C), float64; NaN for a class without rows."""
        total = self.counts.sum(axis=1, keepdims=True)
        return np.where(total > 0, self.counts / np.maximum(total, 1), np.nan)

    @property
    def sides(self) -> np.ndarray:
        """Counts of seen against unseen, shape (2, 2), int64: first axis true side, second predicted side."""
        parts = slice(None, self.n_seen), slice(self.n_seen, None)
        return np.array([[self.counts[true, guess].sum() for guess in parts] for true in parts], dtype=np.int64)

    def most_confused(self, most: int = 15) -> list[dict[str, Any]]:
        """The most frequent mistakes, the largest first.

        Returns
        -------
        list of dict
            Keys: ``class``, ``kind``, ``taken_for``, ``taken_for_kind``, ``rows``, ``share`` (of the true class).
        """
        wrong = self.counts.copy()
        np.fill_diagonal(wrong, 0)
        true, guess = np.nonzero(wrong)
        order = np.lexsort((guess, true, -wrong[true, guess]))[:most]
        shares, names, kinds = self.shares, self.class_names, self.kinds
        return [
            {
                "class": names[t], "kind": kinds[t], "taken_for": names[p], "taken_for_kind": kinds[p],
                "rows": int(wrong[t, p]), "share": float(shares[t, p]),
            }
            for t, p in zip(true[order].tolist(), guess[order].tolist(), strict=True)
        ]  # fmt: skip

    def table(self) -> tuple[list[str], list[list[Any]]]:
        """Header and rows for a CSV file: class, kind, and the counts, one column a predicted class."""
        rows = zip(self.class_names, self.kinds, self.counts.tolist(), strict=True)
        return ["class", "kind", *self.class_names], [[name, kind, *counts] for name, kind, counts in rows]

    def to_frame(self, normalised: bool = False) -> pandas.DataFrame:
        """Counts (or shares of each true class) as a frame, indexed by true class; needs pandas."""
        values = self.shares if normalised else self.counts
        rows = [
            {"class": name, **dict(zip(self.class_names, row, strict=True))}
            for name, row in zip(self.class_names, values.tolist(), strict=True)
        ]
        return frame(rows, index="class")
