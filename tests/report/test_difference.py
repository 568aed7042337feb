from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gzsl.cli.app import app
from gzsl.errors import RunError
from gzsl.report.class_figures import read_classes
from gzsl.report.collect import read_run
from gzsl.report.difference import find_difference

Fake = Callable[..., Path]


def test_two_seeds_of_one_recipe_differ_in_the_seed_only(tmp_path: Path, fake: Fake) -> None:
    a, b = (str(fake(tmp_path, "eszsl", seed)) for seed in (0, 1))
    found = find_difference([a, b])
    assert found.verdict == "only the seed differs"
    assert found.comparable
    assert not found.recipe
    assert not found.environment
    one, two = (json.loads((Path(p) / "metrics.json").read_text()) for p in (a, b))
    numbers = {row.name: row for row in found.numbers}
    assert numbers["H"].values == [one["H"], two["H"]]
    assert numbers["H"].spread == pytest.approx(two["H"] - one["H"])
    assert numbers["H calibrated"].values[0] == one["calibrated"]["H"]
    best = numbers["H at best gamma (not valid)"]
    assert best.values[1] == two["oracle"]["best_gamma"]["H"]
    classes = [[float(row["gzsl"]) for row in read_classes(read_run(Path(p)))] for p in (a, b)]  # type: ignore[arg-type]
    differences = [y - x for x, y in zip(*classes, strict=True)]
    spreads = [row.spread or 0.0 for row in found.classes]
    assert sorted(spreads) == pytest.approx(sorted(differences))
    assert [abs(s) for s in spreads] == sorted((abs(s) for s in spreads), reverse=True)


def test_recipe_protocol_and_environment_are_named(tmp_path: Path, fake: Fake) -> None:
    a = fake(tmp_path, "eszsl", 0, recipe={"lam": 1.0})
    b = fake(
        tmp_path, "sae", 0, recipe={"lam": 2.0, "scale": "relative"}, environment={"packages": {"numpy": "1"}},
        protocol={"semantics": "sent", "calibration": "none"},
    )  # fmt: skip
    found = find_difference([str(a), str(b)])
    assert {row.name: row.values for row in found.recipe} == {
        "method.name": ["eszsl", "sae"], "method.lam": [1.0, 2.0], "method.scale": [None, "relative"],
    }  # fmt: skip
    assert found.protocol == ["semantics: att against sent", "calibration: stacking against none"]
    assert "3 settings of the recipe differ; not comparable: semantics" in found.verdict
    assert [(row.name, row.values) for row in found.environment] == [("numpy", ["2", "1"])]
    calibrated = next(row for row in found.numbers if row.name == "H calibrated")
    assert calibrated.values[1] is None
    assert calibrated.spread is None


def test_the_same_recipe_and_seed_with_another_key(tmp_path: Path, fake: Fake) -> None:
    a, b = (str(fake(tmp_path, "eszsl", 0, name=name)) for name in ("a", "b"))
    assert "other data or other code" in find_difference([a, b]).verdict
    assert find_difference([a, a]).verdict == "nothing differs"


def test_a_recipe_stands_in_for_a_run(tmp_path: Path, fake: Fake) -> None:
    run = str(fake(tmp_path, "eszsl", 0))
    found = find_difference([run, "eszsl/AWA1"])
    assert found.sides[1].run is None
    assert all(len(row.values) == 1 for row in found.numbers)
    assert {"method.gamma", "selection.rule"} <= {row.name for row in found.recipe}
    with pytest.raises(RunError, match="recipes alone"):
        find_difference(["eszsl/AWA1", "eszsl/CUB"])
    with pytest.raises(RunError, match="neither the folder of a run nor a recipe"):
        find_difference([run, "eszsl/nowhere"])


def test_the_command_fits_a_terminal_of_80_columns(tmp_path: Path, fake: Fake) -> None:
    runs = [str(fake(tmp_path, "eszsl", 0, recipe={"a_rather_long_name_of_a_setting": list(range(40))}))]
    runs += [str(fake(tmp_path, "sae", seed, protocol={"semantics": "sent"})) for seed in (0, 1)]
    done = CliRunner().invoke(app, ["compare", *runs, "--classes", "3"])
    assert done.exit_code == 0, done.output
    assert "not comparable" in done.output
    assert "spread" in done.output
    assert max(len(line) for line in done.output.splitlines() if str(tmp_path) not in line) <= 80
    told = json.loads(CliRunner().invoke(app, ["compare", *runs[:2], "--json"]).stdout)
    assert told["comparable"] is False
    assert len(told["classes"]) == 10
    assert {"name", "values", "difference"} == set(told["numbers"][0])


def test_too_few_or_unfinished_runs_are_one_sentence(tmp_path: Path, fake: Fake) -> None:
    run = fake(tmp_path, "eszsl", 0)
    with pytest.raises(RunError, match="expected 2 to 6"):
        find_difference([str(run)])
    (run / "done").unlink()
    with pytest.raises(RunError, match="unfinished"):
        find_difference([str(run), str(run)])
