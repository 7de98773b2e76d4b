"""The picture of the quality study."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from rtwin.arrays import Floats
from rtwin.plot.style import BLUE, CATEGORIES, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_worth(
    scatter: Mapping[str, tuple[Floats, Floats]],
    explained: Mapping[tuple[str, str], Mapping[str, float]],
) -> "Figure":
    """What twins were worth over what was predicted, and how much each way explains.

    Args:
        scatter: Predicted and real worth, [twin] each, by task.
        explained: By task and what is known of accuracy, then by way of predicting.
    """
    figure = new_figure(12.0, 4.6)
    *clouds, bars = figure.subplots(1, len(scatter) + 1, width_ratios=[1] * len(scatter) + [1.6])
    for axes, (task, (guess, worth)) in zip(clouds, scatter.items(), strict=True):
        axes.plot(guess, worth, ".", color=BLUE, alpha=0.5)
        ends = [float(guess.min()), float(guess.max())]
        axes.plot(ends, ends, color="grey", linewidth=1)
        axes.set(
            title=task, xlabel="predicted, world left out", ylabel="worth over the world's mean"
        )
    ways = list(next(iter(explained.values())))
    height = 0.8 / len(explained)
    for number, ((task, known), own) in enumerate(explained.items()):
        place = np.arange(len(ways)) + (number - (len(explained) - 1) / 2) * height
        values = [100 * max(own[way], 0.0) for way in ways]
        label = f"{task}, accuracy {known}"
        bars.barh(place, values, height, color=CATEGORIES[number], label=label)
    bars.set_yticks(range(len(ways)), ways)
    bars.invert_yaxis()
    bars.set_xlabel("explained of worlds left out [%]")
    bars.legend(loc="upper right", fontsize=8)
    figure.suptitle("What decisions on a twin are worth, predicted from its quality")
    return figure
