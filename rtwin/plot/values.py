"""One number per link, for maps of receivers and for distributions."""

from collections.abc import Callable, Sequence

import numpy as np

from rtwin.arrays import Floats
from rtwin.channel import (
    PathSet,
    has_line_of_sight,
    path_gain,
    rician_k_factor,
    rms_angular_spread,
    rms_delay_spread_s,
)
from rtwin.dataset import PathDataset
from rtwin.progress import Count, uncounted
from rtwin.units import to_db

_OF_LINKS: dict[str, Callable[[PathSet], Floats]] = {
    "path_gain": lambda paths: to_db(path_gain(paths)),
    "rms_delay_spread": lambda paths: 1e9 * rms_delay_spread_s(paths),
    "rms_angular_spread": lambda paths: np.degrees(rms_angular_spread(paths, "aoa_azimuth")),
    "k_factor": lambda paths: to_db(rician_k_factor(paths)),
    "num_paths": lambda paths: paths.num_paths.astype(np.float64),
    "line_of_sight": lambda paths: has_line_of_sight(paths).astype(np.float64),
}


LINK_LABELS = {
    "path_gain": ("Path gain", "path gain [dB]"),
    "rms_delay_spread": ("RMS delay spread", "rms delay spread [ns]"),
    "rms_angular_spread": ("RMS angular spread", "rms spread of the arrival azimuth [deg]"),
    "k_factor": ("K factor", "K factor [dB]\n(starts at the share without line of sight)"),
    "num_paths": ("Number of paths", "number of paths"),
    "line_of_sight": ("Line of sight", ""),
}
"""What the title of a picture says of a metric, and what its axis or colour bar says."""


def link_values(dataset: PathDataset, metric: str) -> Floats:
    """A metric of every link, in the unit of the pictures; one column of `link_table`."""
    return link_table(dataset, (metric,))[metric]


def link_table(
    dataset: PathDataset, metrics: Sequence[str], progress: Count = uncounted
) -> dict[str, Floats]:
    """Metrics of every link, in the units of the pictures, read in one go.

    Args:
        dataset: An open dataset, read in bounded pieces.
        metrics: Of path_gain [dB], rms_delay_spread [ns], rms_angular_spread (AoA
            azimuth, degrees), k_factor [dB], num_paths, line_of_sight (0 or 1).
        progress: Called with links done and links in all.
    Returns:
        [link] each; NaN for links without a path or without power.
    Source: rtwin.channel; checked by tests/plot/test_links.py.
    """
    table = {metric: np.full(dataset.num_links, np.nan) for metric in metrics}
    for links, paths in dataset.batches():
        has_power = path_gain(paths) > 0
        for metric in metrics:
            table[metric][links] = np.where(has_power, _OF_LINKS[metric](paths), np.nan)
        progress(links.stop, dataset.num_links)
    return table
