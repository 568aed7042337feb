"""Errors a user can act on: one sentence with the place, what was found and what was expected."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

MOST_NAMES, NEAREST = 24, 5  # that a sentence lists


class GzslError(Exception):
    """Base of every error caused by input; the command line prints it as one sentence and exits with 2."""


class DataError(GzslError):
    """A data file or a dataset is missing, damaged or inconsistent."""


class RecipeError(GzslError):
    """A recipe or an override is misspelt, incomplete or out of range."""


class MethodError(GzslError):
    """A method got hyper-parameters, features or classes that it cannot use."""


@contextmanager
def located(where: str) -> Iterator[None]:
    """Say where a method failed: a `MethodError` from inside begins with it."""
    try:
        yield
    except MethodError as error:
        raise MethodError(f"{where}: {error}") from error


class ProtocolError(GzslError):
    """Something was asked for that the evaluation protocol forbids."""


class PluginError(GzslError):
    """A file named as a plugin is missing, cannot be imported, or registers nothing that is new."""


class RunError(GzslError):
    """A run cannot be started, continued or written."""


class StorageError(RunError):
    """The disk is full or not writable: nothing that is started afterwards could be kept."""


class RunHeld(RunError):
    """Another process is at work on a run, and the caller would rather do something else than wait."""


class TrainingDiverged(RunError):
    """A loss or a weight stopped being finite; the last good state is kept."""


class GzslWarning(UserWarning):
    """Something works, but probably not as intended; the message names the remedy."""


def suggest(name: str, options: Iterable[str]) -> str:
    """Return a clause that names the closest option, or when none is close all of them, of many the nearest few.

    Parameters
    ----------
    name : str
        What the user wrote.
    options : iterable of str
        What would have been accepted.
    """
    choices = sorted(str(option) for option in options)
    by_folded = {choice.lower(): choice for choice in choices}
    close = difflib.get_close_matches(name.lower(), list(by_folded), n=1, cutoff=0.6)
    if close:
        return f"did you mean {by_folded[close[0]]!r}?"
    if len(choices) > MOST_NAMES:
        near = difflib.get_close_matches(name.lower(), list(by_folded), n=NEAREST, cutoff=0.0)
        return f"expected one of {len(choices)} names, such as " + ", ".join(by_folded[found] for found in near)
    return "expected one of: " + ", ".join(choices) if choices else "none is known"


def install(extra: str) -> str:
    """The command that installs what an optional part needs; gzsl itself is installed from a clone, not from an index.

    Parameters
    ----------
    extra : str
        Name of the extra in ``setup.cfg``, such as ``hdf5``.
    """
    return f"pip install '.[{extra}]' in the clone of gzsl"
