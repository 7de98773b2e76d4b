"""Labelled raw figures of the streaming study, with the users' twins."""

from typing import Any

import numpy as np
import xarray

from rtwin.streaming.loop import TWIN_VARIABLES
from rtwin.streaming.study.runs import SCHEMES
from rtwin.streaming.study.study import Findings

UNITS = {
    "satisfaction": "1",
    "group": "1",
    "version": "1",
    "reserved_prb": "resource block",
    "consumption": "resource block",
    "demand_s": "s",
    "believed_demand_s": "s",
    "channel_age_s": "s",
    "value": "1",
    "utility": "1",
}


def arrays_of(findings: Findings) -> xarray.Dataset:
    """Everything over [seed, scheme, interval, ...]; layout in docs/streaming.md."""
    made: dict[str, Any] = {}
    per_user = ("seed", "scheme", "interval", "ue")
    for name, own in (
        ("satisfaction", "satisfaction"),
        ("group", "group"),
        ("version", "version"),
        ("reserved_prb", "prb"),
    ):
        made[name] = per_user, _stacked(findings, own)
    made["consumption"] = ("seed", "scheme", "interval", "tx"), _stacked(findings, "cell_prb")
    per_group = ("seed", "scheme", "interval", "group_number")
    made["demand_s"] = per_group, _ragged(findings, "demand_s")
    made["believed_demand_s"] = per_group, _ragged(findings, "believed_demand_s")
    for name in ("value", "utility", "channel_age_s"):
        values = [
            [[getattr(step, name) for step in seed.logs[s].steps] for s in SCHEMES]
            for seed in findings.seeds
        ]
        made[name] = ("seed", "scheme", "interval"), np.array(values)
    for name, (dims, _) in TWIN_VARIABLES.items():
        made[name] = ("seed", *dims), np.stack([seed.twins[name] for seed in findings.seeds])
    study = findings.study
    sizes = {
        d: n for dims, values in made.values() for d, n in zip(dims, values.shape, strict=True)
    }
    coordinates = {
        "scheme": list(SCHEMES),
        "ue": [f"ue_{n}" for n in range(sizes["ue"])],
        "xyz": ["x", "y", "z"],
    } | {d: np.arange(n) for d, n in sizes.items() if d not in ("scheme", "ue", "xyz")}
    found = xarray.Dataset(made, coordinates)
    units = UNITS | {name: unit for name, (_, unit) in TWIN_VARIABLES.items()}
    for name, unit in units.items():
        found[name].attrs["units"] = unit
    return found.assign_attrs(
        interval_s=study.interval_s,
        warm_up=study.warm_up,
        twin_hash=findings.twin_hash,
        trace_hash=",".join(seed.trace_hash for seed in findings.seeds),
        catalogue_hash=findings.catalogue.hash,
    )


def _stacked(findings: Findings, name: str) -> Any:
    return np.array([[getattr(seed.logs[s], name) for s in SCHEMES] for seed in findings.seeds])


def _ragged(findings: Findings, name: str) -> Any:
    """Vectors of groups, filled up with NaN."""
    rows = [[getattr(seed.logs[s], name) for s in SCHEMES] for seed in findings.seeds]
    most = max(len(v) for seed in rows for scheme in seed for v in scheme)
    shape = (len(rows), len(SCHEMES), len(rows[0][0]), most)
    found = np.full(shape, np.nan)
    for i, seed in enumerate(rows):
        for j, scheme in enumerate(seed):
            for k, values in enumerate(scheme):
                found[i, j, k, : len(values)] = values
    return found
