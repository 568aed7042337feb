"""What every registered method must do; its author writes none of these tests."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gzsl.conformance import Bench, Subject, contract
from gzsl.data import Task
from gzsl.errors import MethodError, ProtocolError
from gzsl.methods import Method, get_method, load_method
from gzsl.resources import configs_dir

Params = Mapping[str, Any]
RETRAINING = (
    contract.same_seed_same_bits_and_nothing_else_changes,
    contract.fit_does_not_touch_the_global_random_state,
    contract.fit_does_not_depend_on_class_order,
    contract.fit_does_not_depend_on_node_order,
    contract.never_sees_test_labels_or_features,
    contract.other_class_tables,
    contract.odd_but_legal_data_give_finite_scores,
)


def test_conforms(check: Callable[[Subject], None], name: str, params: Params, bench: Bench) -> None:
    """The checks of ``gzsl check``; each fails with a sentence, and leaves the fits that others share as they were."""
    subject = Subject(name, params, bench)
    before = bits(subject.fitted), bits(subject.brief[0])
    check(subject)
    assert (bits(subject.fitted), bits(subject.brief[0])) == before


def bits(method: Method) -> dict[str, bytes]:
    return {key: array.tobytes() for key, array in method.fitted_arrays().items()}


@pytest.mark.slow
@pytest.mark.parametrize("retraining", RETRAINING, ids=lambda check: check.__name__)
def test_conforms_when_trained_in_full(
    retraining: Callable[[Subject], None], name: str, params: Params, thorough: Bench
) -> None:
    """What a few steps on a quarter of the rows show holds for whole trainings on all rows."""
    retraining(Subject(name, params, thorough))


def test_declared_in_the_folder_and_file_of_its_name(name: str, params: Params) -> None:
    cls = get_method(name)
    path = Path(inspect.getfile(cls))
    assert path.stem == name.replace("-", "_")
    assert path.parent.name == cls.card.family


def test_has_a_recipe_for_every_benchmark(name: str, params: Params) -> None:
    if set(get_method(name).card.needs) - {"unlabelled"}:
        pytest.skip("the benchmarks' released files do not carry what it needs")
    shipped = {path.stem for path in (configs_dir() / name).glob("*.yaml")}
    with_regions = {"AWA2", "CUB", "SUN"}  # the others have no released pictures, or no regions
    benchmarks = {"AWA1", "AWA2", "CUB", "SUN", "APY", "digits", "simulated"}
    assert (with_regions if get_method(name).card.regions else benchmarks) <= shipped


def test_unlabelled_rows_cannot_be_reached_in_the_inductive_setting(task: Task) -> None:
    with pytest.raises(ProtocolError, match="inductive"):
        _ = task.view.unlabelled


def test_a_file_that_is_no_method_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.safetensors").write_bytes(b"not a method")
    with pytest.raises(MethodError, match="found no saved method"):
        load_method(tmp_path / "x.safetensors")


def test_refuses_a_seen_class_without_rows(task: Task) -> None:
    keep = task.view.labels != task.view.seen[0]
    with pytest.raises(MethodError, match="no training row"):
        replace(task.view, features=task.view.features.take(np.flatnonzero(keep)), labels=task.view.labels[keep])
