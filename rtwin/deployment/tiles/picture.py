"""The picture of the study on tiles."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from rtwin.deployment.tiles.city import City
from rtwin.deployment.tiles.stream import CHOICES, Course
from rtwin.plot.style import CATEGORIES, GREY, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_stream(courses: Mapping[str, Sequence[Course]], city: City) -> "Figure":
    """Errors over time, and who was updated how, of the first run.

    Args:
        courses: By policy, of each run.
        city: For what was built when.
    """
    from matplotlib.lines import Line2D

    figure, shown = new_figure(10.0, 6.5), list(courses)
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=[1.2, 1])
    for color, name in zip(CATEGORIES, shown, strict=False):
        error = np.sqrt(np.mean([c.error_db**2 for c in courses[name]], axis=(0, 2)))
        top.plot(error, color=color, label=name)
    top.set_ylabel("error of all tiles [dB]")
    top.legend(loc="upper left", ncols=2, fontsize=8)
    marks, tiles = {1: ".", 2: "s", 3: "^"}, len(city.tiles)
    with_marks = [name for name in shown if any(c.choice.any() for c in courses[name])]
    for row, name in enumerate(with_marks):
        color = CATEGORIES[shown.index(name)]
        done = courses[name][0].choice
        for choice, mark in marks.items():
            when, tile = np.nonzero(done == choice)
            place = row * (tiles + 1) + tile
            bottom.plot(when, place, mark, color=color, markersize=5, linestyle="none")
        for number, tile_of in enumerate(city.tiles):
            for slot in tile_of.built[1:]:
                bottom.plot(slot, row * (tiles + 1) + number, "|", color=GREY, markersize=12)
    bottom.set_yticks(
        [row * (tiles + 1) + (tiles - 1) / 2 for row in range(len(with_marks))], with_marks
    )
    bottom.invert_yaxis()
    bottom.set_xlabel("slot")
    handles = [
        Line2D([], [], color="black", marker=mark, linestyle="none", label=CHOICES[choice])
        for choice, mark in marks.items()
    ]
    handles.append(Line2D([], [], color=GREY, marker="|", linestyle="none", label="built"))
    figure.legend(handles=handles, loc="outside lower center", ncols=4)
    figure.suptitle("Tiles of a city: errors, and which twin was updated how")
    return figure
