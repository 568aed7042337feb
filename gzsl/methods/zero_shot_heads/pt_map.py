"""PT-MAP: prototypes move to the means of the rows that optimal transport gives them."""

from __future__ import annotations

import numpy as np

from gzsl.kernel_ridge import squared_distances
from gzsl.methods import register
from gzsl.methods.zero_shot_heads.moving import MovingHead
from gzsl.methods.zero_shot_heads.transport import sinkhorn
from gzsl.params import param


@register(
    "pt-map",
    family="zero_shot_heads",
    settings=("transductive",),
    fidelity="replicated from code",
    cite="Hu, Gripon & Pateux, Leveraging the Feature Distribution in Transfer-based Few-Shot Learning, ICANN 2021, "
    "arXiv:2006.03806",
    year=2021,
    needs=("joint", "unlabelled"),
    test_params=[{"n_rounds": 5}, {"n_rounds": 3, "power": 0.5, "sizes": "estimated"}],
)
class PTMAP(MovingHead):
    """Rows without labels are shared out among classes of given sizes, and prototypes follow them.

    Rows and prototypes are centred by their own means, at unit length. In each round the plan P of rows to prototypes
    μ has the least ``Σ P |x - μ|^2`` less entropy over λ, with a sum of 1 a row and of the class's size a column;
    then ``μ ← μ + α (Σ_n P_nc x_n / Σ_n P_nc - μ)``.

    **Differences.** Prototypes start at class vectors instead of means of labelled rows (ours; there are none). The
    power transform is off unless ``power`` is given: it is for features that are not negative; of a negative entry
    the size is transformed. Seen prototypes may stay (``moving: unseen``). Sizes are the class prior's: equal ones,
    the paper's, by default, right for its balanced tasks and wrong for most test sets; ``sizes: estimated`` takes
    those of a softmax with the prototypes. Rows that were not there get the plan's column scales, so that a row's
    answer does not depend on others'.

    **Notes.** Reads unlabelled rows. A round is one product and some passes over the (n, C) plan, the only large array.
    """

    sharpness: float = param(default=10.0, low=1e-3, high=1e4, log=True, symbol="λ", tune=(1.0, 50), doc="of the plan")
    sizes: str = param(
        default="prior", choices=("prior", "estimated"), doc="shares of classes: the class prior's, or by a softmax"
    )
    tolerance: float = param(default=1e-4, low=1e-9, high=1.0, log=True, doc="of the plan's row sums (released: 1e-6)")

    def assigned(self, X: np.ndarray, prototypes: np.ndarray, shares: np.ndarray | None) -> np.ndarray:
        """The plan; the scales of its columns are for rows to come."""
        cost = squared_distances(X, prototypes)
        if shares is None or self.sizes == "estimated":
            soft = np.exp(-self.sharpness * (cost - cost.min(axis=1, keepdims=True)))
            shares = (soft / soft.sum(axis=1, keepdims=True)).mean(axis=0)
        sizes = len(X) * np.maximum(shares, 1e-9)
        plan, scales = sinkhorn(cost, sizes, self.sharpness, tolerance=self.tolerance, start=self._warm)
        self._warm = scales  # type: ignore[misc]
        self._offsets = (np.log(scales) / self.sharpness).astype(np.float32)  # type: ignore[misc]
        return plan
