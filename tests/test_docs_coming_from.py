"""The page for people from other repositories: every key that it names is a key, every snippet runs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from scipy.io import loadmat

import gzsl
from gzsl.calibration import make_calibrator
from gzsl.data.export import export
from gzsl.heads import get_head
from gzsl.methods import get_method, method_names
from gzsl.params import parameters
from gzsl.runs import Recipe, load_recipe
from gzsl.runs.overrides import parse_override

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "coming-from.md").read_text(encoding="utf-8")
SECTION = re.compile(r"^## (.*?)$(.*?)(?=^## |\Z)", re.DOTALL | re.MULTILINE)
KEY = re.compile(r"`((?:method|dataset|preprocess|selection|calibration)\.[\w.]+|selection|seeds)(?:: ([^`]+))?`")


def keys() -> Iterator[tuple[str, str, str]]:
    """Method, key and value (empty where none is given); the method stands in the heading or before the table."""
    for heading, body in SECTION.findall(PAGE):
        known = [name for name in re.findall(r"`([\w-]+)`", heading + body.split("\n|")[0]) if name in method_names()]
        for key, value in KEY.findall(body):
            yield (known or ["f-clswgan"])[0], key, value


def test_keys_were_found() -> None:
    found = list(keys())
    assert len(found) > 80
    assert {"f-clswgan", "tf-vaegan", "ce-gzsl", "cada-vae", "free", "sdgzsl"} <= {method for method, _, _ in found}


@pytest.mark.parametrize(("method", "key", "value"), sorted(set(keys())))
def test_every_key_is_one_and_takes_its_value(method: str, key: str, value: str) -> None:
    if value:
        load_recipe(f"{method}/CUB", dict([parse_override(f"{key}={value}")])).build_method().check_parameters()
    assert key in known_keys(method)


def known_keys(method: str) -> set[str]:
    sections = {name: getattr(field.annotation, "model_fields", {}) for name, field in Recipe.model_fields.items()}
    known = set(sections) | {f"{name}.{key}" for name, fields in sections.items() for key in fields}
    known |= {f"calibration.{key}" for key in parameters(type(make_calibrator({"name": "stacking"})))}
    known |= {f"method.{key}" for key in parameters(get_method(method))}
    return known | {f"method.head.{key}" for key in parameters(get_head("softmax"))}


def test_every_flag_of_a_table_stands_once() -> None:
    for heading, body in SECTION.findall(PAGE):
        if "| flag |" not in body:
            continue
        flags = [flag for line in body.splitlines() if line.startswith("| ")
                 for flag in re.findall(r"`(--\w+)", line.split(" | ")[0])]  # fmt: skip
        assert not {flag for flag in flags if flags.count(flag) > 1}, heading


def test_the_snippet_makes_a_fold_that_other_loaders_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export(gzsl.load("digits"), tmp_path / "data" / "CUB")
    monkeypatch.chdir(tmp_path)
    programs = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    exec(programs[1], {})
    fold, whole = loadmat("data/CUB-fold/att_splits.mat"), loadmat("data/CUB/att_splits.mat")
    trainval = set(whole["trainval_loc"].ravel())
    parts = [set(fold[name].ravel()) for name in ("trainval_loc", "test_seen_loc", "test_unseen_loc")]
    assert all(parts) and set().union(*parts) == trainval and sum(map(len, parts)) == len(trainval)
    labels = loadmat("data/CUB/res101.mat")["labels"].ravel()
    classes = [set(labels[np.array(sorted(rows)) - 1]) for rows in parts]
    assert classes[1] <= classes[0] and not classes[2] & classes[0]
    assert fold["att"].shape == whole["att"].shape
