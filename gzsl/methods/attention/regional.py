"""What methods trained by steps on regions share: attribute vectors, vectors of all classes, scoring."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from gzsl.data.view import TrainView
from gzsl.errors import MethodError
from gzsl.methods.descent import DescentMethod
from gzsl.nn.batches import TrainingRows
from gzsl.params import param
from gzsl.semantics import Semantics


class RegionMethod(DescentMethod):
    """A method whose rows are regions (n, R, d) and whose classes are scored through attributes.

    A subclass writes ``build``, ``losses`` and `outputs`; it may ask for `attribute_start` and `all_vectors`.
    """

    attribute_vectors: str = param(
        default="identity", choices=("identity", "names"),
        doc="what stands for an attribute: a direction of its own, or the sentence encoder's vector of its name",
    )  # fmt: skip

    _named: ClassVar[Tensor | None] = None
    _all: ClassVar[Tensor | None] = None

    def outputs(self, x: Tensor, table: Tensor, is_seen: Tensor) -> Tensor:
        """Scores (n, C) of regions (n, R, d) against class vectors (C, a), of which some are of seen classes."""
        raise NotImplementedError

    def attribute_start(self) -> Tensor | None:
        """Vectors (a, v) that attributes start with; None for the identity."""
        if not self.vector_dim_:
            return None
        return torch.zeros(self.n_attributes_, self.vector_dim_) if self._named is None else self._named

    def all_vectors(self) -> Tensor:
        """Class vectors of the seen classes, then of the unseen ones; only while training."""
        assert self._all is not None
        return self._all

    def constants(self, rows: TrainingRows) -> dict[str, Tensor]:
        """Class vectors of all classes, the seen ones first."""
        place = {name: k for k, name in enumerate(self.classes_)}
        unseen = [place[name] for name in self.unseen_classes_]
        return {"_all": torch.cat([rows.table, self.to_device(self.class_vectors_[unseen])])}

    def _place(self, view: TrainView) -> None:
        found = name_vectors(view.semantics, self.card.id) if self.attribute_vectors == "names" else None
        self.vector_dim_ = 0 if found is None else found.shape[1]
        self._named = None if found is None else torch.from_numpy(found)  # type: ignore[misc]
        super()._place(view)

    def _scores(self, X: np.ndarray, semantics: Semantics) -> np.ndarray:
        seen = torch.tensor(np.isin(semantics.class_names, self.seen_classes_), device=self.device)
        with torch.inference_mode():
            x = torch.from_numpy(X).to(self.device)
            return self.outputs(x, self.to_device(semantics.table), seen).cpu().numpy()


def name_vectors(semantics: Semantics, who: str) -> np.ndarray:
    """Vectors (a, v) of unit length, float32, of the names of attributes.

    Raises
    ------
    MethodError
        For a class table without names of attributes.
    DataError
        When the sentence encoder is not installed, naming the command that installs it.
    """
    from gzsl.semantics.sources import text_table

    if semantics.attribute_names is None:
        raise MethodError(
            f"{who}: attribute_vectors: found a class table {semantics.name!r} without names of attributes, expected "
            "some to encode; attribute_vectors: identity needs none"
        )
    names = {f"{k} {name}": name for k, name in enumerate(semantics.attribute_names)}  # names may stand twice
    return text_table(names, "minilm").semantics.table.astype(np.float32)


def self_calibration(logits: Tensor, n_seen: int) -> Tensor:
    """Minus the logarithm of the mean share (0-d) of softmax that a batch gives to the columns after ``n_seen``."""
    return -logits.softmax(dim=1)[:, n_seen:].sum(dim=1).mean().log()


def side_margin(is_seen: Tensor, margin: float) -> Tensor:
    """``-margin`` for seen classes, ``+margin`` for others, (C,)."""
    return margin * (1 - 2 * is_seen.to(torch.float32))
