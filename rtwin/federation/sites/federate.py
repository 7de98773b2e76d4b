"""Rounds of sites at hand: starts, descents on the sums, and jumps between valleys.

As in a calibration of one site: slabs reflect much the same every half wavelength inside
them, so that the loss has a valley for each of these fringes. Every parameter is scanned alone,
fringes included, and descended from where the loss is least.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rtwin.calibration.physics.loss import LIMIT, TOLD_APART
from rtwin.errors import OutOfRangeError
from rtwin.federation.sites.aggregate import Shared, places_among, summed
from rtwin.federation.sites.site import Site, union_of
from rtwin.federation.sites.site_update import Real, SharedParameter

STEPS, TRIALS = 12, 6
STARTS, REFINED = 24, 4
ENOUGH = 1e-3  # relative gain below which a search has arrived
APART = 0.1  # relative difference from which two values of a material are two
SCAN = np.linspace(-2.0, 2.0, 9)
NEAR = 0.4  # prior standard deviations around a place in which nothing is scanned
Valley = tuple[float, Real, Real]  # loss, place, precision


def federate(
    sites: Sequence[Site],
    *,
    starts: int = STARTS,
    refined: int = REFINED,
    seed: int = 1,
    done: Callable[[int, int], None] = lambda step, total: None,
) -> Shared:
    """Fit the shared parameters of sites that can be asked again and again.

    Args:
        sites: One is a fit of its own.
        starts: Places that are tried first; only losses are asked there.
        refined: Of these, how many are descended from, and from how many others thereafter.
        seed: Draws the starts.
        done: Called with descents done and in all.
    Returns:
        The best place, what else fits, and what was sent.
    Raises:
        OutOfRangeError: if there are no sites, or their priors differ.
    Checked by tests/federation/sites.
    """
    if not sites:
        raise OutOfRangeError("there are no sites; give one or more")
    search = _Search(sites, refined, done)
    size = len(search.every)
    rng = np.random.default_rng([seed, 40])
    tried = [np.zeros(size)]
    tried += list(np.clip(rng.standard_normal((starts, size)), -2.0, 2.0))
    order = np.argsort([search.loss(z) for z in tried], kind="stable")[:refined]
    for k in order:
        search.descend(tried[k])
    # The noise that counts is the one that the best leaves over.
    best = search.best()[1]
    for site, place in zip(sites, search.places, strict=True):
        site.adopt_noise(best[place])
    search.valleys.clear()  # losses of another noise do not compare
    search.descend(best)
    while search.jumped():
        pass
    return search.found()


@dataclass(eq=False)
class _Search:
    """Valleys of the summed loss, and an account of what was asked for them."""

    sites: Sequence[Site]
    refined: int
    done: Callable[[int, int], None]
    valleys: list[Valley] = field(default_factory=list)
    rounds: int = 0
    sent_bytes: int = 0
    descents: int = 0

    def __post_init__(self) -> None:
        self.every: tuple[SharedParameter, ...] = union_of(self.sites)
        self.places: list[NDArray[np.int64]] = [
            places_among(site.parameters, self.every) for site in self.sites
        ]

    def _each(self) -> zip:
        return zip(self.sites, self.places, strict=True)

    def loss(self, z: Real) -> float:
        """Of all sites and the prior."""
        self.rounds += 1
        self.sent_bytes += 4 * len(self.sites)
        return float(sum(site.loss(z[place]) for site, place in self._each()) + z @ z)

    def updates(self, z: Real) -> tuple[Real, Real, float]:
        """Precision, pull and loss of all sites and the prior."""
        self.rounds += 1
        updates = [site.update(z[place]) for site, place in self._each()]
        self.sent_bytes += sum(update.num_bytes for update in updates)
        return summed(updates, self.every, z)

    def best(self) -> Valley:
        return min(self.valleys, key=lambda valley: valley[0])

    def descend(self, z: Real) -> Valley:
        """Levenberg-Marquardt on the sums; the valley at its end is remembered."""
        precision, pull, here = self.updates(z)
        damping = 1e-2
        for _ in range(STEPS):
            for _ in range(TRIALS):
                scaled = precision + damping * np.diag(np.diag(precision))
                trial = np.clip(z + np.linalg.solve(scaled, pull), -LIMIT, LIMIT)
                new = self.loss(trial)
                if new < here:
                    break
                damping *= 4.0
            else:
                break
            gain, z, damping = here - new, trial, max(damping / 4.0, 1e-6)
            precision, pull, here = self.updates(z)
            if gain < ENOUGH * here:
                break
        self.valleys.append((here, z, precision))
        self.descents += 1
        self.done(self.descents, self.descents + self.refined)
        return self.valleys[-1]

    def jumped(self) -> bool:
        """Look from the best valley at others, one parameter at a time; whether one is better."""
        here, best, _ = self.best()
        places = []
        for i, values in enumerate(self._worth_a_look(best)):
            for value in values:
                other = best.copy()
                other[i] = value
                places.append((self.loss(other), i, other))
        tried: set[int] = set()
        for _, i, other in sorted(places, key=lambda place: place[:2]):
            if i in tried:
                continue
            tried.add(i)
            self.descend(other)
            if len(tried) == self.refined:
                break
        return self.best()[0] < here * (1.0 - ENOUGH)

    def _worth_a_look(self, z: Real) -> list[list[float]]:
        values = [[float(v) for v in SCAN[np.abs(SCAN - at) > NEAR]] for at in z]
        for site, place in self._each():
            for i, fringes in zip(place, site.fringes(z[place]), strict=True):
                values[i] += [v for v in fringes if v not in values[i]]
        return values

    def found(self) -> Shared:
        """The best valley, with others that fit nearly as well."""
        least, z, precision = self.best()
        near = [other for loss, other, _ in self.valleys if loss < least + TOLD_APART]
        rivals = tuple(_rivals(p, z[i], [o[i] for o in near]) for i, p in enumerate(self.every))
        return Shared(self.every, z, precision, least, self.rounds, self.sent_bytes, rivals)


def _rivals(shared: SharedParameter, z: float, others: list[float]) -> tuple[float, ...]:
    here = shared.value(float(z))
    values = {shared.value(float(v)) for v in others}
    return tuple(sorted(v for v in values if abs(v - here) > APART * abs(here)))
