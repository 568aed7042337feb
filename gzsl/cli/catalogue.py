"""``gzsl methods``, ``gzsl recipes``, ``gzsl datasets``: what there is."""

from __future__ import annotations

import contextlib
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from gzsl.cli.options import DataOption, JsonOption, PluginOption, print_json
from gzsl.cli.terminal import Console, strong
from gzsl.errors import DataError, RecipeError

if TYPE_CHECKING:
    from gzsl.methods.card import MethodCard


def methods(
    name: Annotated[str | None, typer.Argument(help="only this method, with its recipes")] = None,
    data: Annotated[
        Path | None, typer.Option("--data", help="say what the datasets in this folder lack for each method")
    ] = None,
    plugin: PluginOption = None,
    json_output: JsonOption = False,
) -> None:
    """List all methods: family, setting, what they need besides features and class vectors, fidelity, citation.

    With --data, a folder of datasets, each method says which of them it cannot be run on as they are, and what
    they lack. With a name, what the method's needs are made of and its recipes besides.

    Example: [bold]gzsl methods eszsl[/bold]
    """
    from gzsl.methods import get_method, method_names

    cards = [get_method(one).card for one in ([name] if name else method_names())]
    details = _details(cards[0]) if name else {}
    lacks = _lacks(data, cards) if data is not None else {}
    if json_output:
        print_json([
            {"id": c.id, "family": c.family, "settings": list(c.settings), "needs": list(c.needs),
             "fidelity": c.fidelity, "cite": c.cite, "year": c.year}
            | ({"lacks": lacks[c.id]} if lacks else {}) | details for c in cards
        ])  # fmt: skip
        return
    console, width = Console(), max(len(card.id) for card in cards)
    families = max(len(card.family) for card in cards)
    for card in cards:
        about = f"{card.family:<{families}}  {', '.join(card.settings)}"
        console.print(strong(f"{card.id:<{width}}", f"  {about}"))
        indent = " " * (width + 2)
        if card.needs:
            console.print(f"{indent}needs {', '.join(card.needs)}")
        source = f"{card.fidelity}; {card.cite}"
        text = textwrap.fill(source, console.width - 1, initial_indent=indent, subsequent_indent=indent)
        console.print(text, style="dim")
        for dataset, missing in lacks.get(card.id, {}).items():
            console.print(f"{indent}{dataset}: lacks {', '.join(missing)}")
        for text in (*details.get("needed", []), f"recipes: {', '.join(details['recipes']) or 'none'}") if name else ():
            console.print(textwrap.fill(text, console.width - 1, initial_indent=indent, subsequent_indent=indent))


def _details(card: MethodCard) -> dict[str, list[str]]:
    """What is said of one method alone: what its needs are and how they are made, and its recipes."""
    from gzsl.data.needs import NEEDS
    from gzsl.runs.find import recipe_names

    needs = {"needed": [f"{name}: {NEEDS[name].what}; {NEEDS[name].remedy}" for name in card.needs]}
    names = [name for name in recipe_names() if name.partition("/")[0] == card.id]
    return (needs if card.needs else {}) | {"recipes": names}


def _lacks(data: Path, cards: list[MethodCard]) -> dict[str, dict[str, list[str]]]:
    """What each dataset of a folder that can be read lacks for each method, by method and dataset."""
    from gzsl.data import available
    from gzsl.data.catalogue import load_plain
    from gzsl.data.needs import NEEDS, lacking

    entries = [entry for entry in available(data) if entry.present and entry.where != "embedded"]
    gaps: dict[str, set[str]] = {}
    for entry in entries:
        with contextlib.suppress(DataError):
            gaps[entry.name] = set(lacking(load_plain(entry.name, root=data), NEEDS))
    return {
        card.id: {name: found for name, gap in gaps.items() if (found := [n for n in card.needs if n in gap])}
        for card in cards
    }


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
