"""What new measurements say against a twin: residuals of cells, and their kriging."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from rtwin.arrays import Floats, Ints
from rtwin.calibration.campaign import Measurements, grid_means
from rtwin.calibration.statistics import Design, LinkKernel, Term, fit_process
from rtwin.errors import CampaignError, nearest
from rtwin.horizontal.levels import FLOOR_DB
from rtwin.horizontal.unknown_change.cell_paths import MapTwin

_ENOUGH = 3  # rows of which the median is an offset
_FEW = 6  # rows below which no process is fitted
_FIELD_SD_DB, _FIELD_LENGTH = 6.0, 0.15  # prior of a residual field, over the map's diagonal


@dataclass(frozen=True, eq=False)
class Residuals:
    """Measured path gain of some cells over the twin's, one row each.

    Attributes:
        tx: Transmitter, [row].
        cell: Cell, [row].
        device: Receiving device, [row].
        value_db: Measured less stored path gain [dB], [row].
        sd_db: Standard deviation of the measurement and the twin's own, [row] dB.
        noise_db: Of the measurement alone, [row] dB.
        set_aside: How many raw rows were not used, by reason.
    """

    tx: Ints
    cell: Ints
    device: Ints
    value_db: Floats
    sd_db: Floats
    noise_db: Floats
    set_aside: dict[str, int]

    def __len__(self) -> int:
        return len(self.tx)

    def groups(self) -> list[Ints]:
        """The rows of each pair of a transmitter and a device."""
        key = np.stack([self.tx, self.device], axis=1)
        _, inverse = np.unique(key, axis=0, return_inverse=True)
        inverse = np.asarray(inverse).reshape(-1)
        return [np.flatnonzero(inverse == n) for n in range(inverse.max(initial=-1) + 1)]

    def shown_sd_db(self, value_db: Floats) -> Floats:
        """Standard deviations with no more of the twin's own than half of the rows show, [row] dB.

        What a twin states of itself is often a guess, and too much of it hides changes.

        Args:
            value_db: The residuals, levels taken off or not [dB], [row].
        """
        stated = np.square(self.sd_db) - np.square(self.noise_db)
        # The median of the absolute value of a normal variable is 0.6745 standard deviations.
        seen = (np.median(np.abs(value_db)) / 0.6745) ** 2 - np.median(np.square(self.noise_db))
        found: Floats = np.sqrt(np.square(self.noise_db) + np.clip(seen, 0, np.maximum(stated, 0)))
        return found

    def without_offsets(self, value_db: Floats) -> Floats:
        """Values [..., row] less the median of each transmitter and device."""
        out = np.array(value_db, np.float64)
        for rows in self.groups():
            if len(rows) >= _ENOUGH:
                out[..., rows] -= np.median(out[..., rows], axis=-1, keepdims=True)
        return out


def residuals_of(
    twin: MapTwin,
    tx: ArrayLike,
    cell: ArrayLike,
    gain_db: ArrayLike,
    noise_db: ArrayLike,
    device: ArrayLike = 0,
) -> Residuals:
    """Residuals of path gains that are known per cell.

    Args:
        twin: Against which.
        tx: Row of the twin's transmitters, [row].
        cell: Row of its cells, [row].
        gain_db: Measured path gain [dB], [row].
        noise_db: Standard deviation of the measurements [dB], [row] or one.
        device: Who measured, [row] or one.
    """
    tx, cell = np.asarray(tx, np.int64), np.asarray(cell, np.int64)
    level = np.maximum(np.asarray(gain_db, np.float64), FLOOR_DB)
    noise = np.array(np.broadcast_to(noise_db, tx.shape), np.float64)
    sd = np.hypot(noise, twin.sigma_db[tx, cell])
    everyone = np.broadcast_to(np.asarray(device, np.int64), tx.shape)
    return Residuals(tx, cell, everyone, level - twin.gain_db[tx, cell], sd, noise, {})


def residuals(twin: MapTwin, data: Measurements, quantity: str) -> Residuals:
    """Residuals of a campaign: its rows averaged over the twin's cells in linear power.

    Args:
        twin: Against which; its transmitters are found by name.
        data: As rtwin.calibration.load_measurements gives it, without a grid.
        quantity: The campaign's: path_gain_db, path_loss_db or rss_dbm.
    Raises:
        CampaignError: if a transmitter or the quantity is unknown to the twin, or no
            row lies in a cell.
    """
    if quantity not in ("path_gain_db", "path_loss_db", "rss_dbm"):
        raise CampaignError(
            f"a twin's map holds path gain, the campaign measured {quantity}; "
            "give path_gain_db, path_loss_db or rss_dbm"
        )
    row_of, power = _row_of(twin, data), np.zeros(len(data.transmitters))
    if quantity == "rss_dbm":
        power = np.array([twin.recipe.transmitter[row].power_dbm for row in row_of])
    # Cells begin at the map's corner, grid_means at zero.
    size, low = twin.cell_size_m, _corner_m(twin)
    means = grid_means(replace(data, position_m=data.position_m - [*low, 0.0]), size)
    cell = _cells_at(twin, means.position_m[:, :2])
    known = (cell >= 0) & ~means.censored
    aside = dict(data.set_aside)
    for reason, lost in (
        ("outside the map", cell < 0),
        ("below the noise floor", (cell >= 0) & means.censored),
    ):
        if lost.any():
            aside[reason] = int(means.count[lost].sum())
    if not known.any():
        raise CampaignError(
            "no measurement lies in a cell of the twin's map; compare positions and "
            "radio_map.area, and the campaign's origin with the scene's georeference"
        )
    kept = means.take(known)
    found = residuals_of(
        twin,
        row_of[kept.tx],
        cell[known],
        kept.level_db - power[kept.tx],
        kept.uncertainty_db,
        kept.device,
    )
    return replace(found, set_aside=aside)


def rows_of_twin(twin: MapTwin, data: Measurements) -> tuple[Ints, Ints]:
    """The twin's transmitter and cell of every raw row, [row] each; cell -1 outside the map.

    Raises:
        CampaignError: if a transmitter is unknown to the twin.
    """
    cell = _cells_at(twin, data.position_m[:, :2] - _corner_m(twin))
    return _row_of(twin, data)[data.tx], cell


def _row_of(twin: MapTwin, data: Measurements) -> Ints:
    """The twin's row of each of the campaign's transmitters."""
    for link in data.transmitters:
        if link.name not in twin.names:
            raise CampaignError(
                f"the twin has no transmitter '{link.name}'; {nearest(link.name, twin.names)}"
            )
    return np.array([twin.names.index(link.name) for link in data.transmitters], np.int64)


def _corner_m(twin: MapTwin) -> Floats:
    """Where the map begins [m], [2]."""
    return np.asarray(twin.cell_m[:, :2].min(axis=0) - twin.cell_size_m / 2)


def _cells_at(twin: MapTwin, from_corner_m: Floats) -> Ints:
    """Cells of places [place, 2] m from the map's corner; -1 outside."""
    middle, place = (
        np.floor(where / twin.cell_size_m).astype(np.int64)
        for where in (twin.cell_m[:, :2] - _corner_m(twin), from_corner_m)
    )
    numbers = {(int(x), int(y)): n for n, (x, y) in enumerate(middle)}
    return np.array([numbers.get((int(x), int(y)), -1) for x, y in place], np.int64)


