"""Pictures of datasets, radio maps and link traces, with matplotlib.

plot_file(file, kind) -> Figure, save_figure(figure, file) -> PNG, PDF or SVG

The figures need no window; matplotlib is loaded when one is made.
"""

from rtwin.plot.antennas import plot_antenna
from rtwin.plot.distributions import plot_cdf
from rtwin.plot.files import plot_file
from rtwin.plot.key import add_key
from rtwin.plot.links import plot_angular_spectrum, plot_delay_profile
from rtwin.plot.maps import plot_radio_map
from rtwin.plot.receivers import plot_receivers
from rtwin.plot.style import save_figure
from rtwin.plot.traces import plot_link_trace

__all__ = [
    "add_key",
    "plot_angular_spectrum",
    "plot_antenna",
    "plot_cdf",
    "plot_delay_profile",
    "plot_file",
    "plot_link_trace",
    "plot_radio_map",
    "plot_receivers",
    "save_figure",
]
