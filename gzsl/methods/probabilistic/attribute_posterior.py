"""Classes scored by the posterior of their binary attributes: what DAP and IAP share."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np

from gzsl.data import TrainView
from gzsl.errors import GzslWarning, MethodError
from gzsl.methods import Method
from gzsl.params import param
from gzsl.semantics import Semantics, table_faults

BINARISATIONS = ("mean", "column-mean", "half", "none")


class AttributePosterior(Method):
    """Score a class by the posterior of its attributes over their prior.

    With attribute probabilities p (n, a) of the rows, binary class vectors b_c (a,) and priors π (a,):
    ``log F(x, c) = Σ_m b_cm log(p_m / π_m) + (1 - b_cm) log((1 - p_m) / (1 - π_m))``, in two products. A subclass
    learns in ``_fit_detectors`` and gives p in ``_attribute_probabilities``.

    Attributes that are the same for all seen classes say nothing and are left out.
    """

    binarise: str = param(
        default="mean", choices=BINARISATIONS,
        doc="threshold of class vectors: mean of the whole matrix of seen classes, as in the paper; mean of each "
        "column; 0.5; none: they are probabilities already (ours)",
    )  # fmt: skip
    prior: str = param(
        default="seen", choices=("seen", "half"), symbol="π",
        doc="seen: share of seen classes that have the attribute; half: 1/2, as good in the paper",
    )  # fmt: skip
    clip: float = param(
        default=1e-3, low=1e-12, high=0.4, log=True, symbol="ε", tune=(1e-6, 1e-1),
        doc="probabilities stay this far from 0 and 1, so that no single detector vetoes a class",
    )  # fmt: skip
    l2: float = param(
        default=1e-4, low=1e-12, high=1e6, log=True, tune=(1e-6, 1.0), doc="weight decay of the classifiers (mean loss)"
    )
    n_iterations: int = param(default=100, low=1, high=100_000, doc="L-BFGS iterations at most")

    def _begin_attributes(self, view: TrainView) -> np.ndarray:
        """Fix threshold, priors and informative attributes; returns the binary vectors (s, a) of the seen classes."""
        table = view.seen_semantics.table.astype(np.float64)
        a = table.shape[1]
        self.threshold_ = {
            "mean": np.full(a, table.mean()), "column-mean": table.mean(axis=0), "half": np.full(a, 0.5),
            "none": np.full(a, np.nan),
        }[self.binarise]  # fmt: skip
        binary = self.binary(view.seen_semantics)
        share = binary.mean(axis=0)
        self.informative_ = (np.ptp(binary, axis=0) > 0).astype(np.float64)
        if not self.informative_.any():
            raise MethodError(
                f"{self.card.id}: found no attribute that differs between seen classes once binarised by "
                f"{self.binarise!r}, expected some; try binarise: column-mean, or other semantics"
            )
        uncertain = self.prior == "seen"
        self.prior_ = np.clip(np.where(self.informative_ > 0, share, 0.5), self.clip, 1 - self.clip)
        self.prior_ = self.prior_ if uncertain else np.full(a, 0.5)
        self._warn_of_twins(view.semantics)
        return binary

    def binary(self, semantics: Semantics) -> np.ndarray:
        """Binary (or, for ``none``, given) class vectors, shape (C, a), float64."""
        table = semantics.table.astype(np.float64)
        if self.binarise != "none":
            return (table >= self.threshold_).astype(np.float64)
        if table.min() < 0 or table.max() > 1:
            raise MethodError(
                f"{self.card.id}: semantics {semantics.name!r}: found values from {table.min():g} to {table.max():g}, "
                "expected probabilities in [0, 1]; use binarise: mean, or dataset.normalise: minmax"
            )
        return table

    def _warn_of_twins(self, semantics: Semantics) -> None:
        before = table_faults(semantics).duplicate_classes
        twins = table_faults(replace(semantics, table=self.binary(semantics))).duplicate_classes
        new = [pair for pair in twins if pair not in before]
        if new:
            (a, b), more = new[0], len(new) - 1
            others = f" (and {more} more pairs)" if more else ""
            warnings.warn(
                f"{self.card.id}: {a!r} and {b!r}{others} have the same attributes once binarised by "
                f"{self.binarise!r} and cannot be told apart; try binarise: column-mean or more attributes",
                GzslWarning, stacklevel=5,
            )  # fmt: skip

    def _attribute_probabilities(self, X: np.ndarray) -> np.ndarray:
        """Probability (n, a) that each row has each attribute."""
        raise NotImplementedError

    def _scores(self, X: np.ndarray, semantics: Semantics) -> np.ndarray:
        p = np.clip(self._attribute_probabilities(X), self.clip, 1 - self.clip)
        present = self.informative_ * np.log(p / self.prior_)
        absent = self.informative_ * np.log((1 - p) / (1 - self.prior_))
        binary = self.binary(semantics)
        return (present - absent) @ binary.T + absent.sum(axis=1)[:, None]
