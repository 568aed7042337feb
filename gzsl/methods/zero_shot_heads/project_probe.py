"""Project and Probe: a few orthogonal directions that tell seen classes apart, and a small classifier on them."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from scipy.linalg import eigh

from gzsl.data import FeatureRows, TrainView
from gzsl.linalg import class_moments
from gzsl.methods import register
from gzsl.methods.zero_shot_heads.base import JointHead
from gzsl.methods.zero_shot_heads.cache_head import a_few
from gzsl.methods.zero_shot_heads.offsets import fit_offsets
from gzsl.methods.zero_shot_heads.prompt_views import unit
from gzsl.params import param
from gzsl.semantics import Semantics


@register(
    "project-probe",
    family="zero_shot_heads",
    settings=("inductive",),
    fidelity="partly from memory: unverified",
    cite="Chen, Lee, Setlur, Levine & Finn, Project and Probe: Sample-Efficient Adaptation by Interpolating Orthogonal "
    "Features, ICLR 2024, arXiv:2302.05441",
    year=2024,
    needs=("joint",),
    test_params=[{"n_directions": 40}, {"n_directions": 60, "n_probe": 3, "l2": 1.0}],
)
class ProjectProbe(JointHead):
    """Rows and class vectors are projected on directions that tell seen classes apart, then a probe is learnt there.

    Directions Π (a, k), ``Π^T Π = I``: blocks of the discriminant directions of the seen rows (of ``S_b`` against
    ``S_w + r I``), each found in what the blocks before leave over. The probe is a softmax on projected unit rows
    over the classes that have labels, drawn by λ to the projected class vectors; a class scores ``cos(Π^T x, Π^T t_c
    + d_c)``.

    **Differences.** The paper learns directions for two source classes by gradient steps and a QR decomposition after
    each; for squared loss its sequential view has the closed form used here, with many classes in blocks (ours). Its
    probe starts at zero and knows no class vectors. With rows whitened within classes, later directions say nothing:
    the method lives on what a covariance leaves.

    **Notes.** Reads seen rows, and a few labels of unseen classes where the protocol has them. One generalised
    eigendecomposition a block.
    """

    n_directions: int = param(default=64, low=1, high=100_000, symbol="d", tune=(4, 512), doc="directions at most")
    shrinkage: float = param(
        default=1e-1, low=1e-9, high=1e6, log=True, symbol="r", tune=(1e-3, 1e2), doc="in mean variances within classes"
    )
    n_probe: int | None = param(default=16, low=1, high=1_000_000, doc="labelled rows a class of the probe; null: all")
    l2: float = param(
        default=1e-1, low=1e-9, high=1e9, log=True, symbol="λ", tune=(1e-4, 1e2), doc="draw to the class vectors"
    )
    scale: float = param(default=20.0, low=1e-3, high=1e4, log=True, doc="of outputs in the probe's loss")

    takes_shots: ClassVar[bool] = True

    def learn(self, view: TrainView) -> None:
        """Directions ``directions_`` (a, k), offsets ``offsets_`` (s, k) of the classes ``known_``."""
        rows = self.rows_of(view.features)
        self.directions_ = discriminant_blocks(rows, view.seen_labels, self.n_directions, self.shrinkage)
        X, labels = self.labelled(view)
        chosen = a_few(labels, self.n_probe, np.random.default_rng(self._context.seed))
        self.known_ = np.unique(labels)
        T = unit(unit(self.views(view.semantics).means)[self.known_] @ self.directions_)
        place = np.searchsorted(self.known_, labels[chosen])
        self.offsets_ = fit_offsets(unit(X[chosen] @ self.directions_), place, T, self.scale, self.l2, 100)

    def class_side(self, semantics: Semantics) -> np.ndarray:
        """Projected class vectors with their offsets (C, k), at unit length."""
        T = unit(unit(self.views(semantics).means) @ self.directions_)
        row = {self.classes_[c]: i for i, c in enumerate(self.known_)}
        for c, name in enumerate(semantics.class_names):
            if name in row:
                T[c] += self.offsets_[row[name]]
        return unit(T)

    def joint_scores(self, Z: np.ndarray, side: np.ndarray) -> np.ndarray:
        """Cosines after the projection: (n, a) -> (n, C)."""
        return unit(Z @ self.directions_) @ side.T


def discriminant_blocks(X: np.ndarray, labels: np.ndarray, count: int, shrinkage: float) -> np.ndarray:
    """Orthonormal directions (a, k), k <= count, block after block of at most as many as there are classes less one."""
    n_classes, a = int(labels.max()) + 1, X.shape[1]
    means, variances = class_moments(FeatureRows(X), labels, n_classes)
    residual = X - means[labels].astype(np.float32)
    within = residual.T.astype(np.float64) @ residual / len(X)
    within += shrinkage * max(float(variances.mean()), 1e-12) * np.eye(a)
    spread = means - means.mean(axis=0)
    basis, left = np.zeros((a, 0)), np.eye(a)  # orthonormal complement of what was found
    while basis.shape[1] < min(count, a):
        size = min(max(1, n_classes - 1), count - basis.shape[1], left.shape[1])
        between = (spread @ left).T @ (spread @ left) / n_classes
        m = left.shape[1]
        _, vectors = eigh(between, left.T @ within @ left, subset_by_index=[m - size, m - 1])
        found = np.linalg.qr(left @ vectors[:, ::-1])[0]
        basis = np.linalg.qr(np.hstack([basis, found]))[0]
        left = np.linalg.svd(basis, full_matrices=True)[0][:, basis.shape[1] :]
    signs = np.where(basis.sum(axis=0) < 0, -1, 1)
    return (basis * signs).astype(np.float32)
