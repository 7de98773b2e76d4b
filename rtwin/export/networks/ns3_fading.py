"""A fading trace for ns-3's TraceFadingLossModel: one row per resource block.

A value is the power that the channel has in the resource block at that time
over its mean power, in dB: 0 dB is a channel that the path loss alone
describes. ns-3 starts each link at a random place of the trace, so a trace
carries the statistics of fading, not the place of a receiver.
"""

from pathlib import Path
from typing import Annotated

import numpy as np

from rtwin.channel import cfr, path_gain
from rtwin.errors import OutOfRangeError
from rtwin.export.record import PathView, even_step_s, shared_times_s
from rtwin.export.registry import Report
from rtwin.files import WHITE_MARK
from rtwin.progress import Progress
from rtwin.units import to_db

MAX_RESOURCE_BLOCKS = 100
SAMPLE_S = 1e-3
"""ns-3 multiplies its clock by a sample's length where it should divide: 1 ms alone keeps time."""

_COLUMNS_PER_BLOCK = 2048
_FLOOR_DB = -200.0  # a deep null would be minus infinity, which ns-3 cannot read


def write_fading(
    view: PathView,
    target: Path,
    progress: Progress,
    *,
    resource_blocks: Annotated[int, "rows of the trace, at most 100"] = 100,
    spacing_hz: Annotated[float, "from one resource block to the next"] = 180e3,
    samples: Annotated[int, "columns of 1 ms, where the receiver stands"] = 10_000,
) -> Report:
    """Write the trace of one link: over the Doppler shifts of its paths, or along its track."""
    view = view.one_port("a fading trace")
    if view.num_tx != 1 or len(view.tracks) != 1:
        raise OutOfRangeError(
            f"a fading trace is of one link, this is {view.num_tx} transmitters and "
            f"{len(view.tracks)} receivers; choose with tx and rx (--tx 0 --rx 0)"
        )
    if not 1 <= resource_blocks <= MAX_RESOURCE_BLOCKS or spacing_hz <= 0 or samples < 1:
        raise OutOfRangeError(
            f"resource_blocks is {resource_blocks}, spacing_hz {spacing_hz:g}, samples {samples}; "
            f"ns-3 takes 1 to {MAX_RESOURCE_BLOCKS} resource blocks, the others are above 0"
        )
    if not view.num_paths.all():
        raise OutOfRangeError(
            f"receiver {view.rx[int(view.num_paths[:, 0].argmin())]} has no path, so there is no "
            "mean to fade about; choose others with rx (--rx)"
        )
    moving = view.time_s is not None and view.num_rx > 1
    if moving:
        times = shared_times_s(view, "a fading trace")
        step = even_step_s(times, "a fading trace")
        samples = len(times)
        if not abs(step / SAMPLE_S - 1) < 1e-6:
            raise OutOfRangeError(
                f"the receiver's times step by {step:g} s, a fading trace by {SAMPLE_S:g} s; "
                "trace it with that interval, or one place of it with its velocity"
            )
    frequencies = (np.arange(resource_blocks) - (resource_blocks - 1) / 2) * spacing_hz
    trace = np.empty((resource_blocks, samples), np.float32)
    for block in view.blocks():
        mean = path_gain(block.paths)[:, None]
        if moving:
            response = cfr(block.paths, frequencies)[:, 0, 0, 0]  # [time, frequency]
            trace[:, block.rx] = to_db(np.abs(response) ** 2 / mean).T
            progress("export", block.rx.stop, samples)
            continue
        for start in range(0, samples, _COLUMNS_PER_BLOCK):
            stop = min(start + _COLUMNS_PER_BLOCK, samples)
            response = cfr(block.paths, frequencies, np.arange(start, stop) * SAMPLE_S)[0, 0, 0]
            trace[:, start:stop] = to_db(np.abs(response) ** 2 / mean).T
            progress("export", stop, samples)
    np.maximum(trace, _FLOOR_DB, out=trace)
    with open(target, "w", encoding="ascii", newline="\n") as file:
        for row in trace:
            file.write(" ".join(f"{value:.4f}" for value in row) + "\n")
        file.write(WHITE_MARK)
    report: Report = {
        "RbNum": resource_blocks,
        "SamplesNum": samples,
        "TraceLength": f"{samples} ms",
    }
    if samples > 1 and (trace == trace[:, :1]).all():
        report["note"] = "nothing moves, so all columns are the same"
    return report
