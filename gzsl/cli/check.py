"""``gzsl check``: whether a method does what every method must."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from gzsl.cli.options import JsonOption, PluginOption, print_json
from gzsl.cli.terminal import Console, strong
from gzsl.door.shown import counted

if TYPE_CHECKING:
    from gzsl.conformance import Outcome

_STYLES = {"pass": "green", "fail": "bold red", "excused": "yellow"}


def check(
    source: Annotated[
        str, typer.Argument(metavar="FILE.py", help="file with methods of your own, or the id of a method")
    ],
    plugin: PluginOption = None,
    json_output: JsonOption = False,
) -> None:
    """Check methods of your own: deterministic, blind to test rows, true to the order of rows and classes, and so on.

    The checks are those that every shipped method passes. They run on a small simulated dataset with the
    hyper-parameters that the method declares for them (test_params). Recipes beside the file are read too.
    Exit code 1 when a check fails. Example: [bold]gzsl check my_method.py[/bold]
    """
    from gzsl.conformance import Bench, check_method

    bench, console = Bench.simulated(), Console()
    outcomes: list[Outcome] = []
    for name in _methods(source):
        own = []
        for outcome in check_method(name, bench):
            own.append(outcome)
            if not json_output:
                _print(console, outcome)
        outcomes += own
        if not json_output:
            passed = sum(outcome.state != "fail" for outcome in own)
            console.print(strong(name, f": {passed} of {counted(len(own), 'check')} passed\n"))
    broken = _recipes(console, source, quiet=json_output)
    if json_output:
        print_json({"checks": [outcome.to_dict() for outcome in outcomes], "recipes": broken})
    if any(broken.values()) or any(outcome.state == "fail" for outcome in outcomes):
        raise typer.Exit(1)


def _methods(source: str) -> list[str]:
    """Ids of the methods to check."""
    from gzsl import plugins
    from gzsl.door.paths import user_path
    from gzsl.errors import PluginError
    from gzsl.methods import get_method

    if not source.endswith(".py") and not user_path(source, "a method, or a Python file", PluginError).is_file():
        return [get_method(source).card.id]
    plugins.use([source])
    path = Path(source).expanduser().absolute()
    found = next(p for p in plugins.loaded() if p.path == path)
    if not found.ids("method"):
        kinds = ", ".join(f"the {kind} {name}" for kind, name in found.members)
        raise PluginError(f"{path}: registers {kinds}, expected a method; there are no checks of other parts")
    return found.ids("method")


def _print(console: Console, outcome: Outcome) -> None:
    _line(console, outcome.state, outcome.promise, outcome.found and f"{outcome.method}: {outcome.found}")


def _line(console: Console, state: str, text: str, found: str) -> None:
    row = Table.grid(padding=(0, 1))
    row.add_column(min_width=7)
    row.add_column(overflow="fold")
    row.add_row(strong(state, style=_STYLES[state]), text)
    console.print(row)
    if found:
        console.print(strong(f"        {found}"), soft_wrap=True)


def _recipes(console: Console, source: str, *, quiet: bool) -> dict[str, str]:
    """Every recipe beside the file, with what is wrong with it or nothing."""
    from gzsl import plugins
    from gzsl.errors import GzslError
    from gzsl.runs import load_recipe

    path, found = Path(source).expanduser().absolute(), {}
    for known in plugins.loaded():
        for recipe in (r for name in known.ids("method") for r in sorted((path.parent / name).glob("*.yaml"))):
            if known.path == path:
                label = f"{recipe.parent.name}/{recipe.stem}"
                try:
                    load_recipe(recipe)
                    found[label] = ""
                except GzslError as error:
                    found[label] = str(error)
    if not quiet:
        for label, problem in found.items():
            _line(console, "fail" if problem else "pass", f"the recipe {label} can be run", problem)
    return found
