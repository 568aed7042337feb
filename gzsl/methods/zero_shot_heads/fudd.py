"""FuDD: among the classes that a row is taken for, descriptions that tell them apart."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from gzsl.methods import register
from gzsl.methods.zero_shot_heads.base import JointHead
from gzsl.methods.zero_shot_heads.prompt_views import TINY, PromptViews, unit
from gzsl.params import param
from gzsl.semantics import Semantics

ROWS = 1024  # of a class that are looked at together
MOST_KEPT = 256 << 20  # bytes of differences that are kept for further rows


@dataclass(frozen=True, eq=False)
class Differences:
    """Members, and which of them tell a class from every other, found once a class where that fits into memory."""

    views: PromptViews
    kept: float
    known: dict[int, np.ndarray] = field(default_factory=dict)

    def of(self, c: int) -> np.ndarray:
        """`differential` of class c, (C, J) of 0 and 1."""
        found = self.known.get(c)
        if found is None:
            found = differential(self.views, c, unit(self.views.means), self.kept).astype(np.uint8)
            if len(self.views) * len(self.views.vectors) <= MOST_KEPT:
                self.known[c] = found
        return found


@register(
    "fudd",
    family="zero_shot_heads",
    settings=("inductive", "transfer"),
    fidelity="replicated from code",
    cite="Esfandiarpoor & Bach, Follow-Up Differential Descriptions: Language Models Resolve Ambiguities for Image "
    "Classification, ICLR 2024, arXiv:2311.07593",
    year=2024,
    needs=("joint", "members"),
    test_params=[{}, {"n_candidates": 3, "kept": 0.3}],
)
class FuDD(JointHead):
    """The k best classes of a row are compared once more, by those of their members that tell them from each other.

    First the mean members score; K(x) are the k best classes. For c in K(x) the vector is ``t_c(x) = Σ_{c' in K(x),
    c' ≠ c} Σ_{e in D_cc'} e`` at unit length, where D_cc' are descriptions of c against c', and the class in K(x)
    with the largest ``x · t_c(x)`` wins; other classes keep their order below.

    **Differences.** Released code scores first with the plain name, and asks a language model how c differs from c'.
    Here members stand for both (ours): their mean scores first, and D_cc' are the members e of c with the
    largest ``e · (t_c - t_c')``, the share ``kept`` of them. Sums are of counts: a member that serves against m classes
    counts m times, where released code keeps each sentence once.

    **Notes.** Reads prompts alone. With the number of times m_j that member j is used, ``x · t_c(x) = m · (E_c x) /
    sqrt(m G_c m)``, G_c the products of the members of c: no vector t_c(x) is made. k products with the members of
    one class a row.
    """

    n_candidates: int = param(default=10, low=2, high=10_000, symbol="k", tune=(2, 20), doc="classes that are compared")
    kept: float = param(default=0.5, low=0.01, high=1.0, doc="share of a class's members that describe a difference")

    def class_side(self, semantics: Semantics) -> Differences:
        """All members, and what tells classes apart as it is found."""
        return Differences(self.views(semantics), self.kept)

    def joint_scores(self, Z: np.ndarray, side: Differences) -> np.ndarray:
        """Scores of the first step, those of candidates replaced by the second's and lifted over all others."""
        views = side.views
        first = Z @ unit(views.means).T
        k = min(self.n_candidates, len(views))
        if k < 2:
            return first
        candidates = np.argpartition(-first, k - 1, axis=1)[:, :k]
        second = follow_up(Z, candidates, side)
        ceiling = 2.0  # cosines are at most 1, so that candidates stay above what was not compared
        np.put_along_axis(first, candidates, second + ceiling, axis=1)
        return first


def differential(views: PromptViews, c: int, centres: np.ndarray, kept: float) -> np.ndarray:
    """Which members of class c describe its difference from every class, (C, J) of 0 and 1; none from itself."""
    members = views.vectors[views.starts[c] : views.starts[c + 1]]
    margins = (members @ centres[c])[None] - centres @ members.T  # (C, J)
    count = max(1, int(np.ceil(kept * len(members))))
    used = np.zeros(margins.shape, dtype=np.float32)
    best = np.argsort(-margins, axis=1, kind="stable")[:, :count]
    np.put_along_axis(used, best, 1.0, axis=1)
    used[c] = 0
    return used


def follow_up(Z: np.ndarray, candidates: np.ndarray, side: Differences) -> np.ndarray:
    """Cosines (n, k) of rows (n, a) with the vectors of their candidates (n, k), each made of the others."""
    found, views = np.empty(candidates.shape, dtype=np.float32), side.views
    flat = candidates.ravel()
    order = np.argsort(flat, kind="stable")
    ends = np.searchsorted(flat[order], np.arange(len(views) + 1))
    for c in np.flatnonzero(np.diff(ends)):
        members, used = views.vectors[views.starts[c] : views.starts[c + 1]], side.of(int(c))
        gram = members @ members.T
        for start in range(ends[c], ends[c + 1], ROWS):
            places = order[start : min(start + ROWS, ends[c + 1])]
            rows, slots = np.divmod(places, candidates.shape[1])
            counts = used[candidates[rows]].sum(axis=1, dtype=np.float32)
            found[rows, slots] = subset_cosines(Z[rows] @ members.T, counts, gram)
    return found


def subset_cosines(products: np.ndarray, counts: np.ndarray, gram: np.ndarray) -> np.ndarray:
    """Cosine (n,) of unit rows with ``Σ_j m_j e_j``: from ``x · e_j`` and counts m (n, J), and ``e_i · e_j`` (J, J)."""
    squares = np.einsum("nj,nj->n", counts @ gram, counts)
    return np.einsum("nj,nj->n", products, counts) / np.sqrt(np.maximum(squares, TINY))
