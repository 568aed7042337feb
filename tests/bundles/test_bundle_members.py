"""Bundles of classes with several vectors: members go along, and a new class has its one vector."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from gzsl.bundles import load_bundle
from gzsl.bundles.trained import bundle_of
from gzsl.data import Dataset
from gzsl.runs.given import on_dataset
from gzsl.runs.recipe import make_recipe
from gzsl.runs.run import Run


def test_members_and_the_joint_space_go_along(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    text = [rng.standard_normal((size, 6)) for size in (2, 1, 3, 2)]
    y = np.repeat(np.arange(4), 5)
    X = np.stack([text[c].mean(axis=0) for c in y]) + 0.1 * rng.standard_normal((20, 6))
    data = Dataset.from_arrays(X, y, text, unseen=None, class_names=list("abcd"), joint=True, semantics="text")
    recipe = make_recipe({
        "dataset": {"name": "mine", "normalise": "l2"}, "preprocess": {"features": "l2"}, "setting": "transfer",
        "method": "autoclip", "selection": "last", "seeds": [0],
    })  # fmt: skip
    recipe, data = on_dataset(recipe, data)
    run = Run(recipe, 0, data, tmp_path / "runs")
    bundle = bundle_of(run, run.execute())
    again = load_bundle(bundle.save(tmp_path / "bundle"))
    members = again.raw.members
    assert members is not None and members.sizes.tolist() == [2, 1, 3, 2] and again.semantics.joint
    np.testing.assert_array_equal(again.scores(X[:4]), bundle.scores(X[:4]))
    assert (again.decide(X) == np.array(list("abcd"))[y]).mean() > 0.8
    new = rng.standard_normal(6).astype(np.float32)
    grown = again.with_class("e", new)
    assert grown.raw.members is not None and grown.raw.members.sizes.tolist() == [2, 1, 3, 2, 1]
    assert grown.decide(new[None]).tolist() == ["e"]
