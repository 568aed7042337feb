"""The only place that writes text to the terminal: names and paths are shown as they are and can steer nothing."""

from __future__ import annotations

import sys
from typing import Any

import typer
from rich.console import Console as RichConsole
from rich.progress import Task, TextColumn
from rich.text import Text

from gzsl.door.shown import shown


class Console(RichConsole):
    """Rich's console for text from anywhere.

    Square brackets are no markup and ``:name:`` is no picture; control characters are written out. What is to look
    different is a `strong` text, or has a ``style`` as a whole.
    """

    def __init__(self, *, stderr: bool = False) -> None:
        super().__init__(stderr=stderr, markup=False, emoji=False, highlight=False)

    def render_str(self, text: str, **settings: Any) -> Text:
        """Every string that is printed comes through here: lines, cells, headings and titles."""
        return super().render_str(shown(text), **{**settings, "markup": False, "emoji": False})


def strong(text: object, rest: object = "", style: str = "bold") -> Text:
    """A line whose first part stands out."""
    return Text.assemble((shown(text), style), shown(rest))


class Column(TextColumn):
    """A column of a progress bar that shows a field of its task, such as ``{task.description}``."""

    def render(self, task: Task) -> Text:
        """The field as it is."""
        return Text(shown(self.text_format.format(task=task)), style=self.style, justify=self.justify)


def say(text: object, *, err: bool = False) -> None:
    """Write one line as it is, without a break where the terminal ends."""
    typer.echo(shown(text), err=err)


def complain(text: object) -> None:
    """Write one sentence to stderr, as every error and warning of ``gzsl`` is."""
    sys.stderr.write(f"gzsl: {shown(text)}\n")
