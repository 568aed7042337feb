"""What a bundle says of new images: best classes, and the attributes that speak for and against each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gzsl.bundles.bundle import Bundle, load_bundle
from gzsl.bundles.sources import Source, opened
from gzsl.data import FeatureRows
from gzsl.data.readers.plain import PlainFeatures
from gzsl.data.regions import without_regions
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
        What the image shows that speaks most for and against the class, the strongest first: an attribute's name, or
        ``no`` (``less`` where no class has 0) and its name; empty where the method does not go through attributes.
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
    wanted = bundle.row_shape
    if source.matrix.shape[1:] != wanted:
        found, need = (" x ".join(map(str, shape)) for shape in (source.matrix.shape[1:], wanted))
        raise MethodError(f"features: found {found} dimensions, expected {need} ({expected})")
    regions = len(bundle.row_shape) == 2
    plain = expected if regions or expected is None else without_regions(expected)
    if source.features is not None and plain not in (None, "unknown", source.features):
        raise MethodError(
            f"features: found features of {source.features!r}, expected those of {expected!r}, on which the bundle "
            "was trained"
        )


def predict(bundle: Bundle | Path | str, source: Source, *, top_k: int = 1) -> Iterator[Prediction]:
    """Best classes of every row, block by block: memory does not grow with the number of rows.

    Classes are ranked by `Bundle.calibrated_scores`, so that the best one is what `Bundle.decide` says.

    Parameters
    ----------
    bundle : Bundle or path
        The classifier, or its folder.
    source : array, sequence of numbers, path, or sequence of paths
        Unscaled features: rows (n, d) or one row (d,); what `gzsl.data.readers.plain.open_features` opens or gave; or
        pictures (a folder, one file, or several), which go through the network that the bundle's features came from.
    top_k : int
        Classes a row, the best first.

    Raises
    ------
    GzslError
        When the features do not fit the bundle: from the call, not from the first prediction, unless pictures have
        to be read first.
    """
    trained = bundle if isinstance(bundle, Bundle) else load_bundle(bundle)
    if top_k < 1:
        raise MethodError(f"top_k: found {top_k}, expected at least 1")
    stack = ExitStack()
    try:
        features = stack.enter_context(opened(trained, source))
        check_features(trained, features)
    except BaseException:
        stack.close()
        raise
    return _predictions(trained, features, top_k, stack)


def _predictions(bundle: Bundle, source: PlainFeatures, top_k: int, stack: ExitStack) -> Iterator[Prediction]:
    table, is_seen = bundle.semantics, bundle.is_seen
    k = min(top_k, len(table))
    words = _Words(bundle)
    with stack:
        for where, block in FeatureRows(source.matrix).blocks():
            scores = bundle.calibrated_scores(block)
            evidence = bundle.method.attribute_evidence(bundle.scaler.transform(block))
            for n, row in enumerate(range(where.start, where.stop)):
                best = [int(scores[n].argmax())] if k == 1 else np.argsort(-scores[n], kind="stable")[:k].tolist()
                for rank, c in enumerate(best, start=1):
                    said = ((), ()) if evidence is None else words.strongest(evidence[n], c)
                    score = float(scores[n, c])
                    yield Prediction(source.images[row], rank, table.class_names[c], score, bool(is_seen[c]), *said)


class _Words:
    """Says what the evidence of an image, attribute by attribute, means for a class.

    A class that lacks an attribute gains where the image speaks against it: then the absence is the reason.
    """

    def __init__(self, bundle: Bundle) -> None:
        table, raw = bundle.semantics.table, bundle.raw.table
        self._deviation = table - table.mean(axis=0)
        self._present = bundle.raw.attribute_names or tuple(f"#{j}" for j in range(raw.shape[1]))
        lacks = raw.min(axis=0) == 0  # where 0 is the least, it means that a class has none of it
        self._absent = tuple(
            f"{'no' if none else 'less'} {name}" for name, none in zip(self._present, lacks, strict=True)
        )

    def strongest(self, evidence: np.ndarray, c: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """What speaks most for and against class ``c``, as the image shows it: ``stripes``, or ``no stripes``."""
        gains = evidence * self._deviation[c]
        order = np.argsort(gains, kind="stable")
        doubts = tuple(self._said(evidence, j) for j in order[:REASONS] if gains[j] < 0)
        reasons = tuple(self._said(evidence, j) for j in order[::-1][:REASONS] if gains[j] > 0)
        return reasons, doubts

    def _said(self, evidence: np.ndarray, j: int) -> str:
        return self._present[j] if evidence[j] > 0 else self._absent[j]


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
