"""What a radio map shows: one value per cell, with its unit and its colours."""

from dataclasses import dataclass

import numpy as np

from rtwin.arrays import Floats
from rtwin.dataset import RadioMap
from rtwin.errors import OutOfRangeError
from rtwin.plot.style import color_limits, one_of, row_of
from rtwin.units import to_db

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


@dataclass(frozen=True)
class MapField:
    """One metric of a radio map, the first row in the south."""

    metric: str
    title: str
    label: str  # with its unit, for a colour bar
    values: Floats  # [cell_y, cell_x]; NaN where there is none
    limits: tuple[float, float]  # values at the ends of the colours
    colors: str  # name of the colour map; "" for the colours of transmitters
    empty: str  # what a cell without a value means

    @property
    def unit(self) -> str:
        """dB, dBm, ns or deg; "" for numbers and names."""
        return self.label.partition("[")[2].rstrip("]")


def map_metrics(radio_map: RadioMap) -> tuple[str, ...]:
    """The metrics that a radio map holds."""
    if radio_map.path_statistics:
        return (*(name for name in MAP_METRICS if name != "error"), *PATH_METRICS)
    return tuple(MAP_METRICS)


def map_field(radio_map: RadioMap, metric: str, tx: int | None = None) -> MapField:
    """A metric of a radio map as pictures show it.

    Args:
        radio_map: What `open_radio_map` returns.
        metric: As in `plot_radio_map`.
        tx: Row of the transmitter; None for the best of all, as in `plot_radio_map`.
    Returns:
        Values in the unit of the pictures; of "serving" rows of transmitters.
    Raises:
        OutOfRangeError: if the metric has another name or is not in such a map,
            or there is no such transmitter.
    Source: own layout; checked by tests/plot/test_maps.py.
    """
    if metric not in (*MAP_METRICS, *PATH_METRICS):
        one_of("metric", metric, map_metrics(radio_map))
    _check_method(radio_map, metric)
    if tx is not None:
        row_of("tx", tx, len(radio_map.tx_name))
    title, label = MAP_METRICS[metric] if metric in MAP_METRICS else PATH_METRICS[metric][1:3]
    values = _serving(radio_map, tx) if metric == "serving" else _values(radio_map, metric, tx)
    empty = {"k_factor": "no line of sight, or it is alone"}.get(metric, nothing(radio_map))
    # All directions have the same colours in all pictures.
    is_direction = metric.endswith("azimuth_mean")
    limits = (-180.0, 180.0) if is_direction else color_limits(values)
    return MapField(metric, title, label, values, limits, _colors_of(metric), empty)


def nothing(radio_map: RadioMap) -> str:
    """What a cell without path gain means."""
    words = {
        "measurements": "not measured",
        "paths": "no path",
        "merged": "nothing known, or nothing there",
    }
    return words.get(str(radio_map.attributes["method"]), "no ray came")


def map_extent(radio_map: RadioMap) -> tuple[float, float, float, float]:
    """Left, right, bottom and top edge of the cells [m]."""
    centers, half = radio_map.cell_centers_m, float(radio_map.attributes["cell_size_m"]) / 2
    (left, bottom), (right, top) = centers[0, 0, :2] - half, centers[-1, -1, :2] + half
    return float(left), float(right), float(bottom), float(top)


def corner_heights_m(radio_map: RadioMap) -> Floats:
    """Heights of the corners [m], mean of the cells around each, [cell_y + 1, cell_x + 1]."""
    around = np.pad(radio_map.cell_centers_m[..., 2], 1, mode="edge")
    return 0.25 * (around[1:, 1:] + around[1:, :-1] + around[:-1, 1:] + around[:-1, :-1])


def _check_method(radio_map: RadioMap, metric: str) -> None:
    from_paths = bool(radio_map.path_statistics)
    if metric in PATH_METRICS and not from_paths:
        raise OutOfRangeError(
            f"metric is {metric!r}, which only maps from paths hold; "
            "make one with `rtwin radiomap --method paths`"
        )
    if metric == "error" and from_paths:
        raise OutOfRangeError("metric is 'error', but a map from paths draws nothing and has none")


def _serving(radio_map: RadioMap, tx: int | None) -> Floats:
    serving = radio_map.serving_transmitter.astype(np.float64)
    return np.where((serving < 0) if tx is None else (serving != tx), np.nan, serving)


def _values(radio_map: RadioMap, metric: str, tx: int | None) -> Floats:
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


def _colors_of(metric: str) -> str:
    if metric == "serving":
        return ""
    if metric.endswith("azimuth_mean"):
        return "twilight"  # -180 and 180 degrees are one direction
    return "cividis" if metric == "error" or metric in PATH_METRICS else "viridis"
