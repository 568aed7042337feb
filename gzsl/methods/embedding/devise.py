"""DeViSE: a bilinear compatibility trained by an unweighted pairwise hinge."""

from __future__ import annotations

from torch import Tensor

from gzsl.methods.embedding.bilinear import BilinearRanking, pull_from_weights, violations
from gzsl.methods.registry import register
from gzsl.params import param


@register(
    "devise",
    family="embedding",
    settings=("inductive",),
    fidelity="from paper",
    cite="Frome et al., DeViSE: A Deep Visual-Semantic Embedding Model, NIPS 2013",
    year=2013,
    test_params=[
        {"n_epochs": 30, "batch_size": 32, "lr": 0.1},
        {"n_epochs": 20, "batch_size": 32, "lr": 0.01, "negatives": "all"},
    ],
)
class DeViSE(BilinearRanking):
    """Rank the true class above every other by a margin, all violations alike.

    A row x (d,) loses ``Σ_{c != y} [m + F(x, c) - F(x, y)]_+`` with ``F(x, c) = x^T W a_c``, W (d, a). The paper cuts
    the sum after the first violating class of a random order; its expectation is the mean over the violating
    classes, which ``negatives: truncated`` computes exactly. ``negatives: all`` is the whole sum, as the
    benchmark paper writes the loss.

    **Differences.** Fixed features and attributes instead of a fine-tuned network and word vectors, as in the
    benchmark paper; plain steps instead of Adagrad; batches whose steps add up. A widespread re-implementation
    goes through wrong classes in a fixed order and stops at the first, which gives low class numbers almost all
    of the gradient: not offered.

    Notes
    -----
    With a margin so large that every class violates it, a step moves W along ``x (a_y - mean of the others)^T``: the
    correlation of features with centred class vectors.
    """

    margin: float = param(
        default=1.0, low=0.0, high=1e4, symbol="m", doc="by how much the true class should win; 0.1 in the paper, "
        "1 in the benchmark paper",
    )  # fmt: skip
    negatives: str = param(
        default="truncated", choices=("truncated", "all"),
        doc="truncated: mean over violating classes, the paper's expectation; all: their sum",
    )  # fmt: skip

    def pull(self, scores: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Mean or sum of the violations; in the mean, their number is held constant."""
        hinges = violations(scores, y, self.margin)
        violated = (hinges > 0).to(scores.dtype)
        if self.negatives == "truncated":
            share = 1 / violated.sum(dim=1, keepdim=True).clamp_min(1)
            hinges, violated = share * hinges, share * violated
        return hinges.sum(dim=1), pull_from_weights(violated, y)
