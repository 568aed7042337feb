"""``gzsl methods``, ``gzsl recipes``, ``gzsl datasets``: what there is."""

from __future__ import annotations

import textwrap
from typing import Annotated

import typer
from rich.table import Table

from gzsl.cli.options import DataOption, JsonOption, PluginOption, print_json
from gzsl.cli.terminal import Console, strong
from gzsl.errors import RecipeError


def methods(plugin: PluginOption = None, json_output: JsonOption = False) -> None:
    """List all methods: family, setting, fidelity to the paper, citation.

    Example: [bold]gzsl methods --json[/bold]
    """
    from gzsl.methods import get_method, method_names

    cards = [get_method(name).card for name in method_names()]
    if json_output:
        print_json([
            {"id": c.id, "family": c.family, "settings": list(c.settings), "fidelity": c.fidelity,
             "cite": c.cite, "year": c.year} for c in cards
        ])  # fmt: skip
        return
    console, width = Console(), max(len(card.id) for card in cards)
    families = max(len(card.family) for card in cards)
    for card in cards:
        about = f"{card.family:<{families}}  {', '.join(card.settings)}"
        console.print(strong(f"{card.id:<{width}}", f"  {about}"))
        indent = " " * (width + 2)
        source = f"{card.fidelity}; {card.cite}"
        text = textwrap.fill(source, console.width - 1, initial_indent=indent, subsequent_indent=indent)
        console.print(text, style="dim")


def recipes(
    text: Annotated[str | None, typer.Argument(help="show only recipes whose name has this in it")] = None,
    plugin: PluginOption = None,
    json_output: JsonOption = False,
) -> None:
    """List the shipped recipes, each a METHOD/DATASET for `gzsl run` and `gzsl explain`.

    Example: [bold]gzsl recipes eszsl/[/bold]
    """
    from gzsl.runs import list_recipes
    from gzsl.runs.recipe import read_recipe, typed_recipe

    names = {f"{path.parent.name}/{path.stem}": path for path in list_recipes()}
    shown = [name for name in names if text is None or text.lower() in name.lower()]
    # their methods are not looked at: that would import all of them to print a list
    loaded = [(name, typed_recipe(read_recipe(names[name]), str(names[name]))) for name in shown]
    if json_output:
        print_json([{"name": n, "dataset": r.dataset.name, "selection": r.selection.rule} for n, r in loaded])
        return
    if not loaded:
        raise RecipeError(f"recipes: found none with {text!r} in its name; gzsl recipes lists all")
    table = Table("recipe", "dataset", "semantics", "selection", "published H")
    for name, recipe in loaded:
        published = recipe.expected.H if recipe.expected else None
        table.add_row(
            name, recipe.dataset.name, recipe.dataset.semantics, recipe.selection.rule,
            "-" if published is None else f"{published:.1f}",
        )  # fmt: skip
    Console().print(table)


def datasets(data: DataOption = None, json_output: JsonOption = False) -> None:
    """List datasets: the embedded ones, those found in --data, and the benchmarks whose files are absent.

    Example: [bold]gzsl datasets --data DIR[/bold]
    """
    from gzsl.data import available

    entries = available(data)
    if json_output:
        print_json([entry.to_dict() for entry in entries])
        return
    table = Table("dataset", "images", "classes", "unseen", "attributes", "where")
    for entry in entries:
        sizes = (entry.images, entry.classes, entry.unseen, entry.attributes)
        table.add_row(entry.name, *("-" if size is None else str(size) for size in sizes), entry.where)
    Console().print(table)
