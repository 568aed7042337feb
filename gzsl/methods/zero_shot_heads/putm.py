"""PUTM: prototypes move by conditional transport in both directions."""

from __future__ import annotations

import numpy as np

from gzsl.kernel_ridge import squared_distances
from gzsl.methods import register
from gzsl.methods.zero_shot_heads.moving import MovingHead
from gzsl.methods.zero_shot_heads.transport import conditional_weights
from gzsl.params import param


@register(
    "putm",
    family="zero_shot_heads",
    settings=("transductive",),
    fidelity="partly from memory: unverified",
    cite="Tian et al., Prototypes-oriented Transductive Few-shot Learning with Conditional Transport, ICCV 2023, "
    "arXiv:2308.03047",
    year=2023,
    needs=("joint", "unlabelled"),
    test_params=[{"n_rounds": 5}, {"n_rounds": 3, "forward": 0.8, "moving": "unseen"}],
)
class PUTM(MovingHead):
    """Rows without labels pull prototypes, and prototypes reach for rows, without given class sizes.

    With squared distances M of centred unit rows and prototypes, ``π(c | x) = softmax_c(-M / T)`` and ``π(x | c) =
    softmax_x(-M / T)``; a row counts ``w_xc = ρ π(c | x) + (1 - ρ) (n / C) π(x | c)`` for class c, and a prototype
    moves the share α of the way to the weighted mean of rows. T is ``temperature`` times the mean distance.

    **Differences.** The paper's cost comes from a small network that is trained anew for every task; here it is the
    distance (a reading of the method without its navigator, ours), and prototypes start at class vectors. ρ = 1 is
    soft k-means, ρ = 0 covers every class with
    its share of rows (the class prior's, equal ones by default).

    **Notes.** Reads unlabelled rows. One product and two softmaxes of the (n, C) costs a round.
    """

    forward: float = param(default=0.2, low=0.0, high=1.0, symbol="ρ", doc="weight of the plan from rows to classes")
    temperature: float = param(default=0.1, low=1e-4, high=1e3, log=True, tune=(0.01, 1.0), doc="in mean distances")

    def assigned(self, X: np.ndarray, prototypes: np.ndarray, shares: np.ndarray | None) -> np.ndarray:
        """Weights of rows for classes."""
        cost = squared_distances(X, prototypes)
        return conditional_weights(cost, self.temperature * max(float(cost.mean()), 1e-12), self.forward, shares)
