"""A covariance that is a sum of terms, each within groups of links, for scikit-learn.

scikit-learn fits and solves the Gaussian process; this adds what a measurement
campaign needs and its own kernels lack: terms that act only between links of
one transmitter, sector or device, and noise that shrinks with averaging.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.spatial.distance import cdist
from sklearn.gaussian_process.kernels import Kernel

from rtwin.channel import shadowing_correlation
from rtwin.units import Floats

_RANGE = 5.0  # how far a logarithm may go from its prior, in nepers


@dataclass(frozen=True)
class Term:
    """One term of the covariance.

    Attributes:
        columns: Columns of the input that it looks at.
        within: Columns that must be equal for it to act at all.
        sd: Prior median of its standard deviation [dB]; for a linear term, of its weights.
        length: Prior median of its length; None for a linear term.
    """

    columns: tuple[int, ...]
    within: tuple[int, ...]
    sd: float
    length: float | None = None


class LinkKernel(Kernel):
    """Sum of linear and exponential terms, plus noise per device.

    The exponential covariance is that of shadow fading (Gudmundson, 1991).
    `theta` holds, for each term, the logarithm of its standard deviation and, if
    it has one, of its length; then of the noise of each device. The noise
    variance of a mean over n raw values is that of one value times
    `shared + (1 - shared) / n`: averaging does not remove what all have in common.
    """

    def __init__(
        self,
        terms: tuple[Term, ...],
        device_column: int,
        count_column: int,
        num_devices: int,
        noise_sd: float = 3.0,
        log_values: Floats | None = None,
        shared: float = 0.5,
    ) -> None:
        self.terms, self.device_column, self.count_column = terms, device_column, count_column
        self.num_devices, self.noise_sd, self.log_values = num_devices, noise_sd, log_values
        self.shared = shared

    @property
    def prior(self) -> Floats:
        """Prior medians of theta."""
        values = []
        for term in self.terms:
            values += [term.sd] if term.length is None else [term.sd, term.length]
        return np.log([*values, *[self.noise_sd] * self.num_devices])

    @property
    def theta(self) -> Floats:
        return self.prior if self.log_values is None else self.log_values

    @theta.setter
    def theta(self, theta: Floats) -> None:
        self.log_values = np.asarray(theta, np.float64)

    @property
    def bounds(self) -> Floats:
        return self.prior[:, None] + np.array([[-_RANGE, _RANGE]])

    @property
    def n_dims(self) -> int:
        return len(self.prior)

    def clone_with_theta(self, theta: Floats) -> "LinkKernel":
        return LinkKernel(**(self.get_params() | {"log_values": np.array(theta)}))

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        names = (
            "terms",
            "device_column",
            "count_column",
            "num_devices",
            "noise_sd",
            "log_values",
            "shared",
        )
        return {name: getattr(self, name) for name in names}

    def is_stationary(self) -> bool:
        return False

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LinkKernel) and bool(np.array_equal(self.theta, other.theta))

    def __repr__(self) -> str:
        return f"LinkKernel({len(self.terms)} terms, {self.num_devices} devices)"

    def __call__(self, X: Floats, Y: Floats | None = None, eval_gradient: bool = False) -> Any:
        other = X if Y is None else Y
        total = np.zeros((len(X), len(other)))
        slopes: list[Floats] = []
        place, theta = 0, self.theta
        for term in self.terms:
            base, change = _covariance_of(term, X, other, theta, place)
            total += base
            if eval_gradient:
                slopes += [2 * base] if change is None else [2 * base, change]
            place += 1 if term.length is None else 2
        if Y is None:
            noise = self.noise_variance(X)
            total[np.diag_indices_from(total)] += noise
            if eval_gradient:
                for device in range(self.num_devices):
                    slopes.append(np.diag(2 * noise * (X[:, self.device_column] == device)))
        return (total, np.stack(slopes, axis=-1)) if eval_gradient else total

    def noise_variance(self, X: Floats) -> Floats:
        """Noise variance of each row [dB^2]."""
        sd = np.exp(self.theta[len(self.theta) - self.num_devices :])
        share = self.shared + (1 - self.shared) / X[:, self.count_column]
        return sd[X[:, self.device_column].astype(np.int64)] ** 2 * share

    def diag(self, X: Floats) -> Floats:
        total, place, theta = self.noise_variance(X), 0, self.theta
        for term in self.terms:
            variance = np.exp(2 * theta[place])
            if term.length is None:
                total = total + variance * np.square(X[:, term.columns]).sum(axis=1)
            else:
                total = total + variance
            place += 1 if term.length is None else 2
        return total


def _covariance_of(
    term: Term, x: Floats, y: Floats, theta: Floats, place: int
) -> tuple[Floats, Floats | None]:
    """Covariance of one term, and how it changes with the logarithm of its length."""
    variance = np.exp(2 * theta[place])
    change: Floats | None = None
    if term.length is None:
        base = variance * (x[:, term.columns] @ y[:, term.columns].T)
    else:
        far = cdist(x[:, term.columns], y[:, term.columns]) * np.exp(-theta[place + 1])
        base = variance * shadowing_correlation(far, 1.0)
        change = base * far
    for column in term.within:
        same = x[:, column][:, None] == y[:, column][None]
        base = base * same
        change = None if change is None else change * same
    return base, change
