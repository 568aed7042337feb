"""``gzsl semantics ontology``: vectors of classes from the ontology that they stand in."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gzsl.cli.graphs import KindArgument, OptionsOption, SourceArgument, TableOption, _opened, _options
from gzsl.cli.options import DataOption, written_file
from gzsl.cli.terminal import Console


def ontology(
    kind: KindArgument,
    source: SourceArgument,
    out: Annotated[Path, written_file("class table (.csv) to write")],
    dims: Annotated[int, typer.Option(min=1, max=10_000, help="of structure, and of text")] = 100,
    steps: Annotated[int, typer.Option(min=1, max=1_000_000, help="steps of TransE, on 256 edges each")] = 2000,
    text_epochs: Annotated[int, typer.Option(min=0, max=100_000, help="passes over the edges with text")] = 100,
    seed: Annotated[int, typer.Option(min=0, help="of everything random")] = 0,
    options: OptionsOption = None,
    table: TableOption = None,
    data: DataOption = None,
) -> None:
    """Make a class table of an ontology, as OntoZSL does, for any method.

    Every edge of the graph is a triple: translations between triples give the structure of a class, and the vectors of
    nodes give its text; both are mapped into one space and stand side by side.

    Example: [bold]gzsl semantics ontology taxonomy mine --out mine/ontology.csv[/bold]
    """
    import torch

    from gzsl.files import write_text
    from gzsl.nn.ontology import ontology_table
    from gzsl.semantics.graph_maker import make_graph
    from gzsl.semantics.sources import table_as_csv

    semantics, folder, _ = _opened(source, table, data)
    graph = make_graph({"name": kind, **_options(options)}, semantics, folder)
    rng = torch.Generator().manual_seed(seed)
    found = ontology_table(graph.canonical(), semantics, size=dims, n_steps=steps, text_epochs=text_epochs, rng=rng)
    write_text(out, table_as_csv(found))
    Console().print(
        f"{len(found)} classes, {found.n_attributes} columns, half of structure and half of text, in {out}",
        soft_wrap=True,
    )
