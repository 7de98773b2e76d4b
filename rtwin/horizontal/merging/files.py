"""Merging files: maps and folders of twins into one map, channel twins into one dataset."""

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from rtwin.arrays import Floats
from rtwin.channel import rss_dbm, serving_transmitter, sinr
from rtwin.dataset import open_radio_map
from rtwin.dataset.reading import OF_EDITED
from rtwin.dataset.schema import MAP_FORMAT, MAP_LAYOUT, Variable
from rtwin.dataset.store import (
    fill_file,
    plain_errors,
    prepare_target,
    write_image,
)
from rtwin.errors import OutOfRangeError, StoreError
from rtwin.horizontal.merging.channel_files import is_channel_twin, merge_channel_files
from rtwin.horizontal.merging.channels import MergedPaths
from rtwin.horizontal.merging.fusion import DRIFT_DB, MapTwin, Merged, Rule, map_twin, merge_maps
from rtwin.horizontal.twin import (
    ABOUT_SCENE,
    MAX_UNCERTAINTY_DB,
    UNCERTAINTY_DB,
    Snapshot,
    open_twin,
)

MAX_AGE_DAYS = 36_525.0  # a century
_CELL = ("tx", "cell_y", "cell_x")
MERGED_VARIABLES = (
    Variable(
        "merged_sigma_db",
        _CELL,
        "<f4",
        "dB",
        "uncertainty of path_gain by its sources, their age and their fusion; NaN where no map is",
    ),
    Variable("merged_source", _CELL, "<i2", "", "the map that counts most; -1 where none is"),
    Variable(
        "merged_disagreement",
        _CELL,
        "<f4",
        "1",
        "largest difference of two maps over its standard deviation; above 3: trace again",
    ),
)
"""What a merged file holds besides the variables of a radio map."""


_DB = 10.0 / np.log(10.0)
_DAY_S = 86400.0


def merge_files(
    files: Sequence[str | Path],
    output: str | Path,
    *,
    ages_days: Sequence[float] = (),
    rule: Rule = "covariance-intersection",
    drift_db: float = DRIFT_DB,
    overwrite: bool = False,
) -> Merged | MergedPaths:
    """Merge radio maps and folders of twins into one radio map, or datasets into one dataset.

    Args:
        files: Two or more. Twins state how far they are off reality; maps beside them
            that do not, and datasets, are taken to be off by
            rtwin.horizontal.twin.UNCERTAINTY_DB.
        output: The file to write; appears whole or not at all.
        ages_days: Age of each [days]; if none is given maps are new, and the cells of
            twins as old as their last trace or update, before the newest of all.
        rule: See rtwin.horizontal.merging.fuse.
        drift_db: See rtwin.horizontal.merging.merge_maps.
        overwrite: Replace a file of other content.
    Raises:
        OutOfRangeError, StoreError: see rtwin.horizontal.merging.merge_maps; if a file cannot
            be read or written.
    Checked by tests/horizontal/merging/test_fusion.py.
    """
    output = Path(output)
    if ages_days and (
        len(ages_days) != len(files) or not all(0 <= a <= MAX_AGE_DAYS for a in ages_days)
    ):
        raise OutOfRangeError(
            f"ages are {', '.join(f'{a:g}' for a in ages_days)} days for {len(files)} maps; give "
            f"one of 0 to {MAX_AGE_DAYS:g} for each"
        )
    if not 0 <= drift_db <= MAX_UNCERTAINTY_DB:
        raise OutOfRangeError(f"drift is {drift_db:g} dB; it must be 0 to {MAX_UNCERTAINTY_DB:g}")
    if any(Path(file).resolve() == output.resolve() for file in files):
        raise StoreError(f"{output}: is one of the maps to merge; choose another name")
    channels = [is_channel_twin(file) for file in files]
    if any(channels):
        if not all(channels):
            one, other = files[channels.index(True)], files[channels.index(False)]
            raise StoreError(f"{one} holds paths and {other} a map; merge one or the other")
        ages = ages_days or [0.0] * len(files)
        return merge_channel_files(
            files, output, ages_days=ages, rule=rule, drift_db=drift_db, overwrite=overwrite
        )
    found = [open_twin(f) if Path(f).is_dir() else open_radio_map(f) for f in files]
    snapshots = [item for item in found if isinstance(item, Snapshot)]
    newest = max((datetime.fromisoformat(item.created) for item in snapshots), default=None)
    twins = []
    for number, (file, item) in enumerate(zip(files, found, strict=True)):
        age = ages_days[number] if ages_days else 0.0
        if isinstance(item, Snapshot):
            assert newest is not None
            own = age if ages_days else _ages_days(item, newest)
            sigma = item.uncertainty_db.astype(np.float64)
            twins.append(MapTwin(str(file), item.radio_map, sigma, own))
            continue
        twin = map_twin(item, str(file), age)
        if snapshots:
            twin = MapTwin(twin.name, item, np.hypot(twin.sigma_db, UNCERTAINTY_DB), age)
        twins.append(twin)
    merged = merge_maps(twins, rule=rule, drift_db=drift_db)
    write_merged(merged, twins, output, rule, overwrite)
    return merged


