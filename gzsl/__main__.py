"""``python -m gzsl`` is the same as ``gzsl``."""

from gzsl.cli import main

main()
