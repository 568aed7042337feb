"""ZLA: a plain Wasserstein GAN, and prototypes trained with zero-shot logit adjustment."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch

from gzsl.heads import Head, LogitAdjustedHead
from gzsl.methods.generative.adversarial import AdversarialGenerator
from gzsl.methods.generative.base import table_fingerprint
from gzsl.methods.registry import register
from gzsl.params import param
from gzsl.semantics import Semantics


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

    **Differences.** The released generator step reuses the critic step's noise; here it is fresh. Only GZSL is
    published; unseen classes alone are scored by the prototypes of the head over all classes, which know real rows.
    """

    n_synthetic: int = param(default=10, low=1, high=1_000_000, doc="synthetic rows an unseen class, over all classes")
    head: Head = param(default_factory=LogitAdjustedHead, doc="classifier that is trained on real and synthetic rows")

    stackable: ClassVar[bool] = True

    def _prepare(self, semantics: Semantics) -> None:
        if self._has_seen(semantics) or not self._is_part(semantics):
            super()._prepare(semantics)
            if semantics.class_names == self.classes_:
                self.whole_ = table_fingerprint(semantics)

    def _scores(self, X: np.ndarray, semantics: Semantics) -> np.ndarray:
        if self._has_seen(semantics) or not self._is_part(semantics):
            return super()._scores(X, semantics)
        columns = [self.classes_.index(name) for name in semantics.class_names]
        with torch.inference_mode():
            found = self.head.scores(self.heads_[self.whole_], torch.from_numpy(X).to(self.device))
        return found[:, columns].cpu().numpy()

    def _is_part(self, semantics: Semantics) -> bool:
        """Whether these are some of the classes that were known at fit."""
        return set(semantics.class_names) <= set(self.classes_)
