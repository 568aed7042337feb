"""Texts through the text tower of an open_clip model: vectors in the space of its image embedding."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from gzsl.errors import DataError
from gzsl.images.backbones import imported
from gzsl.images.weights import check_weights, fill, read_state

FAMILY = "open_clip"
TEXTS_AT_ONCE = 256


def text_encoder(name: str, weights: Path | str | None) -> Callable[[Sequence[str]], np.ndarray]:
    """What turns texts into vectors (M, a) of unit length.

    Parameters
    ----------
    name : str
        ``open_clip:NAME``; no other family has a text tower.
    weights : path
        State dict of the whole model as ``.safetensors``; nothing is downloaded.

    Raises
    ------
    DataError
        For another family, a missing package, missing weights, and those of an image tower alone.
    """
    family, _, model_name = name.partition(":")
    if family != FAMILY or not model_name:
        raise DataError(f"{name}: found no text tower, expected {FAMILY}:NAME, whose texts share the pictures' space")
    if weights is None:
        raise DataError(f"{name}: found no weights, expected --weights FILE.safetensors")
    path = Path(weights)
    check_weights(path)
    package = imported(FAMILY)
    try:
        made, tokenizer = package.create_model(model_name), package.get_tokenizer(model_name)
    except Exception as error:  # the package has errors of its own for a name that it does not know
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"{name}: {family} cannot make it ({reason[:200]})") from None
    state = read_state(path)
    if not any(key in state for key in made.state_dict() if not key.startswith("visual.")):
        raise DataError(f"--weights {path}: found the image tower alone, expected the whole model, text tower included")
    model: Any = fill(made, state, path, name)

    @torch.inference_mode()
    def encode(texts: Sequence[str]) -> np.ndarray:
        parts = []
        for start in range(0, len(texts), TEXTS_AT_ONCE):
            found = model.encode_text(tokenizer(list(texts[start : start + TEXTS_AT_ONCE]))).float()
            parts.append(torch.nn.functional.normalize(found, dim=1).cpu().numpy())
        return np.concatenate(parts)

    return encode
