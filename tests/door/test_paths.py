"""Paths from outside: regular files, links to them, and one sentence for everything else."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from gzsl.door.paths import is_folder, output_file, regular_file, shown, user_path
from gzsl.errors import DataError, RecipeError, RunError
from gzsl.files import replacing, write_text


def special(tmp_path: Path, kind: str) -> Path:
    path = tmp_path / "x.npz"
    if kind == "a named pipe":
        os.mkfifo(path)
    elif kind == "a folder":
        path.mkdir()
    elif kind == "a device":
        return Path("/dev/null")
    else:
        listening = socket.socket(socket.AF_UNIX)
        here = Path.cwd()
        os.chdir(tmp_path)  # a socket's path may hold about 100 bytes only
        listening.bind("x.npz")
        os.chdir(here)
        listening.close()
    return path


@pytest.mark.parametrize("kind", ["a named pipe", "a folder", "a device", "a socket"])
def test_what_is_no_file_is_neither_read_nor_replaced(kind: str, tmp_path: Path) -> None:
    path = special(tmp_path, kind)
    with pytest.raises(DataError, match=f"found {kind}, expected a table"):
        regular_file(path, "a table")
    with pytest.raises(RunError, match=f"found {kind}, expected the name of a file"):
        write_text(path, "x")
    link = tmp_path / "link"
    link.symlink_to(path)
    with pytest.raises(RunError, match=f"found {kind}"):
        write_text(link, "x")
    assert not path.is_file()


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("", "found an empty path"),
        ("a\0b", "found a NUL character"),
        ("~nosuchuser/x", "found no user 'nosuchuser'"),
        ("a" * 300, "found a name of 300 bytes, expected at most 255"),
        ("é" * 200, "found a name of 400 bytes"),
        ("a/" * 3000, "found a name of"),
        ("b\udce9.csv", r"b\\udce9.csv: found a name that is no UTF-8"),
    ],
)
def test_impossible_names(path: str, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RecipeError, match=sentence) as caught:
        user_path(path, error=RecipeError)
    assert str(caught.value).encode().count(b"\n") == 0
    if path:  # Path("") is the folder one is in
        with pytest.raises(RunError, match=sentence):
            output_file(Path(path))


def test_files_links_and_absence(tmp_path: Path) -> None:
    path, link, dangling = tmp_path / "a", tmp_path / "link", tmp_path / "dangling"
    path.write_text("1")
    link.symlink_to("a")
    dangling.symlink_to("later")
    assert regular_file(str(link), "a table") == link
    assert is_folder(tmp_path)
    assert not is_folder(path)
    for absent in (dangling, path / "below", tmp_path / "none"):
        with pytest.raises(DataError, match="no such file, expected a table"):
            regular_file(absent, "a table")
    loop = tmp_path / "loop"
    loop.symlink_to("loop")
    with pytest.raises(DataError, match="loop: cannot be opened"):
        regular_file(loop, "a table")
    write_text(link, "2")
    write_text(dangling, "3")
    assert (link.is_symlink(), path.read_text(), (tmp_path / "later").read_text()) == (True, "2", "3")


def test_a_write_that_fails_leaves_what_the_link_leads_to(tmp_path: Path) -> None:
    path, link = tmp_path / "a", tmp_path / "link"
    path.write_text("1")
    link.symlink_to(path)
    with pytest.raises(ValueError, match="no"), replacing(link) as temporary:
        temporary.write_text("half")
        raise ValueError("no")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a", "link"]
    assert path.read_text() == "1"


def test_long_paths_are_cut_in_messages() -> None:
    assert shown("a" * 300) == f"{'a' * 40}...{'a' * 20}"
    assert shown(Path("b\udce9")) == r"b\udce9"
