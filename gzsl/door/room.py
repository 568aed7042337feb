"""Room for arrays: what a file declares is held against its own size, the free memory and the free disk."""

from __future__ import annotations

import math
import shutil
from collections.abc import Sequence
from pathlib import Path

from gzsl.errors import DataError

MOST_PACKED = 1100  # deflate packs to a thousandth at most
ALWAYS = 2**20  # bytes that are not looked at
UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
_LIMITS = (("memory.max", "memory.current"), ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"))


def in_words(n_bytes: int) -> str:
    """A number of bytes as people read it."""
    if n_bytes < 1024:
        return f"{n_bytes} bytes"
    power = next((power for power in range(1, len(UNITS)) if n_bytes < 1024 ** (power + 1)), len(UNITS) - 1)
    return f"{n_bytes * 10 // 1024**power / 10:,} {UNITS[power]}" if n_bytes < 2**90 else "more than any disk holds"


def check_declared(where: str, shape: Sequence[int], itemsize: int, stored: int) -> None:
    """Refuse a shape that a file of ``stored`` bytes cannot hold, packed as well as can be, or the free memory.

    Raises
    ------
    DataError
        With both sizes.
    """
    wanted = math.prod(int(side) for side in shape) * itemsize
    if wanted <= ALWAYS:
        return
    if wanted > MOST_PACKED * stored:
        raise DataError(
            f"{where}: found a header that declares the shape {_shape(shape)}, {in_words(wanted)}, in a file of "
            f"{in_words(stored)}, expected a file that holds what it declares"
        )
    check_memory(where, wanted)


def check_memory(where: str, wanted: int) -> None:
    """Refuse what does not fit into the free memory.

    Raises
    ------
    DataError
        With both sizes.
    """
    free = memory_free()
    if free is not None and wanted > free:
        raise DataError(f"{where}: needs {in_words(wanted)}, expected at most the {in_words(free)} of free memory")


def check_disk(where: str, wanted: int, folder: Path) -> None:
    """Refuse what does not fit onto the disk of an existing folder.

    Raises
    ------
    DataError
        With both sizes.
    """
    free = shutil.disk_usage(folder).free
    if wanted > free:
        raise DataError(f"{where}: needs {in_words(wanted)}, expected at most the {in_words(free)} free in {folder}")


def memory_free() -> int | None:
    """Bytes of memory that this process may still take; None where the system does not tell."""
    found = [value for value in (_available(), *_of_container()) if value is not None]
    return max(min(found), 0) if found else None


def _available() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, ValueError, StopIteration):
        return None


def _of_container() -> list[int]:
    """What the control group of a container leaves; its cached pages count as used, so half a limit always counts."""
    found = []
    for limit, used in _LIMITS:
        try:
            most = int(Path("/sys/fs/cgroup", limit).read_text(encoding="ascii"))
            found.append(max(most - int(Path("/sys/fs/cgroup", used).read_text(encoding="ascii")), most // 2))
        except (OSError, ValueError):  # no limit, or none of this version
            continue
    return found


def _shape(shape: Sequence[int]) -> str:
    return "(" + ", ".join(f"{side:.3g}" if side > 10**15 else str(side) for side in map(int, shape)) + ")"
