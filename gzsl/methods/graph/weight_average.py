"""WAvg: the weights of a new class are the average of those of seen classes, by how near their vectors are."""

from __future__ import annotations

import numpy as np

from gzsl.data import TrainView
from gzsl.kernel_ridge import squared_distances
from gzsl.linear import softmax
from gzsl.methods import register
from gzsl.methods.graph.injection import InjectedClassifier
from gzsl.params import param
from gzsl.semantics import Semantics


@register(
    "weight-average",
    family="graph",
    settings=("inductive",),
    fidelity="replicated from code",
    cite="Xu, Xian, Wang, Schiele & Akata, VGSE: Visually-Grounded Semantic Embeddings for Zero-Shot Learning, "
    "CVPR 2022, arXiv:2203.10444; as a baseline of ICIS",
    year=2022,
    test_params=[{"norm": "seen"}],
    needs=("classifier",),
)
class WeightAverage(InjectedClassifier):
    """``ŵ_c = Σ_s exp(-η |a_c - a_s|) w_s``, scaled so that all shares add up to one.

    The baseline WAvg of image-free injection: no training; see `gzsl.methods.graph.injection`.

    **Differences.** The released baseline sums without dividing by the total and then divides all predicted rows by ten
    times their mean length; ``norm: seen`` gives each the mean length of the seen classes instead, ``free`` leaves
    averages as they are. It names a number of neighbours and does not use it; nor do we.
    """

    sharpness: float = param(
        default=5.0, low=0.0, high=1e4, symbol="η", tune=(0.5, 50.0), doc="how fast shares fall with the distance"
    )

    def _fit(self, view: TrainView) -> None:
        self._take_classifier(view)
        self.anchors_ = np.array(view.seen_semantics.table)

    def predicted(self, semantics: Semantics) -> np.ndarray:
        """Averages (C, d + 1) of the seen classes' rows."""
        distances = np.sqrt(squared_distances(semantics.table.astype(np.float64), self.anchors_.astype(np.float64)))
        averages: np.ndarray = softmax(-self.sharpness * distances) @ self.seen_weights_
        return averages
