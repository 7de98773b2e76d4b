"""Settings that check themselves: what a field may be stands beside its type.

@dataclass(frozen=True)
class Study(Settings):
    seeds: Count = 5
    shares: Annotated[tuple[float, ...], Between(0, 1)] = (0.2, 0.4)
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any, Protocol, get_type_hints

from rtwin.errors import OutOfRangeError

__all__ = ["Among", "AtLeast", "Between", "Count", "NotNegative", "Settings"]


class Limit(Protocol):
    """What a value of a field may be."""

    def problem(self, value: Any) -> str:
        """What is wrong with a value, after the field's name; empty if nothing is."""


@dataclass(frozen=True)
class AtLeast:
    """Finite numbers from a lowest one on, to a highest one if there is any."""

    low: float
    high: float = math.inf

    def problem(self, value: Any) -> str:
        if math.isfinite(value) and self.low <= value <= self.high:
            return ""
        allowed = "or more" if math.isinf(self.high) else f"to {self.high:.12g}"
        return f"is {value}; it must be {self.low:g} {allowed}"


@dataclass(frozen=True)
class Between:
    """Numbers between two, without these."""

    low: float
    high: float

    def problem(self, value: Any) -> str:
        if self.low < value < self.high:
            return ""
        if math.isinf(self.high):
            return f"is {value}; it must be above {self.low:g}"
        return f"is {value}; it must be between {self.low:g} and {self.high:g}"


class Among:
    """One of some names."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names = tuple(names)

    def problem(self, value: Any) -> str:
        return "" if value in self.names else f"has {value!r}; there are {', '.join(self.names)}"


Count = Annotated[int, AtLeast(1)]
NotNegative = Annotated[float, AtLeast(0)]


class Settings:
    """Base of frozen dataclasses whose fields name their limits; of a tuple, each item is checked.

    Raises:
        OutOfRangeError: if a field is not what its limit allows.
    Checked by tests/test_settings.py.
    """

    def __post_init__(self) -> None:
        for name, hint in get_type_hints(type(self), include_extras=True).items():
            for limit in getattr(hint, "__metadata__", ()):
                value = getattr(self, name)
                for item in value if isinstance(value, tuple) else (value,):
                    if item is not None and (problem := limit.problem(item)):
                        raise OutOfRangeError(f"{name} {problem}")
