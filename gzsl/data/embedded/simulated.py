"""Simulated features whose classes follow from attributes, easy or in the shape of a benchmark."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np

from gzsl.data.dataset import DataCard, Dataset
from gzsl.data.embedded.common import check_number, check_options, split_with_hold_out
from gzsl.data.fingerprint import content_hash, hash_features
from gzsl.data.splits import ROW_SETS, Split
from gzsl.door.room import check_memory
from gzsl.errors import DataError, suggest
from gzsl.semantics.table import Semantics

HOLD_OUT = 0.2
LARGEST = 10**9  # of any option
GROUP_SIZE = 5  # classes that share a prototype, as species of one genus do
BLOCK_ROWS = 4096


@dataclass(frozen=True)
class Simulation:
    """Everything that determines a simulated dataset.

    Attributes
    ----------
    n_seen, n_unseen, n_attributes, n_features : int
        Sizes.
    trainval, test_seen, test_unseen : int
        Number of rows, spread evenly over the classes.
    noise : float
        Standard deviation of a row around its class, in units of the spread between classes.
    domain_shift : float
        0: unseen classes follow the same map from attributes as seen ones; 1: an independent one.
    seed : int
        Of attributes, map, noise and split.
    """

    n_seen: int
    n_unseen: int
    n_attributes: int
    n_features: int
    trainval: int
    test_seen: int
    test_unseen: int
    noise: float
    domain_shift: float = 0.0
    seed: int = 0


PRESETS = {
    "easy": Simulation(20, 5, 16, 64, trainval=480, test_seen=120, test_unseen=150, noise=1.0),
    "AWA2": Simulation(40, 10, 85, 2048, trainval=23527, test_seen=5882, test_unseen=7913, noise=2.0, domain_shift=0.3),
    "CUB": Simulation(150, 50, 312, 2048, trainval=7057, test_seen=1764, test_unseen=2967, noise=2.0, domain_shift=0.3),
    "SUN": Simulation(
        645, 72, 102, 2048, trainval=10320, test_seen=2580, test_unseen=1440, noise=2.0, domain_shift=0.3
    ),
}
_MINIMUM = {"n_seen": 2, "n_unseen": 1, "n_attributes": 1, "n_features": 1, "images_per_class": 2, "seed": 0}
_OPTIONS = ("preset", "scale", *_MINIMUM, "noise", "domain_shift")


def load(**options: Any) -> Dataset:
    """Simulate a dataset: class vectors in [0, 1], features that are non-negative as those of a ReLU network.

    A class mean is a random linear map of its attributes plus an offset; a row is its class mean plus noise,
    cut off at 0. About half of the entries are 0.

    Parameters
    ----------
    **options
        ``preset`` : ``easy`` (default; 20 + 5 classes, 64 features), or ``AWA2``, ``CUB``, ``SUN``: classes,
        attributes, dimensions and rows of that benchmark, not its difficulty.
        ``scale`` : float in (0, 1], share of the preset's rows to make.
        ``n_seen``, ``n_unseen``, ``n_attributes``, ``n_features`` : int, instead of the preset's.
        ``images_per_class`` : int of at least 2, instead of the preset's rows; a fifth of those of a seen
        class are held out.
        ``noise``, ``domain_shift``, ``seed`` : see `Simulation`.

    Returns
    -------
    Dataset
        Features float32; the same options give the same content.

    Raises
    ------
    DataError
        For an unknown option or preset (naming the nearest one), a wrong type or a value out of range.
    """
    check_options("simulated", options, _OPTIONS)
    preset = options.get("preset", "easy")
    if preset not in PRESETS:
        raise DataError(f"simulated: unknown preset {preset!r}; {suggest(str(preset), PRESETS)}")
    plan = _resolve(PRESETS[preset], options)
    rng = np.random.default_rng(plan.seed)
    names = class_names(plan.n_seen + plan.n_unseen)
    table = _attributes(plan, rng)
    labels, split = _rows(plan, rng)
    features = _features(_class_means(table, split, plan, rng), labels, plan.noise, rng)
    attribute_names = tuple(f"attribute {k}" for k in range(plan.n_attributes))
    semantics = Semantics(table, names, name="att", attribute_names=attribute_names)
    card = DataCard(
        name="simulated",
        features="simulated",
        content_hash=content_hash(hash_features(features), labels, {semantics.name: semantics}, split),
        source=f"simulated, preset {preset}",
        fine_tuned=False,
        notes=(", ".join(f"{key} {value:g}" for key, value in dataclasses.asdict(plan).items()),),
    )
    return Dataset(features, labels, semantics, split, card)


def class_names(count: int) -> tuple[str, ...]:
    """Make up names whose alphabetical order is their numerical one."""
    digits = len(str(count - 1))
    return tuple(f"class {c:0{digits}d}" for c in range(count))


def _resolve(plan: Simulation, options: dict[str, Any]) -> Simulation:
    """Check every option and put it into the preset."""
    for name, low in _MINIMUM.items():
        if name in options:
            check_number("simulated", name, options[name], int, low)
            check_number("simulated", name, options[name], int, low, LARGEST)
    check_number("simulated", "noise", options.get("noise", plan.noise), float, 0)
    check_number("simulated", "noise", options.get("noise", plan.noise), float, 0, LARGEST)
    check_number("simulated", "domain_shift", options.get("domain_shift", plan.domain_shift), float, 0, 1)
    scale = options.get("scale", 1.0)
    check_number("simulated", "scale", scale, float, 1e-6, 1)
    own = {field.name for field in dataclasses.fields(plan)}
    plan = dataclasses.replace(plan, **{key: value for key, value in options.items() if key in own})
    plan = dataclasses.replace(plan, **_row_counts(plan, scale, options.get("images_per_class")))
    check_memory("simulated", _n_bytes(plan))
    return plan


def _n_bytes(plan: Simulation) -> int:
    """About how much memory making it takes: rows, class means in float64, the map, names and positions."""
    rows, classes = plan.trainval + plan.test_seen + plan.test_unseen, plan.n_seen + plan.n_unseen
    a_row, a_class = 4 * plan.n_features + 64, 24 * (plan.n_features + plan.n_attributes) + 256
    return rows * a_row + classes * a_class + 48 * plan.n_attributes * plan.n_features


def _row_counts(plan: Simulation, scale: float, images_per_class: int | None) -> dict[str, int]:
    """Number of rows of each set; every class keeps at least one."""
    if images_per_class is not None:
        per_class = max(2, round(scale * images_per_class))
        held_out = max(1, round(HOLD_OUT * per_class))
        counts = (per_class - held_out, held_out, per_class)
        classes = (plan.n_seen, plan.n_seen, plan.n_unseen)
        return {name: n * c for name, n, c in zip(ROW_SETS, counts, classes, strict=True)}
    least = {"trainval": plan.n_seen, "test_seen": 1, "test_unseen": plan.n_unseen}
    return {name: max(least[name], round(scale * getattr(plan, name))) for name in ROW_SETS}


def _attributes(plan: Simulation, rng: np.random.Generator) -> np.ndarray:
    """Class vectors (C, a) in [0, 1]: groups of related classes around shared prototypes."""
    n_classes = plan.n_seen + plan.n_unseen
    n_groups = -(-n_classes // GROUP_SIZE)
    prototypes = rng.random((n_groups, plan.n_attributes))
    own = rng.random((n_classes, plan.n_attributes))
    groups = rng.permutation(n_classes) % n_groups
    return (0.5 * prototypes[groups] + 0.5 * own).astype(np.float32)


def _rows(plan: Simulation, rng: np.random.Generator) -> tuple[np.ndarray, Split]:
    """Labels, sorted by class, and a split with the plan's numbers of rows."""
    ids = rng.permutation(plan.n_seen + plan.n_unseen)
    seen, unseen = np.sort(ids[: plan.n_seen]), np.sort(ids[plan.n_seen :])
    train, test = _spread(plan.trainval, plan.n_seen), _spread(plan.test_seen, plan.n_seen)
    per_class = np.empty(len(ids), dtype=np.int64)
    per_class[seen], per_class[unseen] = train + test, _spread(plan.test_unseen, plan.n_unseen)
    labels = np.repeat(np.arange(len(ids)), per_class)
    return labels, split_with_hold_out(labels, unseen, test, rng)


