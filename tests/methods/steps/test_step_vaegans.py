"""Updates of f-VAEGAN and TF-VAEGAN against plain ones, with both sources of fakes and both rules of the penalty."""

from __future__ import annotations

import pytest
from harness import compare
from hosts import FVAEGANReference, TFVAEGANReference


@pytest.mark.parametrize("source", ["reconstruction", "prior"])
@pytest.mark.parametrize("rule", ["fixed", "adaptive"])
def test_three_updates_of_f_vaegan(source: str, rule: str) -> None:
    compare("f-vaegan", FVAEGANReference, critic_steps=3, fake_source=source, penalty_rule=rule, vae_weight=0.7)


@pytest.mark.parametrize("source", ["reconstruction", "prior"])
@pytest.mark.parametrize("freeze", [False, True])
@pytest.mark.parametrize("epochs_before", [0, 1])
def test_three_updates_of_tf_vaegan_without_and_with_feedback(source: str, freeze: bool, epochs_before: int) -> None:
    compare(
        "tf-vaegan", TFVAEGANReference, critic_steps=3, fake_source=source, freeze_decoder=freeze,
        penalty_rule="adaptive", epochs_before=epochs_before, decoder_lr=3e-3, feedback_lr=2e-3,
        feedback_strength=0.5, reconstruction_weight=0.4, times=20.0,
    )  # fmt: skip
