"""DSP over f-VAEGAN: class vectors evolve while the generator is trained."""

from __future__ import annotations

from typing import ClassVar

from gzsl.methods.generative.evolving import EvolvingPrototypes
from gzsl.methods.generative.f_vaegan import FVAEGAN
from gzsl.methods.registry import register


@register(
    "dsp",
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
            "mapper_lr": 5e-3,
            "head": {"name": "softmax", "batch_size": 32, "n_epochs": 10},
        }
    ],  # fmt: skip
)
class DSP(EvolvingPrototypes, FVAEGAN):
    """f-VAEGAN under evolving class vectors: see `gzsl.methods.generative.evolving.EvolvingPrototypes`.

    **Fidelity.** Verified: what mapper and evolver map, that prototypes condition the generator and are evolved under
    supervision of the mapper, the mixture for unseen classes and the enhanced input of the head (figure and caption,
    abstract). The forms of the losses, the networks and all weights are from memory or ours; the paper's formulas
    could not be opened, and no code of DSP was found. What a test row is joined with is our decision: the vector read
    off the row itself, which needs no label.

    Notes
    -----
    Class vectors of unit length are compared throughout; use ``normalise: l2``.
    """

    stackable: ClassVar[bool] = True
