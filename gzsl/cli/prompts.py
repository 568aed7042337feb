"""``gzsl semantics prompts``: several vectors a class from templates and names."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gzsl.cli.options import written_file
from gzsl.cli.tables import names_of, write_table


def prompts(
    templates: Annotated[Path, typer.Argument(help="text file with a prompt a line, {} for the name: a photo of a {}")],
    classes: Annotated[Path, typer.Argument(help="CSV with a column class")],
    out: Annotated[Path, written_file("class table (.npz) to write")],
    encoder: Annotated[
        str, typer.Option(help="tfidf, minilm (extra text), or open_clip:NAME (extra images, with --weights)")
    ] = "minilm",
    weights: Annotated[Path | None, typer.Option(help="weights of open_clip's network (.safetensors)")] = None,
    dims: Annotated[int, typer.Option(min=1, help="dimensions of tfidf at most")] = 300,
    below: Annotated[
        Path | None,
        typer.Option(help="sub-classes as members: a CSV with class,subclass, or the folder of a class graph"),
    ] = None,
) -> None:
    """Make a class table of prompts: a member a class and template, and their mean as the class vector.

    With --below each sub-class is a member: its prompts' mean. A class with nothing below it stands for itself.

    Example: [bold]gzsl semantics prompts prompts.txt classes.csv --out prompts.npz[/bold]
    """
    from gzsl.images.texts import text_encoder
    from gzsl.semantics.prompts import filled, member_table, read_subclasses, read_templates
    from gzsl.semantics.subclasses import of_subclasses

    lines, names = read_templates(templates), names_of(classes)
    encode = text_encoder(encoder, weights) if encoder.startswith("open_clip:") else None
    if below is None:
        texts = {name: filled(lines, [name]) for name in names}
        found = member_table(texts, encoder, dims, templates=lines, encode=encode, name=out.stem)
    else:
        found = of_subclasses(read_subclasses(below, names), lines, encoder, dims, encode, out.stem)
    write_table(found, out)

