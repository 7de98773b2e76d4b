"""Measurements in: units, positions, checks, and means over a grid.

Whatever was measured becomes a level in dB that grows with the path gain, up to
an offset that is never trusted: EIRP, cables and phones are fitted with it.
What cannot be used is set aside with its reason and counted, never dropped in
silence.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rtwin.arrays import Bools, Floats, Ints
from rtwin.calibration.campaign.plausible import check_unit, impossible, known_degrees
from rtwin.calibration.campaign.recipe import Campaign, CampaignTransmitter
from rtwin.calibration.campaign.tables import no_number, read_table
from rtwin.channel import free_space_path_loss_db
from rtwin.errors import CampaignError
from rtwin.scene._model import MAX_COORDINATE_M
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


def load_measurements(campaign: Campaign) -> Measurements:
    """Read, convert, check and average a campaign's measurements.

    Raises:
        CampaignError: if the file cannot be used, or nothing is left of it.
    Checked by tests/calibration/campaign/test_measurements.py.
    """
    raw = screened(read_measurements(campaign), campaign)
    if not len(raw):
        why = ", ".join(f"{count} {reason}" for reason, count in raw.set_aside.items())
        raise CampaignError(f"{campaign.name}: no measurement can be used ({why})")
    grid = campaign.measurements.grid_m
    return raw if grid is None else grid_means(raw, grid, campaign.measurements.min_count)


COLUMN_KEYS = ("value", "tx", "device", "x", "y", "z", "latitude", "longitude", "uncertainty_db")


def read_measurements(campaign: Campaign, frame: Georeference | None = None) -> Measurements:
    """The rows of a campaign's file as they are, without those that are not numbers."""
    spec = campaign.measurements
    per_tx = spec.value if isinstance(spec.value, dict) else None
    wanted = set(per_tx.values()) if per_tx is not None else {str(spec.value)}
    horizontal = [c for c in (spec.x, spec.y, spec.latitude, spec.longitude) if c is not None]
    wanted.update(horizontal, {c for c in (spec.tx, spec.device, spec.z) if c is not None})
    if isinstance(spec.uncertainty_db, str):
        wanted.add(spec.uncertainty_db)
    file = campaign.folder / spec.file
    delays = _delays(campaign) if spec.quantity == "power_delay_profile" else None
    fields = {str(getattr(spec, key)): key for key in COLUMN_KEYS if getattr(spec, key)}
    table = read_table(file, wanted, fields)
    links = links_of(campaign, frame)
    names = [link.name for link in links]
    for name in per_tx or ():
        if name not in names:
            raise CampaignError(
                f"{campaign.name}: measurements.value names transmitter '{name}', "
                f"there are {', '.join(names)}"
            )
    num = len(table[horizontal[0]])
    masts = {name: i for i, name in enumerate(names)}
    masts |= {cell: names.index(name) for cell, name in spec.cells.items()}
    tx, unknown = _numbers(table, spec.tx, masts, num)
    devices = sorted({cell_name(v) for v in table[spec.device]}) if spec.device else ["device"]
    device, _ = _numbers(table, spec.device, {d: i for i, d in enumerate(devices)}, num)
    place = _positions(table, campaign, num, frame, file)
    sigma = (
        _float(table, spec.uncertainty_db, file)
        if isinstance(spec.uncertainty_db, str)
        else np.full(num, spec.uncertainty_db)
    )
    parts = [(tx, table[str(spec.value)])] if per_tx is None else []
    parts += [(np.full(num, names.index(n)), table[c]) for n, c in (per_tx or {}).items()]
    levels = [_level(values, spec.quantity, file, delays) for _, values in parts]
    for _, values in parts:
        check_unit(values, spec.quantity, file, spec.noise_floor)
    wild = np.concatenate([impossible(values, spec.quantity) for _, values in parts])
    repeat = len(parts)
    level = np.concatenate(levels)
    everything = Measurements(
        transmitters=links,
        devices=tuple(devices),
        tx=np.concatenate([t for t, _ in parts]),
        device=np.tile(device, repeat),
        position_m=np.tile(place, (repeat, 1)),
        level_db=level,
        censored=np.zeros(len(level), bool),
        count=np.ones(len(level), np.int64),
        uncertainty_db=np.tile(np.asarray(sigma, np.float64), repeat),
    )
    bad = {
        "of a transmitter that the campaign does not name": np.tile(unknown, repeat),
        f"that cannot be a {spec.quantity}": wild,
        "farther than 100 km from the origin": _is_far(everything.position_m),
        "without a number": ~(
            np.isfinite(level)
            & np.isfinite(everything.position_m).all(axis=1)
            & np.isfinite(everything.uncertainty_db)
        ),
    }
    kept = _without(everything, bad)
    if spec.noise_floor is not None:
        floor = float(_level(np.array([spec.noise_floor]), spec.quantity, file, None)[0])
        censored = kept.level_db <= floor
        kept = replace(kept, censored=censored, level_db=np.maximum(kept.level_db, floor))
    return kept


