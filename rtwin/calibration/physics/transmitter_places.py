"""Where the transmitters really stand: a search without slopes, before any material is fitted.

Which surfaces a wave meets changes in steps as a mast moves, so a loss over its
place has no slope to follow. Each place is traced anew.
"""

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from scipy.stats import qmc

from rtwin.arrays import Floats
from rtwin.calibration.campaign import FitSpec, Link, Measurements
from rtwin.calibration.journal import Journal
from rtwin.calibration.physics.fitting import TOLD_APART, Problem, Scatter
from rtwin.calibration.physics.model import MATERIAL_KINDS, Parameter, build_model
from rtwin.progress import Count, uncounted
from rtwin.trace import World, ground_height_m, is_inside

_AXES = ("x_error_m", "y_error_m", "height_error_m")
_POWER = 10  # of two: as many draws can be asked for
_REFINED = 2
_WALK = 20  # evaluations that a walk takes, about
_FINEST_M = 0.25
_REACH = 2.5  # prior standard deviations that a mast may be off
_ABOVE_GROUND_M = 0.5
_NEAR = 0.6  # the same around what was found before
_MAX_ROWS = 200
_STEPS = 4  # of the fit at each place
_SLICES = np.array([0.1, 0.25, 0.5, 1.0, 2.0])  # prior standard deviations from the best
_SEEN = 0.8
_IMPOSSIBLE = 1e9


@dataclass(frozen=True, eq=False)
class Placement:
    """Errors of the transmitters' places.

    Attributes:
        given: The transmitters where the campaign has them.
        shift_m: What is to be added to each transmitter's place, [tx, 3] m.
        rows: One for each axis of each mast, as PhysicalFit.identifiability has them.
    """

    given: tuple[Link, ...]
    shift_m: Floats
    rows: tuple[dict[str, Any], ...]

    def moved(self, data: Measurements) -> Measurements:
        """The measurements with their transmitters where they were found."""
        links = tuple(
            _moved(link, shift) for link, shift in zip(self.given, self.shift_m, strict=True)
        )
        return replace(data, transmitters=links)


def find_places(
    world: World,
    data: Measurements,
    parameters: tuple[Parameter, ...],
    spec: FitSpec,
    z: Floats | None = None,
    start: Placement | None = None,
    seed: int = 1,
    draws: int = 31,
    progress: Count = uncounted,
    journal: Journal | None = None,
) -> Placement:
    """Search the place of every mast that the data say something about.

    At each place what needs no new fields (antenna, losses, dynamic range) is
    fitted with it, so that a place does not make up for a compass. Once places were
    found and materials fitted, both are fitted together near there.

    Args:
        world: The scene with the campaign's transmitters.
        data: Rows to explain; at most 200 of each mast are looked at.
        parameters: Of the fit; materials stay as `z` has them.
        spec: Which of place and height are free, and their standard deviations.
        z: Parameters in prior standard deviations; default: the prior.
        start: What an earlier search found.
        seed: Of draws.
        draws: Places all over the prior that are tried first, with the campaign's.
    Returns:
        Where they are; masts that the data do not see stay where the campaign has them.
    Source: space-filling draws, then a pattern search (Hooke and Jeeves, 1961); checked by
    tests/calibration/physics/test_transmitter_places.py with transmitters that were put elsewhere.
    """
    journal = journal or Journal()
    z = np.zeros(len(parameters)) if z is None else z
    if start is not None:
        data = replace(data, transmitters=start.given)
    shift, rows = np.zeros((len(data.transmitters), 3)), []
    groups = _masts(data)
    sd = prior_sd_m(spec)
    for number, members in enumerate(groups):
        mast = _Mast(world, data, parameters, spec, z, members, sd, seed, start is not None)
        if mast.is_measured:

            def report(done: int, total: int, number: int = number) -> None:
                progress(number * total + done, len(groups) * total)

            begin = np.zeros(3) if start is None else start.shift_m[members[0]]
            found = journal.step(partial(mast.search, begin, draws, report))
            seen = found["width"] <= _SEEN
            shift[members] = np.where(seen, found["shift"], 0.0)
            rows += _rows(data.transmitters[members[0]].name, found, sd)
    return Placement(data.transmitters, shift, tuple(rows))


