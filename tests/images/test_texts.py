"""Texts through the text tower of a model that gives image vectors too."""

from __future__ import annotations

import sys
import types
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from command_line import gzsl
from safetensors.torch import save_file

from gzsl.data.class_tables import read_class_table
from gzsl.errors import DataError
from gzsl.images.texts import text_encoder

Image = pytest.importorskip("PIL.Image")


class TwoTowers(torch.nn.Module):
    """A stand-in for a model of open_clip: an image tower beside a text tower."""

    def __init__(self) -> None:
        super().__init__()
        self.visual = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 8, 8), torch.nn.Flatten(), torch.nn.Linear(64, 5))
        self.visual.image_size = (32, 32)
        self.text = torch.nn.Linear(7, 5)

    def encode_text(self, tokens: torch.Tensor) -> torch.Tensor:
        return self.text(tokens)


def tokens(texts: Sequence[str]) -> torch.Tensor:
    return torch.tensor([[float(text.count(letter)) for letter in "abcdefg"] for text in texts])


@pytest.fixture
def package(monkeypatch: pytest.MonkeyPatch) -> None:
    made = types.ModuleType("open_clip")
    made.create_model = lambda name: TwoTowers()  # type: ignore[attr-defined]
    made.get_tokenizer = lambda name: tokens  # type: ignore[attr-defined]
    made.OPENAI_DATASET_MEAN, made.OPENAI_DATASET_STD = (0.5,) * 3, (0.25,) * 3  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "open_clip", made)


def weights(folder: Path, visual_only: bool = False) -> tuple[Path, TwoTowers]:
    torch.manual_seed(0)
    model = TwoTowers()
    state = {k: v.clone() for k, v in model.state_dict().items() if not visual_only or k.startswith("visual.")}
    save_file(state, folder / "w.safetensors")
    return folder / "w.safetensors", model


def test_texts_are_encoded_by_the_given_weights(package: None, tmp_path: Path) -> None:
    path, model = weights(tmp_path)
    found = text_encoder("open_clip:small", path)(["a bad cab", "egg"])
    with torch.inference_mode():
        wanted = model.text(tokens(["a bad cab", "egg"]))
    np.testing.assert_allclose(found, (wanted / wanted.norm(dim=1, keepdim=True)).numpy(), rtol=1e-5)


def test_what_has_no_text_tower_is_refused(package: None, tmp_path: Path) -> None:
    path, _ = weights(tmp_path, visual_only=True)
    with pytest.raises(DataError, match="found the image tower alone"):
        text_encoder("open_clip:small", path)
    with pytest.raises(DataError, match="timm:vit: found no text tower, expected open_clip:NAME"):
        text_encoder("timm:vit", path)
    with pytest.raises(DataError, match="found no weights"):
        text_encoder("open_clip:small", None)


def test_one_command_gives_pictures_and_prompts_in_one_space(package: None, tmp_path: Path) -> None:
    path, _ = weights(tmp_path)
    rng = np.random.default_rng(0)
    for name in ("fox", "seal"):
        (tmp_path / "pictures" / name).mkdir(parents=True)
        picture = rng.integers(0, 255, (40, 40, 3), dtype=np.uint8)
        Image.fromarray(picture).save(tmp_path / "pictures" / name / "0.png")
    (tmp_path / "prompts.csv").write_text("class,text\nfox,a fed fox\nfox,a bad fox\nseal,a dead seal\n")
    done = gzsl(
        "features", "extract", "pictures", "--out", "f", "--backbone", "open_clip:small", "--weights", str(path),
        "--text", "prompts.csv", cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    table = read_class_table(tmp_path / "f-text.npz")
    assert table.members is not None and table.members.sizes.tolist() == [2, 1]
    assert np.load(tmp_path / "f" / "features.npy").shape == (2, table.n_attributes)
