"""WaffleCLIP's control in vectors: every class described by the same random words."""

from __future__ import annotations

import zlib

import numpy as np

from gzsl.data import TrainView
from gzsl.methods import register
from gzsl.methods.zero_shot_heads.base import JointHead
from gzsl.methods.zero_shot_heads.prompt_views import unit
from gzsl.params import param
from gzsl.semantics import Semantics


@register(
    "waffle",
    family="zero_shot_heads",
    settings=("inductive", "transfer"),
    fidelity="partly from memory: unverified",
    cite="Roth, Kim, Koepke, Vinyals, Schmid & Akata, Waffling around for Performance: Visual Classification with "
    "Random Words and Broad Concepts, ICCV 2023, arXiv:2306.07282",
    year=2023,
    needs=("joint", "members"),
    test_params=[{}, {"content": "swapped"}],
)
class Waffle(JointHead):
    """Descriptions that say nothing of the class, at the same number: what a head of descriptions has to beat.

    ``shared``: J differences between a member and the mean of its class are drawn once, and each class scores the mean
    over them of ``x · (t_c + δ_j)`` at unit length. ``swapped``: each class has a quarter of them, another one by its
    name.

    **Differences.** The paper appends random words and characters to the name and embeds the sentence, 15 pairs
    shared by all classes, over 7 repetitions. An embedding of random strings needs the text encoder: where the user
    has it, members made of such strings with `prompt-ensemble` are the paper's method. Here differences of other
    classes' real members take their place; isotropic noise would give t_c back, up to scale.

    **Notes.** Reads prompts alone; one product of rows and one vector a class.
    """

    content: str = param(default="shared", choices=("shared", "swapped"), doc="which differences a class gets")
    n_random: int = param(default=30, low=1, high=100_000, symbol="J", doc="differences that all classes share")
    strength: float = param(default=1.0, low=0.0, high=100.0, doc="what differences are multiplied with")

    def learn(self, view: TrainView) -> None:
        """Draw differences ``offsets_`` (J, a)."""
        views, rng = self.views(view.semantics), np.random.default_rng(self._context.seed)
        offsets = views.vectors - unit(views.means)[views.owners]
        chosen = rng.choice(len(offsets), self.n_random, replace=self.n_random > len(offsets))
        self.offsets_ = offsets[np.sort(chosen)]

    def class_side(self, semantics: Semantics) -> np.ndarray:
        """Means (C, a) of the altered vectors."""
        centres, n = unit(self.views(semantics).means), len(self.offsets_)
        shift = np.zeros(len(centres), dtype=np.int64)
        if self.content == "swapped":  # by name, so that a class has the same in every table
            shift[:] = [zlib.crc32(name.encode()) % n for name in semantics.class_names]
        n_used = n if self.content == "shared" else max(1, n // 4)
        total = np.zeros_like(centres)
        for k in range(n_used):
            total += unit(centres + self.strength * self.offsets_[(k + shift) % n])
        return total / n_used
