"""Each of several processes gets its share of the cores, and no library takes more."""

from __future__ import annotations

import os
import sys

VARIABLES = (
    "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "NUMEXPR_NUM_THREADS",
)  # fmt: skip


def usable_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def threads_for(workers: int) -> int:
    """Threads of each of so many processes; a smaller ``OMP_NUM_THREADS`` of the user is kept."""
    share = max(1, usable_cores() // max(1, workers))
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return min(share, int(asked)) if asked.isdigit() and int(asked) > 0 else share


def thread_environment(threads: int) -> dict[str, str]:
    """Variables that must be set before a process imports numpy or torch, which read them once."""
    return dict.fromkeys(VARIABLES, str(threads))


_scanned: tuple[int, int] | None = None  # threads and loaded modules when the libraries were last looked for


def limit_threads(threads: int) -> None:
    """Hold libraries that are loaded already to so many threads, torch among them; cheap when nothing is new."""
    global _scanned
    if _scanned != (threads, len(sys.modules)):
        from threadpoolctl import threadpool_limits

        threadpool_limits(limits=threads)
        _scanned = (threads, len(sys.modules))
    torch = sys.modules.get("torch")
    if torch is not None and torch.get_num_threads() != threads:
        torch.set_num_threads(threads)
