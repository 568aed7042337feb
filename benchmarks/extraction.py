"""Pictures a second of the whole extraction against the bare network, and its memory for four times the pictures.

Run ``python -m benchmarks.extraction`` from the top of the checkout (needs the extra ``images``). JPEG pictures of
500 x 400 pixels, cut from two photographs that scikit-learn ships; EfficientNet-Lite0, batches of 32. The reference is
the network alone on ready tensors of the same number of pictures, in the memory order that decoded pictures have
(channels last), which is the faster one.
"""

from __future__ import annotations

import multiprocessing
import resource
import shutil
import tempfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from sklearn.datasets import load_sample_images

from benchmarks.common import compare
from gzsl.images import extract_features, list_images, open_backbone

PICTURES, BATCH, ROUNDS, TARGET = 192, 32, 3, 0.85


def write_pictures(folder: Path, count: int) -> None:
    """Crops of two photographs as JPEG files, in a folder a class."""
    rng = np.random.default_rng(0)
    for name, photo in zip(("temple", "flower"), load_sample_images().images, strict=True):
        (folder / name).mkdir(parents=True)
        for k in range(count // 2):
            top, left = rng.integers(photo.shape[0] - 400), rng.integers(photo.shape[1] - 500)
            Image.fromarray(photo[top : top + 400, left : left + 500]).save(folder / name / f"{k}.jpg", quality=90)


def peak_of(folder: Path, out: Path) -> int:
    """Peak memory of an extraction in a process of its own, MB."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_peak, (folder, out))


def _peak(folder: Path, out: Path) -> int:
    extract_features(list_images(folder), open_backbone("efficientnet_lite0"), out, batch_size=BATCH)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        write_pictures(root / "some", PICTURES)
        net, images = open_backbone("efficientnet_lite0"), list_images(root / "some")
        x = torch.rand(BATCH, 3, net.size, net.size).contiguous(memory_format=torch.channels_last)

        def ours() -> object:
            shutil.rmtree(root / "out", ignore_errors=True)
            return extract_features(images, net, root / "out", batch_size=BATCH)

        @torch.inference_mode()
        def bare() -> object:
            return [net.network(x).mean(dim=(2, 3)) for _ in range(PICTURES // BATCH)]

        compare(f"{PICTURES} pictures against the bare network", ours, bare, rounds=ROUNDS, target=TARGET)
        write_pictures(root / "more", 4 * PICTURES)
        small, large = peak_of(root / "some", root / "a"), peak_of(root / "more", root / "b")
        print(f"peak memory: {small} MB for {PICTURES} pictures, {large} MB for {4 * PICTURES}")


if __name__ == "__main__":
    main()