def _ages_days(snapshot: Snapshot, newest: datetime) -> Floats:
    """How long before the newest snapshot each cell was last traced or updated [days]."""
    numbers = np.unique(snapshot.traced_snapshot)
    out = np.zeros(snapshot.traced_snapshot.shape)
    for number in numbers:
        created = datetime.fromisoformat(open_twin(snapshot.folder, int(number)).created)
        days = max((newest - created).total_seconds() / _DAY_S, 0.0)
        out[snapshot.traced_snapshot == number] = days
    return out


def write_merged(
    merged: Merged, twins: Sequence[MapTwin], file: Path, rule: str, overwrite: bool
) -> None:
    """Write a merged map; a file of the same sources and rule is left as it is.

    Raises:
        StoreError: if it cannot be written, or holds something else.
    """
    hashes = [str(twin.radio_map.attributes.get("content_hash", "")) for twin in twins]
    said = json.dumps(["merge", hashes, rule, merged.sigma_db.shape])
    digest = hashlib.sha256(said.encode() + merged.sigma_db.tobytes())
    request = digest.hexdigest()
    if prepare_target(file, MAP_FORMAT, request, overwrite):
        return
    with plain_errors(file):
        write_image(file, lambda h5: _write(h5, merged, twins, rule, request))


def _transmitters(merged: Merged, twins: Sequence[MapTwin]) -> tuple[dict[str, Any], list[Any]]:
    """Columns of the transmitters, and their tables in a recipe."""
    position, power, tables, turned, speed = [], [], [], [], []
    for name in merged.tx_name:
        owner = next(twin.radio_map for twin in twins if name in twin.radio_map.tx_name)
        row = owner.tx_name.index(name)
        position.append(owner.tx_position_m[row])
        power.append(owner.tx_power_dbm[row])
        table = owner.attributes["recipe"]["transmitter"][row]
        tables.append(table)
        speed.append(table.get("velocity_m_s", (0.0, 0.0, 0.0)))
        angles = [table.get(key) or 0.0 for key in ("azimuth_deg", "downtilt_deg", "roll_deg")]
        turned.append(np.radians(angles))
    return {
        "tx_name": list(merged.tx_name),
        "tx_position_m": np.array(position),
        "tx_orientation_rad": np.array(turned),
        "tx_velocity_m_s": np.array(speed, np.float64),
        "tx_power_dbm": np.array(power),
    }, tables


def _write(
    h5: h5py.File, merged: Merged, twins: Sequence[MapTwin], rule: str, request: str
) -> None:
    first = twins[0].radio_map.attributes
    columns, tables = _transmitters(merged, twins)
    gain, power = merged.path_gain, columns["tx_power_dbm"]
    noise = float(first["noise_power_w"])
    error = gain * np.nan_to_num(merged.sigma_db) / _DB
    marked = int(merged.needs_trace.sum())
    remarks = [f"merged by {rule} of {len(twins)} maps; {marked} cells disagree beyond 3 sigma"]
    kept = (*ABOUT_SCENE, *OF_EDITED, "scene_folder", "cell_size_m", "height_m")
    fill_file(
        h5,
        MAP_FORMAT,
        {
            **{name: first[name] for name in kept if name in first},
            "recipe": {**first["recipe"], "transmitter": tables},
            "remarks": [*first.get("remarks", []), *remarks],
            "method": "merged",
            "merged_from": [twin.radio_map.attributes.get("content_hash", "") for twin in twins],
            "merged_ages_days": [float(np.median(twin.age_days)) for twin in twins],
            "merged_rule": rule,
            "request_hash": request,
            "noise_power_w": noise,
        },
        (*MAP_LAYOUT, *MERGED_VARIABLES),
        {
            **columns,
            "cell_centers_m": merged.cell_centers_m,
            "path_gain": gain,
            "path_gain_standard_error": error,
            "rss_dbm": rss_dbm(gain, power),
            "sinr": sinr(gain, power, noise),
            "serving_transmitter": serving_transmitter(gain, power),
            "merged_sigma_db": merged.sigma_db,
            "merged_source": merged.source,
            "merged_disagreement": merged.disagreement,
        },
        {
            "tx": list(merged.tx_name),
            "cell_x": merged.cell_centers_m[0, :, 0],
            "cell_y": merged.cell_centers_m[:, 0, 1],
        },
        hashed=MAP_LAYOUT,
    )
