"""What a site sends to others: numbers about shared parameters, none of its measurements."""

from dataclasses import dataclass

import numpy as np

from rtwin.arrays import Bools, Floats
from rtwin.calibration.physics import Parameter


@dataclass(frozen=True)
class SharedParameter:
    """A parameter that means the same at every site; see calibration.physics.Parameter."""

    kind: str
    target: str
    prior: float
    sd: float
    scale: str

    @property
    def name(self) -> str:
        """Name as reports have it."""
        return self._parameter.name

    def value(self, z: float) -> float:
        """Natural units at z prior standard deviations from the prior median."""
        return self._parameter.value(z)

    @property
    def _parameter(self) -> Parameter:
        return Parameter(self.kind, self.target, self.prior, self.sd, self.scale)


@dataclass(frozen=True, eq=False)
class SiteUpdate:
    """What a site sends: its loss about one place, with parameters of its own solved for.

    Attributes:
        site: Its name.
        parameters: What it has something to say about.
        z: The place, in prior standard deviations, [parameter].
        pull: Minus half the slope of its loss there, [parameter].
        precision: Half the curvature of its loss, without the shared prior,
            [parameter, parameter].
        loss: Its loss there, of its rows and of its own parameters' priors.
        rows: How many measurements that is.
    """

    site: str
    parameters: tuple[SharedParameter, ...]
    z: Floats
    pull: Floats
    precision: Floats
    loss: float
    rows: int

    @property
    def num_bytes(self) -> int:
        """What is sent, in single precision: the half of a symmetric matrix, pull, place, loss."""
        count = len(self.parameters)
        return 4 * (count * (count + 1) // 2 + 2 * count + 1)


def without_own(precision: Floats, pull: Floats, shared: Bools) -> tuple[Floats, Floats]:
    """Precision and pull of shared parameters once the others are solved for.

    Args:
        precision: Of all, [parameter, parameter].
        pull: Of all, [parameter].
        shared: Which are, [parameter].
    Returns:
        Of the shared ones, in their order.
    Source: Schur's complement; checked by tests/federation/sites/test_aggregate.py against the
    inverse of the whole.
    """
    if shared.all():
        return precision, pull
    own = ~shared
    across = precision[np.ix_(shared, own)]
    solved = np.linalg.solve(precision[np.ix_(own, own)], across.T).T
    return (
        precision[np.ix_(shared, shared)] - solved @ across.T,
        pull[shared] - solved @ pull[own],
    )
