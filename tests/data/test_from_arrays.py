"""Arrays that people have at hand become a dataset in one call, or end in one sentence about the argument."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import sparse

import gzsl
from gzsl.errors import DataError
from gzsl.semantics import Semantics

NAMES = ["cat", "dog", "fox", "bat", "owl"]
IDS = np.repeat(np.arange(5), 10)
RNG = np.random.default_rng(0)
X = RNG.normal(size=(50, 4))
A = RNG.random((5, 3))
Y = np.array(NAMES)[IDS]


def made(**changes: Any) -> gzsl.Dataset:
    values = {"X": X, "y": Y, "A": A, "class_names": NAMES, "unseen": ["bat", "owl"]} | changes
    return gzsl.Dataset.from_arrays(values.pop("X"), values.pop("y"), values.pop("A"), **values)


def test_float64_and_names_become_a_checked_dataset() -> None:
    dataset = made()
    assert dataset.features.dtype == np.float32
    assert dataset.class_names == tuple(NAMES)
    assert dataset.split.unseen.tolist() == [3, 4]
    assert np.bincount(IDS[dataset.split.test_seen], minlength=5).tolist() == [2, 2, 2, 0, 0]
    assert len(dataset.split.trainval) + len(dataset.split.test_seen) + len(dataset.split.test_unseen) == 50
    assert len(dataset.card.content_hash) == 32


FORMS = {
    "lists": {"X": X.tolist(), "y": Y.tolist(), "A": A.tolist()},
    "mapping": {"A": dict(zip(NAMES, A.tolist(), strict=True)), "class_names": None},
    "semantics": {"A": Semantics(A, tuple(NAMES)), "class_names": None},
    "ids": {"y": IDS, "unseen": [3, 4]},
    "ids as floats": {"y": IDS.astype(float), "unseen": np.array([3.0, 4.0])},
    "a column of ids": {"y": IDS[:, None].astype(np.uint8), "unseen": (i for i in (3, 4))},
    "bytes": {"y": Y.astype("S")},
    "objects": {"X": X.astype(object), "A": A.astype(object)},
    "white space": {"y": np.array([f" {name} " for name in Y]), "class_names": ["cat ", *NAMES[1:]]},
    "a mask of unseen names in an array": {"unseen": np.array(["bat", "owl"])},
}


@pytest.mark.parametrize("form", FORMS)
def test_every_usual_form_gives_the_same_dataset(form: str) -> None:
    assert made(**FORMS[form]).card.content_hash == made().card.content_hash


def test_pandas_objects_are_taken() -> None:
    pd = pytest.importorskip("pandas")
    table = pd.DataFrame(A, index=NAMES, columns=["fur", "legs", "wings"])
    labels = pd.Series(Y, index=range(100, 150), dtype="category")
    dataset = made(X=pd.DataFrame(X), y=labels, A=table, class_names=None, unseen=pd.Index(["bat", "owl"]))
    assert dataset.semantics.attribute_names == ("fur", "legs", "wings")
    np.testing.assert_array_equal(dataset.features, made().features)
    np.testing.assert_array_equal(dataset.labels, IDS)


def test_the_callers_array_stays_theirs() -> None:
    own = X.astype(np.float32)
    dataset = made(X=own)
    before = dataset.features.copy()
    own[:] = 0
    np.testing.assert_array_equal(dataset.features, before)


def test_unseen_by_one_name_or_id() -> None:
    assert made(unseen="owl").split.unseen.tolist() == made(unseen=4).split.unseen.tolist() == [4]


def test_test_rows_by_share_number_mask_and_not_at_all() -> None:
    assert made(test_seen=[0, 11, 22]).split.test_seen.tolist() == [0, 11, 22]
    assert made(test_seen=np.isin(np.arange(50), [0, 11])).split.test_seen.tolist() == [0, 11]
    assert len(made(test_seen=0.5).split.test_seen) == 15
    assert not np.array_equal(made(seed=1).split.test_seen, made(seed=2).split.test_seen)
    plain = made(test_seen=None)
    assert not len(plain.split.test_seen)
    assert not plain.split.generalized
    assert made().split.generalized


def test_unseen_classes_without_rows_are_candidates() -> None:
    keep = IDS != 4
    dataset = made(X=X[keep], y=Y[keep])
    assert dataset.split.unseen.tolist() == [3, 4]
    assert any("candidates" in note for note in dataset.card.notes)


BROKEN: list[tuple[dict[str, Any], str]] = [
    ({"X": X[:, 0]}, "X: found an array of shape (50,), expected two dimensions, one row an image"),
    ({"X": X.astype(str)}, "X: found text, e.g."),
    ({"X": X + 1j}, "X: found complex numbers (complex128), expected real numbers"),
    ({"X": sparse.csr_matrix(X)}, "X: found a sparse matrix, expected a full one"),
    ({"X": [[1.0, 2.0], [3.0]]}, "X: found a list that is no array"),
    ({"X": np.where(np.arange(50)[:, None] == 7, np.nan, X)}, "X: row 7, column 0 is nan, expected a finite number"),
    ({"X": np.where(np.arange(50)[:, None] == 7, 1e300, X)}, "X: row 7, column 0 is 1e+300, expected a finite number"),
    ({"X": np.array([[None] * 4] * 50)}, "X: entry 0 (counted from 0): found None"),
    ({"X": X[:0]}, "X: found an array of shape"),
    ({"y": Y[:49]}, "y: found 49 labels, expected 50, one a row of X"),
    ({"y": np.where(Y == "cat", "cta", Y)}, "y: row 0 is 'cta', expected a class of A; did you mean 'cat'?"),
    ({"y": IDS + 1}, "y: found ids 1 to 5, expected 0 to 4, the rows of A; they look 1-based, subtract 1"),
    ({"y": IDS - 1}, "y: found ids -1 to 3, expected 0 to 4"),
    ({"y": IDS + 0.5}, "y: found float64, expected class names or whole numbers from 0"),
    ({"y": X}, "y: found an array of shape"),
    ({"y": np.where(IDS == 2, 1, IDS)}, "y: found no row of class 'fox', expected at least one"),
    ({"y": np.where(IDS > 2, 1, IDS)}, "y: found no row of an unseen class"),
    ({"A": A[:4]}, "class_names: found 5, expected 4, one a row of A"),
    ({"class_names": ["cat", "cat", "fox", "bat", "owl"]}, "class_names: found 'cat' twice, expected one name"),
    ({"class_names": ["cat", " ", "fox", "bat", "owl"]}, "class_names: found an empty name"),
    ({"seed": -1}, "seed: found -1, expected a whole number of at least 0"),
    ({"features": ""}, "features: found '', expected what they are called in the protocol"),
    ({"X": X[::10], "y": Y[::10]}, "test_seen: found a share, and no seen class with two rows to take it from"),
    ({"unseen": 9.5}, "unseen: found float64, expected class names or whole numbers"),
    ({"A": dict.fromkeys(NAMES, [1, 2]) | {"cat": [1]}, "class_names": None}, "A: found a list that is no array"),
    ({"A": Semantics(A, tuple(NAMES[::-1]))}, "class_names: found other names than those of A"),
    ({"unseen": []}, "unseen: found no class, expected the names or ids of at least one"),
    ({"unseen": ["bta"]}, "unseen: found 'bta', expected a class of A; did you mean 'bat'?"),
    ({"unseen": ["bat", "bat"]}, "unseen: found class 'bat' twice"),
    ({"unseen": NAMES[1:]}, "unseen: found 4 of 5 classes, expected at least 2 seen ones beside"),
    ({"test_seen": 1.5}, "test_seen: found 1.5, expected a share between 0 and 1, rows, or None"),
    ({"test_seen": True}, "test_seen: found True"),
    ({"test_seen": [60]}, "test_seen: found row 60, expected 0 to 49"),
    ({"test_seen": [1, 1]}, "test_seen: found a row twice"),
    ({"test_seen": [35]}, "test_seen: row 35 is of an unseen class"),
    ({"test_seen": ["cat"]}, "test_seen: found <U3 of shape"),
    ({"test_seen": range(10)}, "the seen class 'cat' has no row in trainval"),
    ({"name": "a/b"}, "name: found 'a/b', expected a name without slashes"),
]


@pytest.mark.parametrize(("changes", "sentence"), BROKEN, ids=[text[:40] for _, text in BROKEN])
def test_what_is_wrong_is_said_in_one_sentence(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(DataError) as caught:
        made(**changes)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


class _OnDevice:
    def __array__(self, *_: Any, **__: Any) -> np.ndarray:
        raise TypeError("can't convert cuda:0 device type tensor to numpy")


def test_an_array_that_cannot_be_read_ends_in_a_sentence() -> None:
    with pytest.raises(DataError, match="X: found a _OnDevice that is no array"):
        made(X=_OnDevice())


def test_classes_named_by_numbers_are_found_by_them() -> None:
    numbered = {10 * (c + 1): A[c] for c in range(5)}
    dataset = made(A=numbered, y=10 * (IDS + 1), class_names=None, unseen=[40, 50])
    assert dataset.class_names == ("10", "20", "30", "40", "50")
    assert dataset.split.unseen.tolist() == [3, 4]
    with pytest.raises(DataError, match="y: row 0 is '5', expected a class of A"):
        made(A=numbered, y=5 * (IDS + 1), class_names=None, unseen=[40])


def test_names_are_compared_in_one_unicode_form() -> None:
    composed, decomposed = "caf\u00e9", "cafe\u0301"
    dataset = made(class_names=[composed, *NAMES[1:]], y=np.where(Y == "cat", decomposed, Y))
    assert dataset.labels.tolist() == IDS.tolist()
