"""DAZLE: every attribute looks for itself in the regions, and the attributes that matter are attended to."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, normalize
from torch.optim import Optimizer

from gzsl.methods.attention.regional import RegionMethod, self_calibration, side_margin
from gzsl.methods.iterative import Sizes
from gzsl.methods.registry import register
from gzsl.nn.attribute_attention import Attended, AttributeAttention
from gzsl.nn.batches import Batch
from gzsl.nn.rmsprop import rmsprop
from gzsl.params import param


@register(
    "dazle",
    family="attention",
    settings=("inductive",),
    fidelity="replicated from code",
    cite="Huynh & Elhamifar, Fine-Grained GZSL via Dense Attribute-Based Attention, CVPR 2020",
    year=2020,
    needs=("regions",),
    test_params=[
        {"n_epochs": 10, "batch_size": 32, "lr": 3e-3},
        {"n_epochs": 10, "batch_size": 32, "lr": 3e-3, "momentum": 0.0, "gate": False, "margin": 0.0},
    ],
)
class DAZLE(RegionMethod):
    """Score classes by attributes, each of which looks for itself in the regions of a picture.

    For an attribute with the vector v_i (v,) and regions f_r (d,) of unit length: ``s_ir = v_i W1 f_r``, attention
    ``α_ir = softmax_r v_i W2 f_r``, score ``e_i = Σ_r α_ir s_ir``, and a share ``β_i = sigmoid(v_i W3 Σ_r α_ir f_r)``
    of what counts. A class with vector a scores ``Σ_i a_i β_i e_i``. The cross-entropy over all classes, seen and
    unseen, is joined by ``-λ log`` of the mean probability that a batch gives to the unseen classes once a margin of
    +1 is added to them and -1 to the seen ones. The margin is part of the scores.

    **Differences.** The maps V W are made once a step and applied to all regions in one product, which is exact and
    never holds the attended features (n, a, d). Class vectors should be of unit length (``normalise: l2``), which
    the released code does inside. The released code starts v_i at word vectors of the attributes' names (GloVe);
    here they are those of a sentence encoder (``attribute_vectors: names``), or each attribute is a direction of its
    own. It reports the iteration with the best H on test; here epochs are chosen on validation classes. Like there,
    unseen classes' vectors, and that they are unseen, are used in training.

    Notes
    -----
    ``momentum`` is 0 for AWA2, 0.9 for CUB and SUN in the released notebooks; SUN has ``gate: false``. The regions
    have no order: no position is used.
    """

    n_epochs: int = param(default=20, low=1, high=100_000, doc="passes over the training rows")
    batch_size: int = param(default=50, low=1, high=1_000_000, doc="pictures a step")
    lr: float = param(default=1e-4, low=1e-8, high=10.0, log=True, tune=(1e-5, 1e-2), doc="learning rate of RMSprop")
    weight_decay: float = param(default=1e-4, low=0.0, high=1e3, doc="weight of half the squared weights")
    momentum: float = param(default=0.9, low=0.0, high=0.999, doc="of RMSprop")
    calibration_weight: float = param(default=0.1, low=0.0, high=100.0, symbol="λ", doc="weight of self-calibration")
    margin: float = param(default=1.0, low=0.0, high=100.0, doc="added to unseen, taken from seen classes' scores")
    gate: bool = param(default=True, doc="attend to attributes (β); otherwise all count alike")
    unit_regions: bool = param(default=True, doc="bring every region to unit length")

    def build(self, sizes: Sizes, rng: torch.Generator) -> None:
        """Make the attention."""
        start = self.attribute_start()
        self.attention_ = AttributeAttention(start, sizes.n_attributes, sizes.n_features, rng, gated=self.gate)

    def optimisers(self) -> dict[str, Optimizer]:
        """RMSprop."""
        self._optimiser = rmsprop(
            self.trainable(), self.lr, momentum=self.momentum, weight_decay=self.weight_decay
        )
        return {"rmsprop": self._optimiser}

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Cross-entropy over all classes, and self-calibration."""
        table, n_seen = self.all_vectors(), len(self.seen_classes_)
        logits = self._evidence(self._attended(batch.x)) @ table.T
        found = {"classification": cross_entropy(logits, batch.y)}
        if self.calibration_weight and len(table) > n_seen:
            shift = side_margin(torch.arange(len(table), device=logits.device) < n_seen, self.margin)
            found["calibration"] = self.calibration_weight * self_calibration(logits + shift, n_seen)
        return found

    def outputs(self, x: Tensor, table: Tensor, is_seen: Tensor) -> Tensor:
        """Attribute scores times class vectors, and the margin."""
        return self._evidence(self._attended(x)) @ table.T + side_margin(is_seen, self.margin)

    def attribute_evidence(self, X: np.ndarray) -> np.ndarray:
        """What counts of every attribute, (n, a)."""
        with torch.inference_mode():
            return self._evidence(self._attended(torch.from_numpy(X).to(self.device))).cpu().numpy()

    def attention(self, X: np.ndarray) -> np.ndarray:
        """Where every attribute looks, (n, a, R)."""
        with torch.inference_mode():
            found = self._attended(torch.from_numpy(np.asarray(X, dtype=np.float32)).to(self.device))
            return found.weights.transpose(1, 2).cpu().numpy()

    def _attended(self, x: Tensor) -> Attended:
        found: Attended = self.attention_(normalize(x, dim=-1) if self.unit_regions else x)
        return found

    def _evidence(self, found: Attended) -> Tensor:
        return found.score * found.gate.sigmoid() if self.gate else found.score
