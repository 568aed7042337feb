"""What a bundle says of new images: best classes, and the attributes that speak for and against each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gzsl.bundles.bundle import Bundle
from gzsl.data import FeatureRows
from gzsl.data.readers.plain import PlainFeatures
from gzsl.door.tables import write_rows
from gzsl.errors import MethodError
from gzsl.files import replacing

REASONS = 3
COLUMNS = ("image", "rank", "class", "score", "side", "for", "against")


@dataclass(frozen=True)
class Prediction:
    """One class for one image.

    Attributes
    ----------
    image : str
        Name of the image, or its row number.
    rank : int
        1 for the best class.
    name : str
        The class.
    score : float
        Higher is better; calibrated, so that the largest one is the decision.
    seen : bool
        Whether the class had training images.
    reasons, doubts : tuple of str
        Attributes that speak most for and against the class, the strongest first; empty where the method does not
        go through attributes.
    """

    image: str
    rank: int
    name: str
    score: float
    seen: bool
    reasons: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()


def check_features(bundle: Bundle, source: PlainFeatures) -> None:
    """Refuse features that the bundle was not trained on.

    Raises
    ------
    MethodError
        For another dimension, or another backbone where the features' card names one.
    """
    expected = bundle.card.get("features", {}).get("name")
    if source.matrix.shape[1] != bundle.n_features:
        raise MethodError(
            f"features: found {source.matrix.shape[1]} dimensions, expected {bundle.n_features} ({expected})"
        )
    if source.features is not None and expected not in (None, "unknown", source.features):
        raise MethodError(
            f"features: found features of {source.features!r}, expected those of {expected!r}, on which the bundle "
            "was trained"
        )


def predict(bundle: Bundle, source: PlainFeatures, *, top_k: int = 1) -> Iterator[Prediction]:
    """Best classes of every row, block by block: memory does not grow with the number of rows.

    Parameters
    ----------
    bundle : Bundle
        The classifier.
    source : PlainFeatures
        Unscaled features, as `gzsl.data.readers.plain.open_features` opens them.
    top_k : int
        Classes a row, the best first.
    """
    check_features(bundle, source)
    table = bundle.semantics
    k, is_seen = min(max(top_k, 1), len(table)), bundle.is_seen
    names = table.attribute_names or tuple(f"#{j}" for j in range(table.n_attributes))
    deviation = table.table - table.table.mean(axis=0)
    for where, block, scores in bundle.calibrated_scores(FeatureRows(source.matrix)):
        best = np.argpartition(-scores, k - 1, axis=1)[:, :k]
        order = np.take_along_axis(scores, best, axis=1).argsort(axis=1, kind="stable")[:, ::-1]
        best = np.take_along_axis(best, order, axis=1)
        evidence = bundle.method.attribute_evidence(bundle.scaler.transform(block))
        for n, row in enumerate(range(where.start, where.stop)):
            for rank, c in enumerate(best[n].tolist(), start=1):
                said: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())
                if evidence is not None:
                    said = _strongest(evidence[n] * deviation[c], names)
                score = float(scores[n, c])
                yield Prediction(source.images[row], rank, table.class_names[c], score, bool(is_seen[c]), *said)


def write_predictions(predictions: Iterator[Prediction], path: Path) -> int:
    """Write predictions as CSV as they come; returns how many rows were written."""
    count = 0

    def rows() -> Iterator[Sequence[object]]:
        nonlocal count
        yield COLUMNS
        for p in predictions:
            side = "seen" if p.seen else "unseen"
            yield [p.image, p.rank, p.name, f"{p.score:.6g}", side, "; ".join(p.reasons), "; ".join(p.doubts)]
            count += 1

    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        write_rows(stream, rows())
    return count


def _strongest(contributions: np.ndarray, names: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    order = np.argsort(contributions, kind="stable")
    doubts = tuple(names[j] for j in order[:REASONS] if contributions[j] < 0)
    reasons = tuple(names[j] for j in order[::-1][:REASONS] if contributions[j] > 0)
    return reasons, doubts