def prior_sd_m(spec: FitSpec) -> Floats:
    """Standard deviations of a mast's place [m], [3]; 0 where it is not free."""
    place = spec.position_sd_m if "tx_position" in spec.parameters else 0.0
    height = spec.height_sd_m if "tx_height" in spec.parameters else 0.0
    return np.array([place, place, height])


def _masts(data: Measurements) -> list[list[int]]:
    """Transmitters that stand at one place."""
    found: dict[tuple[float, ...], list[int]] = {}
    for number, link in enumerate(data.transmitters):
        found.setdefault(tuple(round(v, 2) for v in link.position_m), []).append(number)
    return list(found.values())


class _Mast:
    """One mast's rows and what they say of its place."""

    def __init__(
        self,
        world: World,
        data: Measurements,
        parameters: tuple[Parameter, ...],
        spec: FitSpec,
        z: Floats,
        members: list[int],
        sd: Floats,
        seed: int,
        again: bool,
    ) -> None:
        rows = np.flatnonzero(np.isin(data.tx, members))
        if len(rows) > _MAX_ROWS:
            rows = np.sort(np.random.default_rng(seed).permutation(rows)[:_MAX_ROWS])
        self.world, self.data, self.spec, self.sd, self.seed = (
            world,
            data.take(rows),
            spec,
            sd,
            seed,
        )
        self.is_measured = len(rows) > 0
        self.members = members
        self.free = np.flatnonzero(sd > 0)
        # Before any fit materials are what the scene says; after it they follow the place.
        is_material = np.array([not again and p.kind in MATERIAL_KINDS for p in parameters], bool)
        self.parameters = tuple(
            _held(p, v) if fixed else p
            for p, v, fixed in zip(parameters, z, is_material, strict=True)
        )
        self.z = np.where(is_material, 0.0, z)
        self.scatter: Scatter | None = None
        self.known: list[tuple[float, Floats]] = []
        self.levels: dict[tuple[float, ...], float] = {}

    def loss(self, off: Floats) -> float:
        """Loss with the mast so many prior standard deviations off, [3]."""
        key = tuple(np.round(off * self.sd, 3))
        if key not in self.levels:
            self.levels[key] = self._loss(off)
            self.known.append((self.levels[key], off.copy()))
        return self.levels[key]

    def _loss(self, off: Floats) -> float:
        links = list(self.data.transmitters)
        for n in self.members:
            links[n] = _moved(links[n], off * self.sd)
        place = np.array([links[self.members[0]].position_m])
        ground = float(ground_height_m(self.world, place[:, :2])[0])
        if place[0, 2] < ground + _ABOVE_GROUND_M or is_inside(self.world, place)[0]:
            return _IMPOSSIBLE
        model = build_model(self.world, replace(self.data, transmitters=tuple(links)))
        problem = Problem(model, self.parameters, self.spec)
        if self.scatter is None:
            problem.adopt_noise(self.z)
            self.scatter = problem.scatter
        problem.scatter = self.scatter
        _, loss = problem.descend(self.z, steps=_STEPS)
        return loss + float(off @ off)

    def search(self, begin_m: Floats, draws: int, progress: Count) -> dict[str, Floats]:
        """Best shift [m], posterior over prior width, and the range not excluded [m], each [3]."""
        total = draws + _REFINED * _WALK
        here = self.loss(np.zeros(3))
        begin = np.divide(begin_m, self.sd, out=np.zeros(3), where=self.sd > 0)
        self.loss(begin)
        places = qmc.Sobol(len(self.free), rng=self.seed).random_base2(_POWER)[1 : draws + 1]
        for number, draw in enumerate(places):
            progress(number, total)
            off = np.zeros(3)
            # What was found before is near: its surroundings are looked at.
            reach = _NEAR if begin_m.any() else _REACH
            off[self.free] = begin[self.free] + (2 * draw - 1) * reach
            off = np.clip(off, -_REACH, _REACH)
            self.loss(off)
        starts = sorted(self.known, key=lambda place: place[0])[:_REFINED]
        best = np.zeros(3)
        for number, (_, off) in enumerate(starts):
            progress(draws + _WALK * number, total)
            end = self._walk(off)
            if self.loss(end) < self.loss(best):
                best = end
        # What the best leaves over is the noise that counts.
        lowest = self.loss(best)
        scale = max(lowest / max(len(self.data), 1), 1.0)
        width, low, high = np.ones(3), np.zeros(3), np.zeros(3)
        for axis in self.free:
            width[axis] = self._width(best, int(axis), scale)
        near = [off for loss, off in self.known if (loss - lowest) / scale < TOLD_APART]
        low, high = np.min(near, axis=0) * self.sd, np.max(near, axis=0) * self.sd
        progress(total, total)
        return {
            "shift": best * self.sd,
            "width": width,
            "low": low,
            "high": high,
            "gain": np.array((here - lowest) / scale),
        }

    def _walk(self, off: Floats) -> Floats:
        """A pattern search: steps along the axes, then on in the direction that helped."""
        step = 0.5
        while step * self.sd[self.free].max() >= _FINEST_M:
            new = self._explore(off, step)
            if self.loss(new) < self.loss(off):
                further = self._explore(np.clip(2 * new - off, -_REACH, _REACH), step)
                off = min(new, further, key=self.loss)
            else:
                step /= 2
        return off

    def _explore(self, off: Floats, step: float) -> Floats:
        """The end of one step along each axis in turn, where that is better."""
        for axis in self.free:
            around = []
            for sign in (-1.0, 1.0):
                other = off.copy()
                other[axis] = np.clip(other[axis] + sign * step, -_REACH, _REACH)
                around.append(other)
            off = min(off, *around, key=self.loss)
        return off

    def _width(self, best: Floats, axis: int, scale: float) -> float:
        """Posterior over prior standard deviation along one axis through the best."""
        steps = np.concatenate([-_SLICES[::-1], [0.0], _SLICES])
        losses = []
        for step in steps:
            other = best.copy()
            other[axis] = best[axis] + step
            losses.append(self.loss(other))
        rise = (np.array(losses) - self.loss(best)) / scale
        fine = np.linspace(steps[0], steps[-1], 2001)
        weight = np.exp(-np.interp(fine, steps, np.minimum(rise, 200.0)) / 2)
        mean = (weight * fine).sum() / weight.sum()
        return float(np.sqrt((weight * (fine - mean) ** 2).sum() / weight.sum()))


def _moved(link: Link, shift_m: Floats) -> Link:
    x, y, z = (float(v) for v in np.add(link.position_m, shift_m))
    return replace(link, position_m=(x, y, z))


def _held(parameter: Parameter, z: float) -> Parameter:
    """The parameter as one that does not move."""
    return replace(parameter, prior=parameter.value(z), sd=0.0, scale="linear")


def _rows(name: str, found: dict[str, Floats], sd: Floats) -> list[dict[str, Any]]:
    rows = []
    for axis in np.flatnonzero(sd > 0):
        shift, width = float(found["shift"][axis]), float(found["width"][axis])
        seen = width <= _SEEN
        rows.append(
            {
                "parameter": f"{name} {_AXES[axis].replace('_', ' ')}",
                "kind": _AXES[axis],
                "target": name,
                "prior": 0.0,
                "value": shift if seen else 0.0,
                "fitted": shift,
                "low": float(found["low"][axis]),
                "high": float(found["high"][axis]),
                "posterior_over_prior": width,
                "identified": seen,
                "verdict": "seen" if seen else "the data cannot see it; the prior is kept",
            }
        )
    return rows
