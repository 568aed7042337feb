"""Preserving semantic relations: class vectors mapped to features such that relations between classes survive."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from gzsl.methods.descent import DescentMethod, negative_squared_distances
from gzsl.methods.iterative import Sizes
from gzsl.methods.registry import register
from gzsl.nn.batches import Batch
from gzsl.nn.mlp import MLP
from gzsl.params import param
from gzsl.semantics import Semantics


@register(
    "psr",
    family="embedding",
    settings=("inductive",),
    fidelity="partly from memory: unverified",
    cite="Annadani & Biswas, Preserving Semantic Relations for Zero-Shot Learning, CVPR 2018, arXiv:1803.03049",
    year=2018,
    test_params=[{"n_epochs": 30, "batch_size": 32, "lr": 3e-3, "hidden_dim": 64}],
)
class PSR(DescentMethod):
    """An encoder-decoder from class vectors to features and back, with three kinds of class pairs.

    ``f`` (a,) -> (d,) maps class vectors to features, ``g`` (d,) -> (a,) back. With the similarity ``s = cos(x,
    f(a_c))`` of a row and a mapped class, and the semantic similarity ``δ = cos(a_y, a_c)`` of its class and the
    other one (class vectors centred by the seen mean), a batch minimises ``|x - f(a_y)|² / d``  (identical) ``+ λ1
    (mean over δ < τ of [s - δ]_+ + mean over δ >= τ of [|s - δ| - m]_+)`` ``+ λ2 |a_y - g(f(a_y))|² / a``. A class
    scores ``-|x - f(a_c)|² / d``, or the cosine.

    **Unverified.** The paper's text and code were not at hand: the three relations are as its abstract tells, the exact
    hinges, the quantile that sets τ, the sizes and all defaults are ours.
    """

    n_epochs: int = param(default=50, low=1, high=100_000, doc="passes over the training rows, at most (ours)")
    batch_size: int = param(default=128, low=1, high=1_000_000, doc="rows a step (ours)")
    hidden_dim: int = param(default=1000, low=1, high=100_000, doc="hidden units of the encoder (ours)")
    relation_weight: float = param(
        default=0.1, low=0.0, high=1e4, symbol="λ1", tune=(1e-2, 1.0), doc="weight of the relations (ours)"
    )
    decoder_weight: float = param(
        default=0.1, low=0.0, high=1e4, symbol="λ2", tune=(1e-2, 1.0), doc="weight of the reconstruction (ours)"
    )
    similar_share: float = param(
        default=0.3, low=0.0, high=1.0, symbol="1 - τ", doc="share of class pairs that count as similar (ours)"
    )
    band: float = param(
        default=0.1, low=0.0, high=2.0, symbol="m", doc="half width of the band of similar pairs (ours)"
    )
    output: str = param(default="relu", choices=("relu", "none"), doc="relu for non-negative features (ours)")
    distance: str = param(default="cosine", choices=("euclidean", "cosine"), doc="how rows and prototypes are compared")

    def build(self, sizes: Sizes, rng: torch.Generator) -> None:
        """Make encoder and decoder."""
        layers = [sizes.n_attributes, self.hidden_dim, sizes.n_features]
        self.encoder_ = MLP(layers, rng=rng, activation="relu", output=self.output, init="torch-default")
        self.decoder_ = MLP([sizes.n_features, sizes.n_attributes], rng=rng, init="torch-default")

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """The three relations and the reconstruction."""
        assert self.rows is not None
        table, mapped = self.rows.table, self.encoder_(self.rows.table)
        terms = {"identical": ((mapped[batch.y] - batch.x) ** 2).mean()}
        similarity = normalize(batch.x) @ normalize(mapped).T
        dissimilar, similar = self.relations(similarity, batch.y, table)
        terms["dissimilar"] = self.relation_weight * dissimilar
        terms["similar"] = self.relation_weight * similar
        terms["decoder"] = self.decoder_weight * ((self.decoder_(mapped) - table)[batch.y] ** 2).mean()
        return terms

    def relations(self, similarity: Tensor, y: Tensor, table: Tensor) -> tuple[Tensor, Tensor]:
        """Losses of dissimilar and of similar pairs.

        Parameters
        ----------
        similarity : Tensor, shape (n, s)
            Cosine of each row with each mapped seen class.
        y : Tensor, shape (n,)
            Seen class of each row.
        table : Tensor, shape (s, a)
            Seen class vectors.
        """
        unit = normalize(table - table.mean(dim=0))
        between = unit @ unit.T
        others = ~torch.eye(len(table), dtype=torch.bool, device=table.device)
        threshold = between[others].quantile(1 - self.similar_share)
        wanted = between[y]
        similar = (wanted >= threshold) & others[y]
        dissimilar = (wanted < threshold) & others[y]
        excess, outside = (similarity - wanted).clamp_min(0), ((similarity - wanted).abs() - self.band).clamp_min(0)
        return _masked_mean(excess, dissimilar), _masked_mean(outside, similar)

    def _scores(self, X: np.ndarray, semantics: Semantics) -> np.ndarray:
        with torch.inference_mode():
            x, prototypes = torch.from_numpy(X).to(self.device), self.encoder_(self.to_device(semantics.table))
            if self.distance == "cosine":
                return (normalize(x) @ normalize(prototypes).T).cpu().numpy()
            return (negative_squared_distances(x, prototypes) / X.shape[1]).cpu().numpy()


def _masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    return (values * mask).sum() / mask.sum().clamp_min(1)
