"""Two softmax classifiers in a row: the second learns from rows of which the first is sure."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional

from gzsl.heads.base import HeadRows, State, register_head
from gzsl.heads.softmax import SoftmaxHead
from gzsl.nn.pseudo_labels import entropy, surest
from gzsl.params import param


@register_head("cascade")
class CascadeHead(SoftmaxHead):
    """Self-training in two stages, for the transductive setting.

    A softmax classifier is trained on the labelled rows. The ``share`` of unlabelled rows of which it is most
    certain get its predictions as labels, and training goes on with them included. A row that is as certain as
    those keeps its first scores, any other gets the second ones. The state holds ``weight`` and ``bias``,
    ``second_weight`` and ``second_bias``, and the ``threshold`` of uncertainty.

    The paper (LisGAN) calls a row certain when the entropy of its prediction is low. The released code takes
    the entropy of renormalised log-probabilities and keeps the largest, which tends to pick uncertain rows:
    ``certainty: released``.
    """

    share: float = param(default=0.2, low=0.0, high=1.0, doc="share of the unlabelled rows that get labels")
    second_epochs: int = param(default=25, low=0, high=100_000, doc="passes over the rows in the second stage")
    certainty: str = param(
        default="entropy", choices=("entropy", "released"), doc="low entropy, or what the released code computes"
    )

    def _fit(self, rows: HeadRows, rng: torch.Generator) -> State:
        unlabelled = rows.need("unlabelled", "cascade")
        first = super()._fit(rows, rng)
        logp = SoftmaxHead.scores(self, first, unlabelled)
        easy, threshold = surest(self.uncertainty(logp), self.share)
        X = torch.cat([rows.X, unlabelled[easy]])
        y = torch.cat([rows.y, logp[easy].argmax(dim=1)])
        again = SoftmaxHead(
            lr=self.lr, beta1=self.beta1, beta2=self.beta2, batch_size=self.batch_size,
            weight_decay=self.weight_decay, n_epochs=self.second_epochs,
        )  # fmt: skip
        second = again.descend(X, y, first["weight"].clone(), first["bias"].clone(), rng)
        return {**first, "second_weight": second["weight"], "second_bias": second["bias"], "threshold": threshold}

    def uncertainty(self, logp: Tensor) -> Tensor:
        """How unsure each row of log-probabilities (n, C) is, (n,)."""
        if self.certainty == "entropy":
            return entropy(logp)
        share = logp / logp.sum(dim=1, keepdim=True)
        return (share * share.clamp_min(1e-30).log()).sum(dim=1)

    def scores(self, state: Mapping[str, Tensor], X: Tensor) -> Tensor:
        """Log-probabilities of every class by the stage that is in charge: (n, d) -> (n, C)."""
        first = super().scores(state, X)
        second = functional.log_softmax(functional.linear(X, state["second_weight"], state["second_bias"]), dim=1)
        return torch.where((self.uncertainty(first) <= state["threshold"])[:, None], first, second)
