"""Evidential classification: opinions of several branches, what they cost, and how they are put together.

Source: Sensoy, Kaplan & Kandemir, Evidential Deep Learning, NeurIPS 2018, arXiv:1806.01768; the rule that combines two
opinions is Dempster's, as in Han et al., Trusted Multi-View Classification, ICLR 2021, arXiv:2102.02051.
"""

from __future__ import annotations

import torch
from torch import Tensor


def opinion(evidence: Tensor) -> tuple[Tensor, Tensor]:
    """Beliefs (n, C) and uncertainty (n, 1), which add up to 1, of evidence (n, C)."""
    strength = evidence.sum(dim=1, keepdim=True) + evidence.shape[1]
    return evidence / strength, evidence.shape[1] / strength


def combined(first: tuple[Tensor, Tensor], second: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """The opinion of two branches together: what both believe, and each where the other is uncertain."""
    (b1, u1), (b2, u2) = first, second
    agreeing = (b1 * b2).sum(dim=1, keepdim=True)
    conflict = b1.sum(dim=1, keepdim=True) * b2.sum(dim=1, keepdim=True) - agreeing
    rest = (1 - conflict).clamp_min(1e-8)
    return (b1 * b2 + b1 * u2 + b2 * u1) / rest, u1 * u2 / rest


def evidence_of(beliefs: Tensor, uncertainty: Tensor) -> Tensor:
    """Evidence (n, C) whose opinion this is."""
    return beliefs * beliefs.shape[1] / uncertainty


def expected_cross_entropy(evidence: Tensor, y: Tensor) -> Tensor:
    """Mean over rows of the cross-entropy that Dirichlet(evidence + 1) expects: 0-d."""
    alpha = evidence + 1
    total = alpha.sum(dim=1)
    return (torch.digamma(total) - torch.digamma(alpha.gather(1, y[:, None])[:, 0])).mean()


def misleading_evidence(evidence: Tensor, y: Tensor) -> Tensor:
    """Mean over rows of the divergence from no evidence at all, once that of the true class is taken away: 0-d."""
    alpha = (evidence + 1).scatter(1, y[:, None], 1.0)
    total, n_classes = alpha.sum(dim=1, keepdim=True), alpha.shape[1]
    normal = torch.lgamma(total[:, 0]) - torch.lgamma(alpha).sum(dim=1)
    normal = normal - torch.lgamma(torch.tensor(float(n_classes), device=alpha.device))
    spread = ((alpha - 1) * (torch.digamma(alpha) - torch.digamma(total))).sum(dim=1)
    return (normal + spread).mean()
