"""Differential privacy of updates: clip each, add noise to the sum, and keep the account.

Neighbouring sets differ by one whole station (add or remove): what is hidden is whether a
station took part at all, not a person, and not an hour of traffic.
"""

from typing import Any

import numpy as np

from rtwin.arrays import Floats
from rtwin.errors import OutOfRangeError
from rtwin.extras import needs


def clipped(updates: Floats, norm: float) -> Floats:
    """Updates no longer than a norm, [participant, weight]; none becomes longer.

    Raises:
        OutOfRangeError: if the norm is not positive.
    Checked by tests/federation/test_privacy.py.
    """
    if not norm > 0:
        raise OutOfRangeError(f"norm is {norm:g}; it must be above 0")
    length = np.linalg.norm(updates, axis=-1, keepdims=True)
    return updates * np.minimum(1.0, norm / np.maximum(length, 1e-300))


def noised_mean(updates: Floats, norm: float, sigma: float, rng: np.random.Generator) -> Floats:
    """Mean of clipped updates whose sum carries noise of sigma times the norm, [weight].

    Source: DP-FedAvg, H. B. McMahan et al., ICLR 2018; checked by
    tests/federation/test_privacy.py.
    """
    total = clipped(updates, norm).sum(axis=0)
    noise = sigma * norm * rng.standard_normal(total.shape)
    return (total + noise) / len(updates)


def epsilon_of(sigma: float, rounds: int, delta: float, sampled: float = 1.0) -> float:
    """Privacy loss epsilon of so many rounds at a delta, by Renyi's account.

    Args:
        sigma: Noise over the clipping norm.
        rounds: How many.
        delta: Chance that the bound fails.
        sampled: Share of stations of a round, drawn by coin (Poisson).
    Raises:
        MissingExtraError: if dp-accounting is not installed.
        OutOfRangeError: if an argument makes no sense.
    Source: dp-accounting's RDP accountant; checked by tests/federation/test_privacy.py.
    """
    if sigma <= 0 or rounds < 1 or not 0 < delta < 1 or not 0 < sampled <= 1:
        raise OutOfRangeError(
            f"sigma {sigma:g}, rounds {rounds}, delta {delta:g}, sampled {sampled:g}: sigma must "
            "be above 0, rounds 1 or more, delta and sampled between 0 and 1"
        )
    accounting, rdp = _library()
    event = accounting.GaussianDpEvent(sigma)
    if sampled < 1:
        event = accounting.PoissonSampledDpEvent(sampled, event)
    accountant = rdp.RdpAccountant(
        neighboring_relation=accounting.NeighboringRelation.ADD_OR_REMOVE_ONE
    )
    accountant.compose(accounting.SelfComposedDpEvent(event, rounds))
    return float(accountant.get_epsilon(delta))


def sigma_for(epsilon: float, rounds: int, delta: float, sampled: float = 1.0) -> float:
    """The least noise over the norm with which so many rounds keep an epsilon."""
    low, high = 0.05, 1e4
    for _ in range(60):
        middle = float(np.sqrt(low * high))
        low, high = (
            (low, middle)
            if epsilon_of(middle, rounds, delta, sampled) <= epsilon
            else (middle, high)
        )
    return high


def gaussian_sigma(epsilon: float, delta: float) -> float:
    """Noise over the norm of a single release after the textbook; for epsilon up to 1.

    Source: C. Dwork and A. Roth 2014, theorem A.1; checked by
    tests/federation/test_privacy.py against the account.
    """
    return float(np.sqrt(2.0 * np.log(1.25 / delta)) / epsilon)


def _library() -> tuple[Any, Any]:
    with needs("the account of privacy needs dp-accounting", "'rtwin[privacy]'"):
        import dp_accounting
        from dp_accounting import rdp
    return dp_accounting, rdp
