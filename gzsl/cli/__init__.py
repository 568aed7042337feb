"""The command line: ``gzsl --help`` starts here."""

from __future__ import annotations

import sys
import warnings
from typing import Any


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
        sys.exit(130)


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    from gzsl.cli.terminal import complain

    complain(f"warning: {message}")
