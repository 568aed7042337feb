"""DSP over f-CLSWGAN: class vectors evolve while the generator is trained."""

from __future__ import annotations

from typing import ClassVar

from gzsl.methods.generative.evolving import EvolvingPrototypes
from gzsl.methods.generative.f_clswgan import FCLSWGAN
from gzsl.methods.registry import register


@register(
    "dsp-f-clswgan",
    family="generative",
    settings=("inductive",),
    fidelity="partly from memory: unverified",
    cite="Chen, Hou, Hong, Ding, Song, You, Liu & Zhang, Evolving Semantic Prototype Improves Generative Zero-Shot "
    "Learning, ICML 2023, arXiv:2306.06931",
    year=2023,
    test_params=[
        {
            "n_epochs": 20,
            "batch_size": 32,
            "hidden_dim": 64,
            "lr": 5e-3,
            "n_synthetic": 40,
            "pretrain_epochs": 5,
            "mapper_lr": 5e-3,
            "head": {"name": "softmax", "batch_size": 32, "n_epochs": 10},
        }
    ],  # fmt: skip
)
class DSPFCLSWGAN(EvolvingPrototypes, FCLSWGAN):
    """f-CLSWGAN under evolving class vectors: see `gzsl.methods.generative.evolving.EvolvingPrototypes`.

    **Fidelity.** As `dsp`.

    Notes
    -----
    Class vectors of unit length are compared throughout; use ``normalise: l2``.
    """

    stackable: ClassVar[bool] = True
