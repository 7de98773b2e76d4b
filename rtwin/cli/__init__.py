"""The command line: one thin command per Python function."""

from rtwin.cli.app import main

__all__ = ["main"]
