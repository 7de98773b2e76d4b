"""The likelihood of a covariance's shape, with its slopes, fast enough to be climbed often.

Distances between rows do not change while the shape is fitted: they are computed
once, and a slope is one product of matrices per parameter.
"""

import numpy as np
from scipy.linalg import lapack
from scipy.optimize import minimize
from scipy.spatial.distance import cdist

from rtwin.arrays import Bools, Floats
from rtwin.calibration.statistics.kernel import LinkKernel, Term

JITTER = 1e-6  # on the diagonal [dB^2]
_PRIOR_SD = 1.0  # of the logarithm of each standard deviation and length
_ITERATIONS = 25
_IMPOSSIBLE = 1e25


class ShapeLikelihood:
    """Minus the logarithm of likelihood times priors, of one kernel and some rows.

    Args:
        kernel: Its terms; `theta` is what is fitted.
        matrix: Inputs of the rows, [row, column].
        values: What was measured above what was expected [dB], [row].
        noise_factor: On the noise variance of each row, [row].
    """

    def __init__(
        self, kernel: LinkKernel, matrix: Floats, values: Floats, noise_factor: Floats
    ) -> None:
        self.kernel, self.values = kernel, values
        self._terms = [
            (term.length is not None, *_fixed_part(term, matrix)) for term in kernel.terms
        ]
        self._device = matrix[:, kernel.device_column].astype(np.int64)
        self._share = kernel.noise_share(matrix) * noise_factor

    def __call__(self, theta: Floats) -> tuple[float, Floats]:
        size = len(self.values)
        covariance, parts, place = np.zeros((size, size)), [], 0
        for has_length, fixed, mask in self._terms:
            variance = np.exp(2 * theta[place])
            base = variance * fixed
            far = None
            if has_length:
                far = fixed * np.exp(-theta[place + 1])
                base = variance * np.exp(-far)
                if mask is not None:
                    base *= mask
            covariance += base
            parts.append((base, far))
            place += 2 if has_length else 1
        noise = np.exp(2 * theta[place:])[self._device] * self._share
        covariance[np.diag_indices(size)] += noise + JITTER
        lower, failed = lapack.dpotrf(covariance, lower=1)
        if failed:
            return _IMPOSSIBLE, np.zeros_like(theta)
        inverse, _ = lapack.dpotri(lower, lower=1)
        inverse = np.tril(inverse) + np.tril(inverse, -1).T
        pull = inverse @ self.values
        cost = 0.5 * float(self.values @ pull) + float(np.log(np.diag(lower)).sum())
        weight = np.outer(pull, pull) - inverse
        slope = np.empty_like(theta)
        place = 0
        for base, far in parts:
            slope[place] = -float(np.vdot(weight, base))
            place += 1
            if far is not None:
                slope[place] = -0.5 * float(np.vdot(weight, base * far))
                place += 1
        of_row = np.diag(weight) * noise
        slope[place:] = -np.bincount(self._device, of_row, minlength=self.kernel.num_devices)
        off = (theta - self.kernel.prior) / _PRIOR_SD
        return cost + 0.5 * float(off @ off), slope + off / _PRIOR_SD

    def climb(self, start: Floats, iterations: int = _ITERATIONS) -> Floats:
        """The shape of the highest posterior near a start."""
        found = minimize(
            self,
            start,
            jac=True,
            method="L-BFGS-B",
            bounds=self.kernel.bounds,
            options={"maxiter": iterations},
        )
        return np.asarray(found.x, np.float64)


def _fixed_part(term: Term, matrix: Floats) -> tuple[Floats, Bools | None]:
    """What of a term does not change with its shape: distances and mask, or products."""
    own = matrix[:, term.columns]
    mask: Bools | None = None
    for column in term.within:
        same = matrix[:, column][:, None] == matrix[:, column][None]
        mask = same if mask is None else mask & same
    if term.length is not None:
        return cdist(own, own), mask
    product = own @ own.T
    return (product if mask is None else product * mask), None
