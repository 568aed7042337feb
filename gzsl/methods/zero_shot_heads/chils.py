"""CHiLS: classify among sub-classes, weigh them by their class, and answer with the class of the best."""

from __future__ import annotations

import numpy as np

from gzsl.methods import register
from gzsl.methods.zero_shot_heads.base import JointHead
from gzsl.methods.zero_shot_heads.prompt_views import PromptViews, best_of_class, row_blocks, sum_of_class, unit
from gzsl.params import param
from gzsl.semantics import Semantics


@register(
    "chils",
    family="zero_shot_heads",
    settings=("inductive", "transfer"),
    fidelity="replicated from code",
    cite="Novack, McAuley, Lipton & Garg, CHiLS: Zero-Shot Image Classification with Hierarchical Label Sets, ICML 2023, "
    "arXiv:2302.02551",
    year=2023,
    needs=("joint", "members"),
    test_params=[{}, {"rule": "sum"}, {"rule": "siblings"}, {"rule": "best"}],
)
class CHiLS(JointHead):
    """A row belongs to the class of its best sub-class, where sub-classes of an unlikely class count less.

    Members are sub-classes m of their class c(m). With ``P_sub = softmax_m(s x · e_m)`` over the sub-classes of all
    classes and ``P = softmax_c(s x · t_c)``, ``class`` gives c the largest ``P_sub[m] P[c]`` of its own, ``siblings`` the
    largest ``P_sub[m] Σ_{m' in c} P_sub[m']``, ``sum`` ``P[c] Σ_{m in c} P_sub[m]``, ``best`` the largest
    ``P_sub[m]``. Scores are logarithms.

    **Differences.** t_c is the mean of the members at unit length where the paper embeds the class name.

    **Notes.** Reads members that are names of sub-classes; the other way round, superclasses over classes, is
    `superclass`. The best of all sub-classes needs each of them: as many products as a class has members. ``sum`` favours
    classes with many sub-classes.
    """

    rule: str = param(
        default="class", choices=("class", "siblings", "sum", "best"), doc="what a sub-class is multiplied with"
    )
    scale: float = param(default=100.0, low=1e-3, high=1e4, log=True, tune=(10.0, 200.0), doc="CLIP's logit scale")

    def class_side(self, semantics: Semantics) -> PromptViews:
        """All members."""
        return self.views(semantics)

    def joint_scores(self, Z: np.ndarray, side: PromptViews) -> np.ndarray:
        """Logarithm of what the rule gives, less what all classes share: (n, a) -> (n, C)."""
        found = np.empty((len(Z), len(side)), dtype=np.float32)
        for where in row_blocks(len(Z), 8 * len(side.vectors)):
            found[where] = hierarchical_scores(Z[where], side, self.scale, self.rule)
        return found


def hierarchical_scores(Z: np.ndarray, views: PromptViews, scale: float, rule: str) -> np.ndarray:
    """Scores (n, C) of a block of rows; terms that are the same for all classes of a row are left out."""
    sub = scale * (Z @ views.vectors.T)  # (n, M)
    best = best_of_class(sub, views.starts)
    if rule == "best":
        return best
    parents = scale * (Z @ unit(views.means).T)
    if rule == "class":
        return best + parents
    sums = best + np.log(sum_of_class(np.exp(sub - best[:, views.owners]), views.starts))
    return best + sums if rule == "siblings" else parents + sums
