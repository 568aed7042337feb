"""Fixtures that all tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# Before anything imports numpy or torch: workers side by side, each with threads of its own, stall one another.
os.environ.setdefault("OMP_NUM_THREADS", "1")


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
