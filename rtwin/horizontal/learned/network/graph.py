"""The graph that the network reasons over: hypotheses, measured cells, cells.

    Posterior --hypothesis_graph--> HypothesisGraph --cells_of--> CellArrays, some cells at a time

Every feature has a name and a unit and stands at one place: the tuples below name
the last axis of each array. Nothing in it belongs to a scene, so that no weight does.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rtwin.arrays import Bools, Floats, Ints
from rtwin.horizontal.rehearsal import rows_of
from rtwin.horizontal.unknown_change import UNMEASURED_DB, Kriging, Posterior, extent_m

MAX_ROWS = 64  # measured cells that the network looks at
SCALE_DB = 10.0  # decibels are divided by it
WORLD = ("chance", "log_chance", "effect", "is_nothing", "is_none", "is_level", "num_entries")
PAIR = ("residual", "change", "left", "left_in_sd", "noise", "gain")
CELL = ("gain", "distance", "field_sd")


@dataclass(frozen=True, eq=False)
class HypothesisGraph:
    """A posterior as arrays. The last world is "none of these".

    Attributes:
        posterior: Where it comes from.
        rows: Measured rows that take part, [row].
        world: Features of each world, [world, WORLD].
        pair: Features of each world and row, [world, row, PAIR].
        alike: Likeness of the worlds' maps, -1 to 1, [world, world].
        change_db: Change of each world at each row [dB], [world, row].
        residual_db: [row].
    """

    posterior: Posterior
    rows: Ints
    world: Floats
    pair: Floats
    alike: Floats
    change_db: Floats
    residual_db: Floats
    cells_m: Floats
    gain_db: Floats  # [tx, cell]

    @cached_property
    def _fields(self) -> dict[int, tuple[Ints, Kriging]]:
        """Kriging of each measured transmitter, and its rows among `rows`."""
        found, evidence = {}, self.posterior.evidence
        for tx in np.unique(evidence.tx[self.rows]):
            own = np.flatnonzero(evidence.tx[self.rows] == tx)
            taken = self.rows[own]
            place, noise = self.cells_m[evidence.cell[taken]], np.hypot(evidence.sd_db[taken], 1.0)
            values = evidence.value_db[taken]
            found[int(tx)] = own, Kriging(place, values, noise, extent_m(self.cells_m))
        return found

    def cells_of(self, tx: int, cells: Ints | slice = slice(None)) -> "CellArrays":
        """Arrays of some cells of a transmitter."""
        places = self.cells_m[cells]
        num, first = self.posterior.library.num_cells, tx * self.posterior.library.num_cells
        changes = self.posterior.changes_db[:, first : first + num][:, cells]
        none = np.zeros((1, changes.shape[1]), np.float32)
        share = np.zeros((len(places), len(self.rows)))
        spread, nearest = np.full(len(places), UNMEASURED_DB), np.ones(len(places))
        if tx in self._fields:
            own, field = self._fields[tx]
            share[:, own], spread = field.shares(places)
            there = self.cells_m[self.posterior.evidence.cell[self.rows[own]]]
            far = np.square(places[:, None, :2] - there[None, :, :2]).sum(axis=-1)
            nearest = np.sqrt(far.min(axis=1)) / extent_m(self.cells_m)
        features = np.stack(
            [self.gain_db[tx][cells] / 100 + 1, 4 * nearest, spread / SCALE_DB], axis=-1
        )
        return CellArrays(
            np.concatenate([changes, none]).astype(np.float32),
            share.astype(np.float32),
            features.astype(np.float32),
        )


@dataclass(frozen=True, eq=False)
class CellArrays:
    """What the network is told of some cells of one transmitter.

    Attributes:
        change_db: Change of each cell in each world [dB], [world, cell].
        share: What each measured row counts in the kriging of each cell, [cell, row].
        features: [cell, CELL].
    """

    change_db: Floats
    share: Floats
    features: Floats


def hypothesis_graph(posterior: Posterior, cells_m: Floats, gain_db: Floats) -> HypothesisGraph:
    """The graph of a posterior.

    Args:
        posterior: By library_posterior.
        cells_m: Middle of each cell [m], [cell, 3].
        gain_db: The twin's map [dB], [tx, cell].
    """
    evidence, worlds = posterior.evidence, posterior.worlds
    rows = telling_rows(posterior)
    change = np.concatenate([posterior.predicted_db[:, rows], np.zeros((1, len(rows)))])
    residual, sd = evidence.value_db[rows], evidence.sd_db[rows]
    left = residual - change
    gain = gain_db[evidence.tx[rows], evidence.cell[rows]]

    def everywhere(values: Floats) -> Floats:
        return np.broadcast_to(values, change.shape)

    pair = np.stack(
        [
            everywhere(residual / SCALE_DB),
            change / SCALE_DB,
            left / SCALE_DB,
            np.tanh(left / (2 * np.hypot(sd, 1.0))),
            everywhere(sd / SCALE_DB),
            everywhere(gain / 100 + 1),
        ],
        axis=-1,
    )
    chance = np.append(posterior.weight, posterior.p_none)
    effect = np.append(np.sqrt(np.square(posterior.changes_db).mean(axis=1)), 0.0)
    num_entries = np.append(np.diff(worlds.share.indptr), 0)
    is_level = np.append((worlds.level_db != 0).any(axis=1), False)
    is_none = np.arange(len(chance)) == len(chance) - 1
    is_nothing = (num_entries == 0) & ~is_level & ~is_none
    world = np.stack(
        [
            chance,
            np.maximum(np.log(np.maximum(chance, 1e-12)), -20.0) / 10,
            np.log1p(effect),
            is_nothing,
            is_none,
            is_level,
            num_entries / 2,
        ],
        axis=-1,
    )
    return HypothesisGraph(
        posterior, rows, world, pair, _alike(posterior), change, residual, cells_m, gain_db
    )


def telling_rows(posterior: Posterior, most: int = MAX_ROWS) -> Ints:
    """Measured rows that say most: those that differ, then those that the worlds differ in."""
    evidence = posterior.evidence
    if len(evidence) <= most:
        return np.arange(len(evidence))
    surprise = np.abs(evidence.value_db) / np.hypot(evidence.sd_db, 1.0)
    differ = posterior.predicted_db.std(axis=0)
    score = np.minimum(surprise, 10) + np.minimum(differ, 10)
    return np.sort(np.argsort(-score, kind="stable")[:most])


def _alike(posterior: Posterior) -> Floats:
    """Cosine of the worlds' maps; "none of these" is like nothing."""
    maps = posterior.changes_db
    inner = (maps @ maps.T).astype(np.float64)
    size = np.sqrt(np.maximum(np.diag(inner), 1e-9))
    found = np.zeros((len(inner) + 1, len(inner) + 1))
    found[:-1, :-1] = inner / size / size[:, None]
    return found


def library_covariance(posterior: Posterior) -> tuple[Floats, Floats]:
    """Kriging by the covariance of the library's changes, and their size, [column] dB each."""
    library, evidence = posterior.library, posterior.evidence
    at = library.at(rows_of(library.num_cells, evidence.tx, evidence.cell))
    num = max(len(library), 1)
    noise = np.square(evidence.sd_db) + 1.0
    solved = np.linalg.solve(at.T @ at / num + np.diag(noise), evidence.value_db)
    mean: Floats = np.asarray(library.gain_db.T @ (at @ solved)).ravel() / num
    effect: Floats = np.sqrt(np.asarray(library.gain_db.power(2).sum(axis=0)).ravel() / num)
    return mean, effect


def changed(change_db: Floats) -> Bools:
    """Cells that changed: by more than 1 dB."""
    return np.abs(change_db) > 1.0
