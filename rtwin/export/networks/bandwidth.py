"""Rates of a link trace as bandwidth traces for simulators of adaptive streaming.

One text file per user with lines `seconds Mbps`, in a folder of its own: Pensieve's
`load_trace` takes every file of a folder for a trace, and that of the short-video
challenge sorts the names as whole numbers. Both simulators use the rate of a line for
the time since the line before it, and never the rate of the first line.

Source: hongzimao/pensieve, sim/load_trace.py and sim/env.py; Short-Video-Streaming-
Challenge, simulator/short_video_load_trace.py and simulator/network_module.py. Checked
by tests/export/networks/test_bandwidth.py.
"""

import csv
from pathlib import Path
from typing import Annotated

import numpy as np

from rtwin.arrays import Bools, Floats
from rtwin.dataset.inspection import CheckedFile, open_checked
from rtwin.errors import OutOfRangeError
from rtwin.export.registry import Report
from rtwin.progress import Progress

_OUTSIDE, _NO_POSITION = 3, 4  # states in which a trace knows no rate
_ROWS_PER_BLOCK = 4096


def write_bandwidth(
    trace: Path,
    target: Path,
    progress: Progress,
    *,
    share: Annotated[float, "of the cell's resource blocks that the user gets, up to 1"] = 1.0,
    fair: Annotated[bool, "divide a cell by the users that it serves at that time"] = False,
    interval_s: Annotated[float, "time between lines, rates averaged; 0 for the trace's"] = 0.0,
    unknown_mbps: Annotated[float, "rate where the trace knows none; below 0 refuses that"] = -1.0,
    rate_is_for: Annotated[
        str, "before (the time since the line before, as Pensieve reads it) or after (a line)"
    ] = "before",
) -> Report:
    """Write `traces/0`, `traces/1`, ..., and `users.csv` with names and mean rates."""
    if not 0 < share <= 1:
        raise OutOfRangeError(f"share is {share:g}; it must be above 0 and at most 1")
    if rate_is_for not in ("before", "after"):
        raise OutOfRangeError(f"rate_is_for is {rate_is_for!r}; it must be before or after")
    traces = target / "traces"
    traces.mkdir()
    with open_checked(trace) as h5:
        time_s = h5["time_s"][...]
        names = list(h5["ue_name"].asstr()[...])
        step_s = _step(time_s)
        every = _rows_per_line(step_s, interval_s, len(time_s))
        num_lines = len(time_s) // every
        total = np.zeros(len(names))
        unknown = 0
        rows = max(1, _ROWS_PER_BLOCK // every) * every
        for start in range(0, num_lines * every, rows):
            stop = min(start + rows, num_lines * every)
            rate, missing = _rates(h5, slice(start, stop), share, fair)
            unknown += int(missing.sum())
            if unknown and unknown_mbps < 0:
                row, ue = np.argwhere(missing)[0]
                raise OutOfRangeError(
                    f"user {names[ue]!r} has no known rate at {time_s[start + row]:g} s (outside "
                    "of the map or without a position); give one with unknown_mbps, e.g. 0"
                )
            rate[missing] = unknown_mbps
            lines = rate.reshape(-1, every, len(names)).mean(axis=1)
            seconds = (np.arange(len(lines)) + start // every) * every * step_s
            if rate_is_for == "before":
                seconds += every * step_s
                if start == 0:  # simulators begin at the first stamp and ignore its rate
                    seconds, lines = np.append(0.0, seconds), np.vstack([lines[:1], lines])
            for ue in range(len(names)):
                with open(traces / str(ue), "a", encoding="ascii", newline="\n") as file:
                    file.writelines(
                        f"{second:.9g} {mbps:.6g}\n"
                        for second, mbps in zip(seconds, lines[:, ue], strict=True)
                    )
            total += rate.sum(axis=0) / every
            progress("export", stop, num_lines * every)
    mean = total / num_lines
    with open(target / "users.csv", "w", encoding="utf-8", newline="") as table:
        out = csv.writer(table, lineterminator="\n")
        out.writerow(("file", "user", "mean_mbps"))
        for ue, name in enumerate(names):
            out.writerow((f"traces/{ue}", name, f"{mean[ue]:.6g}"))
    report: Report = {
        "users": len(names),
        "lines": f"{num_lines} of {every * step_s:g} s",
        "mean rate": f"{mean.mean():.4g} Mbps",
    }
    if (mean == 0).any():
        report["without any rate"] = (
            f"{(mean == 0).sum()} users; a simulator that downloads with them never ends"
        )
    if unknown:
        report["unknown rates"] = f"{unknown} rows of the trace, written as {unknown_mbps:g} Mbps"
    if num_lines * every < len(time_s):
        report["left over"] = f"the last {len(time_s) - num_lines * every} rows of the trace"
    return report


def _step(time_s: Floats) -> float:
    if len(time_s) < 2:
        raise OutOfRangeError(f"the trace has {len(time_s)} rows; a bandwidth trace needs 2")
    return float(time_s[-1] - time_s[0]) / (len(time_s) - 1)


def _rows_per_line(step_s: float, interval_s: float, num_rows: int) -> int:
    if interval_s == 0:
        return 1
    every = round(interval_s / step_s)
    if every < 1 or abs(every * step_s - interval_s) > 1e-6 * interval_s or every > num_rows:
        raise OutOfRangeError(
            f"interval_s is {interval_s:g}, the trace has {num_rows} steps of {step_s:g} s; "
            "it must be a multiple of the step that the trace holds"
        )
    return every


def _rates(h5: CheckedFile, rows: slice, share: float, fair: bool) -> tuple[Floats, Bools]:
    """Rate at the serving cell [Mbps] and where none is known, [time, ue]."""
    serving = h5["serving_tx"][rows].astype(np.int64)
    cell = np.maximum(serving, 0)[..., None]
    rate = np.take_along_axis(h5["rate_mbps"][rows], cell, axis=2)[..., 0].astype(np.float64)
    rate = np.where(serving >= 0, rate, 0.0) * share
    if fair:
        num_tx = h5["tx_name"].shape[0]
        users = np.stack([(serving == tx).sum(axis=1) for tx in range(num_tx)], axis=1)
        rate /= np.maximum(np.take_along_axis(users, np.maximum(serving, 0), axis=1), 1)
    return rate, np.isin(h5["state"][rows], (_OUTSIDE, _NO_POSITION))
