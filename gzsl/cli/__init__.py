"""The command line: ``gzsl --help`` starts here."""

from __future__ import annotations

import sys
import warnings
from typing import Any

LONGEST = 500  # letters of what a user's own code raised
INTERRUPTED = 130  # exit code after Ctrl-C


def main() -> None:
    """Run the command line; bad input ends in one sentence on stderr and exit code 2."""
    from gzsl.cli.app import app
    from gzsl.cli.terminal import complain
    from gzsl.errors import GzslError, GzslWarning

    warnings.simplefilter("once", GzslWarning)
    warnings.showwarning = _show_warning
    try:
        app()
    except GzslError as error:
        complain(error)
        sys.exit(2)
    except KeyboardInterrupt:
        complain("interrupted; the same command again continues")
        sys.exit(INTERRUPTED)
    except (Exception, SystemExit) as error:
        if isinstance(error, SystemExit) and error.code == INTERRUPTED:  # typer met the interrupt, and says nothing
            complain("interrupted; the same command again continues")
            raise
        place = _plugins_line(error)
        if place is None:
            raise
        complain(f"{place}: {type(error).__name__}: {' '.join(str(error).split())[:LONGEST]}")
        sys.exit(2)


def _plugins_line(error: BaseException) -> str | None:
    """Where in a user's own code something went wrong: a mistake there is told like other input."""
    plugins = sys.modules.get("gzsl.plugins")  # without it there are none
    found: str | None = plugins.line_at_fault(error) if plugins else None
    return found


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    from gzsl.cli.terminal import complain

    complain(f"warning: {message}")
