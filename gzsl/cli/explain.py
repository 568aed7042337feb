"""``gzsl explain``: every key of a recipe, what it means and where its value comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.padding import Padding

from gzsl.cli.options import DataOption, JsonOption, PluginOption, RecipeArgument, SetOption, print_json
from gzsl.cli.terminal import Console, strong

if TYPE_CHECKING:
    from gzsl.params import Configurable
    from gzsl.runs import Recipe


def explain(
    recipe: RecipeArgument,
    plugin: PluginOption = None,
    override: SetOption = None,
    data: DataOption = None,
    json_output: JsonOption = False,
) -> None:
    """Explain a recipe: for every key its value, meaning, symbol in the paper, default, and source.

    Example: [bold]gzsl explain f-clswgan/CUB[/bold]
    """
    from gzsl.runs.overrides import parse_override
    from gzsl.runs.own_data import open_recipe

    loaded, _ = open_recipe(recipe, data, dict(parse_override(text) for text in override or []))
    rows = [*_section_rows(loaded), *_wrapper_rows(loaded), *_calibration_rows(loaded), *_method_rows(loaded)]
    if json_output:
        print_json(rows)
        return
    console = Console()
    console.print(loaded.title, style="bold")
    for row in rows:
        _print_row(console, row)
    for label, text in (("note", loaded.note), ("published", _published(loaded))):
        if text:
            console.print(strong(f"\n{label}", f"  {text}"))


def _published(recipe: Recipe) -> str | None:
    """The numbers that the recipe is compared with, and where they stand."""
    expected = recipe.expected
    if expected is None:
        return None
    found = {name: getattr(expected, name) for name in ("T1", "U", "S", "H")}
    values = ", ".join(f"{name} {value:.1f}" for name, value in found.items() if value is not None)
    chosen = f"; selection there: {expected.selection}" if expected.selection else ""
    return f"{values} (percent): {expected.source}{chosen}"


def _print_row(console: Console, row: dict[str, Any]) -> None:
    facts = [f"symbol {row['symbol']}"] if row["symbol"] else []
    if row["value"] != row["default"]:
        facts.append(f"default {_short(row['default'])}")
    aside = f"  ({'; '.join(facts)})" if facts else ""
    console.print(strong(f"\n{row['key']}", f" = {_short(row['value'])}").append_text(strong(aside, style="dim")))
    for text in (row["meaning"], row["source"] and f"source: {row['source']}"):
        if text:
            console.print(Padding(text, (0, 0, 0, 4)))


def _section_rows(recipe: Recipe) -> list[dict[str, Any]]:
    from gzsl.runs import Recipe

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


def _calibration_rows(recipe: Recipe) -> list[dict[str, Any]]:
    from gzsl.calibration import make_calibrator

    calibrator = make_calibrator(recipe.calibration)
    if recipe.calibration["name"] == "none":
        return []
    return _part_rows(recipe, "calibration", calibrator, type(calibrator)())


def _wrapper_rows(recipe: Recipe) -> list[dict[str, Any]]:
    wrapper = recipe.build_wrapper()
    return [] if wrapper is None else _part_rows(recipe, "transductive", wrapper, type(wrapper)())


def _method_rows(recipe: Recipe) -> list[dict[str, Any]]:
    method = recipe.build_method()
    return _part_rows(recipe, "method", method, type(method)())


def _part_rows(recipe: Recipe, prefix: str, part: Configurable, default: Configurable | None) -> list[dict[str, Any]]:
    """One row a hyper-parameter; a part such as a head is followed by its own."""
    from gzsl.params import Configurable, parameters

    rows = []
    for name, parameter in parameters(type(part)).items():
        value, usual = getattr(part, name), getattr(default, name, None)
        key = f"{prefix}.{name}"
        if isinstance(value, Configurable):
            usual_id = getattr(usual, "part_id", None)
            rows.append(_row(recipe, key, value.part_id, parameter.doc, usual_id, parameter.symbol))
            rows += _part_rows(recipe, key, value, usual if type(usual) is type(value) else type(value)())
        else:
            rows.append(_row(recipe, key, value, parameter.doc, usual, parameter.symbol))
    return rows


def _row(recipe: Recipe, key: str, value: Any, meaning: str, default: Any, symbol: str = "") -> dict[str, Any]:
    source = recipe.provenance.get(key.removeprefix("method."), recipe.provenance.get(key, ""))
    return {"key": key, "value": value, "meaning": meaning, "symbol": symbol, "default": default, "source": source}


def _short(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}={inner}" for key, inner in value.items())
    if isinstance(value, list):
        return ", ".join(str(inner) for inner in value)
    return "null" if value is None else f"{value}"
