from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from typer.testing import CliRunner

import gzsl
from gzsl.cli.app import app
from gzsl.evaluation.confusion import Confusion
from gzsl.methods import get_method, load_method
from gzsl.report import pictures
from gzsl.report.confusion_picture import confusion_picture
from gzsl.report.drawing import words
from gzsl.report.pictures import draw_run
from gzsl.report.projection import project_features
from gzsl.runs import load_recipe, run_recipe
from gzsl.runs.recipe import make_recipe

SHORT = {
    "method.n_epochs": 3, "method.hidden_dim": 16, "method.pretrain_epochs": 2, "method.n_synthetic": 10,
    "method.n_synthetic_zsl": 10, "method.head.n_epochs": 3, "selection.folds": 1, "selection.every": 3,
}  # fmt: skip


def table(path: Path) -> list[dict[str, str]]:
    with path.open() as stream:
        return list(csv.DictReader(stream))


def place(row: dict[str, str]) -> tuple[float, float]:
    return round(float(row["unseen"]), 9), round(float(row["seen"]), 9)


def test_pictures_of_a_generators_run_have_their_data_beside_them(tmp_path: Path) -> None:
    (run,) = run_recipe(load_recipe("f-clswgan/simulated", SHORT), out=tmp_path / "runs", seeds=[0])
    done = CliRunner().invoke(app, ["plot", str(run.folder), "--out", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    for name in ("curve", "losses", "features"):
        assert (tmp_path / "out" / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        assert f"{name}.png" in done.output
    curve = table(tmp_path / "out" / "curve.csv")
    assert float(curve[0]["unseen"]) <= float(curve[-1]["unseen"])
    losses = table(tmp_path / "out" / "losses.csv")
    assert {row["fit"] for row in losses} >= {"final"}
    assert {"wasserstein", "synthetic frechet"} <= set(losses[0])
    kinds = {row["kind"] for row in table(tmp_path / "out" / "features.csv")}
    assert kinds == {"real", "synthetic"}


def test_a_closed_form_method_has_a_curve_only_and_no_run_is_an_error(tmp_path: Path) -> None:
    recipe = load_recipe("eszsl/simulated", {"selection.grid": {"gamma": [1.0], "lam": [1.0]}, "selection.folds": 1})
    (run,) = run_recipe(recipe, out=tmp_path / "runs", seeds=[0])
    done = CliRunner().invoke(app, ["plot", str(run.folder), "--json"])
    assert done.exit_code == 0, done.output
    made = sorted(path.name for path in (run.folder / "pictures").glob("*.png"))
    assert made == ["confusion.png", "curve.png"]
    assert not (run.folder / "pictures" / "gate_curve.csv").exists(), "a shift of the scores stays on their curve"
    missing = CliRunner().invoke(app, ["plot", str(tmp_path)])
    assert missing.exit_code != 0


def test_a_gate_has_its_own_curve_with_the_chosen_point_on_it_and_the_best_one_marked_as_not_valid(
    tmp_path: Path,
) -> None:
    quick = {"selection.grid": {"gamma": [1.0], "lam": [1.0]}, "selection.folds": 1, "calibration": "entropy"}
    (run,) = run_recipe(load_recipe("eszsl/simulated", quick), out=tmp_path / "runs", seeds=[0])
    draw_run(run.folder, tmp_path / "out")
    gate = {place(row) for row in table(tmp_path / "out" / "gate_curve.csv")}
    points = {row["point"]: row for row in table(tmp_path / "out" / "points.csv")}
    chosen, best = points["chosen on validation"], points["best on test (not valid)"]
    assert {place(chosen), place(best)} <= gate
    assert (chosen["valid"], best["valid"]) == ("True", "False")
    assert float(chosen["H"]) == run.metrics["calibrated"]["H"] <= float(best["H"])


@pytest.mark.parametrize("codes", ["cada-vae"])
def test_generators_of_codes_show_decoded_features(codes: str, tmp_path: Path) -> None:
    short = {"method.n_epochs": 2, "method.head.n_epochs": 2, "selection.folds": 1, "selection.every": 2}
    (run,) = run_recipe(load_recipe(f"{codes}/simulated", short), out=tmp_path / "runs", seeds=[0])
    done = CliRunner().invoke(app, ["plot", str(run.folder), "--out", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    assert (tmp_path / "out" / "features.png").is_file()


@pytest.mark.parametrize(("name", "around"), [("sabr", None), ("f-clswgan", "sinkhorn"), ("bi-vaegan", None)])
def test_real_and_synthetic_rows_are_drawn_in_one_form(name: str, around: str | None, tmp_path: Path) -> None:
    """Codes, rows on a sphere, and rows of a generator inside a wrapper: real ones lie where such rows can lie."""
    card = get_method(name).card
    keys = {"setting": "transductive"} if "inductive" not in card.settings else {}
    keys |= {"transductive": around} if around else {}
    recipe = make_recipe({
        "dataset": "simulated", "method": {"name": name, **card.test_params[0], "n_epochs": 2}, "seeds": [0],
        "selection": "last", "calibration": "none", "preprocess": {"features": "minmax"}, **keys,
    })  # fmt: skip
    (run,) = run_recipe(recipe, out=tmp_path)
    found = project_features(run.folder)
    assert found is not None
    inner: Any = load_method(run.folder / "weights.safetensors")
    inner = inner.inner_ if around else inner
    fake, _ = inner.synthesize(inner.fitted_semantics.take([0, 1]), 5)
    real, made = (np.concatenate(groups) for groups in (found.real, found.synthetic))
    assert np.isfinite(made).all() and len(made) == 60 * len(found.class_names)
    longest = 2 * np.linalg.norm(fake, axis=1).max() + 1e-6
    if name == "bi-vaegan":
        assert np.linalg.norm(real[:, None] - real[None], axis=2).max() <= longest, "two points of a sphere"
    if name == "sabr":
        assert fake.shape[1] == card.test_params[0]["latent_dim"] != inner.n_features_


def test_every_picture_names_its_axes_and_hides_nothing_behind_a_legend(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: dict[str, Figure] = {}
    monkeypatch.setattr(pictures, "save", lambda figure, path: kept.setdefault(path.stem, figure) and path)
    changes = {**SHORT, "method.n_epochs": 2, "selection.every": 2}
    (run,) = run_recipe(load_recipe("f-clswgan/simulated", changes), out=tmp_path / "runs", seeds=[0])
    draw_run(run.folder, tmp_path / "out")
    assert set(kept) == {"curve", "confusion", "losses", "features"}
    for name, figure in kept.items():
        shown = [axes for axes in figure.axes if axes.axison and axes.get_label() != "<colorbar>"]
        assert all(axes.get_xlabel() and axes.get_ylabel() for axes in shown), name
        assert not any(axes.get_legend() for axes in shown), "a legend inside the axes may lie over the data"
    (axes,) = kept["curve"].axes
    assert axes.xaxis.get_major_formatter()(0.4, 0) == axes.yaxis.get_major_formatter()(0.4, 0) == "40%"
    told = {name: [text.get_text() for text in figure.legends[0].get_texts()] for name, figure in kept.items()
            if figure.legends}  # fmt: skip
    assert told["losses"] == ["fit on all seen classes", "fits on validation folds"]
    assert told["features"][-2:] == ["real", "synthetic"]
    assert kept["losses"].axes[0].get_xlabel() == "epoch"


def test_names_are_printed_as_they_are() -> None:
    assert words("a$b$c") == r"a\$b\$c"
    assert words("_hidden") == " _hidden", "a legend leaves out what begins with an underscore"
    assert words("a\x1b[31m\nb") == r"a\x1b[31m b", "no control characters"
    assert words("x" * 30) == "x" * 21 + "…"


def test_a_generators_run_on_arrays_in_memory_is_drawn_without_its_data(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    ids = np.repeat(np.arange(8), 8)
    X = np.abs((rng.random((8, 6)) * 3)[ids] + 0.1 * rng.random((64, 6)))
    dataset = gzsl.Dataset.from_arrays(X, ids, rng.random((8, 4)), unseen=[6, 7], name="simulated")
    (run,) = run_recipe(load_recipe("f-clswgan/simulated", SHORT), dataset=dataset, out=tmp_path, seeds=[0])
    made = [path.name for path in draw_run(run.folder, tmp_path / "pictures")]
    assert made == ["curve.png", "confusion.png", "losses.png"], "another dataset has its name; its rows are not shown"


def test_two_hundred_classes_are_not_named_on_the_axes() -> None:
    few, many = np.arange(10), np.arange(200)
    for ids, n_seen in ((few, 7), (many, 150)):
        names = [f"class {c}" for c in ids]
        found = Confusion.of(ids, np.roll(ids, 1), ids[:n_seen], ids[n_seen:], names)
        axes, *rest = confusion_picture(found, "toy").axes
        labels = [text.get_text() for text in axes.get_yticklabels()]
        if len(ids) == 10:
            assert labels == names
        else:
            assert labels == ["150 seen", "50 unseen"]
            listed = [text.get_text() for text in rest[0].texts]
            assert listed[:2] == ["class 0 → class 199", "1 (100 %)"]
