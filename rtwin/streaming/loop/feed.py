"""What a run leaves for others: users' twins for xarray, views and videos as tables.

Bandwidth traces of the same users come from the same link trace: `rtwin export --to bandwidth`.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rtwin.dataset.store import plain_errors, write_whole
from rtwin.files import appearing
from rtwin.streaming.behaviour import Catalogue
from rtwin.streaming.loop.closed_loop import ClosedLoop
from rtwin.streaming.loop.records import Step

if TYPE_CHECKING:
    import xarray

VIEW_COLUMNS = (
    *("user", "video", "type", "interval", "start_s", "watched_s", "duration_s", "swiped"),
    *("version_mbps", "satisfaction"),
)
WAY_COLUMNS = (
    *("interval", "user", "tx", "sinr_db", "group", "members", "believed_demand_s"),
    *("demand_s", "version_mbps", "prb", "satisfaction"),
)
# Of what twins hold: dimensions and unit.
TWIN_VARIABLES: dict[str, tuple[tuple[str, ...], str]] = {
    "twin_position_m": (("interval", "ue", "xyz"), "m"),
    "twin_serving_tx": (("interval", "ue"), "1"),
    "twin_sinr_db": (("interval", "ue", "tx"), "dB"),
    "twin_swipes": (("interval", "ue"), "1"),
    "twin_exposure": (("interval", "ue"), "1"),
    "twin_likes": (("interval", "ue", "type"), "1"),
    "twin_haste": (("ue",), "1"),
    "twin_taste": (("ue", "type"), "1"),
    "true_haste": (("ue",), "1"),
    "true_taste": (("ue", "type"), "1"),
}


def twins_of(loop: ClosedLoop) -> dict[str, Any]:
    """What the databases of the users hold of a run, and what is true: TWIN_VARIABLES."""
    count = len(loop.log.steps)

    def series(name: str) -> Any:
        return np.stack([twin.window(name, count)[1] for twin in loop.users], axis=1)

    num_types = loop.world.catalogue.num_types
    return {
        "twin_position_m": series("position_m"),
        "twin_serving_tx": series("serving_tx")[..., 0],
        "twin_sinr_db": series("sinr_db"),
        "twin_swipes": series("swipes")[..., 0],
        "twin_exposure": series("swipes")[..., 1],
        "twin_likes": series("likes"),
        "twin_haste": np.array([twin.haste().mean for twin in loop.users]),
        "twin_taste": np.stack([twin.preference(num_types).mean for twin in loop.users]),
        "true_haste": loop.world.population.haste,
        "true_taste": loop.world.population.taste,
    }


def twins_dataset(loop: ClosedLoop) -> "xarray.Dataset":
    """Users' twins after a run, with units, and hashes of what they come from as attributes."""
    import xarray

    values, world = twins_of(loop), loop.world
    made = {
        name: (dims, values[name], {"units": unit}) for name, (dims, unit) in TWIN_VARIABLES.items()
    }
    end_s = world.interval_s * (1 + np.arange(len(loop.log.steps)))
    coordinates = {
        "interval": ("interval", end_s, {"units": "s", "long_name": "end of the interval"}),
        "ue": list(world.trace.ue_name),
        "tx": list(world.trace.tx_name),
        "xyz": ["x", "y", "z"],
        "type": np.arange(world.catalogue.num_types),
    }
    return xarray.Dataset(made, coordinates).assign_attrs(
        format="rtwin-user-twins-1",
        interval_s=world.interval_s,
        seed=world.seed,
        twin_hash=str(world.trace.attributes.get("twin_hash", "")),
        trace_hash=str(world.trace.attributes.get("content_hash", "")),
        catalogue_hash=world.catalogue.hash,
    )


