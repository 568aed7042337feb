"""What a class table promises before any training: ranges, near duplicates, rank, classes that will be hard."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.optimize import nnls

from gzsl.brief import brief
from gzsl.semantics.checks import table_faults
from gzsl.semantics.table import Semantics
from gzsl.semantics.unit_length import at_unit_length

NEAR = 0.995  # cosine of centred vectors above which two classes count as nearly the same
SHOWN = 5


@dataclass(frozen=True)
class HardClass:
    """One unseen class and why it will be hard or easy.

    Attributes
    ----------
    name : str
        The unseen class.
    residual : float
        Distance from the nearest mixture of seen classes, relative to the spread of the table: 0 inside their hull.
    nearest : str
        The class, seen or unseen, that is most like it.
    similarity : float
        Cosine of the centred vectors of the two.
    """

    name: str
    residual: float
    nearest: str
    similarity: float


@dataclass(frozen=True)
class SemanticsReport:
    """Numbers about a class table.

    Attributes
    ----------
    name : str
        Of the table.
    n_classes, n_attributes, rank : int
        Sizes, and the number of independent directions after centring.
    low, high : float
        Range.
    binary : bool
        Whether only two values occur.
    constant_columns : int
        Columns that do not differ between classes.
    faults : tuple of str
        Equal rows, zero rows, zero columns, one sentence each.
    near_duplicates : tuple of (str, str, float)
        Pairs of classes with nearly the same vector, and their cosine.
    outside : int
        Unseen classes outside the hull of the seen ones.
    hardest : tuple of HardClass
        Unseen classes, the hardest first: those most like another class.
    """

    name: str
    n_classes: int
    n_attributes: int
    rank: int
    low: float
    high: float
    binary: bool
    constant_columns: int
    faults: tuple[str, ...]
    near_duplicates: tuple[tuple[str, str, float], ...]
    outside: int
    hardest: tuple[HardClass, ...]

    __repr__ = brief

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def semantics_report(semantics: Semantics, seen: np.ndarray, unseen: np.ndarray) -> SemanticsReport:
    """Examine a class table.

    Parameters
    ----------
    semantics : Semantics
        All classes.
    seen, unseen : ndarray of int
        Rows with and without training images.
    """
    table, names = semantics.table.astype(np.float64), semantics.class_names
    centred = table - table.mean(axis=0)
    spread = float(np.linalg.norm(centred, axis=1).mean()) or 1.0
    unit = at_unit_length(centred)
    cosines = unit @ unit.T
    np.fill_diagonal(cosines, -np.inf)
    pairs = np.argwhere(np.triu(cosines, 1) > NEAR)
    residuals = {c: _residual(table[seen], table[c]) / spread for c in unseen.tolist()}
    classes = [
        HardClass(names[c], residuals[c], names[int(cosines[c].argmax())], float(cosines[c].max())) for c in residuals
    ]
    return SemanticsReport(
        semantics.name, len(names), semantics.n_attributes, int(np.linalg.matrix_rank(centred)),
        float(table.min()), float(table.max()), len(np.unique(table)) == 2,
        int((np.ptp(table, axis=0) == 0).sum()), tuple(table_faults(semantics).sentences(semantics.name)),
        tuple((names[i], names[j], float(cosines[i, j])) for i, j in pairs),
        sum(value > 1e-3 for value in residuals.values()),
        tuple(sorted(classes, key=lambda c: (-c.similarity, c.name))),
    )  # fmt: skip


def _residual(anchors: np.ndarray, vector: np.ndarray) -> float:
    """Distance of a vector from the convex hull of the anchors, by non-negative least squares."""
    weight = 1e3 * max(1.0, float(np.abs(anchors).max()))  # makes the mixture's weights add up to 1
    A = np.vstack([anchors.T, np.full(len(anchors), weight)])
    mixture, _ = nnls(A, np.append(vector, weight))
    return float(np.linalg.norm(anchors.T @ mixture - vector))