def krige(
    twin: MapTwin, found: Residuals, value_db: Floats, offsets: bool = False, seed: int = 0
) -> tuple[Floats, Floats]:
    """Field of residuals in every cell and how uncertain it is, [tx, cell] dB each.

    Ordinary kriging with the exponential covariance of shadow fading, its scales
    from the marginal likelihood under wide priors; transmitters apart, except that
    they share the scales.

    Args:
        twin: Whose cells.
        found: Where something was measured.
        value_db: What, [row] dB.
        offsets: Whether each transmitter and device has a level of its own, which is
            no part of the field.
    Returns:
        Zeros and the twin's own uncertainty where there are too few rows.
    Source: rtwin.calibration.statistics.gaussian_process; checked by
        tests/horizontal/unknown_change/test_correction.py.
    """
    shape = twin.gain_db.shape
    mean, sd = np.zeros(shape), twin.sigma_db.copy()
    if len(found) < _FEW:
        return mean, sd
    cells = twin.cell_m[:, :2]
    length = _FIELD_LENGTH * float(np.linalg.norm(np.ptp(cells, axis=0)))
    used = np.unique(found.tx)
    everywhere = np.concatenate(
        [
            np.column_stack(
                [
                    cells,
                    np.ones(len(cells)),
                    np.full(len(cells), tx),
                    np.zeros(len(cells)),
                    np.ones(len(cells)),
                ]
            )
            for tx in used
        ]
    )
    here = np.column_stack(
        [cells[found.cell], np.ones(len(found)), found.tx, found.device, np.ones(len(found))]
    )
    matrix = np.concatenate([here, everywhere])
    parts = [Term((0, 1), (3,), _FIELD_SD_DB, length)]
    if offsets:
        parts.append(Term((2,), (3, 4), 10.0))
    noise = float(np.median(found.sd_db))
    kernel = LinkKernel(tuple(parts), 4, 5, int(found.device.max()) + 1, noise_sd=max(noise, 0.3))
    train = np.arange(len(found))
    zero = np.zeros(len(matrix))
    level = np.concatenate([value_db, zero[len(found) :]])
    layout = Design(matrix, kernel, zero)
    process = fit_process(layout, level, np.zeros(len(matrix), bool), train, seed)
    rows = np.arange(len(found), len(matrix))
    field, _, spread = process.predict(rows)
    mean[used] = field.reshape(len(used), -1)
    sd[used] = np.hypot(spread.reshape(len(used), -1), sd[used])
    return mean, sd


def nearest_neighbours(
    twin: MapTwin, found: Residuals, neighbours: int = 4, power: float = 0.0
) -> Floats:
    """Mean residual of the nearest measured cells, [tx, cell] dB: a baseline.

    Args:
        twin: Whose cells.
        found: Where something was measured.
        neighbours: How many; all of them for inverse-distance weighting.
        power: Weights are distances to minus this power; 0 for equal weights.
    """
    out = np.zeros(twin.gain_db.shape)
    for tx in np.unique(found.tx):
        rows = np.flatnonzero(found.tx == tx)
        far = np.linalg.norm(
            twin.cell_m[:, None, :2] - twin.cell_m[found.cell[rows]][None, :, :2], axis=-1
        )
        near = np.argsort(far, axis=1)[:, : min(neighbours, len(rows))]
        weight = np.maximum(np.take_along_axis(far, near, axis=1), 1e-3) ** -power
        value = found.value_db[rows][near]
        out[tx] = (weight * value).sum(axis=1) / weight.sum(axis=1)
    return out
