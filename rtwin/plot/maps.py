"""Radio maps, seen from above."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rtwin.dataset import RadioMap
from rtwin.errors import OutOfRangeError
from rtwin.plot.style import (
    CATEGORIES,
    GREY,
    UNREACHED,
    color_bar,
    color_limits,
    map_axes,
    mark_transmitters,
    new_map_figure,
    one_of,
    row_of,
    write_title,
)
from rtwin.units import to_db

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# metric: what the title says, what the colour bar says
MAP_METRICS = {
    "path_gain": ("Path gain", "path gain [dB]"),
    "rss": ("Received power", "received power [dBm]"),
    "sinr": ("SINR", "SINR [dB]"),
    "serving": ("Serving transmitter", ""),
    "error": ("Standard error of the path gain", "standard error [dB]"),
}


# metric of maps from paths: variable, what the title says, what the bar says, factor (None: in dB)
PATH_METRICS = {
    "rms_delay_spread": ("rms_delay_spread_s", "RMS delay spread", "delay spread [ns]", 1e9),
    "k_factor": ("k_factor", "Rician K factor", "K factor [dB]", None),
    "line_of_sight": ("line_of_sight", "Line of sight", "1 where in sight", 1.0),
    "num_paths": ("num_paths", "Number of paths", "paths", 1.0),
    **{
        f"{name}_{what}": (
            f"{name}_{what}",
            f"{way} {angle}, {what}",
            f"{angle} {'spread ' if what == 'spread' else ''}[deg]",
            float(np.degrees(1.0)),
        )
        for name, way, angle in (
            ("aod_azimuth", "Departure", "azimuth"),
            ("aod_zenith", "Departure", "zenith"),
            ("aoa_azimuth", "Arrival", "azimuth"),
            ("aoa_zenith", "Arrival", "zenith"),
        )
        for what in ("mean", "spread")
    },
}


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
    one_of("metric", metric, [*MAP_METRICS, *PATH_METRICS])
    _check_method(radio_map, metric)
    what, label = MAP_METRICS[metric] if metric in MAP_METRICS else PATH_METRICS[metric][1:3]
    if tx is not None:
        row_of("tx", tx, len(radio_map.tx_name))
    extent = _extent(radio_map)
    figure = new_map_figure(extent)
    axes = figure.add_subplot(facecolor=UNREACHED)
    axes.set(xlim=extent[:2], ylim=extent[2:])
    if metric == "serving":
        _serving(axes, radio_map, tx, extent)
    else:
        _field(axes, _map_values(radio_map, metric, tx), extent, metric, label)
    map_axes(axes)
    mark_transmitters(axes, radio_map.tx_name, radio_map.tx_position_m, tx)
    parts = [f"{float(radio_map.attributes['height_m']):g} m above ground"]
    if len(radio_map.tx_name) > 1 and (tx is not None or metric != "serving"):
        parts.append("best transmitter" if tx is None else radio_map.tx_name[tx])
    write_title(figure, radio_map.attributes, what, *parts)
    return figure


def _extent(radio_map: RadioMap) -> tuple[float, float, float, float]:
    """Left, right, bottom and top edge of the cells [m]."""
    centers, half = radio_map.cell_centers_m, float(radio_map.attributes["cell_size_m"]) / 2
    (left, bottom), (right, top) = centers[0, 0, :2] - half, centers[-1, -1, :2] + half
    return float(left), float(right), float(bottom), float(top)


def _check_method(radio_map: RadioMap, metric: str) -> None:
    from_paths = bool(radio_map.path_statistics)
    if metric in PATH_METRICS and not from_paths:
        raise OutOfRangeError(
            f"metric is {metric!r}, which only maps from paths hold; "
            "make one with `rtwin radiomap --method paths`"
        )
    if metric == "error" and from_paths:
        raise OutOfRangeError("metric is 'error', but a map from paths draws nothing and has none")


def _map_values(radio_map: RadioMap, metric: str, tx: int | None) -> NDArray[np.float64]:
    """What is shown of each cell, [cell_y, cell_x]; NaN where no ray came."""
    rows = slice(None) if tx is None else slice(tx, tx + 1)
    gain = radio_map.path_gain[rows]
    if metric == "error":
        best = gain.argmax(axis=0)[None]
        error = np.take_along_axis(radio_map.path_gain_standard_error[rows], best, axis=0)[0]
        with np.errstate(divide="ignore", invalid="ignore"):
            values = to_db(1.0 + error / gain.max(axis=0))
    elif metric in PATH_METRICS:
        name, _, _, factor = PATH_METRICS[metric]
        best = gain.argmax(axis=0)[None]
        each = radio_map.path_statistics[name][rows].astype(np.float64)
        values = np.take_along_axis(each, best, axis=0)[0]
        values = to_db(values) if factor is None else factor * values
    elif metric == "rss":
        values = radio_map.rss_dbm[rows].max(axis=0).astype(np.float64)
    else:
        values = to_db((gain if metric == "path_gain" else radio_map.sinr[rows]).max(axis=0))
    return np.where((gain > 0).any(axis=0) & np.isfinite(values), values, np.nan)


def _field(
    axes: "Axes",
    values: NDArray[np.float64],
    extent: tuple[float, float, float, float],
    metric: str,
    label: str,
) -> None:
    low, high = (-180.0, 180.0) if metric.endswith("azimuth_mean") else color_limits(values)
    image = axes.imshow(
        values, origin="lower", extent=extent, interpolation="nearest", vmin=low, vmax=high,
        cmap=_colors_of(metric),
    )  # fmt: skip
    color_bar(axes, image, values, label)
    if np.isnan(values).any():
        empty = {"k_factor": "no line of sight, or it is alone"}.get(metric, "no ray came")
        _legend(axes, [(empty, UNREACHED)])


def _colors_of(metric: str) -> str:
    if metric.endswith("azimuth_mean"):
        return "twilight"  # -180 and 180 degrees are one direction
    return "cividis" if metric == "error" or metric in PATH_METRICS else "viridis"


def _serving(
    axes: "Axes", radio_map: RadioMap, tx: int | None, extent: tuple[float, float, float, float]
) -> None:
    from matplotlib.colors import ListedColormap

    serving = radio_map.serving_transmitter.astype(np.int64)
    rows = range(len(radio_map.tx_name)) if tx is None else [tx]
    colors = [CATEGORIES[row % len(CATEGORIES)] for row in rows]
    shown = np.ma.masked_where(~np.isin(serving, rows), serving - rows[0])
    axes.imshow(
        shown, origin="lower", extent=extent, interpolation="nearest",
        cmap=ListedColormap(colors), vmin=-0.5, vmax=len(colors) - 0.5, alpha=0.85,
    )  # fmt: skip
    share = [float((serving == row).mean()) for row in rows]
    entries = [
        (f"{radio_map.tx_name[row]}, {_percent(part)}", color)
        for row, part, color in zip(rows, share, colors, strict=True)
    ]
    other = "no ray came" if tx is None else "another or none"
    _legend(axes, [*entries, (f"{other}, {_percent(1 - sum(share))}", UNREACHED)])


def _percent(share: float) -> str:
    return "< 1 %" if 1e-9 < share < 0.005 else f"{100 * abs(share):.0f} %"


def _legend(axes: "Axes", entries: list[tuple[str, str]]) -> None:
    """Coloured boxes with names, below the map where they hide nothing of it."""
    from matplotlib.patches import Patch

    handles = [Patch(facecolor=color, edgecolor=GREY, linewidth=0.5) for _, color in entries]
    legend = axes.figure.legend(
        handles, [name for name, _ in entries], loc="outside lower center",
        ncols=min(len(entries), 5), frameon=False, fontsize=10,
    )  # fmt: skip
    for text in legend.get_texts():
        text.set_parse_math(False)
