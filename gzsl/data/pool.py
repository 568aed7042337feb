"""Which unlabelled rows a transductive method may see, and what it may know of the shares of their classes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from gzsl.brief import brief
from gzsl.errors import ProtocolError

POOLS = ("unseen", "all")
PRIORS = ("uniform", "estimated", "given")
RULES = ("classifier", "kmeans", "bbse")
TOLERANCE = 1e-3  # of the sum of shares that somebody wrote down


@dataclass(frozen=True)
class PoolChoice:
    """What is asked of the transductive setting.

    Parameters
    ----------
    rows : str
        ``unseen``: the unlabelled rows are of unseen classes alone, and a method may know that, as in papers; ``all``:
        they are the whole mixed test set, as in life.
    prior : str
        What is known of the shares of classes among them: ``uniform`` (nothing: all alike), ``estimated`` by ``rule``,
        or ``given``: as ``shares`` say, or the true shares, counted in the labels of the test rows. Numbers under a
        given prior are not valid results.
    rule : str
        How an estimated prior is found; see `gzsl.nn.class_shares`.
    shares : mapping of str to float, optional
        Of a given prior: share by class name; classes left out have none.
    """

    rows: str = "unseen"
    prior: str = "uniform"
    rule: str = "classifier"
    shares: Mapping[str, float] | None = field(default=None, hash=False)

    def __post_init__(self) -> None:
        for name, value, allowed in (
            ("pool", self.rows, POOLS), ("class_prior", self.prior, PRIORS), ("class_prior.rule", self.rule, RULES),
        ):  # fmt: skip
            if value not in allowed:
                raise ProtocolError(f"{name}: found {value!r}, expected one of {', '.join(allowed)}")
        if self.rule != RULES[0] and self.prior != "estimated":
            raise ProtocolError(
                f"class_prior.rule: found {self.rule} beside the {self.prior} prior, expected it with name: estimated "
                "alone"
            )
        if self.shares is not None and self.prior != "given":
            raise ProtocolError(
                f"class_prior.shares: found shares beside the {self.prior} prior, expected them with name: given alone"
            )

    @property
    def label(self) -> str:
        """The prior as a protocol names it."""
        return f"estimated ({self.rule})" if self.prior == "estimated" else self.prior

    @property
    def reads_labels(self) -> bool:
        """Whether the shares are counted in the labels of the test rows."""
        return self.prior == "given" and self.shares is None


@dataclass(frozen=True, eq=False)
class ClassPrior:
    """What a method may know of the shares of classes among the unlabelled rows.

    Attributes
    ----------
    name, rule : str
        As in `PoolChoice`.
    shares : ndarray, shape (C,), float64, or None
        Of every row of the view's class table, 0 for classes that no unlabelled row is of; sums to 1. None where the
        method has to estimate them.
    """

    name: str
    rule: str
    shares: np.ndarray | None

    __repr__ = brief

    @classmethod
    def uniform(cls, candidates: np.ndarray, n_classes: int) -> ClassPrior:
        """All candidates (k,), rows of a table of ``n_classes``, alike."""
        shares = np.zeros(n_classes)
        shares[candidates] = 1 / len(candidates)
        return cls("uniform", "classifier", shares)

    def reordered(self, order: np.ndarray) -> ClassPrior:
        """The prior of the same classes in another order: position i is that of ``order[i]`` before."""
        return ClassPrior(self.name, self.rule, None if self.shares is None else self.shares[order])


def stated_shares(shares: Mapping[str, float], names: tuple[str, ...], candidates: np.ndarray) -> np.ndarray:
    """Shares that somebody wrote down, as an array (C,) over a class table.

    Parameters
    ----------
    shares : mapping of str to float
        By class name.
    names : tuple of str
        Of all classes of the table.
    candidates : ndarray of int64
        Rows of the table that unlabelled rows may be of.

    Raises
    ------
    ProtocolError
        For a class that is none of the candidates, a share that is negative or no number, or a sum that is not 1.
    """
    place = {names[c]: int(c) for c in candidates}
    found = np.zeros(len(names))
    for name, share in shares.items():
        if name not in place:
            raise ProtocolError(
                f"class_prior.shares: found the class {name!r}, expected classes of the pool alone, "
                f"such as {names[candidates[0]]!r}"
            )
        if not 0 <= share < np.inf:
            raise ProtocolError(f"class_prior.shares: {name!r}: found {share}, expected a share from 0 to 1")
        found[place[name]] = share
    if abs(found.sum() - 1) > TOLERANCE:
        raise ProtocolError(f"class_prior.shares: found shares that sum to {found.sum():.4g}, expected 1")
    return found / found.sum()
