"""A covariance that is a sum of terms, each within groups of links.

A measurement campaign needs what kernels of general libraries lack: terms that act
only between links of one transmitter, sector or device, and noise that shrinks with
averaging.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial.distance import cdist

from rtwin.arrays import Floats
from rtwin.channel import shadowing_correlation

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


@dataclass(frozen=True, eq=False)
class LinkKernel:
    """Sum of linear and exponential terms, plus noise per device.

    The exponential covariance is that of shadow fading (Gudmundson, 1991).
    `theta` holds, for each term, the logarithm of its standard deviation and, if
    it has one, of its length; then of the noise of each device. The noise
    variance of a mean over n raw values is that of one value times
    `shared + (1 - shared) / n`: averaging does not remove what all have in common.

    Attributes:
        terms: Its terms.
        device_column: Column of the input that numbers the device.
        count_column: Column of the input with the number of raw values.
        num_devices: Number of devices.
        noise_sd: Prior median of the noise's standard deviation [dB].
        log_values: theta, where it is fitted.
        shared: Share of the noise variance that averaging does not remove.
    """

    terms: tuple[Term, ...]
    device_column: int
    count_column: int
    num_devices: int
    noise_sd: float = 3.0
    log_values: Floats | None = None
    shared: float = 0.5

    @property
    def prior(self) -> Floats:
        """Prior medians of theta."""
        values = []
        for term in self.terms:
            values += [term.sd] if term.length is None else [term.sd, term.length]
        return np.log([*values, *[self.noise_sd] * self.num_devices])

    @property
    def theta(self) -> Floats:
        """Logarithms of standard deviations and lengths, as fitted or else their priors."""
        return self.prior if self.log_values is None else self.log_values

    @property
    def bounds(self) -> Floats:
        """Lowest and highest theta, [value, 2]."""
        return self.prior[:, None] + np.array([[-_RANGE, _RANGE]])

    def with_theta(self, theta: Floats) -> "LinkKernel":
        """The kernel with another shape."""
        return replace(self, log_values=np.array(theta, np.float64))

    def __call__(self, x: Floats, y: Floats | None = None) -> Floats:
        """Covariance of rows [dB^2], [x, y]; of one set of rows with their noise, [x, x]."""
        other = x if y is None else y
        total = np.zeros((len(x), len(other)))
        place, theta = 0, self.theta
        for term in self.terms:
            total += _covariance_of(term, x, other, theta, place)
            place += 1 if term.length is None else 2
        if y is None:
            total[np.diag_indices_from(total)] += self.noise_variance(x)
        return total

    def noise_variance(self, x: Floats) -> Floats:
        """Noise variance of each row [dB^2]."""
        sd = np.exp(self.theta[len(self.theta) - self.num_devices :])
        return sd[x[:, self.device_column].astype(np.int64)] ** 2 * self.noise_share(x)

    def noise_share(self, x: Floats) -> Floats:
        """Noise variance of each row over that of one raw value, [row]."""
        return self.shared + (1 - self.shared) / x[:, self.count_column]

    def diag(self, x: Floats) -> Floats:
        """Variance of each row, its noise included [dB^2], [row]."""
        total, place, theta = self.noise_variance(x), 0, self.theta
        for term in self.terms:
            variance = np.exp(2 * theta[place])
            if term.length is None:
                total = total + variance * np.square(x[:, term.columns]).sum(axis=1)
            else:
                total = total + variance
            place += 1 if term.length is None else 2
        return total


def _covariance_of(term: Term, x: Floats, y: Floats, theta: Floats, place: int) -> Floats:
    variance = np.exp(2 * theta[place])
    if term.length is None:
        base = variance * (x[:, term.columns] @ y[:, term.columns].T)
    else:
        far = cdist(x[:, term.columns], y[:, term.columns]) * np.exp(-theta[place + 1])
        base = variance * shadowing_correlation(far, 1.0)
    for column in term.within:
        base = base * (x[:, column][:, None] == y[:, column][None])
    return np.asarray(base, np.float64)
