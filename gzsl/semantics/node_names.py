"""Which node is which class: by name, as written or but for case, numbering and punctuation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gzsl.brief import listing
from gzsl.door.names import loose_form, places, same_form
from gzsl.errors import DataError, suggest

SHOWN = 3


def refuse_alike(nodes: Sequence[str], where: str) -> None:
    """Refuse nodes whose names differ in case, numbering or punctuation alone: likely one thing written twice.

    Raises
    ------
    DataError
        Naming the first two.
    """
    for one, other in _alike(nodes)[:1]:
        raise DataError(
            f"{where}: the nodes {one!r} and {other!r} differ in case or punctuation alone, expected one way to "
            "write a name (write both alike, or tell them apart by a word)"
        )


def note_alike(nodes: Sequence[str], where: str) -> tuple[str, ...]:
    """A note where names of nodes differ in case, numbering or punctuation alone, and are nodes of their own."""
    found = _alike(nodes)
    if not found:
        return ()
    shown = listing([f"{one!r} and {other!r}" for one, other in found])
    said = "names that differ in case or punctuation alone are several nodes"
    return (f"{where}: {said}: {shown}; if they are one thing, write them alike",)


def _alike(nodes: Sequence[str]) -> list[tuple[str, str]]:
    """Pairs of names of one loose form."""
    known: dict[str, str] = {}
    both = [(known.setdefault(loose_form(node), node), node) for node in nodes]
    return [(one, other) for one, other in both if same_form(one) != same_form(other)]


def nodes_of_classes(
    class_names: Sequence[str], nodes: Sequence[str], where: str
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Node of each class, and a note where names are not written alike.

    Returns
    -------
    ids : ndarray, shape (C,), int64
        Positions in ``nodes``.
    notes : tuple of str
        Which classes were found under another way to write their names.

    Raises
    ------
    DataError
        For a class without a node, and one that several nodes resemble.
    """
    exact = places(nodes)
    loose: dict[str, list[int]] = {}
    for position, node in enumerate(nodes):
        loose.setdefault(loose_form(node), []).append(position)
    found, other = [], []
    for name in class_names:
        place = exact.get(same_form(name))
        if place is None:
            place = _resembling(name, loose.get(loose_form(name), []), nodes, where)
            other.append(f"{name!r} as {nodes[place]!r}")
        found.append(place)
    shown = ", ".join(other[:SHOWN]) + (", ..." if len(other) > SHOWN else "")
    notes = (f"{where}: {len(other)} classes are written otherwise in the graph: {shown}",) if other else ()
    return np.array(found, dtype=np.int64), notes


def _resembling(name: str, candidates: Sequence[int], nodes: Sequence[str], where: str) -> int:
    if len(candidates) == 1:
        return candidates[0]
    if not candidates:
        raise DataError(
            f"{where}: found no node of class {name!r}, expected one a class (add a row for it); {suggest(name, nodes)}"
        )
    a, b = (nodes[k] for k in candidates[:2])
    raise DataError(
        f"{where}: class {name!r} may be {a!r} or {b!r}, which differ in case or punctuation alone, expected one node "
        "(write one of them as the class is written)"
    )
