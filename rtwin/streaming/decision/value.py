"""The holistic value of twins, equation (1) of DTN4VS, in both readings of its fraction.

V = alpha * (freshness term) + beta * Q - gamma * R. The fraction of freshness F and collection
rate f is not legible in the article: F / f is a reconstruction of ours and the default, since it
alone has an optimum; f / F with F an age only grows with the rate.
"""

from dataclasses import dataclass

import numpy as np

from rtwin.errors import OutOfRangeError

READINGS = ("F/f", "f/F")


def mean_age_s(rate_hz: float, delay_s: float = 0.0) -> float:
    """Mean age of what is reported periodically [s]: half a period and the delay."""
    if not (rate_hz > 0 and delay_s >= 0):
        raise OutOfRangeError(f"rate is {rate_hz:g} 1/s, delay {delay_s:g} s; > 0 and >= 0")
    return 0.5 / rate_hz + delay_s


def freshness(age_s: float, tau_s: float) -> float:
    """F = exp(-mean age / tau), 0 to 1."""
    if not (age_s >= 0 and tau_s > 0):
        raise OutOfRangeError(f"age is {age_s:g} s, tau {tau_s:g} s; they must be >= 0 and > 0")
    return float(np.exp(-age_s / tau_s))


def best_rate_hz(tau_s: float) -> float:
    """The rate at which F / f is largest [1/s]: 1 / (2 tau), whatever the delay."""
    if not tau_s > 0:
        raise OutOfRangeError(f"tau is {tau_s:g} s; it must be above 0")
    return 1.0 / (2.0 * tau_s)


@dataclass(frozen=True)
class Weights:
    """Weights of the parts of V, and the prices inside of Q.

    Attributes:
        alpha, beta, gamma: Of freshness, performance and resources of the twins.
        radio, computing: Prices of all blocks and of all cycles in Q (lambda_B, lambda_C).
        tau_s: Time after which what is known counts for 1/e [s].
        reading: Of the fraction, one of READINGS.
    """

    alpha: float = 0.02
    beta: float = 1.0
    gamma: float = 0.1
    radio: float = 0.25
    computing: float = 0.05
    tau_s: float = 30.0
    reading: str = "F/f"

    def __post_init__(self) -> None:
        numbers = (self.alpha, self.beta, self.gamma, self.radio, self.computing)
        if not all(np.isfinite(n) and n >= 0 for n in numbers) or not self.tau_s > 0:
            raise OutOfRangeError(f"weights are {numbers}, tau {self.tau_s:g} s; >= 0 and > 0")
        if self.reading not in READINGS:
            raise OutOfRangeError(f"reading is {self.reading!r}; it must be F/f or f/F")


@dataclass(frozen=True)
class Value:
    """V and its parts.

    Attributes:
        fresh: The term of freshness, without its weight.
        performance: Q, in [-(radio + computing), 1].
        cost: R, 1 for raw data.
        total: V.
    """

    fresh: float
    performance: float
    cost: float
    total: float


def performance(satisfaction: float, radio: float, computing: float, weights: Weights) -> float:
    """Q = mean satisfaction - lambda_B share of blocks - lambda_C share of cycles."""
    for name, share in (("satisfaction", satisfaction), ("radio", radio), ("computing", computing)):
        if not -1e-9 <= share <= 1 + 1e-9:
            raise OutOfRangeError(f"{name} is {share:g}; it must be 0 to 1")
    return satisfaction - weights.radio * radio - weights.computing * computing


def value(rate_hz: float, delay_s: float, quality: float, cost: float, weights: Weights) -> Value:
    """V of twins that collect at a rate.

    Args:
        rate_hz: Reports per second and value.
        delay_s: Of a report [s].
        quality: Q.
        cost: R: bytes and FLOPs over those of raw data at one report per second.
        weights: Of the parts.
    Source: arXiv 2310.19079, equation (1), its fraction reconstructed; checked by
        tests/streaming/decision/test_value.py.
    """
    age = mean_age_s(rate_hz, delay_s)
    # f is in units of 1/s, so that both terms are numbers.
    fresh = freshness(age, weights.tau_s) / rate_hz if weights.reading == "F/f" else rate_hz / age
    total = weights.alpha * fresh + weights.beta * quality - weights.gamma * cost
    return Value(fresh, quality, cost, total)
