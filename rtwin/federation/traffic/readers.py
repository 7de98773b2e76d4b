"""Files of traffic: what rtwin ships, FedDA's HDF5, the ten-minute text of the data challenge."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np

from rtwin.arrays import Floats
from rtwin.dataset.inspection import open_container
from rtwin.errors import CampaignError, OutOfRangeError, RtwinError, StoreError
from rtwin.federation.traffic.series import SHIPPED, Traffic, grid_position_m
from rtwin.scene._model import one_line

TARGETS = ("internet", "sms", "call")
# Columns of the ten-minute text: square, time [ms], country, SMS in, SMS out, calls in, calls out.
_TEXT = {"sms": [3, 4], "call": [5, 6], "internet": [7]}
_HDF5 = {"internet": "net", "sms": "sms", "call": "call"}
MAX_VALUES = 50_000_000
HOUR_MS = 3_600_000


def load_traffic(
    path: str | Path | None = None, cells: Sequence[int] | None = None, target: str = "internet"
) -> Traffic:
    """Hourly traffic from a file.

    Args:
        path: A .csv as rtwin ships it, a matrix .csv of ten-minute values (DGRN), FedDA's
            milano.h5, or one or a folder of the data challenge's .txt; default: 25
            neighbouring cells over 30 days, which rtwin ships. Rows `x_m` and `y_m` below the
            heading of a .csv place its cells; without, they are squares of Milan's grid.
        cells: Numbers of squares; default: all of the file.
        target: internet, sms or call; matrix files have but one.
    Raises:
        CampaignError: if the file is missing, of no such kind or broken, lacks a cell, or has
            values that are negative or not finite.
        OutOfRangeError: if the target is none of these.
    Checked by tests/federation/test_traffic.py.
    """
    if target not in TARGETS:
        raise OutOfRangeError(f"target is {target!r}; it must be one of {', '.join(TARGETS)}")
    path = SHIPPED if path is None else Path(path)
    if not path.exists():
        raise CampaignError(f"{one_line(path)}: no such file; give a file of traffic")
    suffix = path.suffix.lower()
    try:
        if path.is_dir() or suffix == ".txt":
            traffic = _text(path, cells, target)
        elif suffix in (".h5", ".hdf5"):
            traffic = _fedda(path, target)
        elif suffix == ".csv":
            traffic = _csv(path)
        else:
            raise CampaignError(f"{one_line(path)}: traffic is read from .csv, .h5 and .txt")
    except StoreError as error:
        raise CampaignError(str(error)) from None
    except RtwinError:
        raise
    except (OSError, UnicodeDecodeError, ValueError, KeyError, IndexError) as error:
        raise CampaignError(
            f"{one_line(path)}: cannot be read as traffic ({one_line(error)[:100]})"
        ) from None
    _check(traffic, path)
    if cells is None:
        return traffic
    rank = {cell: i for i, cell in enumerate(traffic.cells)}
    lost = [cell for cell in cells if cell not in rank]
    if lost:
        raise CampaignError(
            f"{one_line(path)}: has no cell {lost[0]}; it has {len(rank)}, "
            f"{min(rank)} to {max(rank)}"
        )
    return traffic.take([rank[cell] for cell in cells])


def _check(traffic: Traffic, path: Path) -> None:
    values = traffic.values
    if values.ndim != 2 or values.size == 0:
        raise CampaignError(f"{one_line(path)}: holds no traffic")
    if not np.isfinite(values).all() or values.min() < 0:
        raise CampaignError(
            f"{one_line(path)}: has traffic that is negative or not finite; repair it first"
        )


def _made(values: Floats, cells: Sequence[int], start: np.datetime64) -> Traffic:
    numbers = tuple(int(cell) for cell in cells)
    return Traffic(values, numbers, grid_position_m(numbers), start)


def _csv(path: Path) -> Traffic:
    text = [line for line in path.read_text(encoding="utf-8").splitlines() if line[:1] != "#"]
    if not text:
        raise CampaignError(f"{one_line(path)}: is empty")
    head = text[0].split(",")
    if head[0].strip() == "hour":
        rows = [line.split(",") for line in text[1:]]
        is_placed = [row[0].strip() for row in rows[:2]] == ["x_m", "y_m"]
        hours = rows[2:] if is_placed else rows
        values = np.array([row[1:] for row in hours], np.float64)
        made = _made(values, [int(c) for c in head[1:]], np.datetime64(hours[0][0], "h"))
        return replace(made, position_m=_places(path, rows[:2], made)) if is_placed else made
    values = np.array([line.split(",") for line in text], np.float64)
    if len(values) % 6:
        raise CampaignError(
            f"{one_line(path)}: has {len(values)} rows of ten minutes, which are no whole hours"
        )
    side = int(np.sqrt(values.shape[1]))
    if side**2 != values.shape[1]:
        raise CampaignError(
            f"{one_line(path)}: has {values.shape[1]} columns and no heading; give it one, "
            "hour,CELL,CELL,..."
        )
    # DGRN's block: rows and columns 41 to 45 of the grid, row by row.
    cells = [
        100 * row + column + 1 for row in range(41, 41 + side) for column in range(41, 41 + side)
    ]
    hourly = values.reshape(-1, 6, values.shape[1]).sum(axis=1)
    return _made(hourly, cells, np.datetime64("2013-11-01T00", "h"))


def _places(path: Path, rows: Sequence[Sequence[str]], traffic: Traffic) -> Floats:
    """Places of one's own cells [m], [cell, 2]."""
    if any(len(row) - 1 != len(traffic.cells) for row in rows):
        raise CampaignError(f"{one_line(path)}: x_m and y_m must have a place for each cell")
    places = np.array([row[1:] for row in rows], np.float64).T
    if not np.isfinite(places).all():
        raise CampaignError(f"{one_line(path)}: x_m and y_m must be finite")
    return places


