"""Distributions over the links of a dataset."""

from typing import TYPE_CHECKING

import numpy as np

from rtwin.arrays import Floats
from rtwin.dataset import PathDataset
from rtwin.plot.style import CATEGORIES, GREY, lined_axes, new_figure, one_of, row_of, write_title
from rtwin.plot.values import LINK_LABELS, link_values

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CDF_METRICS = {
    "summary": ("Links with a path", ""),
    **{metric: label for metric, label in LINK_LABELS.items() if metric != "line_of_sight"},
}
SUMMARY = ("path_gain", "rms_delay_spread", "rms_angular_spread", "k_factor")
_LINES = ("-", "--", "-.", ":")


def plot_cdf(dataset: PathDataset, metric: str = "summary", tx: int | None = None) -> "Figure":
    """Picture of distributions over the links that have a path with power.

    Args:
        dataset: What `open_dataset` returns.
        metric: "path_gain" [dB], "rms_delay_spread" [ns], "rms_angular_spread"
            (arrival azimuth, degrees), "k_factor" [dB], "num_paths", or
            "summary" for the first four.
        tx: Row of the transmitter; None for a curve of each.
    Returns:
        A figure. Links without line of sight are below any K factor, those
        with it alone above: the curve starts and ends at their shares.
    Raises:
        OutOfRangeError: if the metric has another name, or there is no such
            transmitter.
        MissingExtraError: if matplotlib is not installed.
    Source: own layout; checked by tests/plot/test_distributions.py.
    """
    what, _ = CDF_METRICS[one_of("metric", metric, CDF_METRICS)]
    rows = list(range(dataset.num_tx)) if tx is None else [row_of("tx", tx, dataset.num_tx)]
    shown = SUMMARY if metric == "summary" else (metric,)
    figure = new_figure(9.0, 7.0 if metric == "summary" else 6.0)
    side = 2 if len(shown) > 1 else 1
    names = [str(name) for name in dataset.read("tx_name")]
    curves = "one curve per transmitter" if len(rows) > 1 else names[rows[0]]
    write_title(figure, dataset.attributes, what, *([curves] if len(names) > 1 else []))
    for place, name in enumerate(shown, start=1):
        axes = figure.add_subplot(side, side, place)
        values = link_values(dataset, name).reshape(dataset.num_rx, dataset.num_tx)
        for row in rows:
            _curve(axes, values[:, row], row)
        _frame(axes, name)
    with_path = (~np.isnan(values)).sum(axis=0)
    labels = [f"{names[row]} ({with_path[row]} of {dataset.num_rx} links)" for row in rows]
    figure.legend(
        figure.axes[0].get_lines()[: len(rows)],
        labels,
        loc="outside lower center",
        ncols=min(len(rows), 3),
        frameon=False,
        fontsize=10,
    )
    return figure


def _curve(axes: "Axes", values: Floats, row: int) -> None:
    values = np.sort(values[~np.isnan(values)])
    share = np.arange(1, len(values) + 1) / max(len(values), 1)
    # What lies at minus infinity lifts the start of the curve.
    finite = np.isfinite(values)
    x, y = values[finite], share[finite]
    if x.size:
        x, y = (
            np.concatenate([x[:1], x]),
            np.concatenate([[np.sum(values < x[0]) / len(values)], y]),
        )
    axes.step(
        x,
        y,
        where="post",
        color=CATEGORIES[row % len(CATEGORIES)],
        linewidth=2.0,
        linestyle=_LINES[row // len(CATEGORIES) % len(_LINES)],
    )
    if not x.size:
        note = "no link with a path" if not values.size else "no finite value"
        axes.text(
            0.5,
            0.5,
            note,
            transform=axes.transAxes,
            ha="center",
            va="center",
            fontsize=11,
            color=GREY,
        )


def _frame(axes: "Axes", metric: str) -> None:
    axes.set_ylim(-0.02, 1.02)
    axes.set_xlabel(CDF_METRICS[metric][1], fontsize=11)
    axes.set_ylabel("share of the links", fontsize=11)
    lined_axes(axes)
    if metric == "num_paths":
        axes.locator_params(axis="x", integer=True)
