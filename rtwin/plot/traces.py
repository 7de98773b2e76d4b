"""Link traces: tracks seen from above, and what users get over time."""

from typing import TYPE_CHECKING, Any

import numpy as np

from rtwin.arrays import Bools, Floats
from rtwin.dataset import LinkTrace
from rtwin.plot.outlines import draw_outlines
from rtwin.plot.style import (
    BLUE,
    CATEGORIES,
    GREY,
    SKY,
    VERMILION,
    color_bar,
    color_limits,
    lined_axes,
    map_axes,
    mark_transmitters,
    new_figure,
    one_of,
    view_around,
    write_title,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# metric: what the title says, what the axes say, the variable
TRACE_METRICS = {
    "rate": ("Rate", "rate with all blocks [Mbit/s]", "rate_mbps"),
    "sinr": ("SINR", "SINR [dB]", "sinr_db"),
    "rss": ("Received power", "received power [dBm]", "rss_dbm"),
    "cqi": ("CQI", "CQI", "cqi"),
    "serving": ("Serving cell", "", "serving_tx"),
    "error": (
        "Standard error of the path gain",
        "standard error [dB]",
        "path_gain_standard_error_db",
    ),
}
_PERCENTILES = (10, 50, 90)
_LOST = "no cell, or off the map"
_LONG = 16  # letters of a title that the lower axis has no room for


def plot_link_trace(trace: LinkTrace, metric: str = "rate") -> "Figure":
    """Picture of a link trace: tracks from above, and percentiles over users over time.

    Args:
        trace: What `open_link_trace` returns.
        metric: "rate" [Mbit/s], "sinr" [dB], "rss" [dBm], "cqi", "serving" (the
            serving cell) or "error" (standard error of the path gain [dB]), of
            the serving cell. Over time, "serving" shows users per cell.
    Returns:
        A figure. Places without a serving cell, or off the map, are red crosses.
    Raises:
        OutOfRangeError: if the metric has another name.
        MissingExtraError: if matplotlib is not installed.
    Source: own layout; checked by tests/plot/test_traces.py.
    """
    what, label, variable = TRACE_METRICS[one_of("metric", metric, TRACE_METRICS)]
    xy = trace.ue_position_m[..., :2].reshape(-1, 2)
    there = np.isfinite(xy).all(axis=1)
    served = trace.serving_tx >= 0
    figure = new_figure(9.0, 8.2)
    above, below = figure.subplots(2, 1, height_ratios=(3.2, 1.0))
    shown = np.concatenate([xy[there], trace.tx_position_m[:, :2]])
    left, right, bottom, top = view_around(shown)
    above.set(xlim=(left, right), ylim=(bottom, top))
    lost = there & ~served.ravel()
    if lost.any():
        above.plot(*xy[lost].T, "x", color=VERMILION, markersize=3, zorder=3, label=_LOST)
    if metric == "serving":
        _cells(above, below, trace, xy)
    else:
        values = trace.of_serving(variable).astype(np.float64)
        values = np.where(served, values, np.nan)
        _values(above, below, trace, xy, values, label)
        name = what if len(what) < _LONG else metric
        unit = f" [{label.partition('[')[2]}" if "[" in label else ""
        below.set_ylabel(f"{name}{unit}\nmedian, 10 to 90 %", fontsize=10)
        if lost.any():
            above.legend(frameon=False, fontsize=10, markerscale=2, loc="upper right")
    map_axes(above)
    draw_outlines(above, trace.attributes)
    mark_transmitters(above, trace.tx_name, trace.tx_position_m)
    below.set_xlabel("time [s]", fontsize=11)
    lined_axes(below)
    users = f"{trace.num_ues} user{'s' if trace.num_ues > 1 else ''}"
    method = {"map": "from the radio map", "paths": "from exact paths"}
    source = method.get(str(trace.attributes.get("method")), "")
    write_title(figure, trace.attributes, what, *filter(None, (users, source)))
    return figure


def _values(
    above: "Axes", below: "Axes", trace: LinkTrace, xy: Floats, values: Floats, label: str
) -> None:
    low, high = color_limits(values)
    known = np.isfinite(values).ravel()
    image = above.scatter(
        xy[known, 0],
        xy[known, 1],
        c=values.ravel()[known],
        s=7,
        cmap="viridis",
        vmin=low,
        vmax=high,
        zorder=2,
    )
    color_bar(above, image, values, label)
    rows: Bools = np.asarray(np.isfinite(values).any(axis=1))
    found = np.full((len(_PERCENTILES), len(values)), np.nan)
    found[:, rows] = np.nanpercentile(values[rows], _PERCENTILES, axis=1)
    below.fill_between(trace.time_s, found[0], found[2], color=SKY, alpha=0.4, linewidth=0)
    # A time that stands alone has no line; a range of one user has no width.
    alone = rows & ~np.append(rows[1:], False) & ~np.insert(rows[:-1], 0, False)
    below.plot(trace.time_s, found[1], color=BLUE, linewidth=1.6)
    if alone.any():
        below.vlines(trace.time_s[alone], found[0, alone], found[2, alone], color=SKY, lw=1.6)
        below.plot(trace.time_s[alone], found[1, alone], "o", color=BLUE, markersize=4)
    if not rows.any():
        place: dict[str, Any] = {"ha": "center", "va": "center", "color": GREY}
        below.text(0.5, 0.5, "no user has a cell at any time", transform=below.transAxes, **place)


def _cells(above: "Axes", below: "Axes", trace: LinkTrace, xy: Floats) -> None:
    serving = trace.serving_tx
    for row, name in enumerate(trace.tx_name):
        own = (serving == row).ravel()
        color = CATEGORIES[row % len(CATEGORIES)]
        above.plot(*xy[own].T, ".", color=color, markersize=4, zorder=2, label=name)
        below.plot(trace.time_s, (serving == row).sum(axis=1), color=color, linewidth=1.6)
    below.plot(trace.time_s, (serving < 0).sum(axis=1), color=VERMILION, linewidth=1.2)
    below.plot(
        trace.time_s,
        np.cumsum(trace.handover.sum(axis=1)),
        color=GREY,
        linewidth=1.2,
        linestyle="--",
        label="handovers so far",
    )
    below.set_ylabel("users", fontsize=11)
    below.legend(frameon=False, fontsize=10)
    legend = above.legend(frameon=False, fontsize=10, markerscale=2)
    for text in legend.get_texts():
        text.set_parse_math(False)
