"""Measurements in: a campaign's file as levels in dB at positions in scene metres."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtwin.arrays import Bools, Floats, Ints
from rtwin.calibration.campaign.measurements import (
    Measurements,
    grid_means,
    links_of,
    local_m,
    screened,
    without,
)
from rtwin.calibration.campaign.plausible import check_unit, floor_of, impossible, known_degrees
from rtwin.calibration.campaign.recipe import Campaign
from rtwin.calibration.campaign.tables import no_number, read_table
from rtwin.errors import CampaignError
from rtwin.scene._model import MAX_COORDINATE_M
from rtwin.scene.georeference import Georeference
from rtwin.units import to_db


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


_READ_DOWN_TO = ("rss_dbm", "path_gain_db", "path_loss_db")  # a floor, if there is one
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
        # A table without a campaign of its own is one under its own name.
        check_unit(values, spec.quantity, file, spec.noise_floor, campaign.name == file.name)
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
    kept = without(everything, bad)
    floor = None
    if spec.noise_floor is not None:
        floor = float(_level(np.array([spec.noise_floor]), spec.quantity, file, None)[0])
    elif spec.quantity in _READ_DOWN_TO:
        floor = floor_of(kept.level_db)
        kept = replace(kept, found_floor_db=floor)
    if floor is not None:
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
