"""The list of checks, and what became of each."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from gzsl.conformance import contract, pooled, regions, steps
from gzsl.conformance.subject import Bench, CheckFailed, Subject
from gzsl.errors import GzslWarning
from gzsl.methods import Method, get_method

Check = Callable[[Subject], None]

CONTRACT: tuple[Check, ...] = (
    contract.every_hyper_parameter_is_documented,
    contract.constructor_stores_untouched_and_clones,
    contract.unknown_hyper_parameter_is_named,
    contract.hyper_parameter_out_of_range_is_named,
    contract.refuses_scores_before_fit,
    contract.same_seed_same_bits_and_nothing_else_changes,
    contract.fit_does_not_touch_the_global_random_state,
    contract.fit_does_not_depend_on_class_order,
    contract.fit_does_not_depend_on_node_order,
    contract.never_sees_test_labels_or_features,
    contract.refuses_a_setting_it_does_not_support,
    contract.scores_are_finite_float32_of_the_right_shape,
    contract.scores_follow_the_rows,
    contract.scores_do_not_depend_on_the_rows_beside,
    regions.regions_have_no_order,
    contract.scores_follow_the_classes_exactly,
    contract.other_class_tables,
    contract.beats_chance_by_far_on_the_easy_set,
    contract.saved_and_loaded_scores_are_equal,
    contract.refuses_nan_features,
    regions.refuses_rows_without_regions,
    contract.refuses_wrong_dimensions,
    contract.odd_but_legal_data_give_finite_scores,
)
STEPS: tuple[Check, ...] = (
    steps.resumed_equals_uninterrupted_bit_for_bit,
    steps.scoring_on_the_way_does_not_disturb_training,
    steps.every_trained_parameter_moves,
    steps.every_loss_weight_matters,
    steps.divergence_names_the_term_and_the_step,
)
POOLED: tuple[Check, ...] = (pooled.labels_of_the_pool_change_nothing,)
CHECKS = CONTRACT + POOLED + STEPS


@dataclass(frozen=True)
class Outcome:
    """What became of one check of one method.

    Attributes
    ----------
    method : str
        Id of the method, with the place of its set of hyper-parameters where there are several.
    check : str
        Name of the check.
    promise : str
        What a method must do, in one sentence.
    state : str
        ``pass``, ``fail``, or ``excused``: failed, as the method's card says that it will.
    found : str
        What was found instead, in one sentence; empty for ``pass``.
    """

    method: str
    check: str
    promise: str
    state: str
    found: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def checks_of(method: type[Method]) -> tuple[Check, ...]:
    """The checks that a method has to pass: some for those trained by steps, some for those with unlabelled rows."""
    own = POOLED if "transductive" in method.card.settings else ()
    return CONTRACT + own + (STEPS if method.iterative else ())


def excuse(method: type[Method], check: Check) -> str | None:
    """Why a method's card says that it cannot pass a check; None where it says nothing."""
    return method.card.xfail.get(f"test_{check.__name__}") or method.card.xfail.get(check.__name__)


def check_method(name: str, bench: Bench | None = None) -> Iterator[Outcome]:
    """Run every check that applies to a method, with each set of hyper-parameters that its card gives for that.

    Parameters
    ----------
    name : str
        Id of the method.
    bench : Bench, optional
        Data, and methods that are fitted already; the easy simulated dataset when left out.
    """
    cls, bench = get_method(name), bench or Bench.simulated()
    sets = cls.card.test_params
    for place, params in enumerate(sets, 1):
        subject = Subject(name, params, bench)
        label = name if len(sets) == 1 else f"{name} ({place} of {len(sets)})"
        for check in checks_of(cls):
            yield _outcome(label, check, subject)


def _outcome(label: str, check: Check, subject: Subject) -> Outcome:
    promise = (check.__doc__ or "").strip().splitlines()[0]
    reason = excuse(subject.cls, check)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", GzslWarning)  # some of the data are odd on purpose
            check(subject)
    except CheckFailed as failure:
        found = str(failure)
    except (Exception, SystemExit) as crash:  # a mistake in the method under check must not end the table
        found = f"{type(crash).__name__}: {str(crash).strip().splitlines()[0] if str(crash).strip() else 'no message'}"
    else:
        if reason is None:
            return Outcome(label, check.__name__, promise, "pass")
        return Outcome(label, check.__name__, promise, "fail", f"passes, though its card says: {reason}")
    if reason is not None:
        return Outcome(label, check.__name__, promise, "excused", reason)
    return Outcome(label, check.__name__, promise, "fail", found)
