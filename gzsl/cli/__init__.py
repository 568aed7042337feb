"""The command line: ``gzsl --help`` starts here."""

from __future__ import annotations

import sys
import warnings
from typing import Any


def main() -> None:
    """Run the command line; bad input ends in one sentence on stderr and exit code 2."""
    from gzsl.cli.app import app
    from gzsl.errors import GzslError, GzslWarning

    warnings.simplefilter("once", GzslWarning)
    warnings.showwarning = _show_warning
    try:
        app()
    except GzslError as error:
        sys.stderr.write(f"gzsl: {error}\n")
        sys.exit(2)
    except KeyboardInterrupt:
        sys.stderr.write("gzsl: interrupted; the same command again continues\n")
        sys.exit(130)


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    sys.stderr.write(f"gzsl: warning: {message}\n")
