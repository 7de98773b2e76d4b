"""A merged map as a radio map file, with where each cell came from besides."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from rtwin.channel import rss_dbm, serving_transmitter, sinr
from rtwin.dataset.assemble import write_table
from rtwin.dataset.schema import COORDINATES, MAP_FORMAT, MAP_LAYOUT, Variable
from rtwin.dataset.store import (
    attach_dimensions,
    content_hash,
    plain_errors,
    prepare_target,
    write_header,
    write_image,
)
from rtwin.errors import StoreError
from rtwin.horizontal.merge import _DB, MapTwin, Merged

_CELL = ("tx", "cell_y", "cell_x")
MERGED_VARIABLES = (
    Variable(
        "merged_sigma_db", _CELL, "<f4", "dB",
        "uncertainty of path_gain by its sources, their age and their fusion; NaN where no map is",
    ),
    Variable("merged_source", _CELL, "<i2", "", "the map that counts most; -1 where none is"),
    Variable(
        "merged_disagreement", _CELL, "<f4", "1",
        "largest difference of two maps over its standard deviation; above 3: trace again",
    ),
)  # fmt: skip
"""What a merged file holds besides the variables of a radio map."""


def write_merged(
    merged: Merged, twins: Sequence[MapTwin], file: Path, rule: str, overwrite: bool
) -> None:
    """Write a merged map; a file of the same sources and rule is left as it is.

    Raises:
        StoreError: if it cannot be written, or holds something else.
    """
    hashes = [str(twin.radio_map.attributes.get("content_hash", "")) for twin in twins]
    ages = [twin.age_days for twin in twins]
    said = json.dumps(["merge", hashes, ages, rule, merged.sigma_db.shape])
    digest = hashlib.sha256(said.encode() + merged.sigma_db.tobytes())
    request = digest.hexdigest()
    if any(Path(twin.name).resolve() == file.resolve() for twin in twins):
        raise StoreError(f"{file}: is one of the maps to merge; choose another name")
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
    kept = ("title", "scene", "geometry_hash", "scene_hash", "source", "licence", "frequency_hz",
            "seed", "variant", "cell_size_m", "height_m")  # fmt: skip
    write_header(h5, MAP_FORMAT, {
        **{name: first[name] for name in kept if name in first},
        "recipe": {**first["recipe"], "transmitter": tables},
        "remarks": [*first.get("remarks", []), *remarks],
        "method": "merged",
        "merged_from": [twin.radio_map.attributes.get("content_hash", "") for twin in twins],
        "merged_ages_days": [twin.age_days for twin in twins],
        "merged_rule": rule,
        "request_hash": request,
        "noise_power_w": noise,
    })  # fmt: skip
    layout = (*MAP_LAYOUT, *MERGED_VARIABLES)
    write_table(h5, layout, {
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
    })  # fmt: skip
    attach_dimensions(h5, layout, {
        **COORDINATES,
        "tx": list(merged.tx_name),
        "cell_x": merged.cell_centers_m[0, :, 0],
        "cell_y": merged.cell_centers_m[:, 0, 1],
    })  # fmt: skip
    h5.attrs["content_hash"] = content_hash(h5, MAP_LAYOUT)
