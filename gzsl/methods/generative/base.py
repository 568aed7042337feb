"""Feature generators: synthesise, then let a head classify. Everything but the generating is here, once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import ClassVar, Self

import numpy as np
import torch
from torch import Tensor

from gzsl.data.view import TrainView
from gzsl.errors import MethodError, TrainingDiverged
from gzsl.heads import Head, SoftmaxHead
from gzsl.methods.iterative import IterativeMethod
from gzsl.nn.feature_statistics import feature_statistics
from gzsl.params import param
from gzsl.semantics import Semantics

SYNTHESIS_ROWS = 8192
STATISTICS_CLASSES, STATISTICS_ROWS = 32, 16
COLLAPSED = 1e-10


class Generator(IterativeMethod):
    """A method that synthesises features of classes from their vectors and trains a head on them.

    An author writes what `IterativeMethod` asks for, and `sample`; a method whose head sees something else than
    features writes `represent` as well, and, if it has no features to represent, `real_rows` and `synthetic_rows`.
    Two heads are fitted at the end of a fit: one over all classes (real rows of seen classes, synthetic rows of
    unseen ones) and one over the unseen classes alone, which is what T1 is measured with. `prepare` fits one for
    any other table. Each class draws from a random stream of its own, so that its synthetic rows do not depend on
    which other classes there are.

    Attributes
    ----------
    heads_ : dict of str to (dict of str to Tensor)
        Fitted heads, by fingerprint of the class table they serve.
    """

    n_synthetic: int = param(default=300, low=1, high=1_000_000, doc="synthetic rows an unseen class, over all classes")
    n_synthetic_zsl: int | None = param(
        default=None, low=1, high=1_000_000, doc="the same for the task with unseen classes only; null: n_synthetic"
    )
    head: Head = param(default_factory=SoftmaxHead, doc="classifier that is trained on real and synthetic rows")

    makes_codes: ClassVar[bool] = False  # `sample` makes what only the head sees, no features
    refits_for_new_classes: ClassVar[bool] = True
    takes_shots: ClassVar[bool] = True
    scoring_only: ClassVar[tuple[str, ...]] = ("n_synthetic", "n_synthetic_zsl", "head")
    _standard: ClassVar[tuple[Semantics, ...]] = ()
    _unlabelled: ClassVar[Tensor | None] = None
    _few: ClassVar[tuple[Tensor, tuple[str, ...]] | None] = None  # shots, and the name of each one's class

    def sample(self, a: Tensor, rng: torch.Generator) -> Tensor:
        """Synthesise one row of features for each row of class vectors: (m, a) -> (m, d)."""
        raise NotImplementedError

    def represent(self, x: Tensor) -> Tensor:
        """What the head sees of real, synthetic and test features alike, row by row: (n, d) -> (n, r)."""
        return x

    def as_made(self, x: Tensor) -> Tensor:
        """Training rows in the form in which `sample` makes synthetic ones, to compare both: (n, d) -> (n, m)."""
        return self.represent(x) if self.makes_codes else x

    def real_rows(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """What the head learns of seen classes, (n, r) and (n,), where ``y`` is every training row's class."""
        assert self.rows is not None
        keep = y >= 0
        whole = bool(keep.all())
        return self._represented(self.rows.x if whole else self.rows.x[keep]), y if whole else y[keep]

    def synthetic_rows(self, a: Tensor, rng: torch.Generator) -> Tensor:
        """What the head learns of an unseen class, one row a class vector: (m, a) -> (m, r)."""
        return self.represent(self.sample(a, rng))

    def synthesize(self, semantics: Semantics, n: int, stream: str = "synthesis") -> tuple[np.ndarray, np.ndarray]:
        """Synthesise ``n`` rows a class, in the scale of the features that the view showed.

        Parameters
        ----------
        semantics : Semantics
            Classes to synthesise.
        n : int
            Rows a class.
        stream : str, default ``synthesis``
            Name of the random numbers: those of the default are the rows that heads are trained on.

        Returns
        -------
        X : ndarray, shape (C * n, d), float32
            Rows, class after class; of a method that generates codes instead of features, what its head sees; of one
            that puts rows on a sphere, at its radius.
        y : ndarray, shape (C * n,), int64
            Row of each one's class in ``semantics``.
        """
        self._check_fitted()
        self._check_semantics(semantics)
        return self._drawn(semantics, n, self.sample, stream).cpu().numpy(), np.repeat(np.arange(len(semantics)), n)

    def rows_to_check(self, semantics: Semantics) -> Callable[[int], np.ndarray] | None:
        """From a count to that many features a class, which no head was trained on; None where codes are made."""
        return None if self.makes_codes else lambda count: self.synthesize(semantics, count, stream="check")[0]

    @torch.inference_mode()
    def epoch_statistics(self) -> dict[str, float]:
        """Compare synthetic rows of some seen classes with real ones; one point for all classes is an error."""
        assert self.rows is not None
        n_classes = len(self.rows.table)
        shown = torch.linspace(0, n_classes - 1, min(n_classes, STATISTICS_CLASSES), device=self.device).long().unique()
        members = [torch.nonzero(self.rows.y == c).flatten() for c in shown.tolist()]
        turns = torch.arange(STATISTICS_ROWS, device=self.device)
        real = self.rows.x[torch.cat([rows[turns % len(rows)] for rows in members])]
        a = self.rows.table[shown].repeat_interleave(STATISTICS_ROWS, dim=0)
        fake = self.sample(a, self.streams.fresh("statistics"))
        real = self.as_made(real)
        if fake.shape != real.shape:
            raise MethodError(
                f"{self.card.id}: sample made rows of {fake.shape[1]} entries, expected {real.shape[1]} as training "
                "rows have; write as_made, which brings training rows to the form of synthetic ones"
            )
        found = feature_statistics(*(x.view(len(shown), STATISTICS_ROWS, -1) for x in (real, fake)))
        if found["variance_ratio"] < COLLAPSED:
            raise TrainingDiverged(
                f"{self.card.id}: the generator collapsed: synthetic rows of all classes are the same point; "
                "try a smaller learning rate, another output, or features scaled to [0, 1]"
            )
        return {f"synthetic {name}": value for name, value in found.items()}

    def prepare_scoring(self) -> Self:
        """Fit the heads of the two standard tasks on the present state of the generator."""
        self.heads_: dict[str, dict[str, Tensor]] = {}
        for table in self._standard:
            self._prepare(table)
        self.prepared = True  # type: ignore[misc]
        return self

    def _place(self, view: TrainView) -> None:
        super()._place(view)
        self._standard = (view.semantics, view.unseen_semantics)  # type: ignore[misc]
        if view.setting == "transductive":
            self._unlabelled = self.to_device(view.unlabelled.to_array())  # type: ignore[misc]
        if view.shots is not None:
            names = tuple(view.semantics.class_names[c] for c in view.shots.labels)
            self._few = self.to_device(view.shots.features.to_array()), names  # type: ignore[misc]

    def _prepare(self, semantics: Semantics) -> None:
        key = table_fingerprint(semantics)
        if key in self.heads_:
            return
        n = self.n_synthetic if self._has_seen(semantics) or not self.n_synthetic_zsl else self.n_synthetic_zsl
        with torch.inference_mode():
            X, y = self._real(semantics)
            made = np.setdiff1d(np.arange(len(semantics)), y.unique().cpu().numpy())
            fake = self._drawn(semantics.take(made), n, self.synthetic_rows)
        X = torch.cat([X, fake] if len(X) else [fake])
        y = torch.cat([y, torch.tensor(np.repeat(made, n), device=self.device)])
        X, y = self._with_shots(X, y, semantics)
        rng = self.streams.fresh("head", key)
        seen = torch.ones(len(semantics), dtype=torch.bool, device=self.device)
        seen[torch.tensor(made, device=self.device)] = False
        self.heads_[key] = self.head.fit(
            X, y, len(semantics), rng=rng, vectors=self.to_device(semantics.table), seen=seen,
            unlabelled=None if self._unlabelled is None else self._represented(self._unlabelled),
        )  # fmt: skip

    def _with_shots(self, X: Tensor, y: Tensor, semantics: Semantics) -> tuple[Tensor, Tensor]:
        """The head's rows, and the real rows of unseen classes that few-shot learning shows."""
        if self._few is None:
            return X, y
        rows, names = self._few
        position = {name: i for i, name in enumerate(semantics.class_names)}
        own = torch.tensor([position.get(name, -1) for name in names], device=self.device)
        keep = own >= 0
        return torch.cat([X, self._represented(rows[keep])]), torch.cat([y, own[keep]])

    def _has_seen(self, semantics: Semantics) -> bool:
        return not set(self.seen_classes_).isdisjoint(semantics.class_names)

    def _real(self, semantics: Semantics) -> tuple[Tensor, Tensor]:
        """Training rows of the table's seen classes and their rows in it; none without training data."""
        if self.rows is None or not self._has_seen(semantics):
            return torch.empty(0, 0), torch.empty(0, dtype=torch.int64, device=self.device)
        position = {name: i for i, name in enumerate(semantics.class_names)}
        to_table = torch.tensor([position.get(name, -1) for name in self.seen_classes_], device=self.device)
        return self.real_rows(to_table[self.rows.y])

    @torch.inference_mode()
    def _represented(self, x: Tensor) -> Tensor:
        if type(self).represent is Generator.represent:
            return x
        return torch.cat([self.represent(block) for block in x.split(SYNTHESIS_ROWS)])

    @torch.inference_mode()
    def _drawn(
        self, semantics: Semantics, n: int, draw: Callable[[Tensor, torch.Generator], Tensor], stream: str = "synthesis"
    ) -> Tensor:
        pieces = []
        for name, vector in zip(semantics.class_names, self.to_device(semantics.table), strict=True):
            rng = self.streams.fresh(stream, name)
            for start in range(0, n, SYNTHESIS_ROWS):
                pieces.append(draw(vector.expand(min(SYNTHESIS_ROWS, n - start), -1), rng))
        return torch.cat(pieces) if pieces else torch.empty(0, 0)

    def _scores(self, X: np.ndarray, semantics: Semantics) -> np.ndarray:
        state = self.heads_.get(table_fingerprint(semantics))
        if state is None:
            raise MethodError(
                f"{self.card.id}: no head was trained for this table of {len(semantics)} classes; "
                "call prepare(semantics) once before scores"
            )
        with torch.inference_mode():
            return self.head.scores(state, self._represented(torch.from_numpy(X).to(self.device))).cpu().numpy()

    def fitted_arrays(self) -> dict[str, np.ndarray]:
        """Weights of the networks and of every fitted head."""
        arrays = super().fitted_arrays()
        for key, state in self.heads_.items():
            arrays.update({f"head:{key}/{name}": tensor.cpu().numpy() for name, tensor in state.items()})
        return arrays

    def restore_arrays(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Rebuild networks and heads; without training rows, `prepare` synthesises seen classes as well."""
        super().restore_arrays(arrays)
        self.heads_ = {}
        for name, value in arrays.items():
            owner, _, member = name.partition("/")
            if owner.startswith("head:"):
                self.heads_.setdefault(owner[5:], {})[member] = torch.from_numpy(np.array(value))


def table_fingerprint(semantics: Semantics) -> str:
    """Digest of the names and vectors of a table."""
    digest = hashlib.blake2b("\0".join(semantics.class_names).encode(), digest_size=8)
    digest.update(semantics.table.tobytes())
    return digest.hexdigest()
