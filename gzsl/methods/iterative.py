"""Methods trained by steps: one loop, one checkpoint and one NaN guard for all of them."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from gzsl.data.features import FeatureRows
from gzsl.data.view import TrainView
from gzsl.methods.loop import Loop
from gzsl.methods.trainable import Sizes, Trainable
from gzsl.nn.batches import RowsElsewhere, TrainingRows
from gzsl.nn.streams import Streams

__all__ = ["IterativeMethod", "Sizes"]

RESIDENT = {"cpu": 64 << 20, "cuda": 4 << 30}  # bytes of rows with regions that may stay on the device


class IterativeMethod(Trainable):
    """The base class of methods that are trained by steps on batches; `Trainable` says what an author writes."""

    def _fit(self, view: TrainView) -> None:
        with torch.random.fork_rng():
            self._begin_loop(view).run()
        self.finish_scoring()

    def finish_scoring(self) -> None:
        """Get ready to score at the end of a fit, unless its last pass was scored already."""
        if not self.prepared:
            self.prepare_scoring()

    def _begin_loop(self, view: TrainView) -> Loop:
        """The loop before its first step, or where its checkpoint was made; seeds the global random numbers."""
        self.prepared = False  # type: ignore[misc]
        self.device = self._context.device  # type: ignore[misc]
        self.streams = Streams(self._context.seed, self.device)  # type: ignore[misc]
        torch.manual_seed(self.streams.fresh("global").initial_seed())
        self._place(view)
        assert self.rows is not None
        loop = Loop(self, self.rows)
        loop.start()
        return loop

    def _place(self, view: TrainView) -> None:
        self.rows = TrainingRows(  # type: ignore[misc]
            x=self._resident(view.features),
            y=torch.tensor(view.seen_labels, device=self.device),
            table=self.to_device(view.seen_semantics.table),
        )
        self._build()

    def _resident(self, features: FeatureRows) -> Tensor | RowsElsewhere:
        """All rows on the device; many rows with regions stay where they are, and only batches of them are read."""
        if features.regions is not None and 4 * math.prod(features.shape) > RESIDENT[self.device.partition(":")[0]]:
            return RowsElsewhere(features, self.device)
        return torch.from_numpy(features.to_array()).to(self.device)

    def _build(self) -> None:
        self.build(self._sizes(), self.streams.fresh("init", device="cpu"))
        for network in self.networks().values():
            network.to(self.device)

    def _sizes(self) -> Sizes:
        return Sizes(self.n_features_, self.n_attributes_, len(self.seen_classes_))

    def fitted_arrays(self) -> dict[str, np.ndarray]:
        """Learnt arrays and the weights that scoring needs; networks named in ``training_only`` are left out."""
        arrays = super().fitted_arrays()
        for owner, network in self.networks().items():
            if owner not in self.training_only:
                state = network.state_dict()
                arrays.update({f"{owner}/{name}": t.detach().cpu().numpy() for name, t in state.items()})
        return arrays

    def restore_arrays(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Rebuild the networks and take back their weights."""
        self.streams = Streams(0)  # type: ignore[misc]
        self._build()
        states: dict[str, dict[str, Tensor]] = {}
        for name, value in arrays.items():
            owner, _, member = name.partition("/")
            if member and owner in self.networks():
                states.setdefault(owner, {})[member] = torch.from_numpy(np.array(value))
            elif not member:
                setattr(self, name, value)
        for owner, state in states.items():
            self.networks()[owner].load_state_dict(state)
        for owner in self.training_only:
            delattr(self, owner)
