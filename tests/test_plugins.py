"""Methods, heads and calibrators in files of a user's own."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from command_line import gzsl as command
from typer.testing import CliRunner, Result

from gzsl import plugins
from gzsl.calibration import calibrator_class, calibrator_names
from gzsl.calibration.base import _CALIBRATORS
from gzsl.cli.app import app
from gzsl.errors import GzslError, PluginError, RecipeError
from gzsl.heads import get_head
from gzsl.heads.base import _HEADS
from gzsl.methods import get_method, method_names
from gzsl.methods.base import METHODS
from gzsl.runs import find_recipe, list_recipes, load_recipe
from gzsl.runs.store import code_version

TEMPLATE = (Path(__file__).resolve().parents[1] / "docs" / "method_template.py").read_text(encoding="utf-8")
RECIPE = "dataset: simulated\nmethod: {name: my-own, ridge: 1.0}\nselection: last\nseeds: [0, 1]\n"
PARTS = """
from gzsl.calibration.stacking import CalibratedStacking
from gzsl.calibration import register_calibrator
from gzsl.heads import PrototypeHead, register_head


@register_head("my-head")
class MyHead(PrototypeHead):
    pass


@register_calibrator("my-gate")
class MyGate(CalibratedStacking):
    pass
"""


@pytest.fixture(autouse=True)
def forgotten(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a test registers is gone after it."""
    monkeypatch.setenv(plugins.VARIABLE, "")
    before = [(registry, dict(registry._members)) for registry in (METHODS, _HEADS, _CALIBRATORS)]
    yield
    plugins._loaded.clear()
    for registry, members in before:
        for name in set(registry._members) - set(members):
            if not registry._members[name].__module__.startswith("gzsl."):
                del registry._members[name]


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """The template as a file of one's own, with a recipe beside it."""
    path = tmp_path / "mine.py"
    path.write_text(TEMPLATE.replace("my-method", "my-own"), encoding="utf-8")
    (tmp_path / "my-own").mkdir()
    (tmp_path / "my-own" / "simulated.yaml").write_text(RECIPE, encoding="utf-8")
    return path


def gzsl(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=True)


def test_a_plugin_is_found_listed_and_run_by_the_name_of_its_recipe(mine: Path, tmp_path: Path) -> None:
    assert "my-own" in gzsl("methods", "--plugin", mine).stdout
    assert "my-own" in method_names()
    assert find_recipe("my-own/SIMULATED") == mine.parent / "my-own" / "simulated.yaml"
    assert list_recipes()[-1] == mine.parent / "my-own" / "simulated.yaml"
    done = gzsl("run", "my-own/simulated", "--plugin", mine, "--out", tmp_path / "runs", "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["protocol"]["dataset"] == "simulated"


def test_without_its_file_a_plugin_is_unknown(mine: Path) -> None:
    with pytest.raises(RecipeError, match="no such recipe"):
        load_recipe("my-own/simulated")
    with pytest.raises(GzslError, match="unknown method 'my-own'"):
        load_recipe(mine.parent / "my-own" / "simulated.yaml")


def test_worker_processes_load_it_too(mine: Path, tmp_path: Path) -> None:
    study = tmp_path / "study.yaml"
    study.write_text("title: mine\nmethods: [my-own]\ndatasets: [simulated]\n", encoding="utf-8")
    done = gzsl("sweep", study, "--plugin", mine, "--workers", "2", "--out", tmp_path / "runs", "--json")
    assert done.exit_code == 0, done.output
    (line,) = json.loads(done.stdout)["lines"]
    assert line["method"] == "my-own"


def test_the_run_key_holds_its_code_and_that_of_files_beside_it(tmp_path: Path) -> None:
    def version(ridge: str) -> str:
        (tmp_path / "beside_it.py").write_text(f"RIDGE = {ridge}\n", encoding="utf-8")
        text = TEMPLATE.replace("my-method", "my-own").replace("default=10.0", "default=RIDGE")
        path = tmp_path / "mine.py"
        path.write_text(text.replace("import numpy as np", "import numpy as np\nfrom beside_it import RIDGE"))
        plugins.use([path])
        found = code_version(get_method("my-own"))
        assert {p.name for p in plugins.sources(path)} == {"mine.py", "beside_it.py"}
        plugins._loaded.clear()
        sys.modules.pop("beside_it")
        return found

    other = code_version(get_method("eszsl"))
    first, second, again = version("1.0"), version("20.0"), version("1.0")
    assert first == again != second
    code_version.cache_clear()
    assert code_version(get_method("eszsl")) == other, "a plugin changes the keys of its own runs alone"


def test_heads_and_calibrators_are_parts_like_others(tmp_path: Path) -> None:
    path = tmp_path / "parts.py"
    path.write_text(PARTS, encoding="utf-8")
    plugins.use([path])
    assert get_head("my-head").part_id == "my-head"
    assert "my-gate" in calibrator_names()
    recipe = load_recipe("eszsl/simulated", {"calibration": "my-gate"})
    assert calibrator_class("my-gate") in recipe.parts()
    assert recipe.build_method().card.id == "eszsl"
    done = gzsl("check", path)
    assert isinstance(done.exception, PluginError)
    assert "registers the head my-head, the calibrator my-gate, expected a method" in str(done.exception)


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("missing.py", None, "missing.py: no such file, expected a Python file"),
        ("~nosuchuser/mine.py", None, "found no user 'nosuchuser'"),
        ("m" * 300, None, "found a name of 300 bytes"),
        ("notes.txt", "hello", "notes.txt: found a name that does not end in .py"),
        ("broken.py", "x = (\n", "broken.py, line 1: is no Python: '(' was never closed"),
        ("fails.py", "\nx = 1 / 0\n", "fails.py, line 2: cannot be imported: ZeroDivisionError: division by zero"),
        ("leaves.py", "raise SystemExit('bye')", "leaves.py, line 1: cannot be imported: SystemExit: bye"),
        ("nul.py", "x = '\0'", "nul.py: is no Python: source code string cannot contain null bytes"),
        ("nameless.py", TEMPLATE.replace("my-method", ""), "method id '' must be in lower case: letters, digits"),
        ("marked.py", TEMPLATE.replace("my-method", "[red]"), "method id '[red]' must be"),
        ("empty.py", "x = 1\n", "empty.py: registers nothing"),
        ("taken.py", TEMPLATE.replace("my-method", "eszsl"), "'eszsl' is taken by gzsl.methods.embedding.eszsl"),
        ("gate.py", PARTS.replace("my-gate", "energy"), "the calibrator id 'energy' is taken by gzsl.calibration"),
    ],
)
def test_what_is_wrong_with_a_file_is_one_sentence(tmp_path: Path, name: str, text: str | None, sentence: str) -> None:
    path = tmp_path / name
    if text is not None:
        path.write_text(text, encoding="utf-8")
    done = gzsl("methods", "--plugin", name if name.startswith("~") else path)
    assert isinstance(done.exception, PluginError), done.output
    assert sentence in str(done.exception)
    assert "\n" not in str(done.exception)
    assert not plugins._loaded


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("raise ValueError('one\\ntwo [red]')", "ValueError: one two [red]"),
        ("raise SystemExit(0)", "SystemExit: 0"),
        ("view.labels_of_test_rows", "AttributeError: 'TrainView' object has no attribute 'labels_of_test_rows'"),
        ("np.zeros(10**18)", "Unable to allocate"),
    ],
)
def test_a_mistake_in_a_method_names_its_line(mine: Path, tmp_path: Path, line: str, sentence: str) -> None:
    text = mine.read_text(encoding="utf-8")
    mine.write_text(re.sub(r"def _fit\(.*\n", lambda found: f"{found.group()}        {line}\n", text), encoding="utf-8")
    number = mine.read_text(encoding="utf-8").splitlines().index(f"        {line}") + 1
    done = command("run", "my-own/simulated", "--plugin", str(mine), "--out", "runs", cwd=tmp_path)
    assert done.returncode == 2
    (told,) = done.stderr.splitlines()
    assert told.startswith(f"gzsl: {mine}, line {number}: ")
    assert sentence in told


