"""RoboShot: directions that mislead are taken out of a row, helpful ones are doubled."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np

from gzsl.data import FeatureRows, TrainView
from gzsl.linalg import class_moments
from gzsl.methods import register
from gzsl.methods.zero_shot_heads.base import JointHead
from gzsl.methods.zero_shot_heads.prompt_views import row_blocks, unit
from gzsl.params import param
from gzsl.semantics import Semantics


@register(
    "roboshot",
    family="zero_shot_heads",
    settings=("inductive", "transfer"),
    fidelity="replicated from code",
    cite="Adila, Shin, Cai & Sala, Zero-Shot Robustification of Zero-Shot Models, ICLR 2024, arXiv:2309.04344",
    year=2024,
    needs=("joint",),
    test_params=[{"reject": "rows", "n_reject": 2}, {"reject": "sides"}, {"n_boost": 3, "boost": 0.5, "n_reject": 0}],
)
class RoboShot(JointHead):
    """Rows lose what they have in common with misleading directions before they are compared with classes.

    With Q (a, r) an orthonormal basis of misleading directions and Q' (a, r') of helpful ones, a row becomes ``(I + b
    Q' Q'^T) (I - Q Q^T) x``, and the class with the nearest mean member by cosine wins. Lengths of rows change no
    ranking, so the map is put on the class vectors, and scoring is one product.

    **Differences.** The paper's directions are differences of pairs that a language model names ("land background" and
    "water background"). Here they come from data. Misleading: ``members`` the main directions in which
    members of a class differ from its mean (what prompts say beside the class); ``rows`` those in which training rows
    differ from their class's mean; ``sides`` the difference of the mean seen and the mean unseen class vector.
    Helpful: the main directions of the class vectors around their mean. Released code normalises after each direction;
    within a basis neither that nor the order matters.

    **Notes.** Reads prompts (``members``), training rows (``rows``) or class vectors alone.
    """

    reject: str = param(
        default="members", choices=("members", "rows", "sides"), doc="where misleading directions come from"
    )
    n_reject: int = param(default=1, low=0, high=10_000, symbol="r", tune=(0, 10), doc="directions taken out")
    n_boost: int = param(default=0, low=0, high=10_000, doc="helpful directions")
    boost: float = param(default=1.0, low=0.0, high=100.0, symbol="b", doc="1 doubles a direction, as released")

    def learn(self, view: TrainView) -> None:
        """The map ``map_`` (a, a) of rows."""
        views = self.views(view.semantics)
        centres = unit(views.means)
        if self.reject == "members":
            gaps = scatter(len(views.vectors), lambda w: views.vectors[w] - centres[views.owners[w]])
        elif self.reject == "rows" and len(view.labels):
            gaps = self._residual_scatter(view)
        else:
            sides = [centres[part].mean(axis=0) for part in (view.seen, view.unseen) if len(part)]
            gaps = np.outer(sides[0] - sides[-1], sides[0] - sides[-1])
        misleading = main_directions(gaps, self.n_reject)
        spread = centres - centres.mean(axis=0)
        helpful = main_directions(scatter(len(spread), lambda w: spread[w]), self.n_boost)
        eye = np.eye(centres.shape[1], dtype=np.float32)
        self.map_ = (eye - misleading @ misleading.T) @ (eye + self.boost * helpful @ helpful.T)

    def _residual_scatter(self, view: TrainView) -> np.ndarray:
        rows = FeatureRows(self.rows_of(view.features))
        means, _ = class_moments(rows, view.seen_labels, len(view.seen))
        X, own = rows.to_array(), means.astype(np.float32)
        return scatter(len(X), lambda w: X[w] - own[view.seen_labels[w]])

    def class_side(self, semantics: Semantics) -> np.ndarray:
        """Mapped mean members (C, a): what the map does to a row, its transpose does to them."""
        return unit(self.views(semantics).means) @ self.map_.T


def scatter(n: int, rows: Callable[[slice], np.ndarray]) -> np.ndarray:
    """Sum of outer products (a, a), float64, of ``n`` rows that are made a block at a time."""
    parts = (rows(where).astype(np.float64) for where in row_blocks(n, 1 << 14))
    return functools.reduce(np.add, (part.T @ part for part in parts))


def main_directions(gaps: np.ndarray, count: int) -> np.ndarray:
    """Orthonormal basis (a, r) of the main directions of a scatter (a, a), r <= count; none where it says nothing."""
    if count == 0:
        return np.zeros((len(gaps), 0), dtype=np.float32)
    values, vectors = np.linalg.eigh(gaps)
    kept = values > max(values.max(), 1e-12) * 1e-8  # collinear directions would add noise
    basis = vectors[:, kept][:, ::-1][:, :count]
    return (basis * np.where(basis.sum(axis=0) < 0, -1, 1)).astype(np.float32)
