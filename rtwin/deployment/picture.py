"""Pictures: qualities as radars, and what policies lose."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from rtwin.deployment.quality import ATTRIBUTES, Quality
from rtwin.plot.style import new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST = 8  # twins in one picture: it has so many colours


def plot_quality(found: Sequence[Quality]) -> "Figure":
    """Attributes of twins around a circle, 0 in the middle and 1 at the rim.

    Attributes that are not known are gaps, and their names say so.
    """
    figure = new_figure(9.0, 6.5)  # names stand beside the circle
    axes = figure.add_subplot(projection="polar")
    angle = 2 * np.pi * np.arange(len(ATTRIBUTES)) / len(ATTRIBUTES)
    around = np.append(angle, angle[0])
    for quality in found[:_MOST]:
        value = np.array([quality.values.get(name, np.nan) for name in ATTRIBUTES])
        label = f"{quality.twin.name}: {quality.utility:.2f}"
        (line,) = axes.plot(around, np.append(value, value[0]), marker="o", label=label)
        axes.fill(
            around, np.nan_to_num(np.append(value, value[0])), alpha=0.08, color=line.get_color()
        )
    unknown = {n for n in ATTRIBUTES if all(n not in quality.values for quality in found)}
    axes.set_xticks(angle, [f"{n}\n(not known)" if n in unknown else n for n in ATTRIBUTES])
    axes.tick_params(axis="x", pad=6)
    for text, way in zip(axes.get_xticklabels(), np.cos(angle), strict=True):
        text.set_horizontalalignment("center" if abs(way) < 0.1 else "left" if way > 0 else "right")
    axes.set_ylim(0, 1)
    axes.set_yticks([0.25, 0.5, 0.75, 1.0])
    figure.legend(loc="outside lower center", ncols=3)
    left = len(found) - _MOST
    more = f", {left} more are not shown" if left > 0 else ""
    figure.suptitle(f"Quality of twins, utility of all attributes beside each name{more}")
    return figure


def plot_losses(
    losses: Mapping[str, tuple[float, float]], bound: float, timeline: Mapping[str, np.ndarray]
) -> "Figure":
    """What policies lose, with intervals and the bound, and what the best two did.

    Args:
        losses: Mean and half of the 95 % interval, by policy.
        bound: Loss that no policy can go below.
        timeline: By policy, the number of the mapping that was made, [slot, region].
    """
    figure = new_figure(11.0, 6.5)
    left, *right = figure.subplot_mosaic([["a", "b"], ["a", "c"]], width_ratios=[1, 1.4]).values()
    names = list(losses)
    means, halves = zip(*losses.values(), strict=True)
    left.barh(names, means, xerr=halves, color="#0072B2", alpha=0.85)
    left.axvline(bound, color="#D55E00", label=f"bound, {bound:.1f}")
    left.set_xlabel("discounted loss, less is better")
    left.invert_yaxis()
    left.legend(loc="lower right")
    for axes, (name, done) in zip(right, timeline.items(), strict=False):
        axes.imshow(done.T, aspect="auto", interpolation="nearest", cmap="Blues", vmin=0)
        axes.set_title(f"{name}: dark is a rebuild, light an update", fontsize=10)
        axes.set_xlabel("slot")
        axes.set_ylabel("region")
    figure.suptitle("Which twin to update, which to rebuild, on a shared budget")
    return figure
