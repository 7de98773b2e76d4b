"""From updates of sites to shared parameters: the same steps as with all data in one place.

Losses of sites add up, and so do their pulls and precisions. A Levenberg-Marquardt step
from the sums is the step that pooled measurements would give. The prior counts once.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rtwin.arrays import Floats, Ints
from rtwin.calibration.physics.fitting import LIMIT, SEEN
from rtwin.errors import OutOfRangeError
from rtwin.federation.sites.site_update import SharedParameter, SiteUpdate


@dataclass(frozen=True, eq=False)
class Shared:
    """Shared parameters after a federation.

    Attributes:
        parameters: By name.
        z: In prior standard deviations, [parameter].
        precision: Prior included, [parameter, parameter].
        loss: Sum of the sites' and of the prior.
        rounds: Exchanges of updates or losses.
        sent_bytes: Of all sites together, single precision.
        rivals: Other values of each parameter that fit nearly as well.
        moved: Largest step of the last round, in prior standard deviations.
    """

    parameters: tuple[SharedParameter, ...]
    z: Floats
    precision: Floats
    loss: float
    rounds: int = 0
    sent_bytes: int = 0
    rivals: tuple[tuple[float, ...], ...] = field(default=())
    moved: float = 0.0

    @property
    def width(self) -> Floats:
        """Posterior over prior standard deviation, [parameter]."""
        return np.sqrt(np.diag(np.linalg.inv(self.precision)))

    def rows(self) -> list[dict[str, Any]]:
        """For each parameter: prior, value, its 90 % range, rivals, and whether the data see it."""
        found = []
        for i, (shared, z, width) in enumerate(
            zip(self.parameters, self.z, self.width, strict=True)
        ):
            others = self.rivals[i] if self.rivals else ()
            reach = 1.645 * width
            span = sorted([shared.value(z - reach), shared.value(z + reach), *others])
            found.append(
                {
                    "parameter": shared.name,
                    "kind": shared.kind,
                    "target": shared.target,
                    "prior": shared.value(0.0),
                    "value": shared.value(z),
                    "low": span[0],
                    "high": span[-1],
                    "posterior_over_prior": float(width),
                    "rivals": list(others),
                    "identified": bool(width <= SEEN and not others),
                }
            )
        return found


def places_among(
    site_parameters: tuple[SharedParameter, ...], every: tuple[SharedParameter, ...]
) -> Ints:
    """Where a site's parameters stand among all.

    Raises:
        OutOfRangeError: if a site has another prior for one of them, or one that is unknown.
    """
    by_name = {p.name: (i, p) for i, p in enumerate(every)}
    places = []
    for p in site_parameters:
        if p.name not in by_name:
            raise OutOfRangeError(f"'{p.name}' is no shared parameter of this federation")
        i, known = by_name[p.name]
        if not np.allclose([p.prior, p.sd], [known.prior, known.sd]) or p.scale != known.scale:
            raise OutOfRangeError(
                f"sites have different priors for '{p.name}': {p.prior:g} and {known.prior:g}; "
                "give their scenes the same materials"
            )
        places.append(i)
    return np.array(places, np.int64)


def aggregate(
    updates: Sequence[SiteUpdate], z: Floats | None = None, damping: float = 0.0
) -> Shared:
    """One step from updates that were made at one place.

    Args:
        updates: Of sites; each may know only some of the parameters.
        z: Where they were made, of all parameters by name, in prior standard deviations;
            default: the place that the updates give.
        damping: How much shorter the step is than that of least squares: steps from far away
            overshoot. It is no prior: where no update pulls, nothing moves.
    Returns:
        Parameters after a Gauss-Newton step, and their precision.
    Raises:
        OutOfRangeError: if there are none, or they were made at different places.
    Source: checked by tests/federation/sites/test_aggregate.py: on a linear problem it is the least
    squares of all rows together.
    """
    if not updates:
        raise OutOfRangeError("there are no updates; give those of two sites or more")
    named = {p.name: p for s in updates for p in s.parameters}
    every = tuple(named[name] for name in sorted(named))
    here = np.zeros(len(every)) if z is None else np.asarray(z, np.float64)
    known = np.full(len(every), np.nan) if z is None else here
    for update in updates:
        places = places_among(update.parameters, every)
        off = np.abs(known[places] - update.z) > 1e-6
        if off.any():
            raise OutOfRangeError(
                f"the update of {update.site} was made elsewhere than the others; ask all anew "
                "with the same --at"
            )
        known[places] = update.z
    here = np.where(np.isfinite(known), known, 0.0)
    precision, pull, loss = summed(updates, every, here)
    damped = precision + damping * np.diag(np.diag(precision))
    step = np.clip(here + np.linalg.solve(damped, pull), -LIMIT, LIMIT)
    sent = sum(s.num_bytes for s in updates)
    return Shared(every, step, precision, loss, 1, sent, moved=float(np.abs(step - here).max()))


def summed(
    updates: Sequence[SiteUpdate], every: tuple[SharedParameter, ...], z: Floats
) -> tuple[Floats, Floats, float]:
    precision, pull, loss = np.eye(len(every)), -z.copy(), float(z @ z)
    for update in updates:
        places = places_among(update.parameters, every)
        precision[np.ix_(places, places)] += update.precision
        pull[places] += update.pull
        loss += update.loss
    return precision, pull, loss


def disagreement(updates: Sequence[SiteUpdate]) -> list[dict[str, Any]]:
    """How far each site stands from all others together, the farthest first.

    Every site's own best place is compared with that of the rest; their difference, over
    both precisions, is chi-squared with as many degrees as shared parameters if all speak
    of the same materials.

    Args:
        updates: Made at one place by three sites or more.
    Returns:
        site, distance (chi-squared), degrees and chance; a liar has a chance near 0.
    Checked by tests/federation/sites/test_aggregate.py.
    """
    from scipy.stats import chi2

    named = {p.name: p for s in updates for p in s.parameters}
    every = tuple(named[name] for name in sorted(named))
    found = []
    for k, one in enumerate(updates):
        rest = [s for i, s in enumerate(updates) if i != k]
        places = places_among(one.parameters, every)
        here = np.zeros(len(every))
        for s in updates:
            here[places_among(s.parameters, every)] = s.z
        others = np.linalg.inv(summed(rest, every, here)[0])
        there = here + others @ summed(rest, every, here)[1]
        # What a site cannot see at all is not compared.
        values, vectors = np.linalg.eigh(one.precision)
        seen = values > 1.0
        basis = vectors[:, seen]
        own = one.z @ basis + (one.pull @ basis) / values[seen]
        off = own - there[places] @ basis
        spread = np.diag(1.0 / values[seen]) + basis.T @ others[np.ix_(places, places)] @ basis
        distance = float(off @ np.linalg.solve(spread, off)) if seen.any() else 0.0
        degrees = int(seen.sum())
        chance = float(chi2.sf(distance, degrees)) if degrees else 1.0
        found.append({"site": one.site, "distance": distance, "degrees": degrees, "chance": chance})
    return sorted(found, key=lambda row: (row["chance"], row["site"]))
