"""Two numbers are comparable when every field of their protocols is equal."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields, replace

import pytest

from gzsl.evaluation import Protocol

BASE = Protocol(
    dataset="CUB", split="PS2", setting="inductive", features="res101", fine_tuned=False, semantics="att",
    normalisation="l2", preprocessing="minmax", selection="validation", calibration="none",
)  # fmt: skip
OTHER = Protocol(
    dataset="SUN", split="PS1", setting="transductive", features="vit", fine_tuned=None, semantics="sent",
    normalisation="none", preprocessing="none", selection="test-oracle", calibration="stacking",
    generalized=False, pool="all", class_prior="uniform", pool_reads=1, valid=False, shots="4 of the reserve",
)  # fmt: skip


def test_key_is_one_short_line() -> None:
    assert BASE.key() == "CUB/PS2/res101/frozen/att/l2/minmax/inductive/gzsl/validation/none"
    assert OTHER.key().endswith("test-oracle/stacking/shots 4 of the reserve (not a valid result)")


@pytest.mark.parametrize("name", [field.name for field in fields(Protocol)])
def test_every_field_is_in_key_and_differences(name: str) -> None:
    changed = replace(BASE, **{name: getattr(OTHER, name)})
    assert changed.key() != BASE.key()
    assert len(BASE.differences(changed)) == 1
    assert BASE.differences(changed)[0].startswith(name.replace("_", "-") + ": ")


def test_differences_read_like_sentences() -> None:
    assert BASE.differences(BASE) == []
    assert BASE.differences(replace(BASE, split="PS1", fine_tuned=None)) == [
        "split: PS2 against PS1", "fine-tuned: no against unknown",
    ]  # fmt: skip
    assert len(BASE.differences(OTHER)) == len(fields(Protocol))


def test_a_slash_in_a_name_cannot_make_two_keys_equal() -> None:
    assert replace(BASE, dataset="a/b", split="c").key() != replace(BASE, dataset="a", split="b/c").key()


def test_round_trip_and_frozen() -> None:
    assert Protocol(**OTHER.to_dict()) == OTHER
    with pytest.raises(FrozenInstanceError):
        BASE.split = "PS1"  # type: ignore[misc]


def test_pool_prior_and_reads_are_part_of_the_key() -> None:
    pooled = replace(BASE, setting="transductive", pool="all", class_prior="uniform", pool_reads=1)
    assert "transductive (pool all, prior uniform, 1 read)" in pooled.key()
    for change in ({"pool": "unseen"}, {"class_prior": "estimated (kmeans)"}, {"pool_reads": 2}):
        other = replace(pooled, **change)  # type: ignore[arg-type]
        assert other.key() != pooled.key()
        assert len(other.differences(pooled)) == 1
    assert Protocol(**{k: v for k, v in BASE.to_dict().items() if not k.startswith(("pool", "class_prior"))}) == BASE
