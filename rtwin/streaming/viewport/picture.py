"""Picture of the viewport study: errors over the horizon, and what is missed for what is sent."""

from typing import TYPE_CHECKING, Any

from rtwin.plot.style import CATEGORIES, lined_axes, new_figure
from rtwin.streaming.viewport.prediction import PREDICTORS

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_viewport(sight: Any) -> "Figure":
    """Error over the horizon; missed against sent at two horizons.

    Args:
        sight: What `run_viewport` found.
    Raises:
        MissingExtraError: if matplotlib is not installed.
    """
    figure = new_figure(14.0, 4.4)
    horizons = sight.study.horizons_s
    wanted = [h for h in (1.0, 5.0) if h in horizons] or [horizons[-1]]
    left, *others = figure.subplots(1, 1 + len(wanted))
    for number, name in enumerate(PREDICTORS):
        mean = sight.error_deg[number].mean(axis=-1)
        left.plot(horizons, mean, "o-", color=CATEGORIES[number], label=name)
        for panel, horizon in zip(others, wanted, strict=True):
            place = horizons.index(horizon)
            sent, missed = (
                100 * v[number, place].mean(axis=-1) for v in (sight.sent, sight.missed)
            )
            panel.plot(sent, missed, "o-", color=CATEGORIES[number])
            panel.set_title(f"{horizon:g} s ahead", fontsize=10)
    left.set(xlabel="looking ahead [s]", ylabel="error of the head's direction [degree]")
    left.set_ylim(0, None)
    left.legend(fontsize=8, frameon=False)
    for panel in others:
        panel.set(xlabel="of the sphere sent [%]", ylabel="of the view missed [%]")
        panel.set_ylim(0, None)
    for panel in figure.axes:
        lined_axes(panel)
    return figure
