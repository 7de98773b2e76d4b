"""Picture of reservations ahead: what each knowledge earns over constant shares."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from rtwin.experiments.study_files import Cell
from rtwin.experiments.table import Figure as Mean
from rtwin.plot.style import CATEGORIES, GREY, lined_axes, name_rows, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PANELS = ("error [dB]", "SLA violations [%]", "over constant", "over last report")
_MARKS = "osD"
_APART = 0.2  # of a row, between policies


def plot_gains(rows: Sequence[Mapping[str, Cell]], title: str) -> "Figure":
    """One row for each knowledge; points are means over worlds, bars their 95 % intervals.

    Args:
        rows: Of a table of `ahead_results`; the first is the constant policy's.
        title: Above the picture.
    """
    blind, known = rows[0], [row for row in rows if row["decides on"] != "nothing"]
    names = list(dict.fromkeys(str(row["decides on"]) for row in known))
    policies = list(dict.fromkeys(str(row["policy"]) for row in known))
    place = {name: len(names) - 1 - n for n, name in enumerate(names)}
    figure = new_figure(13.0, 1.8 + 0.42 * len(names))
    figure.suptitle(title, fontsize=13, parse_math=False)
    axes = figure.subplots(1, len(PANELS), sharey=True)
    for panel, head in zip(axes, PANELS, strict=True):
        for n, policy in enumerate(policies):
            own = [row for row in known if row["policy"] == policy]
            means = [row[head] for row in own]
            panel.errorbar(
                [m.mean for m in means if isinstance(m, Mean)],
                [
                    place[str(row["decides on"])] + _APART * ((len(policies) - 1) / 2 - n)
                    for row in own
                ],
                xerr=np.nan_to_num([m.half_width for m in means if isinstance(m, Mean)]),
                fmt=_MARKS[n % len(_MARKS)],
                color=CATEGORIES[n % len(CATEGORIES)],
                capsize=2.5,
                label=policy,
            )
        constant = blind[head]
        if isinstance(constant, Mean) and np.isfinite(constant.mean):
            label = f"{blind['policy']} (knows nothing)"
            panel.axvline(constant.mean, color=GREY, linestyle="--", linewidth=1.2, label=label)
        elif head == "over last report":
            panel.axvline(0.0, color=GREY, linewidth=0.8)
        panel.set_xlabel(head if "over" not in head else f"reward {head}, paired", fontsize=11)
    name_rows(figure, axes, place, legend_of=axes[1])
    return figure


def plot_learning(rows: Sequence[Mapping[str, Cell]], title: str) -> "Figure":
    """What is earned over constant shares by decisions learned from, a line for each knowledge.

    Args:
        rows: Of a learning table of `ahead_results`; bands are 95 % intervals.
        title: Above the picture.
    """
    figure = new_figure(7.5, 4.5)
    axes = figure.subplots()
    for n, name in enumerate(dict.fromkeys(str(row["decides on"]) for row in rows)):
        own = [row for row in rows if row["decides on"] == name]
        decisions = [0.0, *(float(str(row["decisions"])) for row in own)]
        # Before it has learned anything it decides as the constant shares do.
        means = [Mean(0.0, 0.0), *(m for row in own if isinstance(m := row["over constant"], Mean))]
        mean = np.array([m.mean for m in means])
        width = np.nan_to_num([m.half_width for m in means])
        color = CATEGORIES[n % len(CATEGORIES)]
        axes.plot(decisions, mean, _MARKS[n % len(_MARKS)] + "-", color=color, label=name)
        axes.fill_between(decisions, mean - width, mean + width, color=color, alpha=0.15)
    axes.axhline(0.0, color=GREY, linestyle="--", linewidth=1.2, label="tuned constant")
    axes.set_xlabel("decisions learned from")
    axes.set_ylabel("reward over tuned constant")
    axes.set_title(title, parse_math=False)
    lined_axes(axes, "y")
    axes.legend(frameon=False, fontsize=10)
    return figure
