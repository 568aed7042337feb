"""Plain zero-shot classification with several prompts or descriptions a class: the line every other head must beat."""

from __future__ import annotations

import numpy as np

from gzsl.methods import register
from gzsl.methods.zero_shot_heads.base import JointHead
from gzsl.methods.zero_shot_heads.prompt_views import PromptViews, best_of_class, row_blocks, unit
from gzsl.params import param
from gzsl.semantics import Semantics


@register(
    "prompt-ensemble",
    family="zero_shot_heads",
    settings=("inductive", "transfer"),
    fidelity="replicated from code",
    cite="Radford et al., Learning Transferable Visual Models From Natural Language Supervision, ICML 2021, "
    "arXiv:2103.00020; Pratt et al. (CuPL), ICCV 2023, arXiv:2209.03320; Menon & Vondrick, ICLR 2023, arXiv:2210.07183",
    year=2021,
    needs=("joint",),
    test_params=[{}, {"ensemble": "scores", "centred": True}, {"ensemble": "max"}],
)
class PromptEnsemble(JointHead):
    """The class nearest to a row by cosine, its prompts or descriptions averaged.

    With unit members e_cj of class c and a unit row x, ``vectors`` scores ``x · t_c``, ``t_c`` the mean of e_cj at unit
    length (CLIP's template ensemble; CuPL where members are descriptions, or both); ``scores`` the mean of ``x · e_cj``
    (classification by description); ``max`` the largest ``x · e_cj``.

    **Differences.** None in the first two. ``scores`` equals ``|mean_j e_cj|`` times ``vectors``: it lowers classes
    whose members disagree. ``max`` favours classes with many members.

    **Notes.** Reads nothing but class vectors. The first two are one product of rows and mean vectors, whatever the
    number of members; ``max`` is a product with every member.
    """

    ensemble: str = param(
        default="vectors", choices=("vectors", "scores", "max"), doc="what is averaged over the members of a class"
    )

    def class_side(self, semantics: Semantics) -> PromptViews | np.ndarray:
        """Mean vectors (C, a); all members for ``max``."""
        views = self.views(semantics)
        if self.ensemble == "max":
            return views
        return unit(views.means) if self.ensemble == "vectors" else views.means

    def joint_scores(self, Z: np.ndarray, side: PromptViews | np.ndarray) -> np.ndarray:
        """Cosines, or means or maxima of them: (n, a) -> (n, C)."""
        return best_scores(Z, side) if isinstance(side, PromptViews) else Z @ side.T


def best_scores(Z: np.ndarray, views: PromptViews) -> np.ndarray:
    """Largest product with a member of every class, (n, a) -> (n, C), never more than a block of all products."""
    found = np.empty((len(Z), len(views)), dtype=np.float32)
    for where in row_blocks(len(Z), 4 * len(views.vectors)):
        found[where] = best_of_class(Z[where] @ views.vectors.T, views.starts)
    return found
