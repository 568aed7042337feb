"""A few labelled rows of classes without training rows: drawn by a seed, from rows that are never scored."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gzsl.errors import ProtocolError


@dataclass(frozen=True)
class ShotPlan:
    """How many labelled rows of each unseen class a method gets.

    Classes that have rows kept apart (the split's reserve; in the transfer setting the training rows too) get them from
    there. Of the others ``apart`` test rows a class are drawn, of which the first ``k`` are shown; all of them leave
    the scored rows, whatever the method: runs with other ``k`` and the same ``apart`` are scored on the same rows.

    Attributes
    ----------
    k : int
        Rows a class that are shown.
    apart : int or None
        Test rows a class that leave the scored ones where there is no reserve; ``k`` when None.
    """

    k: int = 0
    apart: int | None = None

    @property
    def leaving(self) -> int:
        """Test rows a class that are not scored, where no rows are kept apart."""
        return self.k if self.apart is None else self.apart

    @property
    def asked(self) -> bool:
        """Whether anything is drawn at all."""
        return self.leaving > 0

    def label(self, kept: bool) -> str:
        """What the protocol calls it: ``none``, ``4 of the reserve``, or ``4 of 10 test rows a class``."""
        if not self.asked:
            return "none"
        return f"{self.k} of the reserve" if kept else f"{self.k} of {self.leaving} test rows a class"


NO_SHOTS = ShotPlan()


def draw_shots(
    plan: ShotPlan,
    labels: np.ndarray,
    classes: Sequence[int] | np.ndarray,
    class_names: Sequence[str],
    reserve: np.ndarray,
    test: np.ndarray,
    seed: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Draw the rows of some classes.

    The draw of a class depends on the seed, on its name and on its own rows alone, and a larger ``k`` shows the same
    rows and more.

    Parameters
    ----------
    plan : ShotPlan
        How many.
    labels : ndarray, shape (N,)
        Class of every row of the dataset.
    classes : sequence of int
        Which classes get shots.
    class_names : sequence of str
        Names of all classes.
    reserve, test : ndarray of int64
        Rows kept apart from all tests; rows that are scored.
    seed : int
        Of the draw.

    Returns
    -------
    shown, scored : ndarray of int64
        Rows that a method gets with their labels; test rows that are left to be scored, in their order.

    Raises
    ------
    ProtocolError
        For a class that has too few rows.
    """
    shown, gone = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)]
    for c in classes:
        kept, own = np.sort(reserve[labels[reserve] == c]), np.sort(test[labels[test] == c])
        order = np.random.default_rng([seed, _number(class_names[c])])
        if len(kept):
            drawn = order.permutation(kept)
            _check(plan.k, len(kept), class_names[c], "in the reserve")
        else:
            drawn = order.permutation(own)[: plan.leaving]
            _check(plan.leaving + 1, len(own), class_names[c], "to test, of which at least one is to be scored")
            gone.append(drawn)
        shown.append(drawn[: plan.k])
    left = test[~np.isin(test, np.concatenate(gone))]
    return np.concatenate(shown), left


def _check(wanted: int, found: int, name: str, where: str) -> None:
    if found < wanted:
        raise ProtocolError(
            f"shots: class {name!r} has {found} rows {where}, expected at least {wanted}: ask for fewer shots"
        )


def _number(name: str) -> int:
    """A number that stands for a class name."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "little")