def _is_far(position_m: Floats) -> Bools:
    with np.errstate(invalid="ignore"):
        return np.asarray((np.abs(position_m) > MAX_COORDINATE_M).any(axis=1))


def cell_name(value: Any) -> str:
    """What a row calls its cell or device; a number without its decimals."""
    is_whole = isinstance(value, float) and value.is_integer()
    return str(int(value)) if is_whole else str(value)


def _numbers(
    table: dict[str, NDArray[Any]], column: str | None, place: dict[str, int], num: int
) -> tuple[Ints, Bools]:
    """The number of each row's name, and which have none."""
    if column is None:
        return np.zeros(num, np.int64), np.zeros(num, bool)
    found = np.array([place.get(cell_name(v), -1) for v in table[column]], np.int64)
    return np.maximum(found, 0), found < 0


def _positions(
    table: dict[str, NDArray[Any]],
    campaign: Campaign,
    num: int,
    frame: Georeference | None,
    file: Path,
) -> Floats:
    spec = campaign.measurements
    if spec.x is not None and spec.y is not None:
        flat = np.column_stack([_float(table, spec.x, file), _float(table, spec.y, file)])
    else:
        assert spec.latitude is not None
        assert spec.longitude is not None
        degrees = _float(table, spec.latitude, file), _float(table, spec.longitude, file)
        flat = local_m(*known_degrees(*degrees, str(file)), campaign, frame)
    height = _float(table, spec.z, file) if spec.z else np.full(num, spec.rx_height_m)
    return np.column_stack([flat, height])


def _float(table: dict[str, NDArray[Any]], column: str, file: Path) -> Floats:
    if table[column].dtype.kind != "f":
        raise no_number(table[column], f"{file}: column '{column}'")
    return table[column]


def _delays(campaign: Campaign) -> Floats:
    spec = campaign.measurements
    if not spec.file.endswith((".h5", ".hdf5")):
        raise CampaignError(f"{campaign.name}: power-delay profiles are read from HDF5 alone")
    return read_table(campaign.folder / spec.file, {spec.delay})[spec.delay]


def _level(values: NDArray[Any], quantity: str, file: Any, delays: Floats | None) -> Floats:
    """dB that grow with the path gain; delay spreads as dB of a second."""
    if values.dtype.kind != "f":
        raise no_number(values, str(file))
    if quantity == "power_delay_profile":
        if values.ndim != 2 or delays is None or values.shape[1] != len(delays):
            raise CampaignError(
                f"{file}: a power-delay profile has shape {values.shape}; it must be [row, bin] "
                "with one delay for each bin"
            )
        return _nan_where_zero(np.clip(values, 0, None).sum(axis=1))
    if values.ndim != 1:
        raise CampaignError(f"{file}: values have shape {values.shape}; it must be [row]")
    if quantity == "rms_delay_spread_s":
        return _nan_where_zero(values)
    return -values if quantity == "path_loss_db" else values


def _nan_where_zero(values: Floats) -> Floats:
    positive = np.where(values > 0, values, np.nan)
    return to_db(positive)


def _without(data: Measurements, bad: dict[str, Bools]) -> Measurements:
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
    return _without(data, bad)


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
