"""Gates that read the seen-class confidence of a method: the plain baselines of out-of-distribution detection.

Sources: Hendrycks and Gimpel, "A baseline for detecting misclassified and out-of-distribution examples", ICLR 2017,
arXiv 1610.02136 (largest probability); Liu, Wang, Owens and Li, "Energy-based out-of-distribution detection", NeurIPS
2020, arXiv 2010.03759. As gates of generalized zero-shot learning they are baselines in Atzmon and Chechik, CVPR 2019.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from gzsl.calibration.base import Calibrator, register_calibrator
from gzsl.evaluation.summary import ScoreSummary
from gzsl.params import param


class ConfidenceGate(Calibrator):
    """A row goes to its best seen class where the softmax over the seen classes is confident, else to the unseen side.

    Scores are divided by ``temperature`` times the spread of the method's scores over seen classes on training rows,
    so that the same temperature suits methods of any scale.
    """

    temperature: float = param(
        default=0.25, low=1e-4, high=1e4, log=True, symbol="T", tune=(0.05, 2.0),
        doc="softmax temperature, in standard deviations of a training row's seen scores",
    )  # fmt: skip

    def _look(self, X: np.ndarray, scores: np.ndarray, *, training: bool) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        logits = scores[:, self.seen_].astype(np.float32)
        top = logits.max(axis=1, keepdims=True)
        logits -= np.where(np.isfinite(top), top, 0.0)
        logits *= np.float32(1.0 / (self.temperature * self.unit_))
        lifted = top[:, 0].astype(np.float64) / (self.temperature * self.unit_)
        return scores, {"confidence": self._confidence(logits, lifted)}

    def _margin(self, summary: ScoreSummary, evidence: Mapping[str, np.ndarray]) -> np.ndarray | None:
        return evidence["confidence"]

    def _confidence(self, logits: np.ndarray, top: np.ndarray) -> np.ndarray:
        """Gate (n,) of logits (n, |S|) whose largest is 0, and of what was subtracted (n,)."""
        raise NotImplementedError


@register_calibrator("max-prob")
class MaximumProbability(ConfidenceGate):
    """Logarithm of the largest softmax probability over the seen classes."""

    def _confidence(self, logits: np.ndarray, top: np.ndarray) -> np.ndarray:
        return -np.log(np.exp(logits).sum(axis=1, dtype=np.float64))


@register_calibrator("entropy")
class NegativeEntropy(ConfidenceGate):
    """Minus the entropy of the softmax over the seen classes."""

    def _confidence(self, logits: np.ndarray, top: np.ndarray) -> np.ndarray:
        weights = np.exp(logits)
        total = weights.sum(axis=1, dtype=np.float64)
        weighted = np.einsum("nc,nc->n", weights, np.maximum(logits, -1e4), dtype=np.float64)
        return weighted / total - np.log(total)


@register_calibrator("energy")
class NegativeEnergy(ConfidenceGate):
    """Temperature times the log of the sum of exponentials of the seen scores: how high they are as a whole."""

    def _confidence(self, logits: np.ndarray, top: np.ndarray) -> np.ndarray:
        return self.temperature * (top + np.log(np.exp(logits).sum(axis=1, dtype=np.float64)))