def _fedda(path: Path, target: str) -> Traffic:
    """FedDA's milano.h5: idx (seconds), cell, lng, lat, and a matrix for each target."""
    with open_container(path) as file:
        for name in ("idx", "cell", _HDF5[target]):
            if not isinstance(file.get(name), h5py.Dataset):
                raise CampaignError(f"{one_line(path)}: has no dataset '{name}'; is it FedDA's?")
        data = file[_HDF5[target]]
        if data.ndim != 2 or data.size > MAX_VALUES:
            raise CampaignError(
                f"{one_line(path)}: '{_HDF5[target]}' has shape {data.shape}; it must be "
                f"[hour, cell] with {MAX_VALUES} values at most"
            )
        values = data[...].astype(np.float64)
        seconds = file["idx"][...].astype(np.int64).ravel()
        cells = file["cell"][...].astype(np.int64).ravel()
    if values.shape != (len(seconds), len(cells)):
        raise CampaignError(
            f"{one_line(path)}: has {values.shape} values, {len(seconds)} hours and "
            f"{len(cells)} cells; they must agree"
        )
    start = np.datetime64(int(seconds[0]), "s").astype("datetime64[h]")
    return _made(np.nan_to_num(values, nan=0.0), cells.tolist(), start)


def _text(path: Path, cells: Sequence[int] | None, target: str) -> Traffic:
    """The challenge's own text, a file a day; only what is asked for is kept."""
    import pandas

    files = sorted(path.glob("*.txt")) if path.is_dir() else [path]
    if not files:
        raise CampaignError(f"{one_line(path)}: holds no .txt files")
    wanted = None if cells is None else set(cells)
    parts = []
    for file in files:
        columns = [0, 1, *_TEXT[target]]
        frames = pandas.read_csv(
            file, sep="\t", header=None, usecols=columns, dtype=np.float64, chunksize=1_000_000
        )
        for frame in frames:
            if wanted is not None:
                frame = frame[frame[0].isin(wanted)]
            hour = (frame[1] // HOUR_MS).astype(np.int64).rename("hour")
            total = frame[_TEXT[target]].fillna(0.0).sum(axis=1)
            parts.append(total.groupby([hour, frame[0].astype(np.int64).rename("cell")]).sum())
    whole = pandas.concat(parts)
    whole = whole.groupby(level=["hour", "cell"]).sum().unstack(fill_value=0.0)
    hours = np.arange(whole.index[0], whole.index[-1] + 1)
    whole = whole.reindex(hours, fill_value=0.0)
    # Milan keeps Central European Time in these months.
    start = np.datetime64(int(hours[0]) + 1, "h")
    return _made(whole.to_numpy(np.float64), whole.columns.tolist(), start)
