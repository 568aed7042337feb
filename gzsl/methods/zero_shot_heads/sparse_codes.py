"""Sparse codes: rows and class vectors taken apart by one over-complete dictionary, and compared by what is active."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from gzsl.methods.descent import DescentMethod
from gzsl.methods.iterative import Sizes
from gzsl.methods.registry import register
from gzsl.methods.zero_shot_heads.prompt_views import PromptViews, unit
from gzsl.nn.batches import Batch, TrainingRows
from gzsl.nn.init import linear
from gzsl.nn.losses.reconstruction import squared_rows
from gzsl.params import param
from gzsl.semantics import Semantics

BLOCK = 1024


class SparseAutoencoder(nn.Module):
    """``z = TopK(ReLU((x - b) W + c))``, ``x' = z V + b``, the rows of V at unit length."""

    row_mean: Tensor  # of the training rows
    class_mean: Tensor  # of the seen class vectors
    usage: Tensor  # share of rows that use a unit

    def __init__(self, size: int, units: int, rng: torch.Generator) -> None:
        super().__init__()
        self.encoder = linear(size, units, init="torch-default", rng=rng)
        self.decoder = nn.Parameter(torch.randn(units, size, generator=rng))
        self.centre = nn.Parameter(torch.zeros(size))
        for name in ("row_mean", "class_mean"):
            self.register_buffer(name, torch.zeros(size))
        self.register_buffer("usage", torch.full((units,), 0.5))
        with torch.no_grad():
            self.encoder.weight.copy_(normalize(self.decoder))  # tied at the start
            self.encoder.bias.zero_()

    def activations(self, x: Tensor) -> Tensor:
        """Units (n, m) before the cut."""
        found: Tensor = torch.relu(self.encoder(x - self.centre))
        return found

    def decoded(self, z: Tensor) -> Tensor:
        """Rows (n, a) of codes, without the centre."""
        return z @ normalize(self.decoder)


@register(
    "sparse-codes",
    family="zero_shot_heads",
    settings=("inductive",),
    fidelity="partly from memory: unverified",
    cite="Gallifant et al., Sparse Autoencoder Features for Classifications and Transferability, EMNLP 2025, "
    "arXiv:2502.11367",
    year=2025,
    needs=("joint",),
    test_params=[
        {"n_epochs": 20, "batch_size": 32, "expansion": 2.0, "n_active": 24, "lr": 3e-3},
        {"n_epochs": 20, "batch_size": 32, "expansion": 2.0, "n_active": 32, "lr": 3e-3, "binary": True,
         "rarity": False, "mix": 0.5},
    ],
)  # fmt: skip
class SparseCodes(DescentMethod):
    """One dictionary takes rows and class vectors apart; a class scores by the units that it shares with a row.

    A sparse autoencoder with m = ``expansion`` times a units of which the k largest stay is trained on the rows, with
    the mean squared error and, for units that no row of the batch uses, the error of what they make of the residual.
    A class scores ``(1 - w) cos(z(x), z(t_c)) + w cos(x, t_c)``; units weigh by their rarity.

    **Differences.** The paper encodes a language model's hidden states, sums codes over tokens, and trains a
    classifier on codes; without labels of unseen classes, comparing codes of rows with codes of class vectors takes
    its place (ours). The mean row and the mean class vector are taken off first. ``binary``: 1 for an active unit, as
    the paper finds best.

    **Notes.** Reads training rows without their labels. Codes exist for a block of rows at a time.
    """

    n_epochs: int = param(default=20, low=1, high=100_000, doc="passes over the training rows")
    batch_size: int = param(default=256, low=1, high=1_000_000, doc="rows a step")
    lr: float = param(default=1e-3, low=1e-8, high=10.0, log=True, tune=(1e-4, 1e-2), doc="learning rate of Adam")
    expansion: float = param(default=4.0, low=0.1, high=64.0, tune=(2.0, 16.0), doc="units a dimension")
    n_active: int = param(default=32, low=1, high=100_000, symbol="k", tune=(8, 128), doc="units that stay of a row")
    silent_weight: float = param(default=1 / 32, low=0.0, high=1e3, doc="weight of the silent units' term")
    binary: bool = param(default=False, doc="active or not, instead of how much")
    rarity: bool = param(default=True, doc="units weigh by log of one over the share of rows that use them")
    mix: float = param(default=0.0, low=0.0, high=1.0, symbol="w", tune=(0.0, 1.0), doc="share of the plain cosine")

    def build(self, sizes: Sizes, rng: torch.Generator) -> None:
        """Make the autoencoder."""
        self.network_ = SparseAutoencoder(sizes.n_features, self._n_units(sizes.n_features), rng)

    @property
    def autoencoder(self) -> SparseAutoencoder:
        """The one network."""
        found = self.networks()["network_"]
        assert isinstance(found, SparseAutoencoder)
        return found

    def pretrain(self, rows: TrainingRows) -> None:
        """Keep the means of rows and of seen class vectors."""
        self.autoencoder.row_mean.copy_(normalize(rows.x).mean(dim=0))
        self.autoencoder.class_mean.copy_(normalize(rows.table).mean(dim=0))

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Errors of the kept units, and of silent ones on what is left over."""
        x = normalize(normalize(batch.x) - self.autoencoder.row_mean)
        active = self.autoencoder.activations(x)
        z = top_units(active, self.n_active)
        left = x - self.autoencoder.centre - self.autoencoder.decoded(z)
        silent = (z > 0).sum(dim=0) == 0
        spare = top_units(active * silent, self.n_active)
        with torch.no_grad():
            self.autoencoder.usage.lerp_((z > 0).float().mean(dim=0), 0.05)
        return {
            "reconstruction": squared_rows(left, torch.zeros_like(left)),
            "silent": self.silent_weight * squared_rows(self.autoencoder.decoded(spare), left.detach()),
        }

    def _n_units(self, size: int) -> int:
        return max(self.n_active, round(self.expansion * size))

    def codes(self, x: Tensor) -> Tensor:
        """Codes (n, m) of rows at unit length, weighted and at unit length themselves."""
        z = top_units(self.autoencoder.activations(x), self.n_active)
        z = (z > 0).to(z.dtype) if self.binary else z
        if self.rarity:
            z = z * torch.log(1 / self.autoencoder.usage.clamp(1e-4, 1)).clamp_min(1e-3)
        return normalize(z)

    def _scores(self, X: np.ndarray, semantics: Semantics) -> np.ndarray:
        found = np.empty((len(X), len(semantics)), dtype=np.float32)
        with torch.inference_mode():
            means = self.to_device(unit(PromptViews.of(semantics).means))
            table = normalize(means - self.autoencoder.class_mean)
            codes = self.codes(table).T
            for start in range(0, len(X), BLOCK):
                where = slice(start, start + BLOCK)
                x = normalize(normalize(self.to_device(X[where])) - self.autoencoder.row_mean)
                scores = (1 - self.mix) * (self.codes(x) @ codes) + self.mix * (x @ table.T)
                found[where] = scores.cpu().numpy()
        return found


def top_units(z: Tensor, count: int) -> Tensor:
    """The ``count`` largest entries of each row, zeros elsewhere."""
    if count >= z.shape[-1]:
        return z
    values, places = z.topk(count, dim=-1)
    return torch.zeros_like(z).scatter(-1, places, values)
