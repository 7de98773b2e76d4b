"""Members of a package that need more than rtwin itself; they are loaded when asked for."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from rtwin.errors import MissingExtraError

__all__ = ["lazy_members"]


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
