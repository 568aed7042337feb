"""The bias-aware learner: entropy margins by hand, classes that play unseen, the cosine of the learning rate."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from problems import small_view

from gzsl.methods.embedding.bias_aware import BiasAware, margin_losses


def test_terms_by_hand() -> None:
    p = np.array([[0.7, 0.1, 0.1, 0.1], [0.25, 0.25, 0.25, 0.25], [0.1, 0.2, 0.3, 0.4]])
    y, playing = torch.tensor([0, 1, 3]), torch.tensor([False, False, True, True])
    terms = margin_losses(torch.log(torch.tensor(p)), y, playing, margin=0.2, weight=0.5)
    classification = -(math.log(0.7 / 0.8) + math.log(0.5)) / 2
    assert float(terms["classification"]) == pytest.approx(classification)

    def h(row: int, columns: list[int]) -> float:
        return float(-(p[row, columns] * np.log(p[row, columns])).sum())

    known = max(0.0, 0.2 + (h(0, [0, 1]) + h(1, [0, 1])) / 2 - h(2, [0, 1]))
    unknown = max(0.0, 0.2 + h(2, [2, 3]) - (h(0, [2, 3]) + h(1, [2, 3])) / 2)
    assert float(terms["entropy"]) == pytest.approx(0.5 * (known + unknown))
    assert known > 0
    assert unknown > 0


def test_every_term_has_a_gradient_and_survives_saturation() -> None:
    logits = torch.tensor([[60.0, -60.0, 0.0], [0.5, 0.1, 0.2]], requires_grad=True)
    playing = torch.tensor([False, False, True])
    for name in ("classification", "entropy"):
        logits.grad = None
        margin_losses(logits, torch.tensor([0, 2]), playing, 0.2, 1.0)[name].backward(retain_graph=True)
        assert logits.grad is not None
        assert bool(logits.grad.isfinite().all())
        assert name == "classification" or float(logits.grad.abs().sum()) > 0


def test_a_batch_without_a_group_has_no_entropy_margin() -> None:
    logits = torch.randn(3, 4, generator=torch.Generator().manual_seed(0))
    playing = torch.tensor([False, False, False, True])
    terms = margin_losses(logits, torch.tensor([0, 1, 2]), playing, 0.2, 1.0)
    assert float(terms["entropy"]) == 0.0
    assert float(terms["classification"]) > 0


def test_other_classes_play_unseen_every_epoch_and_the_rate_falls_to_zero() -> None:
    method = BiasAware(n_epochs=6, hidden_dim=8, batch_size=16, left_out=0.4)
    played, rates = [], []
    original = BiasAware.on_epoch_end

    def spy(self: BiasAware, epoch: int) -> None:
        played.append(self.playing_.clone())
        original(self, epoch)
        rates.append(self._optimiser.param_groups[0]["lr"])

    BiasAware.on_epoch_end = spy  # type: ignore[method-assign]
    try:
        method.fit(small_view(), seed=0)
    finally:
        BiasAware.on_epoch_end = original  # type: ignore[method-assign]
    assert {int(p.sum()) for p in played} == {2}
    assert len({tuple(p.tolist()) for p in played}) > 1
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] == pytest.approx(0.0, abs=1e-12)
    assert rates[2] == pytest.approx(method.lr / 2)
