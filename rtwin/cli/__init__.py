"""The command line: one thin command per Python function."""

from rtwin.cli.interruption import STATUS, leave, told_in_one_line

__all__ = ["main"]


def main() -> None:
    """Run the program; errors become one line on stderr and exit status 1, Ctrl-C 130."""
    try:
        with told_in_one_line():
            # Importing the commands takes long enough to be interrupted.
            from rtwin.cli.app import run

            run()
    except SystemExit as end:
        if end.code == STATUS:
            leave()
        raise
