"""The command line as a page of the site, read off the commands themselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer

from gzsl.cli.app import app


def walk(command: Any = None, name: str = "gzsl") -> Iterator[tuple[str, Any]]:
    """Every command with its whole name, a group before its commands."""
    command = command or typer.main.get_command(app)
    yield name, command
    if hasattr(command, "list_commands"):
        context = command.make_context(name, [], resilient_parsing=True)
        for child in command.list_commands(context):
            yield from walk(command.get_command(context, child), f"{name} {child}")


def commands_page() -> str:
    """A section a command: what it does, what it takes."""
    lines = ["# Command line", "", "Made from the commands; `gzsl COMMAND --help` says the same."]
    for name, command in walk():
        lines += ["", f"## {name}", "", _plain(command.help)]
        rows = [row for row in map(_row, command.params) if row]
        if rows:
            lines += ["", "| argument, option | default | meaning |", "| --- | --- | --- |", *rows]
    return "\n".join(lines) + "\n"


def _row(parameter: Any) -> str:
    option = parameter.param_type_name == "option"
    names = [*parameter.opts, *parameter.secondary_opts] if option else [parameter.metavar or parameter.name.upper()]
    default = parameter.default
    shown = "" if default in (None, "", (), []) or callable(default) or default is False else f"`{default}`"
    meaning = _plain(parameter.help).replace("|", "\\|").replace("\n", " ")
    return f"| {', '.join(f'`{name}`' for name in names)} | {shown} | {meaning} |"


def _plain(text: str | None) -> str:
    return (text or "").replace("[bold]", "`").replace("[/bold]", "`").replace("\f", "").strip()
