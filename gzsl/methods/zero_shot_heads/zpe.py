"""ZPE: one weight a prompt template, from the largest scores that it gives to rows without labels."""

from __future__ import annotations

import numpy as np

from gzsl.data import TrainView
from gzsl.linear import softmax
from gzsl.methods import register
from gzsl.methods.zero_shot_heads.base import JointHead
from gzsl.methods.zero_shot_heads.prompt_views import row_blocks
from gzsl.params import param
from gzsl.semantics import Semantics


@register(
    "zpe",
    family="zero_shot_heads",
    settings=("inductive", "transductive"),
    fidelity="replicated from code",
    cite="Allingham et al., A Simple Zero-shot Prompt Weighting Technique to Improve Prompt Ensembling in Text-Image "
    "Models, ICML 2023, arXiv:2302.06235",
    year=2023,
    needs=("joint", "members"),
    test_params=[{}, {"weighting": "scores", "debias": "none"}, {"selection": 0.5}],
)
class ZPE(JointHead):
    """Templates whose best class stands out on rows without labels weigh more, for all rows alike.

    With logits ``l_nkc = s x_n · e_kc`` (s: CLIP's scale), every template's and class's mean logit is taken off, and
    template k gets the mean over rows of its largest logit; weights are the softmax of these over templates. A class
    scores ``Σ_k w_k x · e_kc``: one product with weighted mean vectors.

    **Differences.** The paper takes off half the mean over the test rows and half that over 20,000 pictures of the
    pre-training set. Here the second set is the training rows, and the first the unlabelled rows, which only the
    transductive setting gives; with one set its mean is taken off whole. ``scores`` counts negative ones as 0 (ours).
    ``max_rows`` random rows are used (the authors
    report that a tenth of the test rows does).

    **Notes.** Means of logits come from the mean row, without a pass. The largest logits need every template:
    ``max_rows`` times K class products at fit; scoring is one product.
    """

    scale: float = param(default=100.0, low=1e-3, high=1e4, log=True, doc="CLIP's logit scale")
    debias: str = param(default="mean", choices=("mean", "none"), doc="whether mean logits are taken off first")
    weighting: str = param(
        default="softmax", choices=("softmax", "scores"), doc="softmax: of the templates' scores; scores: as they are"
    )
    selection: float | None = param(
        default=None, low=-10.0, high=10.0, symbol="t",
        doc="keep templates whose score is more than t median deviations over the median; null: all",
    )  # fmt: skip
    max_rows: int | None = param(default=1000, low=1, high=100_000_000, doc="rows at most; null: all of them")

    def learn(self, view: TrainView) -> None:
        """Weights of the templates, ``weights_`` (K,)."""
        sets = [self.rows_of(view.features)]
        if view.unlabelled_features is not None:
            sets.append(self.rows_of(view.unlabelled))
        E = self.views(view.semantics).slots
        centre = np.mean([rows.mean(axis=0) for rows in sets], axis=0)
        scores = template_scores(self._some(sets[-1]), E, centre * (self.debias == "mean"), self.scale)
        self.weights_ = template_weights(scores, self.weighting, self.selection)

    def _some(self, rows: np.ndarray) -> np.ndarray:
        if self.max_rows is None or len(rows) <= self.max_rows:
            return rows
        return rows[np.random.default_rng(self._context.seed).choice(len(rows), self.max_rows, replace=False)]

    def class_side(self, semantics: Semantics) -> np.ndarray:
        """Weighted means (C, a) of the templates; plain ones for a table of another number of them."""
        E = self.views(semantics).slots
        weights = np.full(len(E), 1 / len(E), np.float32) if len(E) != len(self.weights_) else self.weights_
        return np.tensordot(weights, E, axes=(0, 0))


def template_scores(Z: np.ndarray, E: np.ndarray, centre: np.ndarray, scale: float) -> np.ndarray:
    """Mean over rows (n, a) of the largest logit less its mean, of every template of E (K, C, a), shape (K,)."""
    totals = np.zeros(len(E))
    for k, vectors in enumerate(E):
        offset = vectors @ centre
        for where in row_blocks(len(Z), 4 * len(vectors)):
            totals[k] += (Z[where] @ vectors.T - offset).max(axis=1).sum(dtype=np.float64)
    return scale * totals / len(Z)


def template_weights(scores: np.ndarray, weighting: str, selection: float | None) -> np.ndarray:
    """Weights (K,) that sum to 1; those of templates that are not selected are 0."""
    weights = softmax(scores[None])[0] if weighting == "softmax" else np.maximum(scores, 0)
    if selection is not None:
        deviation = np.abs(scores - np.median(scores))
        kept = scores - np.median(scores) > selection * np.median(deviation)
        weights = weights * kept
    total = weights.sum()
    return (weights / total if total > 0 else np.full(len(scores), 1 / len(scores))).astype(np.float32)
