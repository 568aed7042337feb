"""SMO: the weights of a new class are the mixture of seen classes that gives its vector."""

from __future__ import annotations

import numpy as np

from gzsl.data import TrainView
from gzsl.methods import register
from gzsl.methods.embedding.simplex import simplex_codes
from gzsl.methods.graph.injection import InjectedClassifier
from gzsl.params import param
from gzsl.semantics import Semantics


@register(
    "smo",
    family="graph",
    settings=("inductive",),
    fidelity="replicated from code",
    cite="Xu, Xian, Wang, Schiele & Akata, VGSE: Visually-Grounded Semantic Embeddings for Zero-Shot Learning, "
    "CVPR 2022, arXiv:2203.10444; as a baseline of ICIS",
    year=2022,
    test_params=[{"norm": "seen"}],
    needs=("classifier",),
)
class SMO(InjectedClassifier):
    """``ŵ_c = Σ_s r_s w_s`` with the r (s,) on the simplex that minimises ``|a_c - Σ_s r_s a_s|²``.

    The baseline SMO (similarity matrix optimisation, α = 0) of image-free injection; see
    `gzsl.methods.graph.injection`.

    **Differences.** The released baseline finds r by gradient descent on the outputs of a softmax, one class at a time,
    from a random start; this is the same convex problem, solved for all classes at once (`simplex_codes`), so that
    shares may be exactly 0. ``ridge`` (ours) adds ``ridge |r|²``. Its other form (α = -1, shares of any sign) is
    `weight-ridge` without the sum. Lengths as in `weight-average`.
    """

    ridge: float = param(default=0.0, low=0.0, high=1e6, tune=(1e-3, 1e2), doc="spreads the shares (ours)")

    def _fit(self, view: TrainView) -> None:
        self._take_classifier(view)
        self.anchors_ = np.array(view.seen_semantics.table)

    def predicted(self, semantics: Semantics) -> np.ndarray:
        """Mixtures (C, d + 1) of the seen classes' rows."""
        return simplex_codes(semantics.table, self.anchors_, 2 * self.ridge) @ self.seen_weights_
