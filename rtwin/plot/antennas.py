"""Patterns of antennas: both cuts through the peak, and the whole sphere."""

from typing import TYPE_CHECKING, Any

import numpy as np

from rtwin.plot.style import new_figure
from rtwin.scene import AntennaPattern
from rtwin.units import to_db

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RANGE_DB = 40.0


def plot_antenna(pattern: AntennaPattern) -> "Figure":
    """Picture of an antenna pattern: gains [dBi] around, above and below, and everywhere.

    Args:
        pattern: What `read_antenna` returns.
    Returns:
        A figure; `save_figure` writes it.
    Raises:
        MissingExtraError: if matplotlib is not installed.
    Source: own layout; checked by tests/plot/test_antennas.py.
    """
    figure = new_figure(12.0, 4.6)
    gain = to_db(np.maximum(pattern.gain, 1e-30))
    top = float(np.ceil(gain.max() / 5) * 5)
    low = top - RANGE_DB
    row, column = np.unravel_index(int(gain.argmax()), gain.shape)
    opposite = (column + (gain.shape[1] - 1) // 2) % (gain.shape[1] - 1)
    azimuth, elevation = np.radians(pattern.azimuth_deg), np.radians(90.0 - pattern.zenith_deg)
    around: Any = figure.add_subplot(1, 3, 1, projection="polar")
    around.plot(azimuth, np.maximum(gain[row], low))
    around.set_title(f"horizontal, zenith {pattern.zenith_deg[row]:g} deg", fontsize=10)
    above: Any = figure.add_subplot(1, 3, 2, projection="polar")
    above.plot(
        np.concatenate([elevation, np.pi - elevation[::-1]]),
        np.maximum(np.concatenate([gain[:, column], gain[::-1, opposite]]), low),
    )
    above.set_title(f"vertical, azimuth {pattern.azimuth_deg[column]:g} deg", fontsize=10)
    for axes in (around, above):
        axes.set_rlim(low, top)
        axes.set_rlabel_position(110)
    whole = figure.add_subplot(1, 3, 3)
    image = whole.pcolormesh(
        pattern.azimuth_deg, pattern.zenith_deg, gain, vmin=low, vmax=top, shading="nearest"
    )
    whole.invert_yaxis()
    whole.set(xlabel="azimuth [deg]", ylabel="zenith [deg]")
    figure.colorbar(image, ax=whole, label="gain [dBi]")
    figure.suptitle(f"{pattern.name}: {pattern.peak_gain_dbi:.1f} dBi")
    return figure
