"""Learning to name classes: the vectors of classes with labelled rows move, and those of others follow."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from gzsl.data import TrainView
from gzsl.methods import register
from gzsl.methods.zero_shot_heads.base import JointHead
from gzsl.methods.zero_shot_heads.offsets import fit_offsets, ridge_map
from gzsl.methods.zero_shot_heads.prompt_views import unit
from gzsl.params import param
from gzsl.semantics import Semantics


@register(
    "learned-names",
    family="zero_shot_heads",
    settings=("inductive", "transfer"),
    fidelity="partly from memory: unverified",
    cite="Parisot, Yang & McDonagh, Learning to Name Classes for Vision and Language Models, CVPR 2023, "
    "arXiv:2304.01830",
    year=2023,
    needs=("joint",),
    test_params=[{"n_iterations": 50}, {"transfer": "none", "l2": 1e-3, "n_iterations": 50}],
)
class LearnedNames(JointHead):
    """Class vectors are corrected by what labelled rows say, drawn to where their names put them.

    For classes with labelled rows, offsets D minimise ``CE(s X (T + D)^T) + λ s^2 |D|^2 / 2``; a class scores
    ``x · (t_c + d_c)`` at unit length. Classes without rows keep their vectors, or get the offset that a ridge
    regression of the offsets on the vectors predicts (``transfer: ridge``).

    **Differences.** The paper learns the word vectors of names inside the text encoder, with both encoders frozen;
    here, where vectors are all there is, the class vectors themselves move (the encoder taken as linear, ours).
    ``transfer`` is ours: in the paper untouched classes keep their names.

    **Notes.** Reads seen rows, and a few labels of unseen classes where the protocol has them; without any row it is
    the plain ensemble. L-BFGS, two products an iteration.
    """

    l2: float = param(default=1e-2, low=1e-9, high=1e6, log=True, symbol="λ", tune=(1e-5, 1.0), doc="draw to the names")
    scale: float = param(default=20.0, low=1e-3, high=1e4, log=True, symbol="s", doc="of cosines in the loss")
    transfer: str = param(default="ridge", choices=("ridge", "none"), doc="how classes without rows are corrected")
    ridge: float = param(default=1.0, low=1e-9, high=1e9, log=True, tune=(1e-2, 1e2), doc="of the transfer")
    n_iterations: int = param(default=100, low=1, high=100_000, doc="L-BFGS iterations at most")

    takes_shots: ClassVar[bool] = True

    def learn(self, view: TrainView) -> None:
        """Offsets ``offsets_`` (k, a) of the classes ``known_`` and the map ``transfer_`` (a, a) to others."""
        X, labels = self.labelled(view)
        self.known_ = np.unique(labels)
        T = unit(self.views(view.semantics).means)[self.known_]
        self.transfer_ = np.zeros((X.shape[1], X.shape[1]), dtype=np.float32)
        self.offsets_ = np.zeros((0, X.shape[1]), dtype=np.float32)
        if len(X):
            place = np.searchsorted(self.known_, labels)
            self.offsets_ = fit_offsets(X, place, T, self.scale, self.l2, self.n_iterations)
            if self.transfer == "ridge":
                self.transfer_ = ridge_map(T, self.offsets_, self.ridge)

    def class_side(self, semantics: Semantics) -> np.ndarray:
        """Corrected vectors (C, a) at unit length."""
        T = unit(self.views(semantics).means)
        D = T @ self.transfer_
        row = {self.classes_[c]: i for i, c in enumerate(self.known_)}
        for c, name in enumerate(semantics.class_names):
            if name in row:
                D[c] = self.offsets_[row[name]]
        return unit(T + D)
