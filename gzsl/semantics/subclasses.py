"""Classes whose members are what lies below them in a hierarchy."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from gzsl.semantics.members import Members
from gzsl.semantics.prompts import filled, member_table
from gzsl.semantics.sources import Sourced
from gzsl.semantics.table import Semantics


def of_subclasses(
    below: Mapping[str, Sequence[str]],
    templates: Sequence[str],
    encoder: str = "minilm",
    n_dims: int = 300,
    encode: Callable[[Sequence[str]], np.ndarray] | None = None,
    name: str = "sent",
) -> Sourced:
    """A class table with a member a sub-class, and the vectors of the classes themselves as the table.

    Parameters
    ----------
    below : mapping of str to sequence of str
        Sub-classes by class, at least one each (`gzsl.semantics.prompts.read_subclasses`).
    templates : sequence of str
        Prompts; the vector of a sub-class and of a class is the mean over them.
    encoder, n_dims, encode, name
        As in `gzsl.semantics.prompts.member_table`.
    """
    things = list(dict.fromkeys([*below, *(sub for own in below.values() for sub in own)]))
    made = member_table({thing: filled(templates, [thing]) for thing in things}, encoder, n_dims, encode=encode)
    place = {thing: k for k, thing in enumerate(things)}
    vectors = made.semantics.table
    groups = [vectors[[place[sub] for sub in own]] for own in below.values()]
    members = Members.of(groups, "given", texts=list(below.values()))
    table = Semantics(vectors[[place[c] for c in below]], tuple(below), name, members=members)
    return replace(made, semantics=table, notes=(*made.notes[:-1], f"{members!r}"))
