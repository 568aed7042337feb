"""DUET on given regions: attributes read from regions, hidden ones completed, and contrasted one by one."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, mse_loss, normalize

from gzsl.methods.attention.regional import RegionMethod, self_calibration, side_margin
from gzsl.methods.iterative import Sizes
from gzsl.methods.registry import register
from gzsl.nn.batches import Batch, TrainingRows
from gzsl.nn.init import linear
from gzsl.params import param

LEAST = 1e-8


class CrossAttention(nn.Module):
    """Regions and attributes in one space: where each attribute is, how much of it, and what is there."""

    def __init__(self, start: Tensor | None, sizes: Sizes, hidden: int, rng: torch.Generator) -> None:
        super().__init__()
        names = torch.randn(sizes.n_attributes, hidden, generator=rng) / hidden**0.5 if start is None else start
        self.attributes = nn.Parameter(names.clone())
        self.to_query = linear(names.shape[1], hidden, init="xavier-uniform", rng=rng)
        self.to_key = linear(sizes.n_features, hidden, init="xavier-uniform", rng=rng)
        self.to_value = linear(sizes.n_features, hidden, init="xavier-uniform", rng=rng)
        self.scale = nn.Parameter(torch.ones(sizes.n_attributes))
        self.shift = nn.Parameter(torch.zeros(sizes.n_attributes))

    def queries(self) -> Tensor:
        """Attributes as queries, (a, h)."""
        found: Tensor = self.to_query(self.attributes)
        return found

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """How much of every attribute (n, a), and how well it fits each region (n, R, a)."""
        queries = self.queries()
        fit = self.to_key(x) @ queries.T / queries.shape[1] ** 0.5
        weights = fit.softmax(dim=1)
        return self.shift + self.scale * (weights * fit).sum(dim=1), fit

    def there(self, x: Tensor, query: Tensor) -> Tensor:
        """What is where each of some queries looks: regions (n, R, d) and queries (n, k, h) to (n, k, h)."""
        weights = (query @ self.to_key(x).transpose(1, 2) / query.shape[-1] ** 0.5).softmax(dim=2)
        found: Tensor = weights @ self.to_value(x)
        return found


@register(
    "duet",
    family="attention",
    settings=("inductive",),
    fidelity="partly from memory: unverified",
    cite="Chen et al., DUET: Cross-Modal Semantic Grounding for Contrastive Zero-Shot Learning, AAAI 2023, "
    "arXiv:2207.01328",
    year=2023,
    needs=("regions",),
    test_params=[{"n_epochs": 10, "batch_size": 32, "lr": 3e-3, "hidden_dim": 32}],
)
class DUET(RegionMethod):
    """Read attributes from regions, learn to complete hidden ones, and contrast pictures attribute by attribute.

    Regions f_r and attributes V_i are mapped into one space of h dimensions; attribute i fits region r with ``m_ir``
    (scaled product), looks with ``softmax_r m_ir``, and ``â_i`` is an affine map of what it finds. A class with vector
    a scores ``â a``. Minimised: cross-entropy over the seen classes, the squared error of â, and three terms of the
    paper. *Completing*: a share of a class's attributes is hidden; the mean of the others, as a query, looks at the
    regions and has to tell the hidden ones (cross-entropy over what is not shown). *Contrast*: for some attributes, an
    anchor that has the attribute is compared with pictures of other classes that have it and with those that lack it,
    by what is where that attribute looks (InfoNCE, weighed by the smaller of both classes' values, as released).
    *Self-calibration* as in DAZLE.

    **Differences.** The paper trains a vision transformer and a language model, which is its main gain: here regions
    are given and frozen, prompts are a mean of attribute vectors, and one attention without layers stands for its
    cross-modal layers. Negatives are all pictures of a batch that lack the attribute; the paper picks classes that are
    otherwise alike. Groups of attributes, and the regularisers of APN that it adds (1e-9 to 4e-2), are left out. An
    attribute counts as had above its mean over seen classes. Its stacking constants (0.7, 0.8, 0.4) are picked with
    test data in sight; here a calibrator is validated.
    """

    n_epochs: int = param(default=30, low=1, high=100_000, doc="passes over the training rows")
    batch_size: int = param(default=50, low=1, high=1_000_000, doc="pictures a step")
    hidden_dim: int = param(default=256, low=1, high=100_000, symbol="h", doc="of the common space")
    regression_weight: float = param(default=0.1, low=0.0, high=100.0, doc="weight of the squared error of attributes")
    mask_weight: float = param(default=1.0, low=0.0, high=100.0, doc="weight of completing; 5 for CUB, else 1")
    mask_share: float = param(default=0.4, low=0.05, high=0.95, doc="of attributes that are hidden")
    contrast_weight: float = param(default=0.01, low=0.0, high=100.0, doc="weight of the contrast; 0.001 for CUB")
    contrast_attributes: int = param(default=8, low=1, high=1000, doc="attributes that a step contrasts")
    temperature: float = param(default=0.05, low=1e-3, high=10.0, log=True, doc="of the contrast")
    calibration_weight: float = param(default=0.001, low=0.0, high=100.0, doc="weight of self-calibration")
    margin: float = param(default=1.0, low=0.0, high=100.0, doc="of unseen over seen classes in self-calibration")

    def build(self, sizes: Sizes, rng: torch.Generator) -> None:
        """Make the attention."""
        self.attention_ = CrossAttention(self.attribute_start(), sizes, self.hidden_dim, rng)

    def constants(self, rows: TrainingRows) -> dict[str, Tensor]:
        """Vectors of all classes, and the mean of each attribute over the seen ones."""
        return super().constants(rows) | {"_usual": rows.table.mean(dim=0)}

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Classification, attributes, completing, contrast, self-calibration."""
        table, n_seen = self.all_vectors(), len(self.seen_classes_)
        read, _ = self.attention_(batch.x)
        logits = read @ table.T
        found = {"classification": cross_entropy(logits[:, :n_seen], batch.y)}
        if self.regression_weight:
            found["regression"] = self.regression_weight * mse_loss(read, batch.a)
        if self.mask_weight:
            found["completing"] = self.mask_weight * self._completing(batch)
        if self.contrast_weight:
            found["contrast"] = self.contrast_weight * self._contrast(batch)
        if self.calibration_weight and len(table) > n_seen:
            shift = side_margin(torch.arange(len(table), device=logits.device) < n_seen, self.margin)
            found["calibration"] = self.calibration_weight * self_calibration(logits + shift, n_seen)
        return found

    def _completing(self, batch: Batch) -> Tensor:
        """Cross-entropy of hidden attributes over all that are not shown."""
        had = batch.a > self._usual  # type: ignore[attr-defined]
        drawn = self.streams.uniform("mask", *batch.a.shape) < self.mask_share
        hidden, shown = had & drawn, had & ~drawn
        queries = self.attention_.queries()
        context = (shown.float() @ queries) / shown.sum(dim=1, keepdim=True).clamp_min(1)
        told = self.attention_.there(batch.x, context[:, None])[:, 0] @ queries.T / queries.shape[1] ** 0.5
        logs = told.masked_fill(shown, -1e9).log_softmax(dim=1)
        count = hidden.sum(dim=1)
        mean = -(logs * hidden).sum(dim=1) / count.clamp_min(1)
        return mean[count > 0].mean() if bool((count > 0).any()) else 0 * mean.sum()

    def _contrast(self, batch: Batch) -> Tensor:
        chosen = torch.randperm(batch.a.shape[1], generator=self.streams["contrast"], device=batch.a.device)
        chosen = chosen[: self.contrast_attributes]
        queries = self.attention_.queries()[chosen].expand(len(batch), -1, -1)
        codes = normalize(self.attention_.there(batch.x, queries), dim=2, eps=LEAST)
        values = batch.a[:, chosen]
        return attribute_contrast(codes, values, values > self._usual[chosen], batch.y, self.temperature)  # type: ignore[attr-defined]

    def outputs(self, x: Tensor, table: Tensor, is_seen: Tensor) -> Tensor:
        """Read attributes times class vectors."""
        found: Tensor = self.attention_(x)[0] @ table.T
        return found

    def attribute_evidence(self, X: np.ndarray) -> np.ndarray:
        """Read attributes (n, a)."""
        with torch.inference_mode():
            found: np.ndarray = self.attention_(torch.from_numpy(X).to(self.device))[0].cpu().numpy()
        return found

    def attention(self, X: np.ndarray) -> np.ndarray:
        """Where every attribute looks, (n, a, R)."""
        with torch.inference_mode():
            fit = self.attention_(torch.from_numpy(np.asarray(X, dtype=np.float32)).to(self.device))[1]
            return fit.softmax(dim=1).transpose(1, 2).cpu().numpy()


def attribute_contrast(codes: Tensor, values: Tensor, had: Tensor, y: Tensor, temperature: float) -> Tensor:
    """InfoNCE attribute by attribute, 0-d.

    Parameters
    ----------
    codes : Tensor, shape (n, k, h)
        What each picture shows where each of k attributes looks, of unit length.
    values : Tensor, shape (n, k)
        What the pictures' classes have of these attributes.
    had : Tensor of bool, shape (n, k)
        Whether they have them.
    y : Tensor, shape (n,)
        Classes: a positive is of another class that has the attribute, a negative one that lacks it.
    temperature : float
        Of the products.
    """
    similar = torch.einsum("nkh,mkh->knm", codes, codes) / temperature
    anchors, others = had.T[:, :, None], had.T[:, None, :]
    positive = anchors & others & (y[:, None] != y[None, :])
    negative = anchors & ~others
    against = similar.masked_fill(~negative, -torch.inf).logsumexp(dim=2, keepdim=True)
    logs = similar - torch.logaddexp(similar, against)
    weights = torch.minimum(values.T[:, :, None], values.T[:, None, :]).clamp_min(0)
    count = positive.sum()
    return -(logs * weights).masked_fill(~positive, 0).sum() / count.clamp_min(1)
