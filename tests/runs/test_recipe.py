from __future__ import annotations

from pathlib import Path

import pytest

from gzsl.errors import GzslError, RecipeError
from gzsl.runs import find_recipe, load_recipe
from gzsl.runs.overrides import parse_override
from gzsl.runs.recipe import make_recipe

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
        ({"seeds": []}, "seeds: found 0 entries, expected at least 1"),
        ({"seeds": [True]}, "seeds.0: found True, expected a whole number"),
        ({"selection": {"folds": True}}, "selection.folds: found True, expected a whole number"),
        ({"dataset": {"name": "digits", "split": "PS3"}}, "dataset.split: found 'PS3'; did you mean 'PS2'?"),
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


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("method.gamma={", "--set method.gamma={: not valid YAML"),
        ("method.gamma=%", "not valid YAML"),
        ("method.gamma=@x", "not valid YAML"),
        ("method.gamma=\t", "found no value, expected one"),
        ("method.gamma=", "found no value, expected one"),
        ("method.gamma=2001-99-99", "method.gamma: found '2001-99-99', expected float"),
        ("method.gamma=.nan", "expected a finite number"),
        ("a." * 100_000 + "b=1", "a key of 100001 parts"),
        ("seeds=7", "--set seeds: found 7, expected a list"),
        ("seeds=[-1]", "--set seeds: seeds.0: found -1, expected greater than or equal to 0"),
        ("seeds=[1" + "0" * 25 + "]", "--set seeds"),
        ("selection.folds=x", "--set selection.folds: found 'x', expected a whole number"),
        ("selection.grid={gamma: []}", "gamma: found no value, expected at least one"),
        ("dataset.options={root: /tmp}", "dataset.options: found 'root'"),
        (f"selection.grid={{gamma: {[1.0] * 200}, lam: {[1.0] * 200}}}", "40,000 candidates, expected at most 10,000"),
    ],
)  # fmt: skip
def test_a_change_that_cannot_be_made_is_named_and_no_file_is_blamed(text: str, expected: str) -> None:
    with pytest.raises(RecipeError) as refused:
        load_recipe("eszsl/simulated", dict([parse_override(text)]))
    assert expected in str(refused.value)
    assert ".yaml" not in str(refused.value)


def test_another_part_has_settings_of_its_own() -> None:
    short = load_recipe("f-clswgan/digits", {"method.head": "knn"})
    by_name = load_recipe("f-clswgan/digits", {"method.head.name": "knn"})
    assert by_name.resolved() == short.resolved()
    own = load_recipe("f-clswgan/digits", {"method.head.k": 3, "method.head.name": "knn"})
    assert own.resolved()["method"]["head"] == {**short.resolved()["method"]["head"], "k": 3}
    same = load_recipe("f-clswgan/digits", {"method.head.name": "softmax"})
    assert same.resolved() == load_recipe("f-clswgan/digits").resolved()


@pytest.mark.parametrize("source", ["a" * 300, "~nosuchuser/x", "", "a\0b"])
def test_a_name_that_no_file_can_have_is_refused(source: str) -> None:
    with pytest.raises(RecipeError):
        find_recipe(source)
