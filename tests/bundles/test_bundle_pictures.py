"""A bundle applied to pictures: through the network that its features came from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from gzsl.bundles import Bundle, load_bundle, save_bundle
from gzsl.bundles.predict import predict
from gzsl.bundles.sources import opened
from gzsl.errors import MethodError
from gzsl.images import BACKBONES, Backbone
from gzsl.images.pictures import read_picture
from gzsl.runs import load_recipe, run_recipe

Image = pytest.importorskip("PIL.Image")
QUICK = {"selection.folds": 2, "selection.grid": {"gamma": [10.0], "lam": [1.0]}}


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> Backbone:
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 64, 16, 16), torch.nn.AdaptiveAvgPool2d(1)).eval()
    found = Backbone("tiny", network, 32, 1.0, (0.5,) * 3, (0.5,) * 3, {}, "x")
    monkeypatch.setitem(BACKBONES, "tiny", SimpleNamespace(open=lambda name, weights: found))  # type: ignore[arg-type]
    return found


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    folder = tmp_path_factory.mktemp("trained")
    recipe = load_recipe("eszsl/simulated", QUICK)
    (result,) = run_recipe(recipe, out=folder, seeds=[0])
    bundle = load_bundle(save_bundle(recipe, result, folder / "bundle", out=folder))
    return replace(bundle, card={**bundle.card, "features": {"name": "tiny"}})


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    for k in range(5):
        pixels = np.random.default_rng(k).integers(0, 255, (40, 50, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{k}.png")
    (tmp_path / "broken.png").write_bytes(b"nothing")
    (tmp_path / "._0.png").write_bytes(b"nothing")
    return tmp_path


def test_pictures_are_predicted_as_their_features(trained: Bundle, tiny: Backbone, pictures: Path) -> None:
    order = [pictures / f"{k}.png" for k in (3, 0, 4)]
    rows = np.stack([tiny.maps(np.stack([read_picture(path, tiny)])).flatten(1).numpy()[0] for path in order])
    expected = trained.decide(rows).tolist()
    found = list(predict(trained, order))
    assert [p.name for p in found] == expected
    assert [p.image for p in found] == [str(path) for path in order]
    assert [p.name for p in predict(trained, order[0])] == expected[:1]
    whole = {p.image: p.name for p in predict(trained, pictures)}
    assert whole["3.png"] == expected[0]
    assert len(whole) == 5


def test_pictures_that_cannot_be_used_are_named(trained: Bundle, tiny: Backbone, pictures: Path) -> None:
    notes: list[str] = []
    with opened(trained, pictures, notes.append) as source:
        assert len(source.images) == 5
    assert notes == ["left out: broken.png cannot be read as a picture (unknown or damaged format)"]


def test_pictures_need_the_network_of_the_features(trained: Bundle, pictures: Path) -> None:
    with pytest.raises(MethodError, match="the bundle's features 'tiny' are of no network that is at hand"):
        predict(trained, pictures)
