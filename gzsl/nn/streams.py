"""Random numbers by named streams, so that one use never disturbs another."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

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

    def dropout(self, x: Tensor, share: float) -> Tensor:
        """Set a share of the numbers to zero, drawn from the stream ``dropout``, and scale the others up."""
        return x * (self.uniform("dropout", *x.shape) >= share) / (1 - share) if share else x

    def state(self) -> dict[str, Tensor]:
        """State of every stream, as byte tensors on the CPU."""
        return {name: generator.get_state() for name, generator in self._streams.items()}

    def restore(self, state: dict[str, Tensor]) -> None:
        """Continue every stream from where `state` saw it."""
        for name, value in state.items():
            self[name].set_state(value)


class StackedStreams(Streams):
    """The streams of several runs side by side: each run draws the numbers that it would draw alone.

    Parameters
    ----------
    members : sequence of Streams
        One a run.
    """

    def __init__(self, members: Sequence[Streams]) -> None:
        super().__init__(members[0].seed, members[0].device)
        self._members = members

    def __getitem__(self, name: str) -> torch.Generator:
        """Refused: a stack has no generator of its own."""
        raise TypeError(f"stream {name!r}: a stack draws by normal or uniform, it has no generator of its own")

    def fresh(self, *names: str, device: str | None = None) -> torch.Generator:
        """Refused, as `__getitem__`."""
        return self[names[0]]

    def normal(self, name: str, *shape: int) -> Tensor:
        """Standard normal numbers (S, ...) from every run's stream ``name``."""
        drawn = torch.empty(len(self._members), *shape, device=self.device)
        for member, part in zip(self._members, drawn, strict=True):
            torch.randn(*shape, generator=member[name], out=part)
        return drawn

    def uniform(self, name: str, *shape: int) -> Tensor:
        """Numbers in [0, 1), (S, ...), from every run's stream ``name``."""
        drawn = torch.empty(len(self._members), *shape, device=self.device)
        for member, part in zip(self._members, drawn, strict=True):
            torch.rand(*shape, generator=member[name], out=part)
        return drawn
