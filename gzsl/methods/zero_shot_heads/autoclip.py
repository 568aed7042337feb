"""AutoCLIP: weights of prompt templates for every row, by one step of ascent from equal ones."""

from __future__ import annotations

import numpy as np

from gzsl.linear import softmax
from gzsl.methods import register
from gzsl.methods.zero_shot_heads.base import JointHead
from gzsl.methods.zero_shot_heads.prompt_views import row_blocks
from gzsl.params import param
from gzsl.semantics import Semantics

HALVINGS = 40
FLAT = 1e-9  # spread of views below which they stay equally weighted


@register(
    "autoclip",
    family="zero_shot_heads",
    settings=("inductive", "transfer"),
    fidelity="replicated from code",
    cite="Metzen, Saranrittichai & Mummadi, AutoCLIP: Auto-tuning Zero-Shot Classifiers for Vision-Language Models, "
    "TMLR 2024, arXiv:2309.16414",
    year=2024,
    needs=("joint", "members"),
    test_params=[{}, {"beta": 0.5, "standardised": True, "centred": True}],
)
class AutoCLIP(JointHead):
    """Prompts whose classes answer a row more strongly weigh more for that row.

    With ``s_kc = x · e_kc``, template k and class c, and weights ``w = softmax(ρ)``, one step from ``ρ = 0`` up the
    gradient of ``log Σ_c exp Σ_k w_k s_kc`` is taken, as long as leaves the share β of the entropy of equal weights. In
    closed form, ``p = softmax_c(mean_k s_kc)`` and ``q_k = Σ_c p_c s_kc`` give weights ``softmax_k(T q_k)``, T by
    bisection for all rows at once; a class scores ``Σ_k w_k s_kc``.

    **Differences.** T is found to 40 halvings instead of two digits. ``standardised`` (ours) turns the scores of each
    view into z-scores over classes before weights are found, for views on different scales. A class with fewer
    members than others has its mean in the empty places.

    **Notes.** Reads prompts alone. Every row has weights of its own, so every member meets every row: K products of
    rows and mean vectors, in blocks.
    """

    beta: float = param(default=0.85, low=1e-3, high=1.0, symbol="β", tune=(0.5, 1.0), doc="share of entropy kept")
    standardised: bool = param(default=False, doc="weights from z-scores over classes instead of scores (ours)")

    def class_side(self, semantics: Semantics) -> np.ndarray:
        """One vector a slot and class, (K, C, a)."""
        return self.views(semantics).slots

    def joint_scores(self, Z: np.ndarray, side: np.ndarray) -> np.ndarray:
        """Weighted mean over views of the cosines: (n, a) -> (n, C)."""
        n_views, n_classes, a = side.shape
        flat = side.reshape(n_views * n_classes, a).T
        found = np.empty((len(Z), n_classes), dtype=np.float32)
        for where in row_blocks(len(Z), 8 * n_views * n_classes):
            S = (Z[where] @ flat).reshape(-1, n_views, n_classes)
            w = view_weights(view_evidence(_standardised(S) if self.standardised else S), self.beta)
            found[where] = np.matmul(w[:, None], S)[:, 0]
        return found


def view_evidence(S: np.ndarray) -> np.ndarray:
    """Evidence q (n, K) of scores (n, K, C): the gradient by ρ at equal weights is ``(q - mean_k q) / K``."""
    p = softmax(S.mean(axis=1))
    return np.matmul(S, p[:, :, None])[:, :, 0]


def view_weights(q: np.ndarray, beta: float) -> np.ndarray:
    """``softmax(T q)`` (n, K) with the entropy ``beta log K``, T >= 0 a row by bisection; equal where q is flat."""
    centred = (q - q.mean(axis=1, keepdims=True)).astype(np.float64)
    spread = centred.std(axis=1, keepdims=True)
    flat = (spread[:, 0] < FLAT) | (beta >= 1)
    direction = centred / np.where(spread < FLAT, 1, spread)  # T is sought in units of the spread
    target = beta * np.log(q.shape[1])
    low, high = np.zeros(len(q)), np.full(len(q), 1e4)
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        above = _entropy(softmax(middle[:, None] * direction)) > target
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    weights = softmax(low[:, None] * direction)
    weights[flat] = 1 / q.shape[1]
    return weights.astype(np.float32)


def _entropy(w: np.ndarray) -> np.ndarray:
    return -(w * np.log(w + 1e-300)).sum(axis=1)


def _standardised(S: np.ndarray) -> np.ndarray:
    spread = S.std(axis=2, keepdims=True)
    return (S - S.mean(axis=2, keepdims=True)) / np.maximum(spread, 1e-6)
