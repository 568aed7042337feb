"""The whole state of a training loop as one safetensors blob; reading one never executes code."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn
from torch.optim import Optimizer

from gzsl.errors import RunError


def pack(groups: Mapping[str, Mapping[str, Tensor]], values: Mapping[str, Any]) -> bytes:
    """Serialise named groups of tensors and JSON-able values.

    Parameters
    ----------
    groups : mapping of str to (mapping of str to Tensor)
        Tensors on any device; group names hold no slash.
    values : mapping
        Counters and other plain values; floats survive exactly.
    """
    tensors = {
        f"{group}/{name}": tensor.detach().to("cpu", copy=True).contiguous()
        for group, members in groups.items()
        for name, tensor in members.items()
    }
    text = json.dumps(dict(values))
    return save(tensors, metadata={"gzsl": text, "blake2b": _digest(save(tensors), text)})


def unpack(blob: bytes) -> tuple[dict[str, dict[str, Tensor]], dict[str, Any]]:
    """Take apart what `pack` made.

    Raises
    ------
    RunError
        When the blob is damaged.
    """
    try:
        about = _header(blob)["__metadata__"]
        if about["blake2b"] != _digest(blob, about["gzsl"]):
            raise ValueError("other bytes than were written")
        values = json.loads(about["gzsl"])
        tensors = load(blob)
    except (SafetensorError, ValueError, LookupError, TypeError, RecursionError) as error:
        raise RunError(f"checkpoint: found a damaged file ({error}), expected a saved training state") from None
    groups: dict[str, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        group, _, member = name.partition("/")
        groups.setdefault(group, {})[member] = tensor
    return groups, values


def _header(blob: bytes) -> dict[str, Any]:
    length = int.from_bytes(blob[:8], "little")
    header: dict[str, Any] = json.loads(blob[8 : 8 + length])
    return header


def _digest(blob: bytes, text: str) -> str:
    """Of names, shapes and numbers of the tensors, and of the values beside them."""
    names = {name: about for name, about in _header(blob).items() if name != "__metadata__"}
    digest = hashlib.blake2b(json.dumps([names, text], sort_keys=True).encode(), digest_size=16)
    digest.update(memoryview(blob)[8 + int.from_bytes(blob[:8], "little") :])
    return digest.hexdigest()


def optimiser_state(optimiser: Optimizer) -> dict[str, Tensor]:
    """Tensors of an optimiser's state, named by the position of the parameter and the field."""
    return {
        f"{position}.{field}": torch.as_tensor(value)
        for position, parameter in enumerate(_parameters(optimiser))
        for field, value in optimiser.state.get(parameter, {}).items()
        if value is not None
    }


def restore_optimiser(optimiser: Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Give back what `optimiser_state` took; settings such as the learning rate stay the optimiser's own."""
    parameters = _parameters(optimiser)
    optimiser.state.clear()
    for name, tensor in tensors.items():
        position, _, field = name.partition(".")
        parameter = parameters[int(position)]
        dtype = tensor.dtype if field == "step" else parameter.dtype
        optimiser.state[parameter][field] = tensor.to(parameter.device, dtype)


def _parameters(optimiser: Optimizer) -> list[Tensor]:
    return [parameter for group in optimiser.param_groups for parameter in group["params"]]


def first_non_finite(modules: Mapping[str, nn.Module]) -> str | None:
    """Name of the first parameter with NaN or infinite entries, or None."""
    for owner, module in modules.items():
        for name, tensor in module.named_parameters():
            if not bool(torch.isfinite(tensor).all()):
                return f"{owner}.{name}"
    return None
