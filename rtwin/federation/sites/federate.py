"""Rounds of sites at hand: starts, descents on the sums, and jumps between valleys.

As in a calibration of one site: slabs reflect much the same every half wavelength inside
them, so that the loss has a valley for each of these fringes. Every parameter is scanned alone,
fringes included, and descended from where the loss is least.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from rtwin.arrays import Floats, Ints
from rtwin.calibration.physics.fitting import LIMIT, TOLD_APART
from rtwin.errors import OutOfRangeError
from rtwin.federation.sites.aggregate import Shared, places_among, summed
from rtwin.federation.sites.site import Site, union_of
from rtwin.federation.sites.site_update import SharedParameter
from rtwin.progress import Count, uncounted

STEPS, STEPS_AROUND, TRIALS = 12, 8, 6
STARTS, REFINED = 24, 4
ENOUGH = 1e-3  # relative gain below which a search has arrived
APART = 0.1  # relative difference from which two values of a material are two
SCAN = np.linspace(-2.0, 2.0, 9)
FRINGES = 2  # of each parameter, from which is descended
LOOKS = 3  # around the best valley, at most
NEAR = 0.4  # prior standard deviations around a place in which nothing is scanned
Valley = tuple[float, Floats, Floats]  # loss, place, precision


def federate(
    sites: Sequence[Site],
    *,
    starts: int = STARTS,
    refined: int = REFINED,
    seed: int = 1,
    done: Count = uncounted,
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
    for _ in range(LOOKS):
        if not search.jumped():
            break
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
        self.places: list[Ints] = [places_among(site.parameters, self.every) for site in self.sites]

    def _each(self) -> zip:
        return zip(self.sites, self.places, strict=True)

    def loss(self, z: Floats) -> float:
        """Of all sites and the prior."""
        self.rounds += 1
        self.sent_bytes += 4 * len(self.sites)
        return float(sum(site.loss(z[place]) for site, place in self._each()) + z @ z)

    def updates(self, z: Floats) -> tuple[Floats, Floats, float]:
        """Precision, pull and loss of all sites and the prior."""
        self.rounds += 1
        updates = [site.update(z[place]) for site, place in self._each()]
        self.sent_bytes += sum(update.num_bytes for update in updates)
        return summed(updates, self.every, z)

    def best(self) -> Valley:
        return min(self.valleys, key=lambda valley: valley[0])

    def descend(self, z: Floats, steps: int = STEPS) -> Valley:
        """Levenberg-Marquardt on the sums; the valley at its end is remembered."""
        precision, pull, here = self.updates(z)
        damping = 1e-2
        for _ in range(steps):
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
        self.done(self.descents, self.descents + 1)
        return self.valleys[-1]

    def jumped(self) -> bool:
        """Look from the best valley at others; whether one is better."""
        here, best, _ = self.best()
        for other in self._starts(best):
            self.descend(other, STEPS_AROUND)
        return self.best()[0] < here * (1.0 - ENOUGH)

    def _starts(self, best: Floats) -> list[Floats]:
        """The best fringes of every parameter, and the best places of a coarse scan.

        A parameter that nobody sees is as good everywhere; scanned alone, it would hide the
        valleys of the others.
        """
        fringes = [self._places(best, i, values)[:FRINGES] for i, values in self._fringes(best)]
        scans = [
            self._places(best, i, [float(v) for v in SCAN[np.abs(SCAN - best[i]) > NEAR]])[:1]
            for i in range(len(best))
        ]
        scanned = sorted((place for places in scans for place in places), key=lambda p: p[0])
        chosen = [place for places in fringes for place in places] + scanned[: self.refined]
        return [place for _, place in chosen]

    def _fringes(self, z: Floats) -> list[tuple[int, list[float]]]:
        """Values of each parameter that would look much the same to some site."""
        values: dict[int, list[float]] = {}
        for site, place in self._each():
            for i, fringes in zip(place, site.fringes(z[place]), strict=True):
                known = values.setdefault(int(i), [])
                known += [v for v in fringes if all(abs(v - w) > 1e-3 for w in known)]
        return sorted(values.items())

    def _places(self, z: Floats, i: int, values: list[float]) -> list[tuple[float, Floats]]:
        """Loss and place with one parameter set to some values, the best first."""
        places = []
        for value in values:
            other = z.copy()
            other[i] = value
            places.append((self.loss(other), other))
        return sorted(places, key=lambda place: place[0])

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
