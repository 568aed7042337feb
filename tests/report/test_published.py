from __future__ import annotations

from pathlib import Path

import pytest

from gzsl.evaluation import Protocol
from gzsl.methods import method_names
from gzsl.report.aggregate import aggregate
from gzsl.report.comparison import ComparedLine, comparison_latex, comparison_markdown, published_notes
from gzsl.report.published import KINDS, find_published, published_numbers, semantics_kind
from gzsl.report.unlike import beside_run
from gzsl.runs import list_recipes, load_recipe


def protocol(**changes: object) -> Protocol:
    values = {
        "dataset": "AWA1", "split": "PS2", "setting": "inductive", "features": "res101", "fine_tuned": False,
        "semantics": "att", "normalisation": "none", "preprocessing": "none", "selection": "validation",
        "calibration": "none",
    }  # fmt: skip
    return Protocol(**{**values, **changes})  # type: ignore[arg-type]


def test_every_line_is_sound() -> None:
    lines = published_numbers()
    assert len(lines) > 240
    for line in lines:
        assert line.kind in KINDS
        assert line.method
        assert line.values
        assert line.source
        assert all(0 <= value <= 100 for value in line.values.values())
        u, s, h = (line.values.get(name) for name in "USH")
        if None not in (u, s, h) and u + s > 0 and "inconsistent" not in line.source:
            assert h == pytest.approx(2 * u * s / (u + s), abs=0.75), line


def test_only_like_stands_beside_like() -> None:
    found = find_published("eszsl", protocol())
    assert found is not None
    assert found.values == {"T1": 58.2, "U": 6.6, "S": 75.6, "H": 12.1}
    assert not found.secondary
    assert find_published("eszsl", protocol(features="efficientnet_lite0")) is None
    assert find_published("eszsl", protocol(setting="transductive")) is None
    assert find_published("eszsl", protocol(fine_tuned=True)) is None
    assert find_published("eszsl", protocol(semantics="sent")) is None
    assert find_published("eszsl", protocol(dataset="CUB127")) is None
    assert semantics_kind(protocol(dataset="FLO")) == "sentences"


def test_the_paper_comes_before_those_who_ran_it_again() -> None:
    found = find_published("f-clswgan", protocol(dataset="AWA1"))
    assert found is not None
    assert found.kind == "paper"
    rerun = find_published("f-clswgan", protocol(dataset="APY"))
    assert rerun is not None
    assert rerun.kind == "re-run"


def test_what_is_not_known_stands_beside_nothing() -> None:
    unclear = [line for line in published_numbers() if line.method == "dsp-f-clswgan" and line.dataset == "AWA2"]
    assert [line.fine_tuned for line in unclear] == [None]
    assert find_published("dsp-f-clswgan", protocol(dataset="AWA2")) is None


def test_a_calibrated_number_never_stands_beside_a_plain_one() -> None:
    flo = protocol(dataset="FLO")
    plain, gated = find_published("f-clswgan", flo), find_published("f-clswgan", flo, "cosmo")
    assert plain is not None
    assert gated is not None
    assert (plain.values["H"], gated.values["H"]) == (65.6, 68.8)


def test_every_method_named_in_the_file_exists() -> None:
    assert {line.method for line in published_numbers()} <= set(method_names())


def test_a_line_shows_both_numbers() -> None:
    metrics = {"T1": 0.5, "U": 0.1, "S": 0.8, "H": 0.178, "AUSUC": 0.3}
    line = ComparedLine(
        "eszsl", "AWA1", protocol(), aggregate([metrics, metrics]), 1.0, find_published("eszsl", protocol())
    )
    assert line.cells() == ["50.0 (58.2)", "10.0 (6.6)", "80.0 (75.6)", "17.8 (12.1)", "30.0", "-"]
    assert line.to_row()["published.source"]
    latex = comparison_latex([line])
    assert r"eszsl & 50.0 (58.2) & 10.0 (6.6)" in latex
    assert "over 2 seeds; in brackets: published." in latex


@pytest.mark.parametrize("path", list_recipes(), ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_recipes_state_what_the_reference_file_says(path: Path) -> None:
    """The number a recipe calls published stands in the reference file."""
    recipe = load_recipe(path)
    if recipe.expected is None:
        return
    stated = {name: value for name in ("T1", "U", "S", "H") if (value := getattr(recipe.expected, name)) is not None}
    place = (path.parent.name, recipe.dataset.name)
    known = [line.values for line in published_numbers() if (line.method, line.dataset) == place]
    for name, value in stated.items():
        assert any(values.get(name) == pytest.approx(value) for values in known), (name, value, known)


def test_a_split_of_ones_own_stands_beside_nothing() -> None:
    assert find_published("eszsl", protocol(split="custom")) is None
    assert find_published("eszsl", protocol(split="PS1")) == find_published("eszsl", protocol(split="PS2"))


def test_what_stands_beside_a_run_names_the_fields_that_differ() -> None:
    recipe = load_recipe("eszsl/AWA1")
    first, second = (beside_run(recipe, protocol(split=version)) for version in ("PS1", "PS2"))
    assert first is not None
    assert second is not None
    assert first.values == {"T1": 58.2, "U": 6.6, "S": 75.6, "H": 12.1}
    assert first.differs == ""
    assert second.differs == "split: PS2 here, PS1 there"
    other = beside_run(recipe, protocol(features="res101-16d", dataset="AWA1-own", split="custom"))
    assert other is not None
    assert other.values == {}
    for part in ("dataset: AWA1-own here", "features: res101-16d here, res101 there", "split: custom here"):
        assert part in other.differs


def test_what_a_recipe_of_ones_own_expects_is_shown_with_its_source() -> None:
    stated = {"T1": 50.0, "source": "our first paper"}
    recipe = load_recipe("eszsl/digits").changed({"expected": stated})
    found = beside_run(recipe, protocol(dataset="digits"))
    assert found is not None
    assert (found.values, found.source) == ({"T1": 50.0}, "our first paper")
    assert beside_run(load_recipe("eszsl/digits"), protocol(dataset="digits")) is None


def test_a_table_says_in_which_fields_published_numbers_differ() -> None:
    metrics = {"T1": 0.5, "U": 0.1, "S": 0.8, "H": 0.178, "AUSUC": 0.3}
    lines = [
        ComparedLine("eszsl", "AWA1", ours, aggregate([metrics]), 1.0, find_published("eszsl", ours))
        for ours in (protocol(split="PS1"), protocol(split="PS2"))
    ]
    assert published_notes(lines) == ["published differs (eszsl): split: PS2 here, PS1 there"]
    assert [line.to_row()["published.differs"] for line in lines] == [None, "split: PS2 here, PS1 there"]
    assert "split: PS2 here, PS1 there" in comparison_markdown(lines)
