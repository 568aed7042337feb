"""What the conformance tests run on: a small simulated dataset, and every registered method with its cases."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from gzsl.data import Dataset, Task, final_task, load
from gzsl.methods import Method, create, get_method, method_names


@pytest.fixture(scope="session")
def dataset() -> Dataset:
    return load("simulated", preset="easy")


@pytest.fixture(scope="session")
def task(dataset: Dataset) -> Task:
    return final_task(dataset, "minmax")


class Fits:
    """Fitted methods, each fitted once for all tests that only look at it."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self._fitted: dict[str, Method] = {}

    def get(self, name: str, params: Mapping[str, Any]) -> Method:
        key = f"{name}{sorted(params.items())}"
        if key not in self._fitted:
            self._fitted[key] = create(name, **params).fit(self.task.view, seed=0)
        return self._fitted[key]


@pytest.fixture(scope="session")
def fits(task: Task) -> Fits:
    return Fits(task)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give every test that asks for (name, params) all registered methods; declared exceptions are strict xfails."""
    if not {"name", "params"} <= set(metafunc.fixturenames):
        return
    cases = []
    for name in method_names():
        card = get_method(name).card
        reason = card.xfail.get(metafunc.function.__name__)
        marks = [pytest.mark.xfail(reason=reason, strict=True)] if reason else []
        cases += [pytest.param(name, p, id=f"{name}-{i}", marks=marks) for i, p in enumerate(card.test_params)]
    metafunc.parametrize(("name", "params"), cases)
