"""``gzsl explain``: every key of a recipe, what it means and where its value comes from."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from gzsl.cli.options import JsonOption, print_json
from gzsl.methods import get_method
from gzsl.params import parameters, plain
from gzsl.runs import Recipe, load_recipe


def explain(
    recipe: Annotated[str, typer.Argument(help="a recipe file, or METHOD/DATASET of a shipped one")],
    json_output: JsonOption = False,
) -> None:
    """Explain a recipe: for every key its value, meaning, symbol in the paper, default, and source."""
    loaded = load_recipe(recipe)
    rows = [*_section_rows(loaded), *_method_rows(loaded)]
    if json_output:
        print_json(rows)
        return
    table = Table("key", "value", "meaning", "default", "source", title=loaded.title, title_justify="left")
    for row in rows:
        meaning = f"{row['meaning']} ({row['symbol']})" if row["symbol"] else row["meaning"]
        table.add_row(row["key"], _short(row["value"]), meaning, _short(row["default"]), row["source"])
    console = Console()
    console.print(table)
    for text in (loaded.note, loaded.expected and f"published: {loaded.expected.source}"):
        if text:
            console.print(text, highlight=False)


def _section_rows(recipe: Recipe) -> list[dict[str, Any]]:
    rows = []
    for name, field in Recipe.model_fields.items():
        if name in ("method", "provenance", "paper", "note", "expected"):
            continue
        value = getattr(recipe, name)
        inner = getattr(type(value), "model_fields", None)
        if inner is None:
            default = field.get_default(call_default_factory=True)
            rows.append(_row(recipe, name, value, field.description or "", default))
            continue
        for key, part in inner.items():
            default = None if part.is_required() else part.get_default(call_default_factory=True)
            rows.append(_row(recipe, f"{name}.{key}", getattr(value, key), part.description or "", default))
    return rows


def _method_rows(recipe: Recipe) -> list[dict[str, Any]]:
    cls = get_method(recipe.method["name"])
    values = plain(recipe.build_method())
    defaults = plain(cls())
    return [
        _row(recipe, f"method.{name}", values[name], parameter.doc, defaults[name], parameter.symbol)
        for name, parameter in parameters(cls).items()
    ]


def _row(recipe: Recipe, key: str, value: Any, meaning: str, default: Any, symbol: str = "") -> dict[str, Any]:
    source = recipe.provenance.get(key.removeprefix("method."), recipe.provenance.get(key, ""))
    return {"key": key, "value": value, "meaning": meaning, "symbol": symbol, "default": default, "source": source}


def _short(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}={inner}" for key, inner in value.items())
    if isinstance(value, list):
        return ", ".join(str(inner) for inner in value)
    return "-" if value is None else f"{value}"
