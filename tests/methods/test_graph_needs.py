"""Methods that need a class graph get one: without a recipe, in scikit-learn, and in a sentence where there is none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gzsl.data import final_task, load
from gzsl.data.export import export
from gzsl.errors import MethodError
from gzsl.methods import create
from gzsl.runs.own_data import recipe_for
from gzsl.sklearn import ZeroShotClassifier

METHOD = "graph-ridge"


def test_without_a_recipe_a_method_gets_the_graph_that_every_dataset_has(tmp_path: Path) -> None:
    export(load("digits"), tmp_path / "digits")
    recipe = recipe_for(METHOD, tmp_path / "digits")
    assert recipe.dataset.graph == "attributes-knn"
    assert recipe_for("eszsl", tmp_path / "digits").dataset.graph is None


def test_a_view_without_a_graph_is_refused_with_the_way_to_one() -> None:
    data = load("digits")
    with pytest.raises(MethodError, match="needs a class graph, found none; name one in the recipe"):
        create(METHOD).fit(final_task(data).view)
    fitted = create(METHOD).fit(final_task(data.with_graph("attributes-knn")).view)
    assert len(fitted.classes_) == 10


def test_a_scikit_learn_classifier_takes_a_graph() -> None:
    data = load("digits")
    rows, names = data.split.trainval[::4], np.array(data.class_names)
    vectors = dict(zip(data.class_names, data.semantics.table, strict=True))
    model = ZeroShotClassifier(METHOD, semantics=vectors, graph={"name": "attributes-knn", "k": 3})
    model.fit(data.features[rows], names[data.labels[rows]])
    found = model.predict(data.features[rows])
    assert np.mean(found == names[data.labels[rows]]) > 0.3
