"""What gives a simulated dataset something that a method needs besides features and class vectors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gzsl.data import Dataset
from gzsl.semantics import Members, Semantics
from gzsl.semantics.members import unit_rows

SHOTS = 4  # labelled rows of each unseen class
MOST, NOISE = 5, 0.1  # members a class at most, and how far they lie from the class vector
TEMPLATES = 4


def joint_space(dataset: Dataset) -> Dataset:
    """Features of unit length around their mean, and class vectors in the same space, near the mean of each class."""
    features = unit_rows(dataset.features - dataset.features.mean(axis=0)).astype(np.float32)
    means = np.stack([features[dataset.labels == c].mean(axis=0) for c in range(dataset.n_classes)])
    rng = np.random.default_rng(11)
    table = unit_rows(unit_rows(means) + NOISE * rng.standard_normal(means.shape) / np.sqrt(means.shape[1]))
    return _with(replace(dataset, features=features), Semantics(table, dataset.class_names, "joint", joint=True))


def ragged_members(dataset: Dataset) -> Dataset:
    """One to five members a class, around its vector."""
    sizes = 1 + np.arange(dataset.n_classes) % MOST
    return _with_members(dataset, Members(_around(dataset, sizes), sizes))


def prompts(dataset: Dataset) -> Dataset:
    """Four members a class, each the class vector as one of four templates would move it."""
    sizes = np.full(dataset.n_classes, TEMPLATES)
    names = tuple(f"template {k} of {{}}" for k in range(TEMPLATES))
    return _with_members(dataset, Members(_around(dataset, sizes), sizes, templates=names))


def _around(dataset: Dataset, sizes: np.ndarray) -> np.ndarray:
    rng, table = np.random.default_rng(12), dataset.semantics.table
    spread = NOISE * np.linalg.norm(table, axis=1).mean() / np.sqrt(table.shape[1])
    centres = np.repeat(table, sizes, axis=0)
    return centres + spread * rng.standard_normal(centres.shape)


def _with_members(dataset: Dataset, members: Members) -> Dataset:
    given = dataset.semantics
    return _with(dataset, Semantics.of_members(members, given.class_names, given.name, joint=given.joint))


def _with(dataset: Dataset, semantics: Semantics) -> Dataset:
    return replace(dataset, semantics=semantics, tables={semantics.name: semantics})
