"""Files, YAML, names."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from gzsl.errors import RunError, suggest
from gzsl.files import file_hash, make_folder, replacing, value_hash, write_json, write_text
from gzsl.resources import cache_dir, configs_dir, data_splits_dir


def test_a_failed_write_leaves_the_old_file_and_no_litter(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_text(path, "old")

    def interrupted() -> None:
        with replacing(path) as temporary:
            temporary.write_text("new, but interr")
            raise ValueError("interrupted")

    with pytest.raises(ValueError, match="interrupted"):
        interrupted()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_is_written_can_be_read_by_whom_the_user_lets(tmp_path: Path) -> None:
    """The usual permissions, not those of a private temporary file."""
    write_text(tmp_path / "ours", "x")
    (tmp_path / "usual").write_text("x")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_disk_full_and_permission_are_one_sentence(tmp_path: Path) -> None:
    for code, words in ((errno.ENOSPC, "disk is full"), (errno.EACCES, "not writable")):
        with pytest.raises(RunError, match=words), replacing(tmp_path / "x"):
            raise OSError(code, "no")
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="cannot be written"):
        make_folder(tmp_path / "file" / "below")


def test_json_refuses_nan(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "x.json", {"a": float("nan")})
    assert not list(tmp_path.iterdir())


def test_hashes_depend_on_content_alone(tmp_path: Path) -> None:
    assert value_hash({"a": 1, "b": [2.5]}) == value_hash({"b": [2.5], "a": 1})
    assert value_hash({"a": 1}) != value_hash({"a": 2})
    (tmp_path / "x").write_bytes(b"abc")
    (tmp_path / "y").write_bytes(b"abc")
    assert file_hash(tmp_path / "x") == file_hash(tmp_path / "y")


def test_the_nearest_name_is_suggested() -> None:
    assert suggest("eszl", ["eszsl", "sae"]) == "did you mean 'eszsl'?"
    assert suggest("cub", ["CUB"]) == "did you mean 'CUB'?"
    assert suggest("zzz", ["b", "a"]) == "expected one of: a, b"
    assert suggest("x", []) == "none is known"


def test_shipped_folders_and_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert (configs_dir() / "eszsl").is_dir()
    assert data_splits_dir().is_dir()
    monkeypatch.delenv("GZSL_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_dir() == tmp_path / "gzsl"
