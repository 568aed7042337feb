"""What a fit in a stack is: what is asked for, how it went, and which fits may train as one model."""

from __future__ import annotations

from dataclasses import dataclass, field

from gzsl.data.view import TrainView
from gzsl.errors import GzslError
from gzsl.methods.base import Method, Monitor

SMALL = 2**15  # features times hidden units up to which stacking pays on a CPU


@dataclass(frozen=True, eq=False)
class Fit:
    """One fit that is asked for: the arguments of `Method.fit`.

    A fit that is ``done`` already, as its monitor knows, takes part only where another fit of its stack has to be
    made: in a smaller stack products would round differently.
    """

    method: Method
    view: TrainView
    seed: int = 0
    device: str = "cpu"
    monitor: Monitor = field(default_factory=Monitor)
    done: bool = False


@dataclass(frozen=True)
class Outcome:
    """How a fit went.

    Attributes
    ----------
    error : GzslError or None
        Why it failed; a failure leaves the other fits alone.
    seconds : float
        Wall time, or its share of the wall time of the stack that it was trained in.
    together : int
        Fits that were trained as one model; 1 when it was alone.
    """

    error: GzslError | None
    seconds: float
    together: int = 1


def can_stack(method: Method) -> bool:
    """Whether the class of a method declares, itself, that its update serves a stack."""
    return bool(vars(type(method)).get("stackable", False))


def may_differ(name: str) -> bool:
    """Whether fits of one stack may have other values of a hyper-parameter: the weights of losses."""
    return name.endswith("_weight")


def pays(method: Method, n_features: int, device: str) -> bool:
    """Whether stacking makes fits of a method faster: on a GPU, and of small networks on a CPU.

    Measured with `benchmarks.batched_seeds`, see ``docs/batched-seeds.md``: on a CPU ten stacked seeds gain a factor of
    two to three when a product is so small that the calls around it cost more, and next to nothing beyond.
    """
    return device != "cpu" or n_features * getattr(method, "hidden_dim", SMALL) <= SMALL
