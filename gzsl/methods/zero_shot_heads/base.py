"""What heads on joint embeddings share: unit rows, unit members, labelled rows, and a table prepared once."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from gzsl.data import FeatureRows, TrainView
from gzsl.methods.base import Method
from gzsl.methods.zero_shot_heads.prompt_views import PromptViews, unit
from gzsl.params import param
from gzsl.semantics import Semantics


class JointHead(Method):
    """A method on rows and class vectors of one space.

    A subclass writes `learn`, where something is learnt before classes are known; `class_side`, what scoring needs of a
    class table, made once a table; and `joint_scores`. Rows and members are at unit length.
    """

    centred: bool = param(
        default=False, doc="take the mean row off rows and the mean class vector off members first (no rows: members)"
    )

    _prepared: ClassVar[tuple[Semantics, Any] | None] = None

    def learn(self, view: TrainView) -> None:
        """Learn from the view, which the card's needs are met by; nothing by default."""

    def class_side(self, semantics: Semantics) -> Any:
        """What scoring needs of a class table; mean members at unit length (C, a) by default."""
        return unit(self.views(semantics).means)

    def joint_scores(self, Z: np.ndarray, side: Any) -> np.ndarray:
        """Scores (n, C) of unit rows (n, a), higher is better; cosines by default."""
        found: np.ndarray = Z @ side.T
        return found

    def views(self, semantics: Semantics) -> PromptViews:
        """Members of a table, centred as the fit says."""
        return PromptViews.of(semantics, self.class_centre_ if self.centred else None)

    def rows_of(self, features: FeatureRows) -> np.ndarray:
        """Rows at unit length (n, a), centred as the fit says."""
        return self._placed(features.to_array())

    def labelled(self, view: TrainView) -> tuple[np.ndarray, np.ndarray]:
        """All rows with labels, those of shots after the training rows: (m, a) and rows of ``semantics`` (m,)."""
        rows, labels = [self.rows_of(view.features)], [view.labels]
        if view.shots is not None:
            rows.append(self.rows_of(view.shots.features))
            labels.append(view.shots.labels)
        return np.concatenate(rows), np.concatenate(labels)

    def _placed(self, X: np.ndarray) -> np.ndarray:
        return unit(unit(X) - self.row_centre_) if self.centred else unit(X)

    def _fit(self, view: TrainView) -> None:
        self._prepared = None  # type: ignore[misc]
        if self.centred:
            self.row_centre_ = _mean_row(view)
            classes = view.seen if len(view.seen) else view.unseen
            self.class_centre_ = unit(PromptViews.of(view.semantics).means)[classes].mean(axis=0)
        self.learn(view)

    def _scores(self, X: np.ndarray, semantics: Semantics) -> np.ndarray:
        if self._prepared is None or self._prepared[0] is not semantics:
            self._prepared = (semantics, self.class_side(semantics))  # type: ignore[misc]
        return self.joint_scores(self._placed(X), self._prepared[1])


def _mean_row(view: TrainView) -> np.ndarray:
    """Mean of the training rows at unit length, or of the shots where there are none; zeros without either.

    Of rows with regions it is the mean of those of all rows.
    """
    rows = view.features if len(view.features) or view.shots is None else view.shots.features
    total, count = np.zeros(view.n_features), 0
    for _, block in rows.blocks():
        vectors = unit(block).reshape(-1, block.shape[-1])
        total += vectors.sum(axis=0, dtype=np.float64)
        count += len(vectors)
    return (total / max(1, count)).astype(np.float32)
