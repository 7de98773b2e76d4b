"""Radio maps, seen from above."""

from typing import TYPE_CHECKING

import numpy as np

from rtwin.dataset import RadioMap
from rtwin.plot.fields import MapField, map_extent, map_field, nothing
from rtwin.plot.outlines import draw_outlines
from rtwin.plot.style import (
    CATEGORIES,
    GREY,
    UNREACHED,
    color_bar,
    map_axes,
    mark_transmitters,
    new_map_figure,
    write_title,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def plot_radio_map(radio_map: RadioMap, metric: str = "rss", tx: int | None = None) -> "Figure":
    """Picture of a radio map, seen from above.

    Args:
        radio_map: What `open_radio_map` returns.
        metric: "path_gain" [dB], "rss" [dBm], "sinr" [dB], "serving" (the
            strongest transmitter's name) or "error" (standard error of the
            path gain [dB]); of maps from paths also "rms_delay_spread" [ns],
            "k_factor" [dB], "line_of_sight", "num_paths", and for each angle
            "aod_azimuth_mean", "aod_azimuth_spread" [deg] and so on.
        tx: Row of the transmitter; None for the best of all in each cell,
            where "error" and what maps from paths have besides are those of the
            transmitter with the highest gain.
    Returns:
        A figure. Cells that no ray reached are light grey; the colours end at
        the 2nd and 98th percentiles of the others.
    Raises:
        OutOfRangeError: if the metric has another name or is not in such a map,
            or there is no such transmitter.
        MissingExtraError: if matplotlib is not installed.
    Source: own layout; checked by tests/plot/test_maps.py.
    """
    field = map_field(radio_map, metric, tx)
    extent = map_extent(radio_map)
    figure = new_map_figure(extent)
    axes = figure.add_subplot(facecolor=UNREACHED)
    axes.set(xlim=extent[:2], ylim=extent[2:])
    if metric == "serving":
        _serving(axes, radio_map, field, tx, extent)
    else:
        _field(axes, field, extent)
    map_axes(axes)
    draw_outlines(axes, radio_map.attributes)
    mark_transmitters(axes, radio_map.tx_name, radio_map.tx_position_m, tx)
    parts = [f"{float(radio_map.attributes['height_m']):g} m above ground"]
    if len(radio_map.tx_name) > 1 and (tx is not None or metric != "serving"):
        parts.append("best transmitter" if tx is None else radio_map.tx_name[tx])
    write_title(figure, radio_map.attributes, field.title, *parts)
    return figure


def _field(axes: "Axes", field: MapField, extent: tuple[float, float, float, float]) -> None:
    low, high = field.limits
    image = axes.imshow(
        field.values,
        origin="lower",
        extent=extent,
        interpolation="nearest",
        vmin=low,
        vmax=high,
        cmap=field.colors,
    )
    color_bar(axes, image, field.values, field.label)
    if np.isnan(field.values).any():
        _legend(axes, [(field.empty, UNREACHED)])


def _serving(
    axes: "Axes",
    radio_map: RadioMap,
    field: MapField,
    tx: int | None,
    extent: tuple[float, float, float, float],
) -> None:
    from matplotlib.colors import ListedColormap

    rows = range(len(radio_map.tx_name)) if tx is None else [tx]
    colors = [CATEGORIES[row % len(CATEGORIES)] for row in rows]
    shown = np.ma.masked_invalid(field.values - rows[0])
    axes.imshow(
        shown,
        origin="lower",
        extent=extent,
        interpolation="nearest",
        cmap=ListedColormap(colors),
        vmin=-0.5,
        vmax=len(colors) - 0.5,
        alpha=0.85,
    )
    share = [float((field.values == row).mean()) for row in rows]
    entries = [
        (f"{radio_map.tx_name[row]}, {_percent(part)}", color)
        for row, part, color in zip(rows, share, colors, strict=True)
    ]
    other = nothing(radio_map) if tx is None else "another or none"
    _legend(axes, [*entries, (f"{other}, {_percent(1 - sum(share))}", UNREACHED)])


def _percent(share: float) -> str:
    return "< 1 %" if 1e-9 < share < 0.005 else f"{100 * abs(share):.0f} %"


def _legend(axes: "Axes", entries: list[tuple[str, str]]) -> None:
    """Coloured boxes with names, below the map where they hide nothing of it."""
    from matplotlib.patches import Patch

    handles = [Patch(facecolor=color, edgecolor=GREY, linewidth=0.5) for _, color in entries]
    legend = axes.figure.legend(
        handles,
        [name for name, _ in entries],
        loc="outside lower center",
        ncols=min(len(entries), 5),
        frameon=False,
        fontsize=10,
    )
    for text in legend.get_texts():
        text.set_parse_math(False)
