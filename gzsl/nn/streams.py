"""Random numbers by named streams, so that one use never disturbs another."""

from __future__ import annotations

import hashlib

import torch
from torch import Tensor


def derived_seed(seed: int, *names: str) -> int:
    """Seed of the stream ``names`` under ``seed``: 63 bits of a hash, so that streams are unrelated."""
    text = ":".join([str(seed), *names]).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "little") >> 1


class Streams:
    """Generators by name (``init``, ``batch``, ``noise``, ...), each derived from one seed.

    Parameters
    ----------
    seed : int
        Seed of the run.
    device : str
        Where the random numbers are needed.
    """

    def __init__(self, seed: int, device: str = "cpu") -> None:
        self.seed, self.device = seed, device
        self._streams: dict[str, torch.Generator] = {}

    def __getitem__(self, name: str) -> torch.Generator:
        """The stream called ``name``, made at first use; it continues where it was left."""
        if name not in self._streams:
            self._streams[name] = self.fresh(name)
        return self._streams[name]

    def fresh(self, *names: str, device: str | None = None) -> torch.Generator:
        """A generator at the start of the stream ``names``; it is not kept."""
        generator = torch.Generator(device=device or self.device)
        generator.manual_seed(derived_seed(self.seed, *names))
        return generator

    def normal(self, name: str, *shape: int) -> Tensor:
        """Standard normal numbers from the stream ``name``, float32."""
        return torch.randn(*shape, generator=self[name], device=self.device)

    def uniform(self, name: str, *shape: int) -> Tensor:
        """Numbers in [0, 1) from the stream ``name``, float32."""
        return torch.rand(*shape, generator=self[name], device=self.device)

    def state(self) -> dict[str, Tensor]:
        """State of every stream, as byte tensors on the CPU."""
        return {name: generator.get_state() for name, generator in self._streams.items()}

    def restore(self, state: dict[str, Tensor]) -> None:
        """Continue every stream from where `state` saw it."""
        for name, value in state.items():
            self[name].set_state(value)
