"""Fixtures that all tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# Before anything imports numpy or torch: workers side by side, each with threads of its own, stall one another.
os.environ.setdefault("OMP_NUM_THREADS", "1")

TESTS = Path(__file__).parent
# What takes more than two seconds or so of processor time: processes, clusters, browsers, trainings. The rest is fast.
UNHURRIED = (
    "cli/test_benchmark_table.py", "cli/test_own_pictures.py", "cli/test_sweep_command.py", "images/test_extract.py",
    "methods/test_documented_generator.py", "report/test_browser.py", "runs/test_lockstep.py",
    "runs/test_run.py::test_killed", "runs/test_run.py::test_two_processes", "runs/test_tracking.py",
    "studies/test_workers.py", "test_docs_site.py", "test_notebooks.py::test_a_notebook_runs",
    "test_plugins.py::test_worker_processes", "tuning/test_tuner.py::test_a_helper",
    "tuning/test_tuner.py::test_killed",
)  # fmt: skip
assert all((TESTS / place.partition("::")[0]).is_file() for place in UNHURRIED), "a file moved"
QUICK_METHODS = {"dap", "devise", "eszsl", "f-clswgan"}  # whose conformance is fast: a method of each kind


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as fast what is neither slow nor unhurried; of the methods, a few."""
    for item in items:
        place = f"{item.path.relative_to(TESTS).as_posix()}::{item.name}"
        method = item.callspec.params.get("name") if hasattr(item, "callspec") else None
        left_out = place.startswith("conformance/") and method is not None and method not in QUICK_METHODS
        if not (left_out or place.startswith(UNHURRIED) or item.get_closest_marker("slow")):
            item.add_marker("fast")


@pytest.fixture(scope="session")
def data_root() -> Path:
    """Folder with the real datasets, from ``GZSL_DATA``; tests that need it skip where it is absent."""
    root = os.environ.get("GZSL_DATA")
    if not root or not Path(root).is_dir():
        pytest.skip("GZSL_DATA does not name a folder with the real datasets")
    return Path(root).resolve()


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Converted datasets go to a folder of the test session, never to the user's cache."""
    cache = os.environ.get("GZSL_TEST_CACHE") or str(tmp_path_factory.getbasetemp() / "cache")
    monkeypatch.setenv("GZSL_CACHE", cache)
