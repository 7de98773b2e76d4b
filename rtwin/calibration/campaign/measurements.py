"""Measurements as calibration uses them: levels of links, checked, and their means over a grid.

Whatever was measured becomes a level in dB that grows with the path gain, up to
an offset that is never trusted: EIRP, cables and phones are fitted with it.
What cannot be used is set aside with its reason and counted, never dropped in
silence.
"""

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike

from rtwin.arrays import Bools, Floats, Ints
from rtwin.calibration.campaign.recipe import Campaign, CampaignTransmitter
from rtwin.channel import free_space_path_loss_db
from rtwin.scene.georeference import Georeference
from rtwin.units import from_db, to_db

_ENOUGH = 10  # rows that a power is guessed from
_EQUATOR_M, _FLATTENING = 6378137.0, 1 / 298.257223563  # WGS 84


@dataclass(frozen=True)
class Link:
    """A transmitter as calibration uses it, in scene metres."""

    name: str
    position_m: tuple[float, float, float]
    yaw_deg: float
    downtilt_deg: float
    pattern: str
    power_dbm: float | None
    frequency_hz: float

    @property
    def is_directional(self) -> bool:
        """Whether its azimuth matters."""
        return self.pattern == "tr38901"


@dataclass(frozen=True, eq=False)
class Measurements:
    """Levels of many links, one row each.

    Attributes:
        transmitters: What `tx` counts.
        devices: Names that `device` counts.
        tx: Transmitter, [row].
        device: Receiving device, [row].
        position_m: Receiver, [row, 3] m.
        level_db: Level in dB or dBm, grows with the path gain, [row].
        censored: True where the level is only an upper bound, [row].
        count: Raw measurements in the row, [row].
        uncertainty_db: Standard deviation of one raw measurement [dB], [row].
        set_aside: How many raw rows were not used, by reason.
        found_floor_db: A noise floor that the campaign does not name and its levels show [dB].
    """

    transmitters: tuple[Link, ...]
    devices: tuple[str, ...]
    tx: Ints
    device: Ints
    position_m: Floats
    level_db: Floats
    censored: Bools
    count: Ints
    uncertainty_db: Floats
    set_aside: dict[str, int] = field(default_factory=dict)
    found_floor_db: float | None = None

    def __len__(self) -> int:
        return len(self.level_db)

    def take(self, rows: ArrayLike) -> "Measurements":
        """Some of the rows, by number or mask."""
        rows = np.asarray(rows)
        rows = rows if rows.size else rows.astype(np.int64)  # [] alone is of floats
        names = ("tx", "device", "position_m", "level_db", "censored", "count", "uncertainty_db")
        return replace(self, **{name: getattr(self, name)[rows] for name in names})

    @property
    def tx_position_m(self) -> Floats:
        """Transmitter of each row, [row, 3] m."""
        places = np.array([tx.position_m for tx in self.transmitters], np.float64)
        return places[self.tx]


def local_m(
    latitude_deg: ArrayLike,
    longitude_deg: ArrayLike,
    campaign: Campaign,
    frame: Georeference | None = None,
) -> Floats:
    """Scene coordinates [m], [..., 2]: of the scene's georeference, if it has one.

    Else east and north of the campaign's origin, below 0.1 m off within 5 km.

    Source: radii of curvature of WGS 84; checked by
    tests/calibration/campaign/test_measurements.py.
    """
    if frame is not None:
        return frame.to_local(latitude_deg, longitude_deg)[..., :2]
    assert campaign.origin is not None
    lat0, lon0 = np.radians([campaign.origin.latitude_deg, campaign.origin.longitude_deg])
    squared = _FLATTENING * (2 - _FLATTENING)
    lat, lon = np.radians(latitude_deg), np.radians(longitude_deg)
    middle = (lat + lat0) / 2
    across = np.sqrt(1 - squared * np.sin(middle) ** 2)
    meridian = _EQUATOR_M * (1 - squared) / across**3
    east = (lon - lon0) * np.cos(middle) * _EQUATOR_M / across
    return np.stack([east, (lat - lat0) * meridian], axis=-1)


def links_of(campaign: Campaign, frame: Georeference | None = None) -> tuple[Link, ...]:
    """The campaign's transmitters in scene metres."""
    return tuple(_link(tx, campaign, frame) for tx in campaign.transmitter)


