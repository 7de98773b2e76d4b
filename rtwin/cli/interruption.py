"""Ctrl-C as one line, wherever it comes.

Python raises KeyboardInterrupt in whatever runs at that moment. Within a callback of the ray
tracer it comes back as another error, within a finalizer it is lost, and while the program still
imports nobody is there to catch it. So the signal is also remembered: any error after it is taken
for it, and whoever reports progress raises it again.
"""

import atexit
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

STATUS = 130  # what shells give to programs that Ctrl-C ended
LINE = "interrupted; what was finished is kept, run the same command again to go on"
_came = threading.Event()


def check() -> None:
    """Stop here if Ctrl-C came and got lost on its way.

    Raises:
        KeyboardInterrupt: if it came.
    """
    if _came.is_set():
        raise KeyboardInterrupt


@contextmanager
def told_in_one_line() -> Iterator[None]:
    """What runs within ends with one line and status 130 when Ctrl-C comes.

    Checked by tests/cli/test_interruption.py.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _came.clear()
    handler, hook = signal.getsignal(signal.SIGINT), sys.unraisablehook

    def note(number: int, frame: FrameType | None) -> None:
        _came.set()
        raise KeyboardInterrupt

    def tell(lost: Any) -> None:
        if not (_came.is_set() and issubclass(lost.exc_type, KeyboardInterrupt)):
            hook(lost)

    if handler is not signal.SIG_IGN:  # whoever started the program in the background keeps it so
        signal.signal(signal.SIGINT, note)
    sys.unraisablehook = tell
    try:
        yield
    except BaseException as error:
        if not (_came.is_set() or isinstance(error, KeyboardInterrupt) or _is_typer_s(error)):
            raise
        sys.stderr.write(f"{LINE}\n")
        sys.exit(STATUS)
    finally:
        sys.unraisablehook = hook
        signal.signal(signal.SIGINT, handler)


def leave() -> None:
    """End the process, by now unwound, without taking Python down beneath the ray tracer.

    Threads of an interrupted trace may still run, and abort where they find no Python. What
    others have asked to be done at the end is done.
    """
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(STATUS)


def _is_typer_s(error: BaseException) -> bool:
    """What typer makes of KeyboardInterrupt."""
    return isinstance(error, SystemExit) and error.code == STATUS
