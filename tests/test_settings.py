"""Fields of settings are what their limits allow."""

import math
from dataclasses import dataclass
from typing import Annotated

import pytest

from rtwin.errors import OutOfRangeError
from rtwin.settings import Among, AtLeast, Between, Count, NotNegative, Settings


@dataclass(frozen=True)
class Example(Settings):
    rounds: Count = 5
    price: NotNegative = 0.0
    shares: Annotated[tuple[float, ...], Between(0, 1)] = (0.2, 0.4)
    noise: Annotated[float, Between(0, math.inf)] = 1.0
    rules: Annotated[tuple[str, ...], Among(("mean", "median"))] = ("mean",)
    least: Annotated[float | None, AtLeast(2)] = None
    most: Annotated[int, AtLeast(0, 10)] = 3
    free: str = "anything"


def test_what_is_allowed_is_kept():
    made = Example(rounds=1, price=3.5, shares=(), rules=("median", "mean"), least=2.0)
    assert (made.rounds, made.price, made.rules) == (1, 3.5, ("median", "mean"))


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("rounds", 0, "rounds is 0; it must be 1 or more"),
        ("price", -0.5, "price is -0.5; it must be 0 or more"),
        ("price", math.nan, "price is nan; it must be 0 or more"),
        ("price", math.inf, "price is inf; it must be 0 or more"),
        ("shares", (0.5, 1.0), "shares is 1.0; it must be between 0 and 1"),
        ("shares", (0.0,), "shares is 0.0; it must be between 0 and 1"),
        ("noise", 0.0, "noise is 0.0; it must be above 0"),
        ("rules", ("mean", "mode"), "rules has 'mode'; there are mean, median"),
        ("most", 11, "most is 11; it must be 0 to 10"),
        ("least", 1.9, "least is 1.9; it must be 2 or more"),
    ],
)
def test_what_is_not_is_one_line(field, value, words):
    with pytest.raises(OutOfRangeError) as caught:
        Example(**{field: value})
    assert str(caught.value) == words
