"""From a file to a picture."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rtwin.channel import path_gain
from rtwin.dataset import PathDataset, file_info, open_dataset, open_link_trace, open_radio_map
from rtwin.errors import OutOfRangeError
from rtwin.plot.distributions import plot_cdf
from rtwin.plot.links import plot_angular_spectrum, plot_delay_profile
from rtwin.plot.maps import plot_radio_map
from rtwin.plot.receivers import plot_receivers
from rtwin.plot.style import one_of, row_of
from rtwin.plot.traces import plot_link_trace

if TYPE_CHECKING:
    from matplotlib.figure import Figure

KINDS = ("map", "receivers", "delay", "angles", "cdf", "trace")
_METRIC = {"map": "rss", "receivers": "path_gain", "cdf": "summary", "trace": "rate"}
# format: what it is called, which kinds fit it
_FORMATS = {
    "rtwin-radiomap": ("radio map", KINDS[:1]),
    "rtwin-linktrace": ("link trace", KINDS[5:]),
    "rtwin-paths": ("dataset of paths", KINDS[1:5]),
    "rtwin-sweep": ("dataset of paths", KINDS[1:5]),
}


def plot_file(
    file: str | Path, kind: str = "", metric: str = "", rx: int = 0, tx: int | None = None
) -> "Figure":
    """Picture of what a dataset, radio map or link trace file holds.

    Args:
        file: The file.
        kind: "map" for a radio map; "receivers", "delay", "angles" or "cdf"
            for a dataset; "trace" for a link trace; "" for the first that fits.
        metric: What is shown, by kind; "" for the default. Delay and angles have none.
        rx: Row of the receiver, for delay and angles.
        tx: Row of the transmitter; None for all, and for delay and angles the strongest.
    Returns:
        A figure; `save_figure` writes it.
    Raises:
        OutOfRangeError: if a kind or metric does not exist or does not fit the
            file, or there is no such receiver or transmitter.
        StoreError: if the file is missing, broken, foreign or newer.
        MissingExtraError: if matplotlib is not installed.
    Source: own layout; checked by tests/plot/test_files.py.
    """
    if kind:
        one_of("kind", kind, KINDS)
    what, fitting = _FORMATS[file_info(file)["format"]]
    kind = kind or fitting[0]
    if kind not in fitting:
        raise OutOfRangeError(
            f"kind is {kind!r}, but {file} is a {what}; it must be {', '.join(fitting)}"
        )
    if metric and kind not in _METRIC:
        raise OutOfRangeError(f"metric is {metric!r}, but kind {kind!r} has none; leave metric out")
    metric = metric or _METRIC.get(kind, "")
    if kind == "trace":
        return plot_link_trace(open_link_trace(file), metric)
    if kind == "map":
        return plot_radio_map(open_radio_map(file), metric, tx)
    with open_dataset(file) as dataset:
        if kind == "receivers":
            return plot_receivers(dataset, metric, tx)
        if kind == "cdf":
            return plot_cdf(dataset, metric, tx)
        draw = plot_delay_profile if kind == "delay" else plot_angular_spectrum
        return draw(dataset, rx, strongest_tx(dataset, rx) if tx is None else tx)


def strongest_tx(dataset: PathDataset, rx: int) -> int:
    """The transmitter that a receiver hears best; the first where it hears none.

    Raises:
        OutOfRangeError: if there is no such receiver.
    """
    links = dataset.links(row_of("rx", rx, dataset.num_rx))
    return int(np.argmax(path_gain(dataset.paths(int(links[0]), int(links[-1]) + 1))))
