"""Most memory that this process has held."""

from __future__ import annotations

from pathlib import Path


def peak_bytes() -> int:
    """Most memory that this process has held since it was last reset."""
    status = Path("/proc/self/status")
    if status.is_file():  # getrusage would tell the parent's memory at the time of the fork as well
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    import resource  # not there on Windows

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def reset_peak() -> None:
    """Start `peak_bytes` anew from what is held now."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return  # elsewhere than on Linux the peak is that of the process's life
