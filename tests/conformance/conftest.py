"""What the conformance tests run on: a small simulated dataset, and every registered method with its cases."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gzsl.conformance import Bench, checks_of
from gzsl.conformance.checks import excuse
from gzsl.data import Dataset, Task, TrainView
from gzsl.methods import Method, get_method, method_names


@pytest.fixture(scope="session")
def bench() -> Bench:
    """The easy simulated dataset, and every method that was fitted on it already."""
    return Bench.simulated()


@pytest.fixture(scope="session")
def thorough() -> Bench:
    """The same dataset for checks that train in full."""
    return Bench.simulated(thorough=True)


@pytest.fixture(scope="session")
def small(bench: Bench) -> TrainView:
    return bench.small


@pytest.fixture(scope="session")
def dataset(bench: Bench) -> Dataset:
    return bench.dataset


@pytest.fixture(scope="session")
def task(bench: Bench) -> Task:
    return bench.task


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give every test that asks for (name, params) all registered methods, and ``check`` all that apply to each.

    Declared exceptions are strict xfails.
    """
    if not {"name", "params"} <= set(metafunc.fixturenames):
        return
    cases: list[Any] = []
    with_checks = "check" in metafunc.fixturenames
    for name in method_names():
        cls = get_method(name)
        for i, params in enumerate(cls.card.test_params):
            if with_checks:
                cases += [_case(cls, (check, name, params), f"{name}-{i}-{check.__name__}") for check in checks_of(cls)]
            else:
                cases.append(pytest.param(name, params, id=f"{name}-{i}"))
    metafunc.parametrize(("check", "name", "params") if with_checks else ("name", "params"), cases)


def _case(cls: type[Method], values: tuple[Any, ...], label: str) -> Any:
    reason = excuse(cls, values[0])
    return pytest.param(*values, id=label, marks=[pytest.mark.xfail(reason=reason, strict=True)] if reason else [])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let what is checked of one method follow one another, so that the process that fitted it has it still."""
    here = [i for i, item in enumerate(items) if item.path.parent == Path(__file__).parent]
    ordered = sorted((items[i] for i in here), key=_method_of)
    for i, item in zip(here, ordered, strict=True):
        items[i] = item


def _method_of(item: pytest.Item) -> str:
    return str(item.callspec.params.get("name", "")) if hasattr(item, "callspec") else ""
