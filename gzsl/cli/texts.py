"""Help texts: docstrings as paragraphs, so that every terminal breaks their lines where it ends."""

from __future__ import annotations

import inspect
from typing import Any

import typer


def flow(app: typer.Typer) -> None:
    """Give every command of a tree, and of those below it, its docstring with each paragraph on one line."""
    for command in app.registered_commands:
        command.help = paragraphs(command.callback)
    for group in app.registered_groups:
        if group.typer_instance is not None:
            flow(group.typer_instance)


def paragraphs(function: Any) -> str:
    """The docstring of a function without the line breaks inside its paragraphs."""
    text = inspect.getdoc(function) or ""
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n"))
