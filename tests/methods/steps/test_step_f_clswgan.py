"""f-CLSWGAN's update against a plain one: critic steps on fresh batches, then the generator on the last of them."""

from __future__ import annotations

from harness import compare
from hosts import FCLSWGANReference


def test_three_updates_of_f_clswgan() -> None:
    compare("f-clswgan", FCLSWGANReference, critic_steps=5, cls_weight=0.5, pretrain_epochs=2)


def test_three_updates_of_f_clswgan_with_another_size_of_noise_and_one_critic_step() -> None:
    compare("f-clswgan", FCLSWGANReference, critic_steps=1, noise_dim=3, gp_weight=3.0, pretrain_epochs=2)
