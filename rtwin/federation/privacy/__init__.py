"""What updates give away: clipping, noise and its account, secure sums, fewer bits."""

from rtwin.federation.privacy.noise import (
    clipped,
    epsilon_of,
    gaussian_sigma,
    noised_mean,
    sigma_for,
)
from rtwin.federation.privacy.quantise import dequantised, quantised
from rtwin.federation.privacy.secure_sum import (
    masked_updates,
    plain_fixed_sum,
    secure_sum,
)

__all__ = [
    "clipped",
    "dequantised",
    "epsilon_of",
    "gaussian_sigma",
    "masked_updates",
    "noised_mean",
    "plain_fixed_sum",
    "quantised",
    "secure_sum",
    "sigma_for",
]
