"""CREST: attributes look at regions and regions at attributes; evidence puts both opinions together."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss, normalize, softplus
from torch.optim import Optimizer

from gzsl.methods.attention.regional import RegionMethod
from gzsl.methods.iterative import Sizes
from gzsl.methods.registry import register
from gzsl.nn.attribute_attention import AttributeAttention
from gzsl.nn.batches import Batch
from gzsl.nn.evidence import combined, evidence_of, expected_cross_entropy, misleading_evidence, opinion
from gzsl.nn.init import linear
from gzsl.nn.losses.contrastive import supervised_contrastive
from gzsl.nn.rmsprop import rmsprop
from gzsl.params import param

LEAST = 1e-6


class AttributeGrounding(nn.Module):
    """Regions look at attributes; what they find is joined by patterns that the picture retrieves from a bank."""

    def __init__(self, start: Tensor | None, sizes: Sizes, hidden: int, n_patterns: int, rng: torch.Generator) -> None:
        super().__init__()
        names = torch.randn(sizes.n_attributes, hidden, generator=rng) / hidden**0.5 if start is None else start
        self.attributes = nn.Parameter(names.clone())
        self.to_key = linear(names.shape[1], hidden, init="xavier-uniform", rng=rng)
        self.to_query = linear(sizes.n_features, hidden, init="xavier-uniform", rng=rng)
        self.keys = nn.Parameter(torch.randn(n_patterns, hidden, generator=rng) / hidden**0.5)
        self.patterns = nn.Parameter(torch.randn(n_patterns, hidden, generator=rng) / hidden**0.5)
        self.last = linear(hidden, sizes.n_attributes, init="xavier-uniform", rng=rng)

    def forward(self, x: Tensor, n_active: int) -> tuple[Tensor, Tensor, Tensor]:
        """Attribute scores (n, a), queries (n, h) of the bank and what each uses of its patterns (n, M)."""
        queries, keys = self.to_query(x), self.to_key(self.attributes)
        looks = (queries @ keys.T / keys.shape[1] ** 0.5).softmax(dim=2)  # (n, R, a)
        pooled = (looks @ keys).mean(dim=1) + queries.mean(dim=1)
        fit = normalize(pooled, dim=1, eps=LEAST) @ normalize(self.keys, dim=1, eps=LEAST).T
        best = fit.topk(min(n_active, fit.shape[1]), dim=1)
        used = torch.zeros_like(fit).scatter(1, best.indices, (10 * best.values).softmax(dim=1))
        return self.last(pooled + used @ self.patterns), pooled, used


@register(
    "crest",
    family="attention",
    settings=("inductive",),
    fidelity="partly from memory: unverified",
    cite="Huang et al., CREST: Cross-modal Resonance through Evidential Deep Learning, ACM MM 2024, arXiv:2404.09640",
    year=2024,
    needs=("regions",),
    test_params=[{"n_epochs": 8, "batch_size": 32, "lr": 5e-3, "hidden_dim": 32, "n_patterns": 8}],
)
class CREST(RegionMethod):
    """Two branches give evidence for classes, and each counts more where the other is uncertain.

    *Visual grounding*: attributes look at regions as in DAZLE and give attribute scores e (a,). *Attribute grounding*:
    regions look at attributes; what they find is pooled, joined by the best few patterns of a learnt bank, and mapped
    to attribute scores ê (a,). Each gives evidence ``softplus(e a_c)`` for a class c, hence beliefs and an
    uncertainty (a Dirichlet opinion), and Dempster's rule combines both. Minimised, over the seen classes: the
    expected cross-entropy of both opinions and of the combined one, with the divergence of misleading evidence from
    none, which grows over ten epochs; a contrast of the visual branch's scores between classes; the distance of bank
    queries from what they retrieve, with the entropy of how patterns are used; the squared error of attributes. A
    class scores the logarithm of its combined belief.

    **Differences.** The authors have released data preparation and a figure, no model; what of formulas could not be
    read is standard evidential learning, and ours where there is no standard (weights, bank, contrast). 14 x 14 maps
    of 448 pixels are used there.

    Notes
    -----
    Beliefs of hundreds of classes are small, and their order is what counts: hence the logarithm.
    """

    n_epochs: int = param(default=20, low=1, high=100_000, doc="passes over the training rows")
    batch_size: int = param(default=50, low=1, high=1_000_000, doc="pictures a step")
    lr: float = param(default=1e-4, low=1e-8, high=10.0, log=True, tune=(1e-5, 1e-2), doc="learning rate of RMSprop")
    hidden_dim: int = param(default=256, low=1, high=100_000, doc="of the attribute branch")
    n_patterns: int = param(default=32, low=1, high=10_000, symbol="M", doc="in the bank")
    n_active: int = param(default=3, low=1, high=1000, doc="patterns that a picture retrieves")
    divergence_weight: float = param(default=0.1, low=0.0, high=100.0, doc="weight of misleading evidence, at its end")
    contrast_weight: float = param(default=0.05, low=0.0, high=100.0, doc="weight of the contrast of classes")
    temperature: float = param(default=0.2, low=1e-3, high=10.0, log=True, doc="of the contrast")
    bank_weight: float = param(default=0.05, low=0.0, high=100.0, doc="weight of the bank's terms")
    regression_weight: float = param(default=0.1, low=0.0, high=100.0, doc="weight of the squared error of attributes")
    annealed: int = param(default=10, low=1, high=100_000, doc="epochs over which misleading evidence gains weight")

    def build(self, sizes: Sizes, rng: torch.Generator) -> None:
        """Make both branches."""
        start = self.attribute_start()
        self.visual_ = AttributeAttention(start, sizes.n_attributes, sizes.n_features, rng, gated=False)
        self.textual_ = AttributeGrounding(start, sizes, self.hidden_dim, self.n_patterns, rng)
        self.epoch_ = 0

    def optimisers(self) -> dict[str, Optimizer]:
        """RMSprop."""
        self._optimiser = rmsprop(self.trainable(), self.lr, weight_decay=self.weight_decay)
        return {"rmsprop": self._optimiser}

    def on_epoch_end(self, epoch: int) -> None:
        """Let misleading evidence count more."""
        self.epoch_ = epoch

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Evidence of both branches and of the combination, contrast, bank, attributes."""
        assert self.rows is not None
        x = normalize(batch.x, dim=-1)
        first = self.visual_(x).score
        second, query, used = self.textual_(x, self.n_active)
        evidence = [self._evidence(scores, self.rows.table) for scores in (first, second)]
        evidence.append(evidence_of(*combined(opinion(evidence[0]), opinion(evidence[1]))))
        found = {"evidence": torch.stack([expected_cross_entropy(e, batch.y) for e in evidence]).sum()}
        if self.divergence_weight:
            rising = self.divergence_weight * min(1.0, (self.epoch_ + 1) / self.annealed)
            found["misleading"] = rising * torch.stack([misleading_evidence(e, batch.y) for e in evidence[:2]]).sum()
        if self.contrast_weight:
            codes = normalize(first, dim=1, eps=LEAST)
            found["contrast"] = self.contrast_weight * supervised_contrastive(codes, batch.y, self.temperature)
        if self.bank_weight:
            found["bank"] = self.bank_weight * self._bank(query, used)
        if self.regression_weight:
            found["regression"] = self.regression_weight * (mse_loss(first, batch.a) + mse_loss(second, batch.a))
        return found

    def _bank(self, query: Tensor, used: Tensor) -> Tensor:
        """How far queries are from the keys that they use, less the entropy of use over the batch."""
        apart = (normalize(query, dim=1, eps=LEAST) - used @ normalize(self.textual_.keys, dim=1, eps=LEAST)) ** 2
        share = used.mean(dim=0)
        return apart.sum(dim=1).mean() + (share * (share + LEAST).log()).sum()

    def _evidence(self, scores: Tensor, table: Tensor) -> Tensor:
        return softplus(scores @ table.T)

    def outputs(self, x: Tensor, table: Tensor, is_seen: Tensor) -> Tensor:
        """Logarithm of the combined belief."""
        x = normalize(x, dim=-1)
        both = [opinion(self._evidence(s, table)) for s in (self.visual_(x).score, self.textual_(x, self.n_active)[0])]
        return combined(both[0], both[1])[0].clamp_min(1e-30).log()

    def attribute_evidence(self, X: np.ndarray) -> np.ndarray:
        """Mean of both branches' attribute scores, (n, a)."""
        with torch.inference_mode():
            x = normalize(torch.from_numpy(X).to(self.device), dim=-1)
            found: np.ndarray = ((self.visual_(x).score + self.textual_(x, self.n_active)[0]) / 2).cpu().numpy()
        return found

    def attention(self, X: np.ndarray) -> np.ndarray:
        """Where every attribute looks, (n, a, R)."""
        with torch.inference_mode():
            x = normalize(torch.from_numpy(np.asarray(X, dtype=np.float32)).to(self.device), dim=-1)
            found: np.ndarray = self.visual_(x).weights.transpose(1, 2).cpu().numpy()
        return found