def view_rows(loop: ClosedLoop) -> Iterator[dict[str, Any]]:
    """Every view of a run: VIEW_COLUMNS; a view that an interval cuts is no swipe."""
    world, log = loop.world, loop.log
    rates = loop.setting.quality.rates
    for interval, played in enumerate(loop.playback):
        decision = log.decisions[interval]
        for number, group in enumerate(played):
            views = group.views
            start = np.cumsum(views.watched_s, axis=1) - views.watched_s
            for member, user in enumerate(np.flatnonzero(decision.group == number)):
                for place in np.flatnonzero(group.begun[member]):
                    video = int(group.video[place])
                    served = decision.prb[number] > 0
                    yield {
                        "user": world.trace.ue_name[user],
                        "video": video,
                        "type": int(world.catalogue.kind[video]),
                        "interval": interval,
                        "start_s": interval * world.interval_s + float(start[member, place]),
                        "watched_s": float(views.watched_s[member, place]),
                        "duration_s": int(world.catalogue.duration_s[video]),
                        "swiped": int(views.swiped[member, place]),
                        "version_mbps": float(rates[decision.version[number]]) if served else 0.0,
                        "satisfaction": float(log.satisfaction[interval][user]),
                    }


def way_rows(loop: ClosedLoop) -> Iterator[dict[str, Any]]:
    """The way of every user from channel to blocks in every interval: WAY_COLUMNS.

    Blocks, demand and the cell are of its group, SINR there is what its twin held at the end of
    the interval. Who is in no group has -1, and nothing of one.
    """
    held, log, trace = twins_of(loop), loop.log, loop.world.trace
    rates = loop.setting.quality.rates
    for interval, decision in enumerate(log.decisions):
        for user, name in enumerate(trace.ue_name):
            group, prb = int(decision.group[user]), int(log.prb[interval][user])
            row: dict[str, Any] = dict.fromkeys(WAY_COLUMNS, "")
            row |= {"interval": interval, "user": name, "group": group, "prb": prb}
            row["satisfaction"] = float(log.satisfaction[interval][user])
            if group >= 0:
                tx = int(decision.cell[group])
                row |= {
                    "tx": trace.tx_name[tx],
                    "sinr_db": float(held["twin_sinr_db"][interval, user, tx]),
                    "members": int((decision.group == group).sum()),
                    "believed_demand_s": float(log.believed_demand_s[interval][group]),
                    "demand_s": float(log.demand_s[interval][group]),
                    "version_mbps": float(rates[decision.version[group]]) if prb else 0.0,
                }
            yield row


def write_feed(loop: ClosedLoop, folder: str | Path) -> list[Path]:
    """Write users' twins, their views, the steps of the loop and the catalogue of a run.

    `users.h5` opens in xarray, `views.csv` has VIEW_COLUMNS and is a log that `read_swipes` and
    `--swipes` take, `catalogue.npz` is read by both as well; `ways.csv` has WAY_COLUMNS and
    `steps.csv` the fields of a Step.

    Args:
        loop: After its run.
        folder: Made if it is missing; files of these names are replaced.
    Returns:
        The files.
    Raises:
        StoreError: if a file cannot be written.
    Checked by tests/streaming/loop/test_feed.py.
    """
    folder = Path(folder)
    names = ("users.h5", "views.csv", "catalogue.npz", "ways.csv", "steps.csv")
    files = [folder / name for name in names]
    with plain_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with plain_errors(files[0]), appearing(files[0]) as temporary:
        twins_dataset(loop).to_netcdf(temporary, engine="h5netcdf")
    contents = (
        _csv(VIEW_COLUMNS, view_rows(loop)),
        _npz(loop.world.catalogue),
        _csv(WAY_COLUMNS, way_rows(loop)),
        _csv([f.name for f in fields(Step)], loop.log.rows()),
    )
    for file, content in zip(files[1:], contents, strict=True):
        with plain_errors(file):
            write_whole(file, content)
    return files


def _csv(columns: Sequence[str], rows: Iterable[dict[str, Any]]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({k: round(v, 3) if isinstance(v, float) else v for k, v in row.items()})
    return text.getvalue().encode()


def _npz(catalogue: Catalogue) -> bytes:
    rows = []
    for video, seconds in enumerate(catalogue.duration_s):
        stays = np.exp(-catalogue.hazard[video, : seconds + 1])
        rows.append(np.append(stays[:-1] - stays[1:], stays[-1]))
    held = io.BytesIO()
    size = np.array([len(row) for row in rows])
    np.savez_compressed(held, row_size=size, probability=np.concatenate(rows))
    return held.getvalue()
