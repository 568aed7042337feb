"""``gzsl semantics``: look at class tables before training."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table as RichTable

from gzsl.cli.graphs import graph as make_graph_folder
from gzsl.cli.graphs import propagate, report_graph
from gzsl.cli.ontology import ontology
from gzsl.cli.options import DataOption, JsonOption, print_json, written_file
from gzsl.cli.terminal import Console, strong
from gzsl.door.tables import read_rows
from gzsl.errors import DataError
from gzsl.files import write_text

if TYPE_CHECKING:
    from gzsl.semantics import Semantics
    from gzsl.semantics.report import SemanticsReport
    from gzsl.semantics.sources import Sourced

app = typer.Typer(no_args_is_help=True, help="Make class tables of texts, words or other tables, and look at them.")


@app.command()
def report(
    path: Annotated[str, typer.Argument(metavar="DATASET", help="name of a dataset, or a folder or file of data")],
    name: Annotated[str | None, typer.Option(help="which class table; the first one when not given")] = None,
    graph: Annotated[
        str | None, typer.Option(help="report on this class graph instead: a kind such as attributes-knn, or a folder")
    ] = None,
    out: Annotated[Path | None, written_file("picture of the graph (.png) to write, with its data as .csv")] = None,
    run: Annotated[Path | None, typer.Option(help="finished run whose accuracies colour the classes")] = None,
    data: DataOption = None,
    json_output: JsonOption = False,
) -> None:
    """Say what a class table promises: range, rank, faults, near duplicates, and which unseen classes will be hard.

    A class is hard when another one has nearly the same vector, and when no mixture of seen classes resembles it. Of a
    class graph: relations, components, classes without neighbours, and how many hops make classes alike.

    Example: [bold]gzsl semantics report mine --graph attributes-knn --out graph.png[/bold]
    """
    if graph is not None:
        report_graph(graph, path, data, name, out, run, json_output)
        return
    if out is not None or run is not None:
        raise DataError("--out and --run: found them without --graph, expected a graph to draw")
    from gzsl.data import load
    from gzsl.semantics.report import semantics_report

    dataset = load(path, root=data)
    table = dataset.semantics if name is None else dataset.with_semantics(name).semantics
    found = semantics_report(table, dataset.split.seen, dataset.split.unseen)
    if json_output:
        print_json(found.to_dict())
        return
    _print(found, Console())


@app.command()
def text(
    source: Annotated[Path, typer.Argument(help="folder with a NAME.txt a class, or a CSV with class,text")],
    out: Annotated[Path, written_file("class table (.csv) to write")],
    encoder: Annotated[str, typer.Option(help="tfidf, or minilm (extra text)")] = "tfidf",
    dims: Annotated[int, typer.Option(min=1, help="dimensions of tfidf at most")] = 300,
    classes: Annotated[
        Path | None, typer.Option(help="CSV with a column class: texts of others are left out, each of these has one")
    ] = None,
) -> None:
    """Make a class table from descriptions.

    Hidden files and a README are no classes; --classes says which ones there are.

    Example: [bold]gzsl semantics text descriptions --out sentences.csv[/bold]
    """
    from gzsl.semantics.sources import read_descriptions, text_table

    names = None if classes is None else _names(classes)
    note = partial(Console().print, style="dim", soft_wrap=True)
    _write(text_table(read_descriptions(source, names, note), encoder, dims), out)


@app.command()
def words(
    classes: Annotated[Path, typer.Argument(help="CSV with a column class; only the names are used")],
    vectors: Annotated[
        Path, typer.Argument(help="word vectors: text (GloVe, word2vec, .vec) or word2vec's binary form; also gzipped")
    ],
    out: Annotated[Path, written_file("class table (.csv) to write")],
) -> None:
    """Make a class table from the word vectors of class names, and say which words were not found as written.

    The exact word comes first, then the word in lower case, in another case, with other accents, and its parts at
    hyphens, apostrophes and full stops; each of these is said.

    Example: [bold]gzsl semantics words classes.csv glove.txt --out words.csv[/bold]
    """
    from gzsl.semantics.words import word_table

    _write(word_table(_names(classes), vectors), out)


@app.command()
def fuse(
    tables: Annotated[list[Path], typer.Argument(help="class tables (.csv) of the same classes")],
    out: Annotated[Path, written_file("class table (.csv) to write")],
    normalise: Annotated[str, typer.Option(help="of each table first: none, l2, l2-sqrt-dim, zscore, minmax")] = "l2",
) -> None:
    """Put several class tables side by side.

    Example: [bold]gzsl semantics fuse attributes.csv words.csv --out both.csv[/bold]
    """
    from gzsl.semantics.sources import fuse as fuse_tables

    _write(fuse_tables([_read(path) for path in tables], normalise), out)


app.command(name="graph")(make_graph_folder)
app.command()(propagate)
app.command()(ontology)


def _write(found: Sourced, out: Path) -> None:
    from gzsl.semantics.sources import table_as_csv

    write_text(out, table_as_csv(found.semantics))
    console = Console()
    for note in found.notes:
        console.print(note, style="dim", soft_wrap=True)
    console.print(f"{len(found.semantics)} classes, {found.semantics.n_attributes} columns, in {out}", soft_wrap=True)


def _read(path: Path) -> Semantics:

    from gzsl.data.readers.detect import unique_names
    from gzsl.data.readers.table import Table
    from gzsl.semantics import Semantics

    table = Table(path, ("unseen",))
    names = unique_names(f"{table.where}: class", table.text()["class"])
    return Semantics(table.values(), names, path.stem, attribute_names=table.numeric_names)


def _names(path: Path) -> list[str]:
    from gzsl.data.readers.detect import unique_names

    return list(unique_names(f"{path}: class", [row["class"] for row in read_rows(path, ("class",))]))


def _print(found: SemanticsReport, console: Console) -> None:
    from gzsl.semantics.report import SHOWN

    kind = "binary" if found.binary else "continuous"
    sizes = f"{found.n_classes} classes, {found.n_attributes} columns, rank {found.rank}"
    values = f"{kind}, {found.low:.4g} to {found.high:.4g}, {found.constant_columns} constant columns"
    console.print(strong(found.name, f": {sizes}, {values}"), soft_wrap=True)
    for sentence in found.faults:
        console.print(strong("!", f" {sentence}", style="bold yellow"), soft_wrap=True)
    for a, b, cosine in found.near_duplicates[:SHOWN]:
        console.print(f"nearly the same: {a!r} and {b!r} (cosine {cosine:.3f})", soft_wrap=True)
    console.print(f"{found.outside} of {len(found.hardest)} unseen classes lie outside the mixtures of seen classes")
    table = RichTable("hardest unseen classes", "most like", "cosine", "outside by")
    for c in found.hardest[:SHOWN]:
        table.add_row(c.name, c.nearest, f"{c.similarity:.2f}", f"{c.residual:.2f}")
    console.print(table)
