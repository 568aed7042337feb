"""Scaler and class table of a bundle as arrays and facts, and back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from gzsl.bundles.files import Card
from gzsl.data.alignment import ClassMap
from gzsl.data.preprocess import Scaler
from gzsl.semantics import Members, Semantics


def arrays_of(scaler: Scaler, raw: Semantics) -> dict[str, np.ndarray]:
    """The numbers of a scaler, with its map where it has one, and of a class table, with its members."""
    arrays = {"shift": scaler.shift, "scale": scaler.scale, "table": raw.table}
    if scaler.align is not None:
        arrays |= {"weights": scaler.align.weights, "offset": scaler.align.offset}
    if raw.members is not None:
        arrays |= {"members": raw.members.vectors, "sizes": raw.members.sizes}
    return arrays


def facts_of(scaler: Scaler, raw: Semantics, normalise: str) -> dict[str, Any]:
    """What a bundle's card says of them."""
    members = raw.members
    templates = None if members is None or members.templates is None else list(members.templates)
    return {
        "scaling": scaler.kind, "align": "none" if scaler.align is None else scaler.align.kind,
        "semantics": {
            "name": raw.name, "normalise": normalise, "joint": raw.joint,
            "attributes": None if raw.attribute_names is None else list(raw.attribute_names),
            "rule": None if members is None else members.rule, "templates": templates,
        },
    }  # fmt: skip


def scaler_of(about: Card, arrays: dict[str, np.ndarray]) -> Scaler:
    """The scaler that a card and its arrays describe."""
    found = None if about.align == "none" else ClassMap(about.align, arrays["weights"], arrays["offset"])
    return Scaler(about.scaling, arrays["shift"], arrays["scale"], found)


def table_of(about: Card, arrays: dict[str, np.ndarray]) -> Semantics:
    """The class table that a card and its arrays describe."""
    table = about.semantics
    columns = None if table.attributes is None else tuple(table.attributes)
    members = None
    if table.rule is not None:
        templates = None if table.templates is None else tuple(table.templates)
        members = Members(arrays["members"], arrays["sizes"], table.rule, templates)
    return Semantics(arrays["table"], tuple(about.classes), table.name, "none", columns, members, table.joint)


def grown(raw: Semantics, name: str, vector: np.ndarray) -> Semantics:
    """A class table with one more class; where classes have members, its vector is its only one."""
    members = raw.members
    if members is not None:
        vectors, sizes = np.vstack([members.vectors, vector]), np.append(members.sizes, 1)
        members = Members(vectors, sizes, members.rule)  # one member is no list of templates any more
    return replace(
        raw, table=np.vstack([raw.table, vector]), class_names=(*raw.class_names, name), members=members
    )
