"""f-VAEGAN-D2, inductive: a variational autoencoder and a Wasserstein GAN share the generator."""

from __future__ import annotations

from typing import ClassVar

from gzsl.methods.generative.variational import VariationalGenerator
from gzsl.methods.registry import register


@register(
    "f-vaegan",
    family="generative",
    settings=("inductive",),
    fidelity="from paper",
    cite="Xian, Sharma, Schiele & Akata, f-VAEGAN-D2: A Feature Generating Framework for Any-Shot Learning, "
    "CVPR 2019, arXiv:1903.10132",
    year=2019,
    test_params=[
        {
            "n_epochs": 20,
            "batch_size": 32,
            "hidden_dim": 64,
            "lr": 5e-3,
            "n_synthetic": 40,
            "head": {"name": "softmax", "batch_size": 32, "n_epochs": 10},
        },
        {
            "n_epochs": 20,
            "batch_size": 32,
            "hidden_dim": 64,
            "lr": 5e-3,
            "n_synthetic": 40,
            "fake_source": "prior",
            "penalty_rule": "adaptive",
            "head": {"name": "softmax", "batch_size": 32, "n_epochs": 10},
        },
    ],  # fmt: skip
)
class FVAEGAN(VariationalGenerator):
    """Train generator, encoder and critic together; synthesise from the prior; a softmax head decides.

    The encoder E (x, a) -> (n, z) twice gives mean and log-variance of a code, the generator G (z, a) -> (n, d)
    decodes it. Generator and encoder minimise
    ``mean_b [BCE_sum(G(z_b, a_b), x_b) + KL(E(x_b, a_b) || N(0, 1))] - γ E D(x̃, a)``, the critic
    ``γ (E D(x̃, a) - E D(x, a) + λ E (||∇ₓ D(x̂, a)|| - 1)²)``, where ``x̃`` is the reconstruction (or a row from
    noise: ``fake_source: prior``).

    **Differences.** No code of the authors was found. The defaults follow the public lineage (TF-VAEGAN's code
    without its feedback): γ = 10 instead of the paper's 1000, encoder with Adam's usual momenta. That lineage adapts
    λ to the penalty (``penalty_rule: adaptive``) and passes over the data twice an epoch; here an epoch is one
    pass. The second critic D2 of the transductive variant is not part of this method.

    Notes
    -----
    Needs features in [0, 1] (``preprocess: {features: minmax}``): the reconstruction error is a cross-entropy.
    """

    stackable: ClassVar[bool] = True
