"""What needs more than rtwin itself: members loaded when asked for, and what to install."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from rtwin.errors import MissingExtraError

__all__ = ["lazy_members", "needs"]


def lazy_members(package: str, members: Mapping[str, tuple[str, str, str]]) -> Callable[[str], Any]:
    """What a package takes as its `__getattr__`.

    Args:
        package: Its `__name__`.
        members: By name: the module in the package, what it needs, and what pip installs for it.
    Returns:
        A function of a member's name; MissingExtraError where what it needs is missing,
        AttributeError for other names.
    Checked by tests/test_layers.py.
    """

    def load(name: str) -> Any:
        if name not in members:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module, needs, install = members[name]
        try:
            return getattr(import_module(f"{package}.{module}"), name)
        except MissingExtraError:
            raise
        except ImportError as error:
            raise MissingExtraError(f"{name} needs {needs}; pip install {install}") from error

    return load


@contextmanager
def needs(what: str, install: str) -> Iterator[None]:
    """Import what an extra brings within this.

    Args:
        what: What needs which package, as in "pictures need Pillow".
        install: What pip installs for it.
    Raises:
        MissingExtraError: if an import fails.
    Checked by tests/test_layers.py.
    """
    try:
        yield
    except ImportError as error:
        raise MissingExtraError(f"{what}; pip install {install}") from error
