from __future__ import annotations

from pathlib import Path

import pytest

from gzsl.errors import GzslError, RecipeError
from gzsl.runs import find_recipe, load_recipe
from gzsl.runs.recipe import make_recipe, parse_override

MINIMAL = {"dataset": "simulated", "method": {"name": "eszsl"}}


def test_short_forms_and_defaults() -> None:
    recipe = make_recipe({**MINIMAL, "selection": "last", "calibration": "stacking"})
    assert recipe.dataset.name == "simulated"
    assert recipe.selection.rule == "last"
    assert recipe.calibration == {"name": "stacking"}
    assert recipe.seeds == [0, 1, 2]


def test_a_shipped_recipe_is_found_by_name_in_any_case() -> None:
    assert find_recipe("eszsl/cub") == find_recipe("eszsl/CUB.yaml")
    assert find_recipe("eszsl/cub").name == "CUB.yaml"


def test_overrides_reach_nested_keys_and_short_forms() -> None:
    recipe = load_recipe("eszsl/CUB", {"method.gamma": 5.0, "calibration.name": "stacking", "dataset.options.x": 1})
    assert recipe.method["gamma"] == 5.0
    assert recipe.calibration["name"] == "stacking"
    assert recipe.dataset.options == {"x": 1}


@pytest.mark.parametrize(
    ("text", "expected"), [("a.b=1e-3", ("a.b", 1e-3)), ("s=[1, 2]", ("s", [1, 2])), ("m= x", ("m", "x"))]
)
def test_override_values_are_yaml(text: str, expected: tuple[str, object]) -> None:
    assert parse_override(text) == expected


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"selektion": "last"}, "unknown key 'selektion'; did you mean 'selection'"),
        ({"selection": {"rule": "last", "fold": 3}}, "did you mean 'folds'"),
        ({"selection": "best"}, "best"),
        ({"selection": {"rule": "last", "grid": {"gamma": [1.0]}}}, "grid"),
        ({"selection": {"grid": {"gama": [1.0]}}}, "did you mean 'gamma'"),
        ({"method": {"name": "eszl"}}, "unknown method 'eszl'; did you mean 'eszsl'"),
        ({"method": {"name": "eszsl", "gama": 1.0}}, "unknown key 'gama'; did you mean 'gamma'"),
        ({"method": {"name": "eszsl", "gamma": "much"}}, "found 'much', expected float"),
        ({"method": {"name": "eszsl", "gamma": -1.0}}, "gamma"),
        ({"method": {"gamma": 1.0}}, "method.name"),
        ({"calibration": "stackin"}, "did you mean 'stacking'"),
        ({"calibration": {"name": "stacking", "gama": 1}}, "gama"),
        ({"seeds": []}, "seeds"),
        ({"dataset": {"semantics": "att"}}, "dataset.name: found nothing"),
    ],
)
def test_mistakes_are_named_in_one_sentence(change: dict[str, object], message: str) -> None:
    with pytest.raises(GzslError) as caught:
        make_recipe({**MINIMAL, **change})
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_files_that_are_no_recipes(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="no such recipe"):
        load_recipe("eszsl/no-such-thing")
    (tmp_path / "twice.yaml").write_text("method: {name: eszsl}\nmethod: {name: eszsl}\n")
    with pytest.raises(RecipeError, match="stands twice"):
        load_recipe(tmp_path / "twice.yaml")
    (tmp_path / "list.yaml").write_text("- 1\n")
    with pytest.raises(RecipeError, match="expected a mapping"):
        load_recipe(tmp_path / "list.yaml")


def test_fingerprint_depends_on_what_decides_numbers_and_on_nothing_else() -> None:
    base = make_recipe(MINIMAL)
    assert (
        make_recipe({**MINIMAL, "note": "hello", "seeds": [7], "provenance": {"gamma": "x"}}).fingerprint
        == base.fingerprint
    )
    assert (
        make_recipe({**MINIMAL, "method": {"name": "eszsl", "gamma": base.build_method().gamma}}).fingerprint
        == base.fingerprint
    )  # type: ignore[attr-defined]
    assert make_recipe({**MINIMAL, "selection": "last"}).fingerprint != base.fingerprint
