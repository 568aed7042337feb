"""Rows with parts: features of regions beside or instead of pooled ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gzsl.conformance import Bench
from gzsl.data import FeatureRows, Scaler, final_task, load
from gzsl.data.grids import open_regions, with_pooled_regions
from gzsl.data.readers.grids import open_grids
from gzsl.data.regions import Regions, grid_of, hash_regions
from gzsl.errors import DataError, MethodError
from gzsl.evaluation import evaluate
from gzsl.methods import create
from gzsl.runs.recipe import make_recipe
from gzsl.runs.run import Run, prepared


@pytest.fixture
def arrays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Arrays of a small dataset whose pictures have six regions of five numbers."""
    monkeypatch.setenv("GZSL_CACHE", str(tmp_path / "cache"))
    rng = np.random.default_rng(0)
    return {
        "regions": rng.random((40, 6, 5)).astype(np.float16), "labels": np.arange(40) % 8, "att": rng.random((8, 3)),
        "class_names": np.array([f"c{k}" for k in range(8)]), "unseen": np.array([6, 7]),
        "images": np.array([f"c{k % 8}/{k}.jpg" for k in range(40)]),
    }  # fmt: skip


def saved(path: Path, arrays: dict[str, Any], **changes: Any) -> Path:
    np.savez(path, **{name: value for name, value in {**arrays, **changes}.items() if value is not None})
    return path


