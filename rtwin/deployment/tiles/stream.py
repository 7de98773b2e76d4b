"""Policies on the stream: which tile is updated how, within a budget of processor time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from rtwin.arrays import Floats, Ints
from rtwin.deployment.drift.exact import knapsack
from rtwin.deployment.quality import accuracy_of, free_space_error_db
from rtwin.deployment.tiles.city import (
    EDIT,
    FULL,
    MEASURE,
    UNCERTAINTY_DB,
    City,
    Tile,
    TileStudy,
    in_motion,
    reports,
)
from rtwin.horizontal.levels import floored_db
from rtwin.horizontal.unknown_change import MapTwin, Residuals
from rtwin.horizontal.unknown_change.residuals import residuals_of
from rtwin.horizontal.update.inference import kriged
from rtwin.units import from_db

# "edit" and "rebuild" also use the measurements of the slot.
CHOICES = ("none", "measure", "edit", "rebuild")
_NONE, _MEASURE, _EDIT, _REBUILD = range(len(CHOICES))
_STEPS = 200  # into which the knapsack divides the credit
_RARELY = 4  # slots between updates


class Twin:
    """The twin of a tile: its map, and the slot that it is of."""

    def __init__(self, tile: Tile) -> None:
        self.tile = tile
        self.gain = tile.versions[0].copy()
        self.version, self.touched = 0, 0
        self.inferred = np.zeros(self.gain.shape, bool)

    def take(
        self, choice: int, slot: int, told: tuple[Ints, Ints, Floats], noise_db: float
    ) -> None:
        """Do what was chosen, with the reports of the slot."""
        if choice == _NONE:
            return
        new = self.tile.version(slot)
        if choice in (_EDIT, _REBUILD):
            traced = self.tile.versions[new]
            changed = np.ones(self.gain.shape, bool)
            if choice == _EDIT:
                changed = traced != self.tile.versions[self.version]
            self.gain = np.where(changed, traced, self.gain)
            self.inferred &= ~changed
            self.version = new
        found = self.compared(told, noise_db)
        made = kriged(self._map(), found, False).correction
        shape = self.gain.shape
        changed = ~made.is_preserved.reshape(shape) & (self.gain > 0)
        corrected = np.minimum(from_db(made.gain_db.reshape(shape)), 1.0)
        self.gain = np.where(changed, corrected, self.gain)
        self.inferred |= changed
        self.touched = slot

    def _map(self) -> MapTwin:
        flat = self.gain.reshape(len(self.gain), -1)
        return MapTwin(
            self.tile.recipe,
            self.tile.template.cell_centers_m.reshape(-1, 3),
            float(self.tile.template.attributes["cell_size_m"]),
            floored_db(flat),
            np.full(flat.shape, UNCERTAINTY_DB),
        )

    def compared(self, told: tuple[Ints, Ints, Floats], noise_db: float) -> Residuals:
        """Residuals of the reports."""
        return residuals_of(self._map(), *told, noise_db)


@dataclass(frozen=True, eq=False)
class Known:
    """What an operator knows of the tiles as a slot begins.

    Attributes:
        slot: Its number.
        error_db: Of each twin against the reports [dB], [tile].
        pending: Edits that each twin does not have, [tile].
        expected_db: Error that each choice is expected to leave [dB], [tile, choice].
        seconds: What each takes, infinite where there is nothing to do, [tile, choice].
        credit: Seconds that may be spent.
        worst_db: Error from which on a twin is no better than free space [dB], [tile].
    """

    slot: int
    error_db: Floats
    pending: Ints
    expected_db: Floats
    seconds: Floats
    credit: float
    worst_db: Floats


Policy = Callable[[Known], Ints]


def nothing(known: Known) -> Ints:
    """Twins are left as they were built."""
    return np.zeros(len(known.error_db), np.int64)


def everything(known: Known) -> Ints:
    """All that can be done, whatever it costs."""
    return np.where(known.pending > 0, _EDIT, _MEASURE)


class Periodic:
    """Tiles in turn, as soon as there is credit for the next one."""

    def __init__(self, rebuilds: bool) -> None:
        self.rebuilds, self.next = rebuilds, 0

    def __call__(self, known: Known) -> Ints:
        """What is done in a slot, [tile]."""
        found, left = nothing(known), known.credit
        for _ in range(len(found)):
            tile = self.next
            choice = _REBUILD if self.rebuilds else int(everything(known)[tile])
            if known.seconds[tile, choice] > left:
                break
            found[tile] = choice
            left -= known.seconds[tile, choice]
            self.next = (tile + 1) % len(found)
        return found


def spent_best(known: Known, gains: Floats) -> Ints:
    """The choices whose gains [tile, choice] add up to most within the credit."""
    step = max(known.credit / _STEPS, 1e-9)
    units = np.ceil(np.minimum(known.seconds / step, _STEPS + 1)).astype(np.int64)
    return knapsack(np.where(np.isfinite(known.seconds), gains, -np.inf), units, _STEPS)


def _accuracy_gains(known: Known) -> Floats:
    # Not cut at 0: of two twins that are worse than free space, either can become better.
    accuracy = 1 - known.expected_db / known.worst_db[:, None]
    return np.asarray(accuracy - accuracy[:, :1], np.float64)


def greedy(known: Known) -> Ints:
    """What makes twins most accurate now, with all credit: `rtwin deploy` in every slot."""
    return spent_best(known, _accuracy_gains(known))


def rarely(known: Known) -> Ints:
    """As greedy, but every few slots, when credit for dear updates has come together."""
    return greedy(known) if known.slot % _RARELY == _RARELY - 1 else nothing(known)


def saving(known: Known) -> Ints:
    """The most accuracy per second, tile by tile; if credit is short, it waits for more."""
    takes = np.where(known.seconds > 0, known.seconds, np.inf)
    rate = _accuracy_gains(known) / takes
    best, found, left = rate.argmax(axis=1), nothing(known), known.credit
    for tile in np.argsort(-rate.max(axis=1), kind="stable"):
        if rate[tile, best[tile]] <= 0 or known.seconds[tile, best[tile]] > left:
            break
        found[tile] = best[tile]
        left -= known.seconds[tile, best[tile]]
    return found


POLICIES: dict[str, Callable[[], Policy]] = {
    "left as built": lambda: nothing,
    "periodic rebuilding": lambda: Periodic(True),
    "periodic updating": lambda: Periodic(False),
    "deploy, every slot": lambda: greedy,
    f"deploy, every {_RARELY} slots": lambda: rarely,
    "most for a second, saving": lambda: saving,
    "all of it, whatever it costs": lambda: everything,
}
UNLIMITED = ("all of it, whatever it costs",)


@dataclass(frozen=True, eq=False)
class Course:
    """What a policy made of a run.

    Attributes:
        choice: [slot, tile], of CHOICES.
        seconds: Spent, [slot].
        error_db: Over all cells after the slot's updates, [slot, tile].
        gain: Maps of the slots in which slices are served, by (slot, tile).
        facts: Age of each twin in slots, and share of it that is inferred, [slot, tile, 2].
    """

    choice: Ints
    seconds: Floats
    error_db: Floats
    gain: dict[tuple[int, int], Floats]
    facts: Floats


def run_policy(study: TileStudy, city: City, tiles: Sequence[Tile], name: str, run: int) -> Course:
    """Run a policy through a run of the stream.

    Args:
        study: What is asked.
        city: What rungs cost, and leave.
        tiles: In motion, see in_motion.
        name: Of POLICIES.
        run: Number of the run, by which reports are drawn.
    """
    policy, twins = POLICIES[name](), [Twin(tile) for tile in tiles]
    worst = np.array([_worst_db(tile) for tile in tiles])
    measure_s, edit_s, full_s = (city.seconds(rung) for rung in (MEASURE, EDIT, FULL))
    share, shift = city.left(MEASURE), city.shift_db(EDIT)
    credit, first = 0.0, None
    shape = (study.slots, len(tiles))
    choice, error = np.zeros(shape, np.int64), np.zeros(shape)
    seconds, facts, kept = np.zeros(study.slots), np.zeros((*shape, 2)), {}
    for slot in range(study.slots):
        credit += study.budget * full_s
        told = [
            reports(study, tile, slot, np.random.default_rng((study.seed, run, slot, number)))
            for number, tile in enumerate(tiles)
        ]
        off = np.array(
            [
                np.sqrt(max(float(np.mean(twin.compared(t, study.report_db).value_db ** 2)), 1e-9))
                for twin, t in zip(twins, told, strict=True)
            ]
        )
        now = np.sqrt(np.maximum(off**2 - study.report_db**2, 0.25))
        first = float(np.median(now)) if first is None else first
        pending = np.array([t.version(slot) - w.version for t, w in zip(tiles, twins, strict=True)])
        drift = np.sqrt(np.maximum(now**2 - pending * shift**2, 0.25))
        expected = np.stack(
            [now, share * now, share * drift, np.full(len(now), share * first)], axis=1
        )
        takes = np.tile([0.0, measure_s, measure_s, measure_s + full_s], (len(now), 1))
        takes[:, _EDIT] += edit_s * pending
        takes[pending == 0, _EDIT] = np.inf
        free = name in UNLIMITED
        known = Known(slot, now, pending, expected, takes, np.inf if free else credit, worst)
        done = policy(known)
        cost = float(takes[np.arange(len(done)), done].sum())
        credit -= cost
        choice[slot], seconds[slot] = done, cost
        for number, (twin, tile) in enumerate(zip(twins, tiles, strict=True)):
            twin.take(int(done[number]), slot, told[number], study.report_db)
            error[slot, number] = tile.error_db(twin.gain, slot)
            age = slot - twin.touched
            facts[slot, number] = age, twin.inferred[:, tile.outdoors].mean()
            if slot % study.served == study.served - 1:
                kept[slot, number] = twin.gain
    return Course(choice, seconds, error, kept, facts)


def _worst_db(tile: Tile) -> float:
    return free_space_error_db(tile.template, (tile.template.path_gain > 0) & tile.outdoors)


def accuracies(tiles: Sequence[Tile], error_db: Floats) -> Floats:
    """Accuracy of errors [..., tile], as rtwin.deployment.quality has it."""
    found = np.empty_like(error_db)
    for number, tile in enumerate(tiles):
        worst = _worst_db(tile)
        own = error_db[..., number]
        found[..., number] = np.reshape([accuracy_of(e, worst) for e in own.ravel()], own.shape)
    return found


def moved(study: TileStudy, city: City, run: int) -> list[Tile]:
    """The tiles of a run."""
    return [in_motion(study, tile, run) for tile in city.tiles]
