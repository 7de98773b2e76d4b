"""Picture of the slicing experiment."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from rtwin.experiments.beliefs import REFERENCE
from rtwin.experiments.fidelity import NOBODY
from rtwin.experiments.table import COLUMNS, Row
from rtwin.plot.style import CATEGORIES, GREY, UNREACHED, name_rows, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PANELS = ("sla_violation", "throughput_mbps", "reserved_share", "regret")
_MARKS = "osD^v"
_APART = 0.22  # of a row, between policies


def plot_slicing(rows: Sequence[Row], title: str) -> "Figure":
    """Picture of the experiment's table: one panel per figure, one row per knowledge.

    Args:
        rows: What `rows_of` returns.
        title: Above the picture.
    Returns:
        A figure; points are means over seeds, bars their 95 % intervals. The
        dashed line is the policy that knows nothing.
    Raises:
        MissingExtraError: if matplotlib is not installed.
    Checked by tests/experiments/test_fidelity.py.
    """
    known = [k for k in dict.fromkeys(row.knowledge for row in rows) if k != NOBODY]
    policies = list(dict.fromkeys(row.policy for row in rows if row.knowledge != NOBODY))
    blind = [row for row in rows if row.knowledge == NOBODY]
    figure = new_figure(12.0, 1.6 + 0.42 * len(known))
    figure.suptitle(title, fontsize=13, parse_math=False)
    axes = figure.subplots(1, len(PANELS), sharey=True)
    place = {name: len(known) - 1 - i for i, name in enumerate(known)}
    for panel, name in zip(axes, PANELS, strict=True):
        heading, factor, _ = COLUMNS[name]
        for i, policy in enumerate(policies):
            own = [row for row in rows if row.policy == policy and row.knowledge != NOBODY]
            shift = _APART * ((len(policies) - 1) / 2 - i)
            values = np.array([factor * row.figures[name].mean for row in own])
            widths = np.nan_to_num([factor * row.figures[name].half_width for row in own])
            panel.errorbar(
                values,
                [place[row.knowledge] + shift for row in own],
                xerr=widths,
                fmt=_MARKS[i % len(_MARKS)],
                color=CATEGORIES[i % len(CATEGORIES)],
                capsize=2.5,
                markersize=6,
                linewidth=1.2,
                label=policy,
            )
        for row in blind if name != "regret" else ():
            panel.axvline(
                factor * row.figures[name].mean,
                color=GREY,
                linestyle="--",
                linewidth=1.2,
                label=f"{row.policy} (knows {NOBODY})",
            )
        panel.set_xlabel(heading, fontsize=11)
    for boundary in (REFERENCE,):
        if boundary in place:
            for panel in axes:
                panel.axhspan(
                    place[boundary] - 0.5,
                    place[boundary] + 0.5,
                    color=UNREACHED,
                    alpha=0.5,
                    linewidth=0,
                )
    name_rows(figure, axes, place, legend_of=axes[0])
    return figure