def _link(tx: CampaignTransmitter, campaign: Campaign, frame: Georeference | None) -> Link:
    if tx.x_m is not None and tx.y_m is not None:
        x, y = tx.x_m, tx.y_m
    else:
        assert tx.latitude_deg is not None
        assert tx.longitude_deg is not None
        x, y = local_m(tx.latitude_deg, tx.longitude_deg, campaign, frame)
    return Link(
        tx.name,
        (float(x), float(y), tx.height_m),
        tx.yaw_deg,
        tx.downtilt_deg,
        tx.pattern,
        tx.power_dbm,
        tx.frequency_hz or campaign.frequency_hz,
    )


def without(data: Measurements, bad: dict[str, Bools]) -> Measurements:
    """The rows for which no reason speaks; each row counts under its first reason."""
    counts, out = dict(data.set_aside), np.zeros(len(data), bool)
    for reason, mask in bad.items():
        new = int(np.count_nonzero(mask & ~out))
        if new:
            counts[reason] = counts.get(reason, 0) + new
        out |= mask
    return replace(data.take(~out), set_aside=counts)


def screened(data: Measurements, campaign: Campaign) -> Measurements:
    """The rows without what is impossible or twice there, which is counted by reason."""
    if not len(data):
        return data
    screen = campaign.screen
    key = np.column_stack([data.tx, data.device, data.position_m, data.level_db])
    _, first = np.unique(key, axis=0, return_index=True)
    repeated = np.ones(len(data), bool)
    repeated[first] = False
    # Twice the same number at the same spot is what a phone at rest records; many are a copy.
    share = repeated.mean()
    distance = np.linalg.norm(data.position_m - data.tx_position_m, axis=1)
    bad = {
        "nearer than 0.1 m to the transmitter": distance < 0.1,
        "above free space": above_free_space_db(data, campaign) > screen.above_free_space_db,
    }
    if screen.max_distance_m is not None:
        bad["farther than screen.max_distance_m"] = distance > screen.max_distance_m
    if share > 0 and campaign.measurements.grid_m is None:
        bad["the same as another row"] = repeated
    return without(data, bad)


def above_free_space_db(data: Measurements, campaign: Campaign) -> Floats:
    """By how much each level exceeds free space [dB], [row]; 0 or below is possible.

    With path loss or gain, or where the power is known, free space is absolute.
    Else the power is unknown: the level that nine in ten rows of a transmitter
    and device stay below, brought to 1 m, stands for it.
    """
    if campaign.measurements.quantity == "rms_delay_spread_s":
        return np.full(len(data), -np.inf)
    distance = np.linalg.norm(data.position_m - data.tx_position_m, axis=1)
    frequency = np.array([link.frequency_hz for link in data.transmitters])[data.tx]
    implied = data.level_db + free_space_path_loss_db(np.maximum(distance, 0.1), frequency)
    absolute = campaign.measurements.quantity in ("path_loss_db", "path_gain_db")
    over = np.empty(len(data))
    for number, link in enumerate(data.transmitters):
        for device in range(len(data.devices)):
            rows = np.flatnonzero((data.tx == number) & (data.device == device))
            if absolute:
                limit = 0.0
            elif link.power_dbm is not None:
                limit = link.power_dbm
            elif len(rows) < _ENOUGH:
                limit = np.inf
            else:
                # The nearer half decides: strangers on the same channel are far away.
                near = rows[distance[rows] <= np.median(distance[rows])]
                limit = float(np.quantile(implied[near], 0.9))
            over[rows] = implied[rows] - limit
    return over


def grid_means(data: Measurements, grid_m: float, min_count: int = 1) -> Measurements:
    """Means in linear power over square cells, per transmitter and device.

    Cells with fewer than `min_count` raw rows are set aside. A cell of which
    more than half of the rows are censored is censored. Positions are means.
    """
    cell = np.floor(data.position_m / [grid_m, grid_m, max(grid_m, 1.0)]).astype(np.int64)
    key = np.column_stack([data.tx, data.device, cell])
    _, first, inverse = np.unique(key, axis=0, return_index=True, return_inverse=True)
    inverse = np.asarray(inverse).reshape(-1)
    count = np.bincount(inverse)

    def mean(values: Floats) -> Floats:
        return np.bincount(inverse, values) / count

    means = replace(
        data,
        tx=data.tx[first],
        device=data.device[first],
        position_m=np.column_stack([mean(column) for column in data.position_m.T]),
        level_db=to_db(mean(from_db(data.level_db))),
        censored=mean(data.censored.astype(np.float64)) > 0.5,
        count=count,
        uncertainty_db=np.sqrt(mean(data.uncertainty_db**2)),
    )
    few = count < min_count
    lost = int(count[few].sum())
    aside = dict(data.set_aside)
    if lost:
        aside[f"in a cell of fewer than {min_count}"] = lost
    return replace(means.take(~few), set_aside=aside)
