"""Files with the published names, sizes and widths of every benchmark, in both releases, from the file to a table.

The quick tests stop before the features are read; the slow ones write, convert and score them whole.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io
from typer.testing import CliRunner, Result

from gzsl.cli.app import app
from gzsl.data import benchmarks, load, validation_folds
from gzsl.data.assemble import assemble
from gzsl.data.claims import Claims
from gzsl.data.readers.raw import Features, RawData, RawTable
from gzsl.runs import list_recipes, load_recipe

NAMES = ("APY", "AWA1", "AWA2", "CUB", "FLO", "SUN")
RELEASES = ("PS1", "PS2")
WIDTH = 2048


def sides(name: str) -> tuple[list[int], list[int]]:
    """Seen and unseen class ids; the last ones are unseen where the classes were not published."""
    known = benchmarks.facts(name)
    classes = known.classes or tuple(f"class {i:03d}" for i in range(known.n_classes))
    unseen = known.unseen or classes[-known.n_unseen :]
    ids = list(range(known.n_classes))
    return [i for i in ids if classes[i] not in unseen], [i for i in ids if classes[i] in unseen]


def rows_of(name: str, release: str) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Labels, and 0-based rows of every set that the release has; sets are mixed over the file."""
    sizes, (seen, unseen) = benchmarks.facts(name).sizes, sides(name)
    labels = np.concatenate([
        np.resize(seen, sizes["trainval"]), np.resize(seen, sizes["test_seen"]), np.resize(unseen, sizes["test_unseen"])
    ])  # fmt: skip
    order = np.random.default_rng(0).permutation(len(labels))
    place = np.argsort(order)
    cuts = np.cumsum([sizes["trainval"], sizes["test_seen"]])
    rows = dict(zip(("trainval", "test_seen", "test_unseen"), np.split(place, cuts), strict=True))
    if release == "PS1":
        both = np.sort(np.concatenate([rows["trainval"], rows["test_seen"]]))
        val = np.isin(labels[order][both], seen[: len(seen) // 3])
        rows |= {"train": both[~val], "val": both[val]}
    return labels[order], rows


def raw_data(name: str, release: str) -> RawData:
    """What a reader gives for the real files; the features are never read here."""
    known, (labels, rows) = benchmarks.facts(name), rows_of(name, release)
    names = known.classes or tuple(f"class {i:03d}" for i in range(known.n_classes))
    table = RawTable(np.random.default_rng(1).random((known.n_classes, known.attributes)))
    features = Features("features", (len(labels), WIDTH), lambda: iter(()))
    return RawData(name, features, labels, names, {"att": table}, rows)


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("name", NAMES)
def test_every_benchmark_is_recognised_in_both_releases(name: str, release: str) -> None:
    raw = raw_data(name, release)
    found = assemble(raw, name)
    assert found.benchmark is not None
    assert (found.benchmark.name, found.benchmark.complete) == (name, True)
    assert found.split.version == release
    assert list(found.tables) == ["att"]
    np.testing.assert_array_equal(found.split.trainval, raw.rows["trainval"])
    published = [len(fold) for fold in benchmarks.facts(name).validation_folds]
    if published:
        assert [len(fold) for fold in found.split.validation_classes] == published


@pytest.mark.parametrize("name", NAMES)
def test_every_shipped_recipe_accepts_both_releases(name: str) -> None:
    recipes = [path for path in list_recipes() if path.stem.partition(".")[0] == name]
    assert len(recipes) > 30
    for path in recipes:
        section = load_recipe(path).dataset
        assert section.split_versions == RELEASES, path
        assert (section.features, section.fine_tuned) == ("res101", False), path


def write(root: Path, name: str, release: str) -> Path:
    """The released files; features differ by class and a little by image."""
    known, (labels, rows) = benchmarks.facts(name), rows_of(name, release)
    rng = np.random.default_rng(2)
    table = rng.random((known.n_classes, known.attributes))
    centres = np.maximum(table @ rng.standard_normal((known.attributes, WIDTH)).astype(np.float32), 0)
    X = centres.astype(np.float32)[labels]
    X[:, :16] += rng.random((len(labels), 16), dtype=np.float32)
    folder = root / name
    folder.mkdir(parents=True)
    scipy.io.savemat(folder / "res101.mat", {"features": X.T, "labels": labels[:, None] + 1.0})
    names = np.array([[c] for c in known.classes], dtype=object)
    scipy.io.savemat(folder / "att_splits.mat", {
        "att": (table / np.linalg.norm(table, axis=1, keepdims=True)).T, "original_att": 100 * table.T,
        **({"allclasses_names": names} if len(names) else {}),
        **{f"{key}_loc": values[:, None] + 1.0 for key, values in rows.items()},
    })  # fmt: skip
    return root


def gzsl(*arguments: Any) -> Result:
    return CliRunner().invoke(app, [*map(str, arguments)], env={"COLUMNS": "200"})


def walk(name: str, release: str, folder: Path) -> None:
    """From `data doctor` to `sweep --dry-run`."""
    data, out = write(folder / "data", name, release), folder / "runs"
    report = json.loads(gzsl("data", "doctor", data / name, "--json").stdout)
    assert report["split"] == release
    assert report["benchmark"]["complete"]
    assert not report["benchmark"]["differences"]
    assert not [text for text in report["problems"] if text.startswith(("table ", "differs"))]
    dataset = load(name, root=data)
    for fold in validation_folds(dataset):
        held = np.concatenate([fold.train, fold.val_seen, fold.val_unseen])
        assert np.isin(held, dataset.split.trainval).all()
    assert Claims(RELEASES, "res101", False).apply(dataset).card.features == "res101"
    quick = ["--data", data, "--out", out, "--seeds", 1, "--set", "selection=last", "--set", "selection.grid={}"]
    done = gzsl("run", f"eszsl/{name}", *quick)
    assert done.exit_code == 0, done.output
    assert f"protocol: {name}/{release}/res101/frozen/att/" in done.stdout
    answer = json.loads(gzsl("reproduce", "eszsl", name, *quick, "--json").stdout)
    if answer["published"] is not None:
        fields = {one["field"]: one for one in answer["differences"]}
        assert ("split" in fields) == (answer["published"]["split"] != release)
    (folder / "one.yaml").write_text(f"title: one\nmethods: [eszsl]\ndatasets: [{name}]\nseeds: [0]\n")
    dry = gzsl("sweep", folder / "one.yaml", "--data", data, "--out", out, "--dry-run", "--json")
    assert dry.exit_code == 0, dry.output
    assert not [cell for cell in json.loads(dry.stdout)["cells"] if cell["error"]]


@pytest.mark.slow
@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("name", NAMES)
def test_real_shaped_files_walk_through_every_command(name: str, release: str, tmp_path: Path) -> None:
    walk(name, release, tmp_path)
