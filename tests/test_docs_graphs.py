"""The page about graphs: its files are made, its commands and its Python run, what it prints is printed."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner
from wordnet_files import write_wordnet

from gzsl.cli.app import app
from gzsl.door.tables import read_rows
from gzsl.runs import own_data
from gzsl.semantics.graphs import wordnet
from gzsl.semantics.wordnet import WordNet

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "graphs.md").read_text(encoding="utf-8")
FILE = re.compile(r"`(\w+\.csv)`:\n\n```csv\n(.*?)```", re.DOTALL)
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)
FEET = {"gull": "bird with webbed feet", "sparrow": "small bird that sings", "duck": "bird that swims"}


def write_features(path: Path) -> None:
    """Six noisy rows a class, of its attributes."""
    rng = np.random.default_rng(0)
    lines = ["class," + ",".join(f"f{j}" for j in range(8))]
    turn = rng.normal(size=(6, 8))
    for row in read_rows(path.with_name("classes.csv"), ("class",)):
        vector = np.array([float(value) for key, value in row.items() if key not in ("class", "unseen")])
        for _ in range(6):
            lines.append(",".join([row["class"], *(f"{v:.4f}" for v in vector @ turn + rng.normal(size=8) / 5)]))
    path.write_text("\n".join(lines) + "\n")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files of the page, the features of `mine`, and a small WordNet where Debian has its own."""
    monkeypatch.chdir(tmp_path)
    for name, text in FILE.findall(PAGE):
        (tmp_path / name).write_text(text)
    write_features(tmp_path / "features.csv")
    synsets = {"bird": (["bird"], [], "an animal with wings")}
    synsets |= {name: ([name], ["bird"], gloss) for name, gloss in FEET.items()}
    synsets |= {name: ([name], ["bird"], "a bird") for name in ("albatross", "wren")}
    synsets["mallard"] = (["mallard"], ["duck"], "a wild duck")
    write_wordnet(tmp_path / "wn", synsets)
    monkeypatch.setattr(wordnet, "WordNet", lambda folder: WordNet(tmp_path / "wn"))
    return tmp_path


def test_commands_and_python_of_the_page_run(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_data, "VALUES", 1)  # no search: it is not what is looked at here
    lines = [line for kind, block in BLOCK.findall(PAGE) if not kind for line in block.splitlines()]
    said = []
    for line in lines:
        if line.startswith("gzsl "):
            shown = CliRunner().invoke(app, shlex.split(line.split(" #")[0])[1:])
            assert shown.exit_code == 0, f"{line}: {shown.output} {shown.exception}"
            said += shown.output.splitlines()
    printed = [line for line in lines if line and not line.startswith("gzsl ")]
    assert len(printed) == 2
    for line in printed:
        assert line in said, f"the page says {line!r}, not {[other for other in said if other[:5] == line[:5]]}"
    assert (place / "birds.png").exists()
    assert {path.name for path in (place / "mine" / "graphs").iterdir()} == {
        "birds", "near", "attributes", "genus", "places", "wordnet",
    }  # fmt: skip
    assert [row["sense"][:5] for row in read_rows(place / "senses.csv", ("class", "sense"))].count("below") == 7
    (snippet,) = [block for kind, block in BLOCK.findall(PAGE) if kind == "python"]
    monkeypatch.setenv("GZSL_DATA", str(place))
    found: dict[str, object] = {}
    exec(compile(snippet, "graphs.md", "exec"), found)
    steps = found["steps"]
    assert isinstance(steps, np.ndarray)
    assert steps.shape == (8, 8)
    assert steps.max() == 6


def test_the_recipe_of_the_page_is_one(place: Path) -> None:
    import yaml

    from gzsl.runs.recipe import make_recipe
    from gzsl.runs.run import open_dataset

    (text,) = [block for kind, block in BLOCK.findall(PAGE) if kind == "yaml"]
    CliRunner().invoke(app, ["data", "make", "features.csv", "classes.csv", "--out", "mine"])
    CliRunner().invoke(app, ["semantics", "graph", "taxonomy", "birds.csv", "--out", "mine/graphs/birds"])
    recipe = make_recipe({**yaml.safe_load(text), "method": "eszsl"})
    data = open_dataset(recipe, place)
    assert data.semantics_label.endswith("+birds")