def _spread(total: int, n_classes: int) -> np.ndarray:
    """Split ``total`` into ``n_classes`` parts that differ by one at most."""
    return total // n_classes + (np.arange(n_classes) < total % n_classes)


def _class_means(table: np.ndarray, split: Split, plan: Simulation, rng: np.random.Generator) -> np.ndarray:
    """Means (C, d) float32 before the cut at 0, with a spread of about 1 between classes a dimension."""
    centred = (table - table.mean(axis=0)).astype(np.float64)
    scale = np.sqrt((centred**2).sum(axis=1).mean())
    shared, other = rng.standard_normal((2, plan.n_attributes, plan.n_features)) / scale
    shift = plan.domain_shift
    means = np.empty((len(table), plan.n_features))
    means[split.seen] = centred[split.seen] @ shared
    means[split.unseen] = centred[split.unseen] @ (np.sqrt(1 - shift**2) * shared + shift * other)
    # rounded, so that the content does not depend on how a machine adds up products
    return np.round(means, 3).astype(np.float32)


def _features(means: np.ndarray, labels: np.ndarray, noise: float, rng: np.random.Generator) -> np.ndarray:
    """Rows (N, d) float32, written block by block so that nothing else of that size exists."""
    features = np.empty((len(labels), means.shape[1]), dtype=np.float32)
    for start in range(0, len(labels), BLOCK_ROWS):
        block = features[start : start + BLOCK_ROWS]
        rng.standard_normal(out=block, dtype=np.float32)
        block *= np.float32(noise)
        block += means[labels[start : start + BLOCK_ROWS]]
        np.maximum(block, 0, out=block)
    return features
