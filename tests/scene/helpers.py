"""A small valid recipe, and one-line checks."""

from copy import deepcopy
from typing import Any

import pytest

from rtwin.errors import RtwinError
from rtwin.scene import Recipe, recipe_from_dict

from ..tables import plane

MINIMAL: dict[str, Any] = {
    "title": "A plane",
    "frequency_hz": 3.5e9,
    "object": [plane()],
    "transmitter": [{"name": "a", "position_m": [0, 0, 10]}],
}

# The sides of a box whose corners are its floor and its roof, as CityJSON lists them.
SHELL = [
    [[3, 2, 1, 0]],
    [[4, 5, 6, 7]],
    [[0, 1, 5, 4]],
    [[1, 2, 6, 5]],
    [[2, 3, 7, 6]],
    [[3, 0, 4, 7]],
]


def table(*changes: tuple[str, Any]) -> dict[str, Any]:
    """The minimal recipe with values set at dotted keys; numbers index lists."""
    data = deepcopy(MINIMAL)
    for key, value in changes:
        *parents, last = (int(p) if p.isdigit() else p for p in key.split("."))
        here: Any = data
        for part in parents:
            here = here[part] if isinstance(part, int) else here.setdefault(part, {})
        here[last] = value
    return data


def recipe(*changes: tuple[str, Any], **where: Any) -> Recipe:
    return recipe_from_dict(table(*changes), **where)


def objects(*items: dict[str, Any], **where: Any) -> Recipe:
    """A recipe of concrete objects with the given shapes."""
    named = [{"name": f"o{i}", "material": "concrete", **item} for i, item in enumerate(items)]
    return recipe(("object", named), **where)


def assert_one_line(caught: pytest.ExceptionInfo[RtwinError], *parts: str) -> None:
    message = str(caught.value)
    assert message.isprintable(), repr(message)
    for part in parts:
        assert part in message, message
