"""f-CLSWGAN: a conditional Wasserstein GAN whose features a classifier of the seen classes recognises."""

from __future__ import annotations

from typing import ClassVar

from gzsl.methods.generative.guided import GuidedGenerator
from gzsl.methods.registry import register


@register(
    "f-clswgan",
    family="generative",
    settings=("inductive",),
    fidelity="replicated from code",
    cite="Xian, Lorenz, Schiele & Akata, Feature Generating Networks, CVPR 2018, arXiv:1712.00981",
    year=2018,
    test_params=[
        {
            "n_epochs": 20,
            "batch_size": 32,
            "hidden_dim": 64,
            "lr": 5e-3,
            "n_synthetic": 40,
            "pretrain_epochs": 5,
            "head": {"name": "softmax", "batch_size": 32, "n_epochs": 10},
        }
    ],  # fmt: skip
)
class FCLSWGAN(GuidedGenerator):
    """Generate features of unseen classes with a WGAN-GP conditioned on class vectors.

    The critic D (x, a) -> (n,) minimises ``E D(G(z,a),a) - E D(x,a) + λ E (||∇ₓ D(x̂,a)|| - 1)²`` on rows
    x (n, d) of seen classes with class vectors a (n, a); the generator G (z, a) -> (n, d) minimises
    ``-E D(G(z,a),a) + β E[-log P(y | G(z,a))]`` where P is a softmax classifier that was trained on real
    seen rows and is frozen. A softmax head is then trained on real seen and synthetic unseen rows.

    **Differences from released code.** Batches come from shuffled passes over the rows instead of a
    permutation of all rows a batch. The head's batch size is a setting of its own (there it is the number
    of synthetic rows: recipes of published settings write it out). The number of epochs is chosen on
    validation classes or given; the released family of code reports the best epoch on test. The generator
    step reuses the class vectors of the last critic batch, as the authors' code does. The gradient
    penalty is evaluated in closed form, equal to the differentiated one.

    Notes
    -----
    Needs features scaled to [0, 1] by the training range (``preprocess: {features: minmax}``). Training for
    too long lowers U; the number of epochs is the most sensitive hyper-parameter.
    """

    stackable: ClassVar[bool] = True
