"""``predict`` gives class names: of the fitted table, or of another one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import gzsl
from gzsl.errors import MethodError


def fitted() -> tuple[gzsl.Method, np.ndarray, np.ndarray, tuple[str, ...]]:
    task = gzsl.final_task(gzsl.load("simulated"))
    unseen = task.gate.open()[1]
    method = gzsl.create("eszsl").fit(task.view)
    return method, unseen.features.to_array(), unseen.labels, task.view.semantics.class_names


def test_names_of_the_best_classes() -> None:
    method, X, labels, names = fitted()
    unseen = method.fitted_semantics.take([k for k, n in enumerate(method.classes_) if n in method.unseen_classes_])
    assert (method.predict(X, unseen) == np.array(names)[labels]).mean() > 0.8
    predicted = method.predict(X)
    scores = method.scores(X, method.fitted_semantics)
    assert (predicted == np.array(method.classes_)[scores.argmax(axis=1)]).all()


def test_a_saved_method_predicts_the_same(tmp_path: Path) -> None:
    method, X, _, _ = fitted()
    again = gzsl.load_method(gzsl.save_method(method, tmp_path / "m.safetensors"))
    assert again.fitted_semantics.name == "att"
    assert (again.predict(X) == method.predict(X)).all()


def test_of_equal_scores_an_unseen_class_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    method, X, _, _ = fitted()
    monkeypatch.setattr(method, "_scores", lambda X, table: np.zeros((len(X), len(table))))
    assert set(method.predict(X)) <= set(method.unseen_classes_)


def test_before_fit_one_sentence() -> None:
    with pytest.raises(MethodError, match="before fit"):
        gzsl.create("eszsl").predict(np.zeros((1, 3)))
