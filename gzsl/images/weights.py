"""Weights of networks from files that hold numbers only: nothing is unpickled."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from gzsl.door.paths import regular_file
from gzsl.errors import DataError

EXPECTED = "expected a state dict as .safetensors (safetensors.torch.save_file writes one)"
CLASSIFIERS = ("fc.", "_fc.", "classifier.", "head.", "heads.")  # what features do without


def check_weights(path: Path) -> None:
    """Refuse what is no safetensors file before anything else is done.

    Raises
    ------
    DataError
        For a missing file, and for every other kind: files of PyTorch are pickles, which may hold code.
    """
    regular_file(path, EXPECTED.removeprefix("expected "))
    if path.suffix != ".safetensors":
        kind = path.suffix or "nameless"
        raise DataError(f"--weights {path}: found a {kind} file, which might hold code; {EXPECTED}")


def read_state(path: Path) -> dict[str, Tensor]:
    """Read a state dict.

    Raises
    ------
    DataError
        When the file is damaged, or holds NaN or infinite weights.
    """
    try:
        state: dict[str, Tensor] = load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        raise DataError(f"--weights {path}: cannot be read as a safetensors file ({error}), {EXPECTED}") from None
    for key, value in state.items():
        if value.is_floating_point() and not bool(torch.isfinite(value.float()).all()):
            raise DataError(f"--weights {path}: {key!r} has NaN or infinite values, expected finite ones")
    return state


def own_state(path: Path) -> dict[str, Tensor]:
    """Read the state dict that an installed package carries; only tensors are taken from it."""
    state: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    return state


def fill(network: nn.Module, state: Mapping[str, Tensor], path: Path, name: str) -> nn.Module:
    """Give a network its weights; those of the classifier may be missing.

    Returns
    -------
    nn.Module
        The network in evaluation mode.

    Raises
    ------
    DataError
        For weights of another network.
    """
    expected = network.state_dict()
    fitting = {key: value for key, value in state.items() if key in expected}
    lacking = [key for key in expected if key not in fitting and not key.startswith(CLASSIFIERS)]
    if lacking:
        raise DataError(f"--weights {path}: no value for {lacking[0]!r} of {name}, expected its state dict")
    if not fitting:
        raise DataError(f"--weights {path}: found none of the weights of {name}, expected its state dict")
    for key, value in fitting.items():
        if value.shape != expected[key].shape:
            found, wanted = tuple(value.shape), tuple(expected[key].shape)
            raise DataError(f"--weights {path}: {key!r} of {name}: found shape {found}, expected {wanted}")
    network.load_state_dict(fitting, strict=False)
    return network.eval()


def sha256(path: Path) -> str:
    """Hex digest of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def state_digest(network: nn.Module) -> str:
    """Hex digest of all weights of a network."""
    digest = hashlib.sha256()
    for key, value in sorted(network.state_dict().items()):
        digest.update(key.encode())
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
