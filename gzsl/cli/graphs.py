"""``gzsl semantics graph``: class graphs are made, saved, looked at, and turned into class tables."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table as RichTable

from gzsl.cli.options import DataOption, JsonOption, print_json, written_file
from gzsl.cli.terminal import Console, strong

if TYPE_CHECKING:
    from gzsl.semantics import Semantics
    from gzsl.semantics.graph import ClassGraph
    from gzsl.semantics.graph_report import GraphReport

SHOWN = 6  # relations that are named
KindArgument = Annotated[
    str,
    typer.Argument(metavar="KIND", help="attributes-knn, bipartite, taxonomy, genus, wordnet, arrays; or a folder"),
]
SourceArgument = Annotated[
    str, typer.Argument(metavar="DATASET|CSV", help="name or folder of a dataset, or a CSV with a column class")
]
OptionsOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="an option of this kind of graph, e.g. k=10; may be repeated"),
]
TableOption = Annotated[str | None, typer.Option("--table", help="which class table; the first one when not given")]


def graph(
    kind: KindArgument,
    source: SourceArgument,
    out: Annotated[Path, typer.Option(help="folder to write: nodes.csv, edges.csv, vectors.npy")],
    options: OptionsOption = None,
    table: TableOption = None,
    senses: Annotated[
        Path | None, written_file("of wordnet: CSV to write with the synset of each class, to correct and give back")
    ] = None,
    data: DataOption = None,
    json_output: JsonOption = False,
) -> None:
    """Make a class graph and save it as a folder, which a recipe names as dataset.graph.

    Saved as graphs/NAME in the folder of a dataset, it is called NAME there. A taxonomy is read from the CSV itself:
    what stands under class in it and is never a parent is a class.

    Example: [bold]gzsl semantics graph taxonomy birds.csv --out graphs/birds[/bold]
    """
    from gzsl.files import write_text
    from gzsl.semantics.graph_folder import write_graph
    from gzsl.semantics.graph_maker import graph_maker_for
    from gzsl.semantics.graph_report import graph_report

    semantics, folder, sides = _opened(source, table, data, taxonomy=kind == "taxonomy")
    spec = {"name": kind, **_options(options)}
    if kind == "taxonomy" and folder is None:
        spec.setdefault("file", source)
    if folder is None and kind != "bipartite" and semantics.name == "names":
        spec.setdefault("vectors", "none")
    maker = graph_maker_for(spec, folder)
    made = maker.make(semantics, folder)
    if senses is not None:
        write_text(senses, getattr(maker, "senses_csv_", "class,sense\n"))
    write_graph(made, out)
    found = graph_report(made, *sides)
    if json_output:
        print_json(found.to_dict())
        return
    print_report(found, Console())
    Console().print(f"in {out}", soft_wrap=True)


def propagate(
    kind: KindArgument,
    source: SourceArgument,
    out: Annotated[Path, written_file("class table (.csv) to write")],
    hops: Annotated[int, typer.Option(min=0, max=100, help="steps over the graph")] = 1,
    diffusion: Annotated[
        float | None, typer.Option(min=1e-6, max=1e6, help="beta: columns whose products are exp(-beta L), instead")
    ] = None,
    options: OptionsOption = None,
    table: TableOption = None,
    data: DataOption = None,
) -> None:
    """Make a class table of a graph, for methods that know nothing of graphs.

    The vectors of its nodes are averaged over their neighbours some times; with --diffusion the table is the root of
    the diffusion kernel between classes, whatever the vectors.

    Example: [bold]gzsl semantics propagate genus mine --out mine/smooth.csv[/bold]
    """
    from gzsl.files import write_text
    from gzsl.semantics.graph_maker import make_graph
    from gzsl.semantics.graph_tables import diffused, smoothed
    from gzsl.semantics.sources import table_as_csv

    semantics, folder, _ = _opened(source, table, data)
    made = make_graph({"name": kind, **_options(options)}, semantics, folder)
    found = smoothed(made, hops) if diffusion is None else diffused(made, diffusion)
    write_text(out, table_as_csv(found))
    Console().print(f"{len(found)} classes, {found.n_attributes} columns, in {out}", soft_wrap=True)


def report_graph(
    name: str, source: str, data: Path | None, table: str | None, out: Path | None, run: Path | None, as_json: bool
) -> None:
    """Print what a dataset's graph promises, and draw it."""
    from gzsl.semantics.graph_maker import make_graph
    from gzsl.semantics.graph_report import graph_report

    semantics, folder, sides = _opened(source, table, data)
    made = make_graph(name, semantics, folder)
    found = graph_report(made, *sides)
    pictures = [] if out is None else _drawn(made, out, sides[1] if sides else None, run)
    if as_json:
        print_json({**found.to_dict(), "pictures": [str(path) for path in pictures]})
        return
    print_report(found, Console())
    for path in pictures:
        Console().print(f"in {path}", soft_wrap=True)


def _drawn(made: ClassGraph, out: Path, unseen: Any, run: Path | None) -> list[Path]:
    from gzsl.report.graph_picture import draw_graph, read_accuracies

    names = [] if unseen is None else [made.class_names[c] for c in unseen]
    return list(draw_graph(made, out, names, None if run is None else read_accuracies(run)))


def _options(given: list[str] | None) -> dict[str, Any]:
    from gzsl.runs.overrides import parse_override

    return dict(parse_override(text) for text in given or ())


def _opened(
    source: str, table: str | None, data: Path | None, taxonomy: bool = False
) -> tuple[Semantics, Path | None, tuple[Any, ...]]:
    """Classes with their vectors, the folder of the data, and seen and unseen classes where these are known."""
    if Path(source).suffix.lower() in (".csv", ".tsv"):
        from gzsl.data.readers.class_list import read_class_list

        return read_class_list(Path(source), taxonomy), None, ()
    from gzsl.data import load

    dataset = load(source, root=data)
    semantics = dataset.semantics if table is None else dataset.with_semantics(table).semantics
    return semantics, dataset.folder, (dataset.split.seen, dataset.split.unseen)


def print_report(found: GraphReport, console: Console) -> None:
    """Print numbers about a graph."""
    vectors = f", vectors of {found.n_values}" if found.n_values else ""
    parts = f"{found.n_nodes} nodes{vectors}, {found.n_components} components, {found.n_classes} classes"
    console.print(strong(found.name, f": {parts}"), soft_wrap=True)
    most = sorted(found.relations.items(), key=lambda relation: -relation[1])
    edges = ", ".join(f"{name} {count}" for name, count in most[:SHOWN])
    edges += f" and {len(most) - SHOWN} relations more" if len(most) > SHOWN else ""
    depth = "" if found.depth is None else f"; {found.depth} levels below the root"
    near = "" if found.hops_to_seen != found.hops_to_seen else f"; {found.hops_to_seen:.1f} hops from unseen to seen"
    console.print(f"edges: {edges}{depth}{near}", soft_wrap=True)
    for sentence in found.remarks:
        console.print(strong("!", f" {sentence}", style="bold yellow"), soft_wrap=True)
    for sentence in found.notes:
        console.print(sentence, soft_wrap=True, markup=False, style="dim")
    rows = RichTable("hops", "mean cosine of classes", "to the nearest", "with the vector of another")
    for step in found.smoothing:
        rows.add_row(str(step.hops), f"{step.mean:.3f}", f"{step.nearest:.3f}", str(step.lost))
    console.print(rows)
