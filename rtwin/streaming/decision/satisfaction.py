"""How content a group is with what it gets: versions, sigmoids, consumption."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from rtwin.arrays import Floats
from rtwin.errors import OutOfRangeError


@dataclass(frozen=True)
class Quality:
    """Versions of every video, and the sigmoid of satisfaction.

    satisfaction = u_v (sigma(x) - sigma(0)) / (1 - sigma(0)), sigma(x) = 1 / (1 + exp(-steepness
    (x - knee))), where x is the rate that a group gets over the rate that it needs, and
    u_v = ln(1 + b_v / b_1) / ln(1 + b_V / b_1) for version v of rate b_v. That it is a sigmoid is
    Huang's; its numbers, and that it starts from 0, are ours.

    Attributes:
        rates_mbps: Of the versions, ascending.
        steepness, knee: Of the sigmoid.
        cycles_per_bit: Of transcoding from the best version to a lower one.
    Raises:
        OutOfRangeError: if the rates do not ascend or a number is not possible.
    Source: Huang et al., JSTSP 18(1) (form); checked by
        tests/streaming/decision/test_satisfaction.py.
    """

    rates_mbps: tuple[float, ...] = (1.0, 2.0, 4.0, 8.0)
    steepness: float = 8.0
    knee: float = 0.85
    cycles_per_bit: float = 100.0

    def __post_init__(self) -> None:
        rates = np.array(self.rates_mbps)
        if not (len(rates) and rates[0] > 0 and (np.diff(rates) > 0).all()):
            raise OutOfRangeError(f"rates_mbps are {self.rates_mbps}; they must ascend from > 0")
        if not (self.steepness > 0 and self.knee > 0 and self.cycles_per_bit >= 0):
            raise OutOfRangeError(
                f"steepness {self.steepness:g}, knee {self.knee:g}, cycles_per_bit "
                f"{self.cycles_per_bit:g}; they must be above 0, above 0 and 0 or more"
            )

    @property
    def num_versions(self) -> int:
        """Number of versions."""
        return len(self.rates_mbps)

    @cached_property
    def rates(self) -> Floats:
        """Rates of the versions [Mbit/s], [version]."""
        return np.array(self.rates_mbps, np.float64)

    @cached_property
    def worth(self) -> Floats:
        """u_v, 1 for the best version, [version]."""
        first = self.rates / self.rates[0]
        return np.asarray(np.log1p(first) / np.log1p(first[-1]))

    def sigmoid(self, ratio: ArrayLike) -> Floats:
        """The share of u_v that a ratio x gives, 0 to 1, any shape."""
        x = np.maximum(np.asarray(ratio, np.float64), 0.0)
        return np.asarray((self._sigma(x) - self._sigma(0.0)) / (1.0 - self._sigma(0.0)))

    def _sigma(self, x: ArrayLike) -> Floats:
        slope = self.steepness * (np.asarray(x, np.float64) - self.knee)
        return np.asarray(1.0 / (1.0 + np.exp(np.clip(-slope, -60.0, 60.0))))

    def satisfaction(self, ratio: ArrayLike, version: ArrayLike) -> Floats:
        """Satisfaction with a version at a ratio x, any shapes that fit together."""
        return np.asarray(self.worth[np.asarray(version, np.int64)] * self.sigmoid(ratio))

    @cached_property
    def tangent(self) -> float:
        """Where the line from (0, 0) touches the sigmoid: s'(x) x = s(x).

        Beyond that point the sigmoid is its own concave envelope.
        """
        from scipy.optimize import brentq

        def gap(x: float) -> float:
            rise = float(self._sigma(x) * (1.0 - self._sigma(x)) / (1.0 - self._sigma(0.0)))
            return self.steepness * rise * x - float(self.sigmoid(x))

        return float(brentq(gap, self.knee, self.knee + 50.0 / self.steepness))

    def envelope(self, ratio: ArrayLike) -> Floats:
        """The least concave function that is nowhere below the sigmoid, any shape."""
        x = np.asarray(ratio, np.float64)
        slope = float(self.sigmoid(self.tangent)) / self.tangent
        return np.where(x < self.tangent, slope * np.maximum(x, 0.0), self.sigmoid(x))

    def cycles(self, demand_s: ArrayLike) -> Floats:
        """Cycles to transcode so many seconds of video to each version, [..., version].

        The best version is there; every other is made from it, at a cost per bit made.
        """
        seconds = np.asarray(demand_s, np.float64)[..., None]
        made = self.rates * 1e6 * seconds * self.cycles_per_bit
        made[..., -1] = 0.0
        return np.asarray(made)
