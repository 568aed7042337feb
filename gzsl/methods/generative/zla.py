"""ZLA: a plain Wasserstein GAN, and prototypes trained with zero-shot logit adjustment."""

from __future__ import annotations

from gzsl.heads import Head, LogitAdjustedHead
from gzsl.methods.card import register
from gzsl.methods.generative.adversarial import AdversarialGenerator
from gzsl.params import param


@register(
    "zla",
    family="generative",
    settings=("inductive",),
    fidelity="replicated from code",
    cite="Chen, Shen, Zhang & Torr, Zero-Shot Logit Adjustment, IJCAI 2022, arXiv:2204.11822",
    year=2022,
    test_params=[
        {
            "n_epochs": 20,
            "batch_size": 32,
            "hidden_dim": 64,
            "lr": 5e-3,
            "n_synthetic": 40,
            "head": {"name": "logit-adjusted", "batch_size": 32, "n_epochs": 20, "lr": 1e-2, "hidden_dim": 32},
        }
    ],  # fmt: skip
)
class ZLA(AdversarialGenerator):
    """Generate few rows a class; let a head that knows how rare classes are make prototypes of class vectors.

    The generator has the adversarial term alone. The `gzsl.heads.LogitAdjustedHead` learns from real seen and about
    ten synthetic rows a class, with the log prior of each class added to its logits in training; the ratio of the
    two sides' priors takes the place of many synthetic rows.

    **Differences.** The released generator step reuses the critic step's noise; here it is fresh.
    """

    n_synthetic: int = param(default=10, low=1, high=1_000_000, doc="synthetic rows an unseen class, over all classes")
    head: Head = param(default_factory=LogitAdjustedHead, doc="classifier that is trained on real and synthetic rows")