def test_a_method_that_leaves_python_ends_neither_a_study_nor_a_check(mine: Path, tmp_path: Path) -> None:
    mine.write_text(re.sub(r"(def _fit\(.*\n)", r"\1        raise SystemExit(0)\n", mine.read_text("utf-8")), "utf-8")
    (tmp_path / "one.yaml").write_text("title: one\nmethods: [my-own]\ndatasets: [simulated]\nseeds: [0]\n")
    study = command("sweep", "one.yaml", "--plugin", str(mine), "--out", "runs", cwd=tmp_path)
    assert study.returncode == 2
    assert "my-own/simulated seed 0: SystemExit: 0\ngzsl: one: no cell could be run" in study.stderr
    checked = command("check", str(mine), cwd=tmp_path)
    assert checked.returncode == 1
    assert "checks passed" in checked.stdout


def test_two_files_with_one_id_are_told_apart_by_their_paths(mine: Path) -> None:
    other = mine.with_name("other.py")
    other.write_text(mine.read_text(encoding="utf-8"), encoding="utf-8")
    plugins.use([mine, other])
    with pytest.raises(PluginError, match=f"{other}: the method id 'my-own' is taken by {mine}"):
        get_method("my-own")


def test_gzsl_check_says_pass_and_fail_in_sentences(mine: Path) -> None:
    done = gzsl("check", mine)
    assert done.exit_code == 0, done.output
    assert "23 of 23 checks passed" in done.stdout
    assert "the recipe my-own/simulated can be run" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    bad = mine.with_name("bad.py")
    text = mine.read_text(encoding="utf-8").replace("my-own", "my-bad")
    bad.write_text(text.replace("[view.labels]", "[np.random.permutation(view.labels)]"), encoding="utf-8")
    done = gzsl("check", bad, "--json")
    assert done.exit_code == 1
    found: dict[str, Any] = {row["check"]: row for row in json.loads(done.stdout)["checks"]}
    assert found["same_seed_same_bits_and_nothing_else_changes"]["state"] == "fail"
    assert found["same_seed_same_bits_and_nothing_else_changes"]["found"] == "two fits with seed 0 differ in weights_"
    assert found["saved_and_loaded_scores_are_equal"]["state"] == "pass"
