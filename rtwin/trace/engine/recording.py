"""What must not happen while the engine records a kernel."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def recording() -> Iterator[None]:
    """No garbage is collected within: a scene that dies while Dr.Jit records ends the process.

    A scene gives its memory back through calls that a recording refuses, and nobody
    catches what a destructor throws.
    """
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
