"""SGMA: parts of an object found from channels that peak at the same places, without part labels."""

from __future__ import annotations

import numpy as np
import torch
from scipy.cluster.vq import kmeans2
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize

from gzsl.data.features import FeatureRows
from gzsl.data.regions import grid_of
from gzsl.data.view import TrainView
from gzsl.methods.attention.regional import RegionMethod
from gzsl.methods.iterative import Sizes
from gzsl.methods.registry import register
from gzsl.nn.batches import Batch
from gzsl.nn.init import linear
from gzsl.params import param

LEAST = 1e-8


class PartMaps(nn.Module):
    """Regions (n, R, d) to the maps of P parts (n, P, R): groups of channels, weighed by what the picture shows."""

    groups: Tensor

    def __init__(self, groups: Tensor, n_parts: int, rng: torch.Generator) -> None:
        super().__init__()
        d = len(groups)
        self.register_buffer("groups", torch.nn.functional.one_hot(groups, n_parts).T.float())  # (P, d)
        self.first = linear(d, max(1, d // 4), init="torch-default", rng=rng)
        self.second = linear(max(1, d // 4), d, init="torch-default", rng=rng)

    def forward(self, x: Tensor) -> Tensor:
        """Maps whose sums over regions are 1."""
        pooled = x.mean(dim=1)
        channels = torch.sigmoid(self.second(torch.relu(self.first(pooled))))
        mixed = self.groups * channels[:, None, :]  # (n, P, d)
        found: Tensor = mixed @ x.transpose(1, 2) / self.groups.sum(dim=1, keepdim=True).clamp_min(1)
        spread = found.std(dim=2, keepdim=True).clamp_min(LEAST)
        return (found / spread).softmax(dim=2)


@register(
    "sgma",
    family="attention",
    settings=("inductive",),
    fidelity="partly from memory: unverified",
    cite="Zhu et al., Semantic-Guided Multi-Attention Localization for Zero-Shot Learning, NeurIPS 2019, "
    "arXiv:1903.00502",
    year=2019,
    needs=("regions",),
    test_params=[{"n_epochs": 8, "batch_size": 32, "lr": 3e-3, "triplet_weight": 0.1}],
)
class SGMA(RegionMethod):
    """Compare class vectors with the whole picture and with parts that channels of the map find by themselves.

    The channels of the map are put into P groups by where they peak. Part p has the map ``M_p = softmax_r`` of its
    group's channels, weighed by a network that sees the pooled picture, and the feature ``h_p = Σ_r M_p(r) f_r`` (d,).
    The streams [mean of regions, h_1 .. h_P] are each mapped to φ_s (a,); a class with vector a scores ``Σ_s φ_s a``.
    Minimised: cross-entropy over the seen classes, ``[d_y - min_c d_c + m]_+`` with d_c the squared distance of the
    unit vector φ (all streams side by side) to a learnt centre of class c, the spread of every map around its centre
    of mass, and the overlap of maps, ``Σ_r M_p(r) [max_q M_q(r) / max M_q - 0.2]_+``. To the scores comes φ times the
    centre of a class; centres of unseen classes are mixed from those of seen ones as their vectors are.

    **Differences.** The paper crops parts from the picture and trains its network (VGG19) end to end on 448 pixels;
    here regions are given and frozen, and parts are weighed sums of them. Groups are formed once from the peaks of all
    training pictures; a public re-implementation forms them anew a picture (its triplet term sums over all classes,
    with a sign that cannot be meant; here the hardest wrong class counts). How the paper weighs its terms was not
    found, so the weights are ours. Class vectors are mixed by ridge.

    Notes
    -----
    Peaks need to know where regions are: they are taken to be a square grid, row by row.
    """

    n_epochs: int = param(default=20, low=1, high=100_000, doc="passes over the training rows")
    batch_size: int = param(default=32, low=1, high=1_000_000, doc="pictures a step")
    n_parts: int = param(default=2, low=1, high=64, symbol="P", doc="parts")
    triplet_weight: float = param(default=1.0, low=0.0, high=100.0, doc="weight of the triplet of centres")
    triplet_margin: float = param(default=0.8, low=0.0, high=4.0, symbol="m", doc="of squared distances")
    compact_weight: float = param(default=0.1, low=0.0, high=100.0, doc="weight of the spread of maps")
    diverse_weight: float = param(default=0.1, low=0.0, high=100.0, doc="weight of the overlap of maps")
    centre_share: float = param(default=1.0, low=0.0, high=100.0, symbol="β", doc="of centres in the scores")
    ridge: float = param(default=0.1, low=1e-6, high=1e6, log=True, doc="when centres of unseen classes are mixed")

    def build(self, sizes: Sizes, rng: torch.Generator) -> None:
        """Make maps, streams and centres."""
        d, a, n_streams = sizes.n_features, sizes.n_attributes, self.n_parts + 1
        groups = getattr(self, "groups_", np.zeros(d, dtype=np.int64))
        self.maps_ = PartMaps(torch.from_numpy(np.asarray(groups)), self.n_parts, rng)
        self.streams_ = nn.ModuleList(linear(d, a, init="torch-default", rng=rng) for _ in range(n_streams))
        self.centres_ = nn.Embedding(sizes.n_seen, n_streams * a, _weight=torch.randn(
            sizes.n_seen, n_streams * a, generator=rng
        ))  # fmt: skip

    def _place(self, view: TrainView) -> None:
        self.groups_ = channel_groups(view.features, self.n_parts, self._context.seed)
        super()._place(view)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Cross-entropy, triplet of centres, spread and overlap of maps."""
        assert self.rows is not None
        maps = self.maps_(batch.x)
        parts = self._parts(batch.x, maps)
        logits = _sum(parts) @ self.rows.table.T
        found = {"classification": cross_entropy(logits, batch.y)}
        if self.triplet_weight:
            distances = 2 - 2 * _joined(parts) @ normalize(self.centres_.weight).T
            true = distances.gather(1, batch.y[:, None])[:, 0]
            wrong = distances.scatter(1, batch.y[:, None], torch.inf).amin(dim=1)
            found["triplet"] = self.triplet_weight * torch.relu(true - wrong + self.triplet_margin).mean()
        if self.compact_weight:
            found["compact"] = self.compact_weight * spread_of(maps)
        if self.diverse_weight and self.n_parts > 1:
            found["diverse"] = self.diverse_weight * overlap_of(maps)
        return found

    def outputs(self, x: Tensor, table: Tensor, is_seen: Tensor) -> Tensor:
        """Streams times class vectors, and times mixed centres."""
        parts = self._parts(x, self.maps_(x))
        found = _sum(parts) @ table.T
        if not self.centre_share or not self.triplet_weight:
            return found
        known = self.to_device(self.class_vectors_[np.isin(self.classes_, self.seen_classes_)])
        system = known @ known.T + self.ridge * torch.eye(len(known), device=x.device)
        mixed = torch.linalg.solve(system, known @ table.T).T @ normalize(self.centres_.weight)
        return found + self.centre_share * _joined(parts) @ normalize(mixed, eps=LEAST).T

    def attribute_evidence(self, X: np.ndarray) -> np.ndarray:
        """Sum of the streams, (n, a)."""
        with torch.inference_mode():
            x = torch.from_numpy(X).to(self.device)
            return _sum(self._parts(x, self.maps_(x))).cpu().numpy()

    def attention(self, X: np.ndarray) -> np.ndarray:
        """Where the parts are, (n, P, R)."""
        with torch.inference_mode():
            x = torch.from_numpy(np.asarray(X, dtype=np.float32)).to(self.device)
            found: np.ndarray = self.maps_(x).cpu().numpy()
        return found

    def _parts(self, x: Tensor, maps: Tensor) -> list[Tensor]:
        """What each stream says of the attributes, (n, a) each."""
        seen = torch.cat([x.mean(dim=1, keepdim=True), maps @ x], dim=1)
        return [stream(seen[:, k]) for k, stream in enumerate(self.streams_)]


def channel_groups(features: FeatureRows, n_groups: int, seed: int) -> np.ndarray:
    """Group (d,) of each channel, by the mean place of its largest value in training pictures; k-means, seeded."""
    side = grid_of(features.shape[1])
    total = np.zeros((features.shape[2], 2))
    for _, block in features.blocks():
        where = np.stack(np.unravel_index(block.argmax(axis=1), side), axis=-1)  # (n, d, 2)
        total += where.sum(axis=0)
    places = total / max(len(features), 1)
    different, which = np.unique(places, axis=0, return_inverse=True)
    if len(different) <= n_groups:
        return which.reshape(-1).astype(np.int64)
    found = kmeans2(places, n_groups, minit="++", seed=np.random.default_rng(seed))[1]
    return found.astype(np.int64)


def spread_of(maps: Tensor) -> Tensor:
    """Mean squared distance of a map's mass (n, P, R) from its centre, in sides of the grid: 0-d."""
    height, width = grid_of(maps.shape[2])
    rows = torch.arange(height, device=maps.device, dtype=maps.dtype).repeat_interleave(width) / max(height, width)
    columns = torch.arange(width, device=maps.device, dtype=maps.dtype).repeat(height) / max(height, width)
    apart = [(maps * (at - (maps * at).sum(dim=2, keepdim=True)) ** 2).sum(dim=2) for at in (rows, columns)]
    return (apart[0] + apart[1]).mean()


def overlap_of(maps: Tensor, margin: float = 0.2) -> Tensor:
    """Mass of each map (n, P, R) where another one is near its own largest value: 0-d."""
    relative = maps / maps.amax(dim=2, keepdim=True).clamp_min(LEAST)
    own = torch.eye(maps.shape[1], dtype=torch.bool, device=maps.device)[None, :, :, None]
    others = relative[:, None].expand(-1, maps.shape[1], -1, -1).masked_fill(own, 0).amax(dim=2)
    return (maps * torch.relu(others - margin)).sum(dim=2).mean()


def _sum(parts: list[Tensor]) -> Tensor:
    return torch.stack(parts).sum(dim=0)


def _joined(parts: list[Tensor]) -> Tensor:
    return normalize(torch.cat(parts, dim=1), eps=LEAST)
