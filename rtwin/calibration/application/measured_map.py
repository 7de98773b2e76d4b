"""A radio map of what was measured, where it was measured and close by."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from rtwin.arrays import Floats
from rtwin.calibration.campaign import Campaign, Measurements
from rtwin.calibration.physics import campaign_recipe, measurements_in_scene
from rtwin.dataset.generation import map_request, write_radio_map
from rtwin.dataset.schema import MAP_FORMAT
from rtwin.dataset.store import prepare_target
from rtwin.errors import OutOfRangeError, nearest
from rtwin.progress import Progress, silent
from rtwin.scene import Recipe
from rtwin.trace import load_world, map_grid
from rtwin.units import from_db

METHOD = "measurements"
REACH_M = 30.0
SUBCARRIERS = 12  # of a resource block, 3GPP TS 36.211, clause 6.2.3
_DB_PER_NEPER = 10.0 / np.log(10.0)


def generate_measured_map(
    recipe: Recipe,
    campaign: Campaign,
    file: str | Path,
    *,
    reach_m: float = REACH_M,
    resource_blocks: int | None = None,
    transmitters: Sequence[str] | None = None,
    overwrite: bool = False,
    progress: Progress = silent,
) -> Path:
    """Write a campaign's levels as a radio map of the campaign's transmitters.

    Between measurements the level is linear in dB over triangles of them; cells
    farther than `reach_m` from every measurement of a transmitter have none (0).
    Devices are brought to the level of the first by the median of their differences.
    Path gain is level less transmit power, which is the recipe's where the
    campaign states none: levels are as measured, gains are up to that offset.

    Args:
        recipe: The scene; [radio_map] says which cells.
        campaign: Measurements of `rss_dbm`, `path_loss_db` or `path_gain_db`.
        file: Where to; appears whole or not at all.
        reach_m: How far a measurement speaks for [m].
        resource_blocks: Levels are those of one resource element (RSRP) of a
            carrier of so many blocks; the map then holds the power of all.
        transmitters: Names of those that are on the map; None: all of the campaign.
        overwrite: Replace a finished file of another request.
        progress: Called with stage ("map"), steps done and in all.
    Returns:
        The path of the file. Its standard error is the miss of one half of the
        measurements between those of the other half.
    Raises:
        OutOfRangeError: if the reach or the number of blocks is impossible, the
            campaign measured something else, or nothing lies on the map.
        CampaignError, RecipeError, GeometryError, StoreError: as their readers say.
    Source: triangulation by scipy.interpolate; checked by
    tests/calibration/application/test_measured_map.py.
    """
    quantity = campaign.measurements.quantity
    if quantity not in ("rss_dbm", "path_loss_db", "path_gain_db"):
        raise OutOfRangeError(f"{campaign.name} measured {quantity}, of which no map can be made")
    if not (np.isfinite(reach_m) and reach_m > 0):
        raise OutOfRangeError(f"reach_m is {reach_m}; it must be above 0")
    if resource_blocks is not None and not 1 <= resource_blocks <= 10_000:
        raise OutOfRangeError(f"resource_blocks is {resource_blocks}; it must be 1 to 10000")
    if transmitters is not None:
        campaign = _with_transmitters(campaign, transmitters)
    recipe = campaign_recipe(recipe, campaign)
    world = load_world(recipe)
    data = one_device(measurements_in_scene(campaign, world))
    asked = f"{_hash_of(data)}-{reach_m:g}-{resource_blocks}"
    request = f"{METHOD}-{asked}-{map_request(world)}"
    file = Path(file)
    if prepare_target(file, MAP_FORMAT, request, overwrite):
        progress("map", 1, 1)
        return file
    grid = map_grid(world)
    cells = grid.centers_m.reshape(-1, 3)[:, :2]
    num_tx = len(data.transmitters)
    gain, error = np.zeros((num_tx, len(cells))), np.zeros((num_tx, len(cells)))
    all_blocks = 10.0 * np.log10(SUBCARRIERS * resource_blocks) if resource_blocks else 0.0
    for tx, device in enumerate(recipe.transmitter):
        progress("map", tx, num_tx)
        rows = data.take(data.tx == tx)
        level = interpolated(rows.position_m[:, :2], rows.level_db, cells, reach_m)
        if quantity == "rss_dbm":
            level = level + all_blocks - device.power_dbm
        # A gain above one is a power that the recipe states too low.
        gain[tx] = np.minimum(np.nan_to_num(from_db(level)), 1.0)
        error[tx] = gain[tx] * halves_miss_db(rows, reach_m) / _DB_PER_NEPER
    progress("map", num_tx, num_tx)
    if not gain.any():
        raise OutOfRangeError(
            f"no measurement of {campaign.name} lies within {reach_m:g} m of a cell; "
            "check radio_map.area and the campaign's origin"
        )
    columns = {
        "path_gain": gain.reshape(num_tx, *grid.shape),
        "path_gain_standard_error": error.reshape(num_tx, *grid.shape),
    }
    write_radio_map(
        file,
        world,
        grid,
        METHOD,
        columns,
        request,
        {"campaign": campaign.name, "reach_m": float(reach_m)},
    )
    return file


def _with_transmitters(campaign: Campaign, names: Sequence[str]) -> Campaign:
    known = [tx.name for tx in campaign.transmitter]
    for name in names:
        if name not in known:
            raise OutOfRangeError(
                f"{campaign.name} has no transmitter {name!r}; {nearest(name, known)}"
            )
    kept = tuple(tx for tx in campaign.transmitter if tx.name in names)
    return campaign.model_copy(update={"transmitter": kept})


def _hash_of(data: Measurements) -> str:
    digest = hashlib.sha256()
    for column in (data.tx, data.position_m, data.level_db):
        digest.update(np.ascontiguousarray(column).tobytes())
    return digest.hexdigest()


def one_device(data: Measurements) -> Measurements:
    """The measurements as if all were taken with the first device.

    The others are shifted by the median difference at places that both measured,
    of each transmitter; where there is none, by that of all transmitters, or not.
    """
    level = data.level_db.copy()
    place = np.unique(np.round(data.position_m[:, :2], 2), axis=0, return_inverse=True)[1]
    key = data.tx * (place.max(initial=0) + 1) + place.reshape(-1)
    first = data.device == 0
    for device in range(1, len(data.devices)):
        rows = data.device == device
        shared, mine, theirs = np.intersect1d(key[first], key[rows], return_indices=True)
        gap = level[first][mine] - level[rows][theirs]
        tx = data.tx[first][mine]
        for number in range(len(data.transmitters)):
            own = gap[tx == number] if (tx == number).any() else gap
            if len(shared):
                level[rows & (data.tx == number)] += np.median(own)
    return Measurements(
        **{
            **vars(data),
            "level_db": level,
            "devices": data.devices[:1],
            "device": np.zeros_like(data.device),
        }
    )


def interpolated(xy_m: Floats, level_db: Floats, at_m: Floats, reach_m: float) -> Floats:
    """Levels [dB] at places [place, 2]: linear over triangles, NaN out of reach.

    Outside of all triangles it is that of the nearest measurement.
    """
    from scipy.interpolate import LinearNDInterpolator
    from scipy.spatial import QhullError, cKDTree

    if not len(xy_m):
        return np.full(len(at_m), np.nan)
    # Rows of several devices in one place are one level.
    places, row = np.unique(xy_m, axis=0, return_inverse=True)
    row = row.reshape(-1)
    level = np.bincount(row, level_db) / np.bincount(row)
    distance, nearest = cKDTree(places).query(at_m)
    found = level[nearest]
    if len(places) >= 3:
        try:
            within = LinearNDInterpolator(places, level)(at_m)
            found = np.where(np.isnan(within), found, within)
        except QhullError:  # all on one line
            pass
    return np.where(distance <= reach_m, found, np.nan)


def halves_miss_db(rows: Measurements, reach_m: float) -> float:
    """RMSE [dB] of each half of the measurements interpolated from the other half."""
    xy, level = rows.position_m[:, :2], rows.level_db
    half = np.random.Generator(np.random.PCG64(1)).permutation(len(rows)) % 2 == 0
    miss = np.full(len(rows), np.nan)
    for one in (half, ~half):
        miss[~one] = interpolated(xy[one], level[one], xy[~one], reach_m) - level[~one]
    known = miss[np.isfinite(miss)]
    return float(np.sqrt(np.mean(known**2))) if known.size else 0.0
