"""Facts about the benchmarks under the proposed splits, and which benchmark a dataset is or is cut from."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from gzsl.door.yaml import read_yaml
from gzsl.errors import DataError, suggest
from gzsl.resources import data_splits_dir


@dataclass(frozen=True)
class Facts:
    """What is published about one benchmark.

    Attributes
    ----------
    name, title : str
        Short and full name.
    aliases : tuple of str
        Other spellings of the name.
    images, attributes, n_classes, n_unseen : int
        Sizes.
    sizes : dict of str to int
        Number of ``trainval``, ``test_seen`` and ``test_unseen`` rows.
    classes : tuple of str
        Class names in label order; empty where no list was published (FLO).
    unseen : tuple of str
        Names of the unseen classes; empty where ``classes`` is.
    validation_folds : tuple of tuple of str
        Published class-wise validation folds; empty where there are none.
    """

    name: str
    title: str
    aliases: tuple[str, ...]
    images: int
    attributes: int
    n_classes: int
    n_unseen: int
    sizes: dict[str, int]
    classes: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()
    validation_folds: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True)
class Match:
    """Which benchmark a dataset is, or is cut from.

    Attributes
    ----------
    name : str
        Benchmark name.
    complete : bool
        True when it has all classes and as many images; False for a restriction.
    note : str
        One sentence on how it was recognised.
    """

    name: str
    complete: bool
    note: str


def names() -> list[str]:
    """Names of all benchmarks with facts, sorted."""
    return sorted(path.stem for path in data_splits_dir().glob("*.yaml"))


def files() -> list[Path]:
    """The files of facts, sorted."""
    return sorted(data_splits_dir().glob("*.yaml"))


@cache
def facts(name: str) -> Facts:
    """Facts of a benchmark by its exact name; an unknown one is a `DataError` with the nearest."""
    path = data_splits_dir() / f"{name}.yaml"
    if name not in names():
        raise DataError(f"no facts about a benchmark {name!r}; {suggest(name, names())}")
    values: dict[str, Any] = read_yaml(path)
    for key in ("aliases", "classes", "unseen"):
        values[key] = tuple(values.get(key, ()))
    values["validation_folds"] = tuple(tuple(fold) for fold in values.get("validation_folds", ()))
    return Facts(**values)


def canonical_name(name: str) -> str:
    """The benchmark called ``name`` in any spelling (``AWA`` is ``AWA1``, ``aPY`` is ``APY``), else ``name``."""
    for known in names():
        if name.lower() in {alias.lower() for alias in (known, *facts(known).aliases)}:
            return known
    return name


def own_name(name: str) -> str:
    """The name of data that are no complete benchmark, whatever they or their folder are called: never a benchmark's.

    A published number stands beside data of the benchmark's name, so a part of CUB in a folder ``CUB`` is ``CUB-own``.
    """
    return f"{name}-own" if name in names() else name


def class_key(name: str) -> str:
    """A class name as it is compared, letters and digits in lower case: ``giant+panda`` is ``Giant panda``."""
    return re.sub(r"[^0-9a-z]+", "", name.lower())


def identify(class_names: Sequence[str], n_images: int, n_attributes: int, hint: str = "") -> Match | None:
    """Find the benchmark that a dataset is or is cut from.

    By class names, where published: all names of the dataset must be names of the benchmark, and either all
    classes are there or the class table has as many columns. By sizes alone for FLO, whose class names were
    not published. Names shared by AWA1 and AWA2 are told apart by the number of images, else by ``hint``.

    Parameters
    ----------
    class_names : sequence of str
        In any order.
    n_images, n_attributes : int
        Sizes of the dataset.
    hint : str
        Name of the folder.
    """
    keys = {class_key(name) for name in class_names}
    found = [f for f in map(facts, names()) if _could_be(f, keys, len(class_names), n_images, n_attributes)]
    if not found:
        return None
    hinted = canonical_name(hint)
    best = min(found, key=lambda f: (f.images != n_images, f.name != hinted, f.name))
    complete = best.images == n_images and best.n_classes == len(class_names)
    note = f"class names and sizes are those of {best.name}"
    if not best.classes:
        note = f"sizes are those of {best.name}, whose class names were not published"
    elif not complete:
        others = " or ".join(f.name for f in found)
        note = (
            f"{len(class_names)} of the {best.n_classes} classes of {others} and {n_images} images, "
            f"not {' or '.join(str(f.images) for f in found)}: a restriction, not comparable with published numbers"
        )
    return Match(best.name, complete, note)


def _could_be(known: Facts, keys: set[str], n_classes: int, n_images: int, n_attributes: int) -> bool:
    if not known.classes:
        return (known.n_classes, known.images, known.attributes) == (n_classes, n_images, n_attributes)
    published = {class_key(name) for name in known.classes}
    return keys <= published and (len(keys) == len(published) or n_attributes == known.attributes)


def published_ids(wanted: Sequence[str], class_names: Sequence[str]) -> np.ndarray:
    """Ids of those published names that the dataset has, ascending, int64; absent ones are left out."""
    position = {class_key(name): i for i, name in enumerate(class_names)}
    present = [position[class_key(name)] for name in wanted if class_key(name) in position]
    return np.array(sorted(present), dtype=np.int64)


def check_against(name: str, class_names: Sequence[str], unseen: np.ndarray, sizes: dict[str, int]) -> list[str]:
    """Differences between a dataset and the facts of a benchmark, one sentence each; empty when there are none.

    Parameters
    ----------
    name : str
        Benchmark.
    class_names : sequence of str
        Of the dataset, in label order.
    unseen : ndarray of int
        Its unseen classes.
    sizes : dict of str to int
        Its ``images``, ``attributes``, ``trainval``, ``test_seen`` and ``test_unseen``.
    """
    known = facts(name)
    expected = {"images": known.images, "attributes": known.attributes, **known.sizes}
    found = [f"{key}: {sizes[key]}, not {value}" for key, value in expected.items() if sizes[key] != value]
    if len(class_names) != known.n_classes:
        found.append(f"classes: {len(class_names)}, not {known.n_classes}")
    if known.classes:
        ours = [class_key(class_name) for class_name in class_names]
        theirs = [class_key(class_name) for class_name in known.classes]
        if ours != [key for key in theirs if key in set(ours)]:
            found.append("the classes stand in another order than the published one")
        wrong = set(published_ids(known.unseen, class_names)) ^ set(unseen.tolist())
        if wrong:
            found.append(f"unseen: {len(wrong)} classes differ, e.g. {class_names[min(wrong)]!r}")
    elif len(unseen) != known.n_unseen:
        found.append(f"unseen: {len(unseen)} classes, not {known.n_unseen}")
    return found
