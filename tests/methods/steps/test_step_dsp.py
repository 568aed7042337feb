"""Updates of DSP over its three hosts against plain ones: the host's under evolving prototypes, then the evolver's."""

from __future__ import annotations

from typing import Any

import pytest
from harness import compare
from hosts import DSPReference, FCLSWGANReference, FVAEGANReference, TFVAEGANReference


class OverFVAEGAN(DSPReference, FVAEGANReference):
    pass


class OverFCLSWGAN(DSPReference, FCLSWGANReference):
    pass


class OverTFVAEGAN(DSPReference, TFVAEGANReference):
    pass


@pytest.mark.parametrize(
    ("name", "reference", "params"),
    [
        ("dsp", OverFVAEGAN, {"fake_source": "prior"}),
        ("dsp", OverFVAEGAN, {"penalty_rule": "adaptive"}),
        ("dsp-f-clswgan", OverFCLSWGAN, {"pretrain_epochs": 1, "cls_weight": 0.5}),
        ("dsp-tf-vaegan", OverTFVAEGAN, {"epochs_before": 1, "decoder_lr": 3e-3, "feedback_lr": 2e-3}),
    ],
)
def test_three_updates_of_dsp(name: str, reference: type, params: dict[str, Any]) -> None:
    compare(name, reference, critic_steps=2, mapper_lr=3e-3, cycle_weight=0.8, momentum=0.7, times=5.0, **params)