@settings(max_examples=30, deadline=None)
@given(
    n=st.integers(1, 9), r=st.integers(1, 4), d=st.integers(1, 5), seed=st.integers(0, 9), size=st.integers(1, 4),
    scaling=st.sampled_from(["none", "l2", "standard", "minmax", "centre-l2"]), half=st.booleans(),
)  # fmt: skip
def test_rows_with_regions_are_what_numpy_says(
    n: int, r: int, d: int, seed: int, size: int, scaling: str, half: bool
) -> None:
    rng = np.random.default_rng(seed)
    matrix = rng.standard_normal((n, r, d)).astype(np.float16 if half else np.float32)
    chosen = rng.permutation(n)[: max(1, n // 2)]
    rows = FeatureRows(matrix, chosen)
    scaler = Scaler.fit(scaling, rows)
    flat = FeatureRows(matrix[chosen].astype(np.float32).reshape(-1, d))
    np.testing.assert_allclose(scaler.shift, Scaler.fit(scaling, flat).shift, rtol=1e-5, atol=1e-6)
    scaled, wanted = rows.scaled(scaler), scaler.transform(matrix[chosen].astype(np.float32))
    assert scaled.shape == wanted.shape == (len(chosen), r, d)
    np.testing.assert_array_equal(scaled.to_array(), wanted)
    np.testing.assert_array_equal(np.concatenate([block for _, block in scaled.blocks(size)]), wanted)
    np.testing.assert_allclose(scaled.pooled.to_array(), wanted.mean(axis=1), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(scaled.gathered(np.array([0])), wanted[:1])
    assert scaled.pooled.regions is not None
    np.testing.assert_array_equal(scaled.pooled.regions.to_array(), wanted)
    apart = scaled.apart()
    np.testing.assert_array_equal(apart.to_array(), wanted)
    assert apart._matrix.dtype == matrix.dtype and not np.shares_memory(apart._matrix, matrix)


def test_regions_alone_are_a_dataset_whose_other_rows_are_their_means(tmp_path: Path, arrays: dict[str, Any]) -> None:
    data = load(saved(tmp_path / "lite0.npz", arrays))
    assert data.regions is not None and data.regions.values.dtype == np.float16
    assert isinstance(data.regions.values.base, np.memmap)
    np.testing.assert_array_equal(data.regions.values, arrays["regions"])
    np.testing.assert_allclose(data.features, arrays["regions"].astype(np.float32).mean(axis=1), rtol=1e-6)
    assert (data.card.features, data.regions.label) == ("lite0-5d/pooled", "lite0-5d/grid1x6")
    assert (data.features_label(), data.features_label(regions=True)) == ("lite0-5d/pooled", "lite0-5d/grid1x6")
    other = arrays["regions"].copy()
    other[0, [0, 1]] = other[0, [1, 0]]  # the same means
    assert load(saved(tmp_path / "b.npz", arrays, regions=other)).card.content_hash != data.card.content_hash


def test_regions_beside_features_leave_them_alone(tmp_path: Path, arrays: dict[str, Any]) -> None:
    pooled = np.random.default_rng(1).random((40, 7)).astype(np.float32)
    data = load(saved(tmp_path / "a.npz", arrays, features=pooled))
    assert data.regions is not None
    np.testing.assert_array_equal(data.features, pooled)
    assert data.card.features == "a-7d"
    means = with_pooled_regions(data)
    assert (means.features.shape, means.card.features) == ((40, 5), "a-5d/pooled")
    assert means.card.content_hash != data.card.content_hash
    task, parts = final_task(data), final_task(data, regions=True)
    assert task.view.features.shape[1:] == (7,)
    assert parts.view.features.shape[1:] == (6, 5) == parts.gate.open()[1].features.shape[1:]
    assert data.training_part().regions is not None
    with pytest.raises(DataError, match="no features of regions"):
        with_pooled_regions(load(saved(tmp_path / "c.npz", arrays, features=pooled, regions=None)))


def test_a_method_that_knows_no_regions_takes_their_mean(tmp_path: Path, arrays: dict[str, Any]) -> None:
    data = load(saved(tmp_path / "a.npz", arrays))
    parts, pooled = final_task(data, regions=True), final_task(data)
    one, two = (create("eszsl").fit(task.view) for task in (parts, pooled))
    X = parts.gate.open()[1].features.to_array()
    np.testing.assert_allclose(
        one.scores(X, parts.view.semantics), two.scores(X.mean(axis=1), pooled.view.semantics), rtol=1e-4, atol=1e-5
    )


def test_the_protocol_names_what_a_method_reads(tmp_path: Path, arrays: dict[str, Any]) -> None:
    path = saved(tmp_path / "efficientnet_lite0.npz", arrays, features=np.ones((40, 2), np.float32))
    values = {
        "dataset": {"name": str(path), "pooled_regions": True}, "method": "eszsl", "selection": "last", "seeds": [0],
    }  # fmt: skip
    recipe = make_recipe(values)
    run = Run(recipe, 0, prepared(recipe, load(path)), tmp_path / "runs")
    assert run.protocol().features == "efficientnet_lite0-5d/pooled"
    assert "features" in run.protocol().to_dict()


def test_grids_of_every_form_are_the_same(tmp_path: Path, arrays: dict[str, Any]) -> None:
    cells = np.random.default_rng(2).random((4, 9, 30)).astype(np.float32)
    maps = cells.reshape(4, 3, 3, 30)
    forms = {"a.npy": cells, "b.npy": maps, "c.npy": maps.transpose(0, 3, 1, 2)}
    for name, form in forms.items():
        np.save(tmp_path / name, form)
        found, names = open_regions(tmp_path / name)
        assert (found.grid, names) == ((3, 3), None)
        np.testing.assert_array_equal(found.values, cells)
    np.savez(tmp_path / "d.npz", grid=cells, pca=np.ones(3))
    np.testing.assert_array_equal(open_regions(tmp_path / "d.npz")[0].values, cells)
    np.savez_compressed(tmp_path / "e.npz", regions=np.asfortranarray(cells))
    with pytest.raises(DataError, match="found Fortran order"):
        open_regions(tmp_path / "e.npz")
    assert [grid_of(k) for k in (49, 6)] == [(7, 7), (1, 6)]


def test_a_folder_of_regions_is_brought_into_the_order_of_the_rows(tmp_path: Path, arrays: dict[str, Any]) -> None:
    order = np.random.default_rng(3).permutation(40)
    path = saved(tmp_path / "a.npz", arrays, features=np.ones((40, 2), np.float32), regions=None)
    folder = tmp_path / "grids"
    folder.mkdir()
    np.save(folder / "regions.npy", arrays["regions"][order])
    listed = [f"JPEG/{arrays['images'][k]}" for k in order]
    (folder / "images.csv").write_text("image,class\n" + "".join(f"{name},x\n" for name in listed))
    data = load(path, regions=folder)
    assert data.regions is not None
    np.testing.assert_array_equal(data.rows(np.arange(40), regions=True).to_array(), arrays["regions"])
    np.save(folder / "regions.npy", arrays["regions"][order[1:]])
    (folder / "images.csv").write_text("image,class\n" + "".join(f"{name},x\n" for name in listed[1:]))
    with pytest.raises(DataError, match="1 pictures of the dataset have no regions there, e.g. 'c"):
        load(path, regions=folder)
    np.save(tmp_path / "few.npy", arrays["regions"][1:])
    with pytest.raises(DataError, match="regions of 39 pictures, expected 40, one a row of a"):
        load(path, regions=tmp_path / "few.npy")


def test_bad_regions_end_in_one_sentence(tmp_path: Path, arrays: dict[str, Any]) -> None:
    bad = arrays["regions"].astype(np.float32)
    bad[7, 2, 1] = np.nan
    with pytest.raises(DataError, match=r"regions: picture 7 \(counted from 0\) has NaN"):
        load(saved(tmp_path / "a.npz", arrays, regions=bad))
    with pytest.raises(DataError, match=r"found float64 of shape \(40, 5\), expected real numbers \(images, regions"):
        load(saved(tmp_path / "b.npz", arrays, regions=np.ones((40, 5))))
    with pytest.raises(DataError, match="found 39 pictures, expected 40, as labels"):
        load(saved(tmp_path / "c.npz", arrays, regions=bad[1:, :, :2]))
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"no regions.npy, .* --pooling grid"):
        open_grids(tmp_path / "empty")
    with pytest.raises(DataError, match="for 6 regions, expected as many"):
        Regions(arrays["regions"], "x", (2, 2), "")


def test_a_dataset_says_whether_it_has_regions_and_conformance_supplies_them() -> None:
    from gzsl.data.needs import lacking
    from gzsl.methods.card import MethodCard

    bench = Bench.simulated()
    assert lacking(bench.dataset, ["regions"]) == ["regions"]
    card = MethodCard("x", "attention", ("inductive",), "from paper", "A. Author, 2020", 2020, needs=("regions",))
    served = bench.serving(card)
    assert lacking(served.dataset, ["regions"]) == []
    assert served.rows.shape == (50, 9, 64) == (50, *served.task.view.features.shape[1:])
    np.testing.assert_allclose(
        served.dataset.regions.take(np.arange(5)).pooled.to_array(), served.dataset.features[:5], rtol=2e-2, atol=2e-2
    )
    assert served.dataset.regions.digest == hash_regions(np.asarray(served.dataset.regions.values))


def test_regions_in_memory_are_refused_where_they_do_not_fit(arrays: dict[str, Any]) -> None:
    data = load("simulated", preset="easy")
    with pytest.raises(DataError, match="found 40 pictures, expected 750"):
        data.with_regions(Regions(arrays["regions"], "x", (2, 3), ""))
    with pytest.raises(MethodError, match="before fit"):
        create("eszsl").scores(arrays["regions"], data.semantics)


@pytest.mark.data
def test_the_shared_grids_carry_class_information(data_root: Path) -> None:
    if not (data_root / "AWA20GRID").is_dir():
        pytest.skip("the grids are not there")
    data = load("AWA20", root=data_root, regions="AWA20GRID/grid7x7.npz", normalise="l2")
    assert data.regions is not None
    assert (data.regions.label, data.regions.values.dtype) == ("grid7x7-64d/grid7x7", np.float16)
    task = final_task(data, regions=True)
    method = create("region-eszsl", gamma=1e4, lam=0.1).fit(task.view)
    assert evaluate(method, task).T1 > 0.3  # chance is 0.2
