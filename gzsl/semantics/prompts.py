"""Members of classes from texts: sentences of descriptions, prompts of templates, names of sub-classes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from gzsl.door.names import loose_form, same_form
from gzsl.door.paths import regular_file
from gzsl.door.tables import read_rows
from gzsl.door.text import read_text
from gzsl.errors import DataError
from gzsl.semantics.graph_folder import read_graph
from gzsl.semantics.members import Members
from gzsl.semantics.sources import Sourced, descriptions_of, text_table
from gzsl.semantics.table import Semantics

SLOT = "{}"
SENTENCE_ENDS = re.compile(r"(?<=[.!?])[\"')\]]*\s+|\n+")


def sentences_of(text: str) -> list[str]:
    """Sentences of a text: it ends one at a full stop, an exclamation or a question mark, and at a line's end."""
    return [" ".join(part.split()) for part in SENTENCE_ENDS.split(text) if part.strip()]


def read_members(
    source: Path | str,
    classes: Sequence[str] | None = None,
    on_note: Callable[[str], None] = lambda text: None,
) -> dict[str, list[str]]:
    """Sentences by class: of ``NAME.txt`` files their sentences; a CSV with class,text has a member a line.

    Parameters and errors are those of `gzsl.semantics.sources.read_descriptions`, but that a class may stand on
    several lines of a CSV.
    """
    found: dict[str, list[str]] = {}
    from_files = Path(source).is_dir()
    for name, text in descriptions_of(source, classes, on_note):
        said = sentences_of(text) if from_files else [" ".join(text.split())]
        if not any(said):
            raise DataError(f"{source}: a text of class {name!r} is empty, expected a description")
        known = next((other for other in found if same_form(other) == same_form(name)), name)
        if from_files and known in found:
            raise DataError(f"{source}: class {name!r} stands twice, expected unique names")
        found.setdefault(known, []).extend(said)
    return found


def read_templates(path: Path | str) -> list[str]:
    """Prompt templates, one a line, each with ``{}`` where the class name goes.

    Raises
    ------
    DataError
        For a file without one, and for the first line without ``{}``.
    """
    path = regular_file(path, "a text file with a prompt a line, such as: a photo of a {}")
    lines = [(number, line.strip()) for number, line in enumerate(read_text(path, "prompts").splitlines(), start=1)]
    lines = [(number, line) for number, line in lines if line and not line.startswith("#")]
    if not lines:
        raise DataError(f"{path}: found no prompt, expected one a line, such as: a photo of a {SLOT}")
    for number, line in lines:
        if SLOT not in line:
            raise DataError(
                f"{path}: line {number}: found {line!r} without {SLOT}, expected a place for the class name, such as: "
                f"a photo of a {SLOT}"
            )
    return [line for _, line in lines]


def read_subclasses(source: Path | str, classes: Sequence[str]) -> dict[str, list[str]]:
    """What lies below each class: from a CSV with class,subclass, or the folder of a class graph with a hierarchy.

    Of a graph the things below a class below which there is nothing more. A class with nothing below stands for itself.
    """
    source = Path(source)
    if source.is_dir():
        graph = read_graph(source, tuple(classes))
        tree = graph.hierarchy
        below = [tree.descendants(int(node)) for node in graph.class_nodes]
        leaves = [[graph.nodes[k] for k in found if not len(tree.descendants(int(k)))] for found in below]
        return {name: found or [name] for name, found in zip(classes, leaves, strict=True)}
    rows = read_rows(source, ("class", "subclass"))
    known = {loose_form(name): name for name in classes}
    found: dict[str, list[str]] = {name: [] for name in classes}
    for row in rows:
        name = known.get(loose_form(row["class"]))
        if name is not None and row["subclass"] not in found[name]:
            found[name].append(row["subclass"])
    if not any(found.values()):
        raise DataError(f"{source}: found no subclass of any of the {len(classes)} classes, expected class,subclass")
    return {name: below or [name] for name, below in found.items()}


def filled(templates: Sequence[str], names: Iterable[str]) -> list[str]:
    """Every template with every name, name after name; underscores of names are blanks."""
    return [template.replace(SLOT, name.replace("_", " ")) for name in names for template in templates]


def member_table(
    texts: Mapping[str, Sequence[str]],
    encoder: str = "tfidf",
    n_dims: int = 300,
    *,
    templates: Sequence[str] | None = None,
    encode: Callable[[Sequence[str]], np.ndarray] | None = None,
    name: str = "sent",
) -> Sourced:
    """A class table with a member a text; the table is their mean, each of unit length first.

    Parameters
    ----------
    texts : mapping of str to sequence of str
        Texts by class, at least one each.
    encoder, n_dims
        As in `gzsl.semantics.sources.text_table`, fitted on all texts together.
    templates : sequence of str, optional
        Where the texts of every class are these templates in this order.
    encode : callable, optional
        Texts to vectors (M, a), instead of the encoder.
    name : str
        What the table is called.

    Raises
    ------
    DataError
        For a class without a text, and as `text_table`.
    """
    silent = [which for which, own in texts.items() if not len(own)]
    if silent:
        raise DataError(f"texts: class {silent[0]!r} has none, expected at least one a class")
    flat = [text for own in texts.values() for text in own]
    notes: tuple[str, ...] = ()
    if encode is not None:
        vectors = np.asarray(encode(flat))
    else:
        keyed = [f"{which} ({k + 1})" for which, own in texts.items() for k in range(len(own))]
        made = text_table(dict(zip(keyed, flat, strict=True)), encoder, n_dims)
        vectors, notes = made.semantics.table, made.notes
    members = Members(
        vectors, np.array([len(own) for own in texts.values()]), "unit-mean",
        None if templates is None else tuple(templates), tuple(flat),
    )  # fmt: skip
    table = replace(Semantics.of_members(members, tuple(texts)), name=name)
    return Sourced(table, (*notes, f"{members!r}"))
