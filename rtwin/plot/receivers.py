"""Receivers, seen from above."""

from typing import TYPE_CHECKING, Any

import numpy as np

from rtwin.arrays import Bools, Floats
from rtwin.dataset import PathDataset
from rtwin.plot.outlines import draw_outlines
from rtwin.plot.style import (
    GREEN,
    GREY,
    ORANGE,
    UNREACHED,
    color_bar,
    color_limits,
    map_axes,
    mark_transmitters,
    new_map_figure,
    one_of,
    row_of,
    view_around,
    write_title,
)
from rtwin.plot.values import LINK_LABELS, link_values

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

RECEIVER_METRICS = {
    metric: LINK_LABELS[metric]
    for metric in ("path_gain", "num_paths", "rms_delay_spread", "line_of_sight")
}


def plot_receivers(
    dataset: PathDataset, metric: str = "path_gain", tx: int | None = None
) -> "Figure":
    """Picture of the receivers of a dataset, seen from above.

    Args:
        dataset: What `open_dataset` returns.
        metric: "path_gain" [dB], "num_paths", "rms_delay_spread" [ns] or
            "line_of_sight".
        tx: Row of the transmitter; None for the one with the highest path gain
            at each receiver, and for line of sight to any of them.
    Returns:
        A figure. Receivers without a path are grey crosses.
    Raises:
        OutOfRangeError: if the metric has another name, or there is no such
            transmitter.
        MissingExtraError: if matplotlib is not installed.
    Source: own layout; checked by tests/plot/test_receivers.py.
    """
    what, label = RECEIVER_METRICS[one_of("metric", metric, RECEIVER_METRICS)]
    if tx is not None:
        row_of("tx", tx, dataset.num_tx)
    names, tx_m = dataset.read("tx_name"), dataset.read("tx_position_m")
    rx_m = dataset.read("rx_position_m")[:, :2]
    view = view_around(np.concatenate([rx_m, tx_m[:, :2] if tx is None else tx_m[tx : tx + 1, :2]]))
    figure = new_map_figure(view)
    axes = figure.add_subplot(xlim=view[:2], ylim=view[2:])
    columns = slice(None) if tx is None else slice(tx, tx + 1)
    paths = dataset.num_paths.reshape(-1, dataset.num_tx)[:, columns].sum(axis=1)
    values = _receiver_values(dataset, metric, tx)
    _receivers(axes, rx_m, values, paths > 0, metric, label)
    map_axes(axes)
    axes.grid(color=UNREACHED, linewidth=0.6)
    axes.set_axisbelow(True)
    draw_outlines(axes, dataset.attributes)
    mark_transmitters(axes, names, tx_m, tx)
    count = f"{dataset.num_rx} receiver" + "s" * (dataset.num_rx != 1)
    everyone = "any transmitter" if metric == "line_of_sight" else "best transmitter"
    chosen = [everyone if tx is None else str(names[tx])] if dataset.num_tx > 1 else []
    write_title(figure, dataset.attributes, what, *chosen, count)
    return figure


def _receiver_values(dataset: PathDataset, metric: str, tx: int | None) -> Floats:
    """What is shown of each receiver, [rx]; NaN where no path brings power."""
    shape = (dataset.num_rx, dataset.num_tx)
    columns = slice(None) if tx is None else slice(tx, tx + 1)
    values = link_values(dataset, metric).reshape(shape)[:, columns]
    if metric == "line_of_sight":
        order = values
    else:
        order = link_values(dataset, "path_gain").reshape(shape)[:, columns]
    best = np.nan_to_num(order, nan=-np.inf).argmax(axis=1)
    return np.take_along_axis(values, best[:, None], axis=1)[:, 0]


def _receivers(
    axes: "Axes", rx_m: Floats, values: Floats, has_path: Bools, metric: str, label: str
) -> None:
    reached = np.isfinite(values)
    # Few receivers are large, many are small.
    size = float(np.clip(16000 / max(len(rx_m), 1), 8, 60))
    style: dict[str, Any] = {"linewidths": 0, "zorder": 3}
    entries = []
    if metric == "line_of_sight":
        for seen, color, name in (
            (True, GREEN, "line of sight"),
            (False, ORANGE, "no line of sight"),
        ):
            chosen = reached & ((values > 0) == seen)
            dots = axes.scatter(rx_m[chosen, 0], rx_m[chosen, 1], size, color=color, **style)
            entries.append((dots, f"{name} ({np.count_nonzero(chosen)})"))
    elif reached.any():
        shown = values[reached]
        low, high = color_limits(shown)
        dots = axes.scatter(
            rx_m[reached, 0],
            rx_m[reached, 1],
            size,
            c=shown,
            vmin=low,
            vmax=high,
            cmap="viridis",
            **style,
        )
        color_bar(axes, dots, shown, label)
    if not reached.all():
        lost = axes.scatter(
            rx_m[~reached, 0],
            rx_m[~reached, 1],
            0.8 * size,
            marker="x",
            color=GREY,
            linewidths=0.9,
            zorder=2,
        )
        name = "no path or no power" if (has_path & ~reached).any() else "no path"
        entries.append((lost, f"{name} ({np.count_nonzero(~reached)})"))
    if entries:
        handles, names = zip(*entries, strict=True)
        axes.figure.legend(
            handles,
            names,
            loc="outside lower center",
            ncols=len(entries),
            frameon=False,
            fontsize=10,
            markerscale=max(1.0, 6.0 / size**0.5),
        )
