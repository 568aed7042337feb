"""WCA: crops of a picture and descriptions of a class, both weighted, in one product."""

from __future__ import annotations

import numpy as np

from gzsl.methods import register
from gzsl.methods.zero_shot_heads.base import JointHead
from gzsl.methods.zero_shot_heads.prompt_views import PromptViews, unit
from gzsl.params import param
from gzsl.semantics import Semantics


@register(
    "wca",
    family="zero_shot_heads",
    settings=("inductive", "transfer"),
    fidelity="partly from memory: unverified",
    cite="Li et al., Visual-Text Cross Alignment: Refining the Similarity Score in Vision-Language Models, ICML 2024, "
    "arXiv:2406.02915",
    year=2024,
    needs=("joint", "regions"),
    test_params=[{}, {"row_sharpness": 0.0, "text_sharpness": 0.0}, {"centred": True}],
)
class WCA(JointHead):
    """Crops that look like the whole picture and descriptions that say what the name says weigh more.

    With crops v_b of a row and members e_cj of a class, ``w_b = softmax_b(s v_b · v_0)`` and ``u_cj = softmax_j(s'
    e_cj · t_c)`` weigh the matrix of all products: ``Σ_bj w_b u_cj v_b · e_cj``. Since that is ``(Σ_b w_b v_b) · (Σ_j
    u_cj e_cj)``, the matrix is never made.

    **Differences.** v_0 is the mean crop and t_c the mean member, where the paper has the whole picture and the plain
    name. Crops are the row's regions, all of them, once; released code draws 60 of them, with repetition, 20 times.
    Sums are brought to unit length, as released.

    **Notes.** Reads regions, and descriptions where there are some. One product of rows and classes, and one pass
    over the regions.
    """

    row_sharpness: float = param(default=54.6, low=0.0, high=1e4, symbol="s", tune=(0.0, 100.0), doc="released: e^4")
    text_sharpness: float = param(default=7.39, low=0.0, high=1e4, symbol="s'", tune=(0.0, 50.0), doc="released: e^2")

    def class_side(self, semantics: Semantics) -> np.ndarray:
        """Weighted means of members (C, a) at unit length."""
        views = self.views(semantics)
        return unit(weighted_members(views, self.text_sharpness))

    def joint_scores(self, Z: np.ndarray, side: np.ndarray) -> np.ndarray:
        """Products of weighted crops (n, R, a) and weighted members: (n, C)."""
        return unit(weighted_crops(Z, self.row_sharpness)) @ side.T


def weighted_crops(V: np.ndarray, sharpness: float) -> np.ndarray:
    """``Σ_b w_b v_b`` (n, a) of unit crops (n, R, a), weighted by the cosine with their mean."""
    logits = sharpness * np.einsum("nra,na->nr", V, unit(V.mean(axis=1)))
    w = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.einsum("nr,nra->na", w / w.sum(axis=1, keepdims=True), V)


def weighted_members(views: PromptViews, sharpness: float) -> np.ndarray:
    """``Σ_j u_cj e_cj`` (C, a), weighted by the cosine with the mean member."""
    cosines = np.einsum("ma,ma->m", views.vectors, unit(views.means)[views.owners])
    u = np.exp(sharpness * (cosines - 1))
    sums = np.add.reduceat(u[:, None] * views.vectors, views.starts[:-1], axis=0)
    found: np.ndarray = sums / np.add.reduceat(u, views.starts[:-1])[:, None]
    return found
