"""CHiLS: classify among sub-classes, weigh them by what is above them, and answer with the class of the best."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gzsl.data import TrainView
from gzsl.methods import register
from gzsl.methods.zero_shot_heads.base import JointHead
from gzsl.methods.zero_shot_heads.prompt_views import PromptViews, best_of_class, row_blocks, sum_of_class, unit
from gzsl.params import param
from gzsl.semantics import Semantics
from gzsl.semantics.graph import ClassGraph


@dataclass(frozen=True, eq=False)
class HierarchySide:
    """Members of a table's classes, and what is above each class (C, a); None without superclasses."""

    views: PromptViews
    above: np.ndarray | None


@register(
    "chils",
    family="zero_shot_heads",
    settings=("inductive", "transfer"),
    fidelity="replicated from code",
    cite="Novack, McAuley, Lipton & Garg, CHiLS: Zero-Shot Image Classification with Hierarchical Label Sets, ICML "
    "2023, arXiv:2302.02551",
    year=2023,
    needs=("joint",),
    test_params=[{}, {"superclasses": "clusters", "rule": "sum", "scale": 20.0}],
)
class CHiLS(JointHead):
    """A row belongs to the class of its best sub-class, where sub-classes of an unlikely class count less.

    Members are sub-classes m of their class. With ``P_sub = softmax_m(s x · e_m)`` over the sub-classes of all classes
    and ``P = softmax_c(s x · t_c)``, ``class`` gives c the largest ``P_sub[m] P[c]`` of its own, ``siblings`` the
    largest ``P_sub[m] Σ_{m' in c} P_sub[m']``, ``sum`` ``P[c] Σ_{m in c} P_sub[m]``, ``best`` the largest
    ``P_sub[m]``. Scores are logarithms. ``superclasses`` multiplies by a softmax over superclasses u besides.

    **Differences.** t_c is the mean of the members at unit length where the paper embeds the class name. Superclasses
    above the classes that are asked for are ours, the method's rule one level up: ``graph`` takes the parent in the
    class graph (a hierarchy of the recipe: a CSV with class and superclass, WordNet, ...), with the node's vector where
    nodes have one of the same space, else the mean of its classes; ``clusters`` cuts a tree of the class vectors.

    **Notes.** Reads members that are names of sub-classes, and a hierarchy where ``superclasses`` asks for one. The
    best of all sub-classes needs each of them: as many products as a class has members. ``sum`` favours classes with
    many sub-classes.
    """

    rule: str = param(
        default="class", choices=("class", "siblings", "sum", "best"), doc="what a sub-class is multiplied with"
    )
    scale: float = param(default=100.0, low=1e-3, high=1e4, log=True, tune=(10.0, 200.0), doc="CLIP's logit scale")
    superclasses: str = param(
        default="none", choices=("none", "graph", "clusters"), doc="where classes above the classes come from (ours)"
    )

    def learn(self, view: TrainView) -> None:
        """What is above each class of ``classes_``: ``above_`` (C, a)."""
        if self.superclasses == "none":
            return
        centres = unit(self.views(view.semantics).means)
        if self.superclasses == "graph":
            self.above_ = parent_vectors(view.graph, centres)
            return
        from scipy.cluster.hierarchy import fcluster, linkage

        tree = linkage(centres.astype(np.float64), "average")
        cluster = fcluster(tree, max(1, round(np.sqrt(len(centres)))), "maxclust")
        self.above_ = unit((cluster[:, None] == cluster) @ centres)

    def class_side(self, semantics: Semantics) -> HierarchySide:
        """All members, and what is above classes by their names; a class that fit did not know is its own."""
        views = self.views(semantics)
        if self.superclasses == "none":
            return HierarchySide(views, None)
        place, above = {name: c for c, name in enumerate(self.classes_)}, unit(views.means).copy()
        for c, name in enumerate(semantics.class_names):
            if name in place:
                above[c] = self.above_[place[name]]
        return HierarchySide(views, above)

    def joint_scores(self, Z: np.ndarray, side: HierarchySide) -> np.ndarray:
        """Logarithm of what the rule gives, less what all classes share: (n, a) -> (n, C)."""
        found = np.empty((len(Z), len(side.views)), dtype=np.float32)
        for where in row_blocks(len(Z), 8 * len(side.views.vectors)):
            found[where] = hierarchical_scores(Z[where], side.views, self.scale, self.rule)
        return found if side.above is None else found + self.scale * (Z @ side.above.T)


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


def parent_vectors(graph: ClassGraph, centres: np.ndarray) -> np.ndarray:
    """Unit vectors (C, a) of what is above each class: a node's own or the mean of its classes; of a root its class."""
    parents, above = graph.hierarchy.parents, centres.copy()
    first = [parents.indices[parents.indptr[i]] if parents.indptr[i + 1] > parents.indptr[i] else -1
             for i in graph.class_nodes]  # fmt: skip
    owned = graph.vectors is not None and graph.vectors.shape[1] == centres.shape[1]
    for node in set(first) - {-1}:
        below = np.array([parent == node for parent in first])
        vector = graph.vectors[node] if owned and graph.vectors is not None else None
        known = vector is not None and bool(np.any(vector))
        above[below] = unit(vector if known and vector is not None else centres[below].sum(axis=0))
    return above
