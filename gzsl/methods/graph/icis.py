"""ICIS: two coupled autoencoders, of class vectors and of classifier weights, put new classes into a classifier."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity

from gzsl.data import TrainView
from gzsl.methods.descent import DescentMethod
from gzsl.methods.graph.injection import InjectedClassifier
from gzsl.methods.iterative import Sizes
from gzsl.methods.registry import register
from gzsl.nn.batches import Batch, TrainingRows
from gzsl.nn.mlp import MLP
from gzsl.params import param
from gzsl.semantics import Semantics

FLAT, WINDOW, FIRST = 2e-3, 10, 20  # the stopping rule of the released code


@register(
    "icis",
    family="graph",
    settings=("inductive",),
    fidelity="replicated from code",
    cite="Christensen, Mancini, Koepke, Winther & Akata, Image-free Classifier Injection for Zero-Shot Classification, "
    "ICCV 2023, arXiv:2308.10599",
    year=2023,
    test_params=[{"n_epochs": 120, "hidden_dim": 64, "lr": 3e-3, "batch_size": 8}],
    needs=("classifier",),
)
class ICIS(InjectedClassifier, DescentMethod):
    """Class vectors and weight rows share a latent space; a new class is encoded from its vector, decoded to weights.

    Encoders E_a: (a,) -> (h,), E_w: (d + 1,) -> (h,) with ReLU, linear decoders D_a, D_w. With distances
    ``1 - cos``, the mean over classes of ``(a, D_a E_a a) + m (a, D_a E_w w) + m (w, D_w E_w w) + m (w, D_w E_a a)`` is
    minimised, where m is 1 for seen classes; unseen classes enter the first term alone (``include_unseen``). Then
    ``ŵ_c = D_w E_a a_c``, and seen classes keep their rows (`gzsl.methods.graph.injection`).

    **Differences.** The classifier is a regularised softmax by L-BFGS where the view brings none; the released code
    trains one by Adam and keeps the epoch that is best on the seen test rows. Terms are means over the classes of a
    batch that have them, as released. Training stops by the released rule, by losses alone: the mean loss of ten
    epochs has fallen by less than 2e-3 an epoch below that of the ten before, five epochs running, after the 20th
    (``patience``; 0: never). The cosine leaves the length of ŵ free, which decides between classes: ``norm: seen``
    fixes it.

    Notes
    -----
    The seen classes' own rows score far higher than predicted ones on anything: H needs calibration. Epochs that
    validation chooses have looked at images of pseudo-unseen classes; ``selection: last`` has not.
    """

    n_epochs: int = param(default=1000, low=1, high=100_000, doc="passes over the classes, at most")
    batch_size: int = param(default=16, low=1, high=1_000_000, doc="classes a step; the released code has 20 for AWA2")
    lr: float = param(default=1e-5, low=1e-8, high=10.0, log=True, tune=(1e-5, 1e-2), doc="learning rate of Adam")
    hidden_dim: int = param(default=2048, low=1, high=100_000, symbol="h", doc="units of the latent space")
    include_unseen: bool = param(default=True, doc="reconstruct vectors of unseen classes too")
    patience: int = param(default=5, low=0, high=100_000, doc="flat epochs after which training stops; 0: never")

    def _place(self, view: TrainView) -> None:
        self._take_classifier(view)
        n = len(view.semantics) if self.include_unseen else len(view.seen)
        order = np.concatenate([view.seen, view.unseen])[:n]
        rows = np.zeros((n, self.n_features_ + 1), dtype=np.float32)
        rows[: len(view.seen)] = self.seen_weights_
        self.rows = TrainingRows(  # type: ignore[misc]
            self.to_device(rows), torch.arange(n, device=self.device), self.to_device(view.semantics.table[order])
        )
        self.n_with_row_, self.flat_, self.stopped_ = len(view.seen), 0, 0
        self.means_ = torch.zeros(self.n_epochs, device=self.device)
        self.sum_ = torch.zeros((), device=self.device)
        self._build()

    def rows_a_step(self, available: int) -> int:
        """All classes at most."""
        return min(self.batch_size, available)

    def build(self, sizes: Sizes, rng: torch.Generator) -> None:
        """Make the four halves."""
        a, w, h = sizes.n_attributes, sizes.n_features + 1, self.hidden_dim
        self.from_vector_, self.from_row_ = MLP([a, h], rng=rng, output="relu"), MLP([w, h], rng=rng, output="relu")
        self.to_vector_, self.to_row_ = MLP([h, a], rng=rng), MLP([h, w], rng=rng)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """The four cosine distances."""
        of_vector, of_row = self.from_vector_(batch.a), self.from_row_(batch.x)
        with_row = (batch.y < self.n_with_row_).to(batch.x.dtype)
        share = with_row / with_row.sum().clamp_min(1)
        return {
            "vector from vector": _distance(self.to_vector_(of_vector), batch.a).mean(),
            "vector from row": (share * _distance(self.to_vector_(of_row), batch.a)).sum(),
            "row from row": (share * _distance(self.to_row_(of_row), batch.x)).sum(),
            "row from vector": (share * _distance(self.to_row_(of_vector), batch.x)).sum(),
        }

    def update(self, batch: Batch) -> dict[str, Tensor]:
        """Take one step, unless training has stopped."""
        if self.stopped_:
            return {name: value.detach() for name, value in self.losses(batch).items()}
        found = super().update(batch)
        self.sum_ = self.sum_ + torch.stack(list(found.values())).sum()
        return found

    def on_epoch_end(self, epoch: int) -> None:
        """Remember the epoch's loss, and stop when it has not fallen for a while."""
        assert self.rows is not None
        steps = -(-len(self.rows) // self.batch_size)
        self.means_[epoch - 1], self.sum_ = self.sum_ / steps, torch.zeros_like(self.sum_)
        if not self.patience or epoch <= FIRST + 1:
            return
        last, before = self.means_[epoch - WINDOW : epoch], self.means_[epoch - 2 * WINDOW : epoch - WINDOW]
        fall = float(before.mean() - last.mean()) / WINDOW
        self.flat_ = self.flat_ + 1 if fall < FLAT else 0
        self.stopped_ = int(self.stopped_ or self.flat_ >= self.patience)

    def predicted(self, semantics: Semantics) -> np.ndarray:
        """Decoded rows (C, d + 1)."""
        with torch.inference_mode():
            return self.to_row_(self.from_vector_(self.to_device(semantics.table))).cpu().numpy()


def _distance(x: Tensor, y: Tensor) -> Tensor:
    return 1 - cosine_similarity(x, y, dim=1)
