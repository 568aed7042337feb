"""Bundles beside other people's files, several writers at once, and bundles with wrong content under a right seal."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from gzsl.bundles import Bundle, add_class, load_bundle, save_bundle
from gzsl.bundles.files import check_target
from gzsl.errors import MethodError, RunError
from gzsl.files import file_hash, value_hash
from gzsl.methods import load_method
from gzsl.runs import load_recipe, run_recipe

QUICK = {"selection.folds": 2, "selection.grid": {"gamma": [10.0], "lam": [1.0]}}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    folder = tmp_path_factory.mktemp("trained")
    recipe = load_recipe("eszsl/simulated", {**QUICK, "calibration": {"name": "boundary-ood", "n_epochs": 1}})
    (result,) = run_recipe(recipe, out=folder / "runs", seeds=[0])
    return load_bundle(save_bundle(recipe, result, folder / "bundle", out=folder / "runs"))


@pytest.fixture
def folder(trained: Bundle, tmp_path: Path) -> Path:
    return trained.save(tmp_path / "bundle")


def listing(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file() and path.name != ".lock"}


def test_only_files_that_the_old_bundle_names_are_removed(trained: Bundle, folder: Path) -> None:
    before = set(listing(folder))
    save_file({"a": np.zeros(3)}, folder / "my_weights.safetensors")
    (folder / "notes.txt").write_text("mine")
    trained.with_class("new", trained.raw.table[0] * 0.5).save(folder)
    after = set(listing(folder))
    assert {"my_weights.safetensors", "notes.txt"} <= after
    assert len(after) == len(before) + 2
    assert len(before - after) >= 1
    assert load_bundle(folder).raw.class_names[-1] == "new"


@pytest.mark.parametrize("name", ["my_weights.safetensors", "notes.txt", "done", "bundle.json"])
def test_a_folder_with_something_else_in_it_is_refused_untouched(name: str, trained: Bundle, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"{}")
    with pytest.raises(RunError, match="expected a new or empty folder, or a bundle"):
        trained.save(tmp_path)
    assert listing(tmp_path) == {name: b"{}"}
    with pytest.raises(RunError, match="found a file, expected the name of a folder"):
        trained.save(tmp_path / name)


def test_the_card_names_what_is_removed_never_a_path(trained: Bundle, folder: Path) -> None:
    outside = folder.parent / "precious.safetensors"
    outside.write_bytes(b"x")
    card = folder / "bundle.json"
    about = json.loads(card.read_text())
    about["files"]["extra"] = {"name": "../precious.safetensors", "blake2b": "0" * 32}
    card.write_text(json.dumps(about))
    trained.save(folder)
    assert outside.exists()


def test_files_have_the_usual_permissions(folder: Path) -> None:
    plain = folder.parent / "plain"
    plain.write_text("")
    usual = plain.stat().st_mode
    assert {path.stat().st_mode for path in folder.iterdir() if path.name != ".lock"} == {usual}


def test_a_killed_writer_leaves_a_folder_that_can_be_written_again(
    trained: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def kill(path: Path, value: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr("gzsl.bundles.files.write_json", kill)
        with pytest.raises(Killed):
            trained.save(tmp_path / "b")
    assert not (tmp_path / "b" / "bundle.json").exists()
    trained.save(tmp_path / "b")
    assert load_bundle(tmp_path / "b").raw.class_names == trained.raw.class_names


def test_no_class_is_lost_when_several_are_added_at_once(trained: Bundle, folder: Path) -> None:
    names = ["one", "two", "three", "four"]
    barrier = threading.Barrier(len(names))

    def add(name: str) -> None:
        barrier.wait()
        add_class(folder, name, lambda bundle: bundle.raw.table[0] + len(name))

    threads = [threading.Thread(target=add, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = load_bundle(folder)
    assert set(found.raw.class_names) == {*trained.raw.class_names, *names}
    assert sorted(found.card["added_classes"]) == sorted(names)


def test_a_bundle_that_is_replaced_while_it_is_read_is_read_again(
    trained: Bundle, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import gzsl.bundles.files as module

    sealed, calls = module._sealed_card, []

    def read(where: Path) -> dict[str, Any]:
        about = sealed(where)
        calls.append(1)
        if len(calls) == 1:
            trained.with_class("new", trained.raw.table[0] * 0.5).save(folder)
        return about

    monkeypatch.setattr(module, "_sealed_card", read)
    assert load_bundle(folder).raw.class_names[-1] == "new"


def test_names_of_new_classes_are_new_in_either_unicode_form(trained: Bundle) -> None:
    grown = trained.with_class("caf\u00e9", trained.raw.table[0] * 0.5)
    with pytest.raises(MethodError, match="already"):
        grown.with_class("cafe\u0301", trained.raw.table[0] * 0.4)
    for name in ("", "  ", "a\x1b[31m", "a\nb", "\udcff"):
        with pytest.raises(MethodError, match="expected one that is not empty and can be printed"):
            trained.with_class(name, trained.raw.table[0])


# Wrong content under a right seal: what a forger, or another program, may write.


def resealed(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    card = folder / "bundle.json"
    about = json.loads(card.read_text())
    about.pop("seal")
    change(about)
    for entry in about["files"].values() if isinstance(about.get("files"), dict) else ():
        if isinstance(entry, dict) and (folder / str(entry.get("name"))).is_file():
            entry["blake2b"] = file_hash(folder / entry["name"])
    card.write_text(json.dumps({**about, "seal": value_hash(about)}))


def rewritten(folder: Path, kind: str, change: Callable[[dict[str, np.ndarray], dict[str, Any]], None]) -> None:
    """Change arrays and metadata of one file of a bundle, and seal the bundle again."""
    path = folder / json.loads((folder / "bundle.json").read_text())["files"][kind]["name"]
    with safe_open(path, framework="numpy") as stream:
        metadata = dict(stream.metadata() or {})
        arrays = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118
    about = json.loads(metadata.get("gzsl", "{}"))
    change(arrays, about)
    save_file(arrays, path, metadata={**metadata, "gzsl": json.dumps(about)})
    resealed(folder, lambda _: None)


CARDS = {
    "classes": lambda c: c.pop("classes"),
    "classes twice": lambda c: c.update(classes=[c["classes"][0]] * len(c["classes"])),
    "classes swapped": lambda c: c.update(classes=c["classes"][::-1]),
    "classes renamed": lambda c: c.update(classes=[*c["classes"][:-1], "other"]),
    "classes of numbers": lambda c: c.update(classes=[1, 2]),
    "fewer classes": lambda c: c.update(classes=c["classes"][:-1]),
    "seen": lambda c: c.update(seen=["nobody"]),
    "other seen": lambda c: c.update(seen=c["seen"][:-1]),
    "scaling": lambda c: c.update(scaling="__class__"),
    "semantics": lambda c: c.update(semantics=None),
    "normalise": lambda c: c["semantics"].update(normalise="x"),
    "attributes": lambda c: c["semantics"].update(attributes=["only one"]),
    "files": lambda c: c.update(files=[]),
    "no method": lambda c: c["files"].pop("method"),
    "path": lambda c: c["files"]["method"].update(name="../x.safetensors"),
    "absolute": lambda c: c["files"]["method"].update(name="/etc/passwd"),
    "features": lambda c: c.update(features=3),
}


@pytest.mark.parametrize("fault", sorted(CARDS))
def test_a_resealed_card_is_checked_like_anything_from_outside(fault: str, folder: Path) -> None:
    resealed(folder, CARDS[fault])
    with pytest.raises(RunError, match="bundle") as error:
        load_bundle(folder)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("text", ["[]", "1", "{", "[" * 100_000, '{"a":' * 50_000, "", "NaN"])
def test_a_card_that_is_none_ends_in_one_sentence(text: str, trained: Bundle, folder: Path) -> None:
    (folder / "bundle.json").write_text(text)
    with pytest.raises(RunError, match="bundle"):
        load_bundle(folder)
    with pytest.raises(RunError, match="bundle"):
        trained.save(folder)
    assert (folder / "bundle.json").read_text() == text


FILES: dict[str, tuple[str, Callable[[dict[str, np.ndarray], dict[str, Any]], object]]] = {
    "class": ("method", lambda a, m: m["fitted"].update(__class__="x")),
    "method of the class": ("method", lambda a, m: m["fitted"].update(scores="x")),
    "array over a method": ("method", lambda a, m: a.update(fit=np.zeros(3))),
    "private": ("method", lambda a, m: a.update(_secret_=np.zeros(3))),
    "unknown method": ("method", lambda a, m: m.update(method="os")),
    "no parameters": ("method", lambda a, m: m.pop("parameters")),
    "no format": ("method", lambda a, m: m.pop("format")),
    "list": ("method", lambda a, m: m.update(fitted=[1])),
    "no sizes": ("method", lambda a, m: m["fitted"].pop("n_features_")),
    "huge sizes": ("method", lambda a, m: m["fitted"].update(n_features_=10**15)),
    "other sizes": ("method", lambda a, m: m["fitted"].update(n_features_=3)),
    "no classes": ("method", lambda a, m: m["fitted"].update(seen_classes_=[1, 2])),
    "array lost": ("method", lambda a, m: a.clear() or a.update(other_=np.zeros(3))),
    "array of a wrong shape": ("method", lambda a, m: a.update({k: v[:-1] for k, v in a.items()})),
    "no table": ("arrays", lambda a, m: a.pop("table")),
    "table of a wrong shape": ("arrays", lambda a, m: a.update(table=a["table"][:, :-1])),
    "table with NaN": ("arrays", lambda a, m: a.update(table=a["table"] * np.nan)),
    "scale of a wrong shape": ("arrays", lambda a, m: a.update(scale=a["scale"][:-1])),
    "scale of zeros": ("arrays", lambda a, m: a.update(scale=a["scale"] * 0)),
    "expert outside": ("calibration", lambda a, m: m.update(experts=["../../x"])),
    "expert over a method": ("calibration", lambda a, m: m.update(experts=["fit"])),
    "calibrator's class": ("calibration", lambda a, m: m["fitted"].update(__class__=1)),
    "no threshold": ("calibration", lambda a, m: m["fitted"].pop("gamma_")),
    "threshold of text": ("calibration", lambda a, m: m["fitted"].update(gamma_="1")),
    "unknown calibrator": ("calibration", lambda a, m: m.update(calibration={"name": "x"})),
    "gate lost": ("calibration", lambda a, m: a.clear() or a.update(other_=np.zeros(3))),
}


@pytest.mark.parametrize("fault", sorted(FILES))
def test_wrong_content_under_a_right_seal_is_refused_when_it_is_loaded(fault: str, folder: Path) -> None:
    kind, change = FILES[fault]
    rewritten(folder, kind, change)
    with pytest.raises(RunError, match="the parts of the bundle do not fit together") as error:
        load_bundle(folder)
    assert "\n" not in str(error.value)


def test_a_saved_method_sets_learnt_attributes_only(folder: Path) -> None:
    rewritten(folder, "method", lambda a, m: m["fitted"].update(__class__="x"))
    (path,) = folder.glob("method-*.safetensors")
    with pytest.raises(MethodError, match="found the value '__class__', expected what a ESZSL learns"):
        load_method(path)


@pytest.mark.parametrize("action", [load_bundle, check_target, lambda path: add_class(path, "newt", np.zeros(3))])
def test_a_name_that_no_folder_can_have_is_refused(action: Callable[[Path], object], tmp_path: Path) -> None:
    with pytest.raises(RunError, match="found a name of 300 bytes, expected at most 255"):
        action(tmp_path / ("b" * 300))
