"""Class tables that commands write, and names that they read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from gzsl.cli.terminal import Console
from gzsl.door.tables import read_rows

if TYPE_CHECKING:
    from gzsl.semantics.sources import Sourced


def write_table(found: Sourced, out: Path) -> None:
    """Write a class table, and print what is known of it."""
    from gzsl.data.class_tables import write_class_table

    write_class_table(found.semantics, out)
    console = Console()
    for note in found.notes:
        console.print(note, style="dim", soft_wrap=True)
    console.print(f"{len(found.semantics)} classes, {found.semantics.n_attributes} columns, in {out}", soft_wrap=True)


def names_of(path: Path) -> list[str]:
    """Names of a CSV's column class."""
    from gzsl.data.readers.detect import unique_names

    return list(unique_names(f"{path}: class", [row["class"] for row in read_rows(path, ("class",))]))
