"""Generators whose conditions are read off a class graph instead of the class table."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gzsl.data import TrainView
from gzsl.methods.generative.base import Generator
from gzsl.methods.graph.node_vectors import INPUTS, SHARPNESS
from gzsl.methods.graph.similar import class_shares
from gzsl.methods.iterative import Sizes
from gzsl.params import param
from gzsl.semantics import Semantics


class GraphConditions(Generator):
    """Mixed into a generator, before it: vectors of nodes condition it in place of class vectors.

    `embedded_classes` gives them once a fit, unseen classes included: their names and edges are used, no image of them.
    A class that the fit did not know gets the mean of known ones, weighted by how near its class vector is.

    Attributes
    ----------
    conditions_ : ndarray, shape (C, k), float32
        Vectors of ``classes_``.
    n_conditions_ : int
        Their length k.
    """

    inputs: str = param(
        default="classes", choices=INPUTS, doc="of nodes: class vectors spread, vectors of the graph, or both"
    )

    def embedded_classes(self, view: TrainView) -> np.ndarray:
        """Vectors (C, k) of all classes of the view."""
        raise NotImplementedError

    def embedded(self, semantics: Semantics) -> Semantics:
        """The same classes with the vectors that condition the generator."""
        place = {name: row for row, name in enumerate(self.classes_)}
        rows = np.array([place.get(name, -1) for name in semantics.class_names])
        found: np.ndarray = self.conditions_[rows]
        if (rows < 0).any():
            found[rows < 0] = class_shares(semantics.table[rows < 0], self.class_vectors_, SHARPNESS) @ self.conditions_
        return replace(semantics, table=found, attribute_names=None)

    def synthesize(self, semantics: Semantics, n: int, stream: str = "synthesis") -> tuple[np.ndarray, np.ndarray]:
        """Synthesise ``n`` rows a class; see `Generator.synthesize`."""
        self._check_fitted()
        self._check_semantics(semantics)
        drawn = self._drawn(self.embedded(semantics), n, self.sample, stream)
        return drawn.cpu().numpy(), np.repeat(np.arange(len(semantics)), n)

    def _place(self, view: TrainView) -> None:
        self.conditions_ = np.ascontiguousarray(self.embedded_classes(view), dtype=np.float32)
        self.n_conditions_ = int(self.conditions_.shape[1])
        super()._place(replace(view, semantics=self.embedded(view.semantics)))
        self._standard = (view.semantics, view.unseen_semantics)  # type: ignore[misc]

    def _sizes(self) -> Sizes:
        return replace(super()._sizes(), n_attributes=self.n_conditions_)

    def _prepare(self, semantics: Semantics) -> None:
        super()._prepare(self.embedded(semantics))

    def _scores(self, X: np.ndarray, semantics: Semantics) -> np.ndarray:
        return super()._scores(X, self.embedded(semantics))
