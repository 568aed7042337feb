"""Fine-tuning of a backbone on the training pictures of seen classes, and on nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from gzsl.door.names import same_form
from gzsl.door.tables import read_rows
from gzsl.errors import DataError
from gzsl.images.backbones import Backbone
from gzsl.images.listing import ImageList
from gzsl.images.pictures import read_picture, without_warnings
from gzsl.images.weights import state_digest

TRAINED_SHARE = 0.25  # of the network's parameter tensors, counted from its end
BATCH = 16
RATE = 1e-3


def training_pictures(images: ImageList, dataset: Path | str) -> ImageList:
    """The pictures that a made dataset has in its training split; all of them are of seen classes.

    Parameters
    ----------
    images : ImageList
        All pictures.
    dataset : path
        Folder written by ``gzsl data make``.

    Raises
    ------
    DataError
        When the folder has no split, or names pictures or classes that differ from those at hand.
    """
    path = Path(dataset) / "images.csv"
    if not path.is_file():
        raise DataError(f"--fine-tune-on {dataset}: found no images.csv, expected a dataset folder of gzsl data make")
    rows = read_rows(path, ("image", "class", "split"))  # the split says which pictures are for training
    unseen = {same_form(row["class"]) for row in rows if row["split"] == "test_unseen"}
    chosen = {row["image"]: same_form(row["class"]) for row in rows if row["split"] == "trainval"}
    mixed = sorted(unseen & set(chosen.values()))
    if mixed:
        raise DataError(f"{path}: class {mixed[0]!r} has training and unseen pictures, expected one or the other")
    here = dict(images.images)
    wrong = [image for image, name in chosen.items() if here.get(image) != name]
    if wrong:
        raise DataError(f"{path}: {wrong[0]!r} is not among the pictures with that class, expected the same folder")
    return ImageList(images.root, tuple((image, name) for image, name in images.images if image in chosen))


def fine_tune(
    backbone: Backbone,
    images: ImageList,
    *,
    n_epochs: int = 3,
    seed: int = 0,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Backbone:
    """Train the end of a network and a linear classifier on pictures; the classifier is thrown away.

    Normalisation statistics stay as they are. The same seed gives the same weights on the same machine.

    Parameters
    ----------
    backbone : Backbone
        Changed in place, and returned under a name that says it was fine-tuned.
    images : ImageList
        From `training_pictures`.
    n_epochs, seed : int
        Passes over the pictures; seed of their order and of the classifier.
    on_progress : callable
        Called with (pictures seen, pictures in all) after every step.
    """
    names = sorted({name for _, name in images.images})
    with without_warnings():
        usable = [(read_picture(images.root / image, backbone), names.index(name)) for image, name in images.images]
    pictures = [(picture, label) for picture, label in usable if not isinstance(picture, str)]
    if len({label for _, label in pictures}) < 2:
        raise DataError("fine-tuning: found usable training pictures of fewer than 2 classes, expected at least 2")
    rng = torch.Generator().manual_seed(seed)
    head = nn.Linear(_pooled(backbone, _batch(backbone, pictures[:1])[0]).shape[1], len(names))
    with torch.no_grad():
        head.weight.copy_(torch.randn(head.weight.shape, generator=rng) * 0.01)
        head.bias.zero_()
    trained = _end_of(backbone.network)
    optimiser = torch.optim.SGD([*trained, *head.parameters()], lr=RATE, momentum=0.9)
    done, total = 0, n_epochs * len(pictures)
    for _ in range(n_epochs):
        order = torch.randperm(len(pictures), generator=rng).tolist()
        for start in range(0, len(order), BATCH):
            x, y = _batch(backbone, [pictures[k] for k in order[start : start + BATCH]])
            loss = cross_entropy(head(_pooled(backbone, x)), y)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            done += len(y)
            on_progress(done, total)
    backbone.network.requires_grad_(False).eval()
    weights = {**backbone.weights, "fine_tuned": state_digest(backbone.network)}  # other weights, other features
    return replace(backbone, name=f"{backbone.name}-finetuned", fine_tuned_on=len(pictures), weights=weights)


def _end_of(network: nn.Module) -> list[nn.Parameter]:
    parameters = list(network.parameters())
    kept = parameters[-max(1, round(TRAINED_SHARE * len(parameters))) :]
    network.requires_grad_(False)
    for parameter in kept:
        parameter.requires_grad_(True)
    return kept


def _batch(backbone: Backbone, chosen: list[tuple[np.ndarray, int]]) -> tuple[Tensor, Tensor]:
    pictures, labels = zip(*chosen, strict=True)
    return backbone.normalised(np.stack(pictures)), torch.tensor(labels)


def _pooled(backbone: Backbone, x: Tensor) -> Tensor:
    maps: Tensor = backbone.network(x)
    return maps.mean(dim=(2, 3)) if maps.ndim == 4 else maps
