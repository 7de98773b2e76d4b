"""Pictures of the streaming study: boxes like the article's figures 3 and 4, and the rest."""

from typing import TYPE_CHECKING, Any

import numpy as np

from rtwin.plot.style import BLUE, CATEGORIES, GREY, ORANGE, lined_axes, new_figure
from rtwin.streaming.study.runs import LEVELS, REPORT_S, SCHEMES, SEARCH
from rtwin.streaming.study.study import Findings

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def pictures_of(findings: Findings) -> dict[str, "Figure"]:
    """All pictures, by name.

    Raises:
        MissingExtraError: if matplotlib is not installed.
    """
    return {
        "boxes": plot_boxes(findings),
        "knowledge": plot_knowledge(findings),
        "behaviour": plot_behaviour(findings),
    }


def plot_boxes(findings: Findings) -> "Figure":
    """Satisfaction and consumption of every scheme over seeds and intervals; the frontier."""
    figure = new_figure(15.0, 5.2)
    study = findings.study
    stations = len(findings.seeds[0].logs[SEARCH].cell_prb[0])
    figure.suptitle(
        f"{study.users} users, {stations} stations, price of blocks {study.price:g}, "
        f"{study.seeds} seeds",
        fontsize=13,
        parse_math=False,
    )
    axes = figure.subplots(1, 3)
    for panel, what in zip(axes, ("satisfaction", "consumption"), strict=False):
        values = [
            np.concatenate(
                [getattr(r, what) for r in findings.runs if r.part == "schemes" and r.name == name]
            )
            for name in SCHEMES
        ]
        box = panel.boxplot(
            values, patch_artist=True, widths=0.6, medianprops={"color": "black", "linewidth": 1.6}
        )
        for patch, color in zip(box["boxes"], CATEGORIES, strict=False):
            patch.set_facecolor(color)
            patch.set_alpha(0.75)
        labels = [name.replace(" ", "\n", 1) for name in SCHEMES]
        panel.set_xticks(range(1, len(SCHEMES) + 1), labels, fontsize=8)
        panel.set_ylabel(f"{what} in an interval")
        panel.set_ylim(0, 1.02)
        lined_axes(panel, "y")
    _frontier(axes[2], findings)
    return figure


def _frontier(panel: Any, findings: Findings) -> None:
    seeds = {r.seed for r in findings.runs if r.part == "frontier"}
    shown = [r for r in findings.runs if r.part in ("frontier", "schemes") and r.seed in seeds]
    names = dict.fromkeys(r.scheme for r in shown if r.part == "frontier")
    for name in names:
        own = [r for r in shown if r.scheme == name]
        line = [
            [
                np.mean([r.figures[what] for r in own if r.price == price])
                for what in ("consumption", "satisfaction")
            ]
            for price in sorted({r.price for r in own})
        ]
        x, y = np.array(line).T
        color = CATEGORIES[SCHEMES.index(name)]
        panel.plot(x, y, "o-", color=color, label=name)
    panel.set_xlabel("share of the blocks reserved")
    panel.set_ylabel("satisfaction")
    panel.set_xlim(0, 1.02)
    panel.set_ylim(0, None)
    if names:
        panel.legend(fontsize=8, frameon=False, title="over the price of blocks", title_fontsize=8)
    lined_axes(panel)


def plot_knowledge(findings: Findings) -> "Figure":
    """Utility of the search by what it knows of channels and users; V over reports."""
    figure = new_figure(14.0, 4.6)
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    shown = [(r.name, r) for r in findings.runs if r.part == "radio"]
    shown += [
        ("corrected twin", r) for r in findings.runs if r.name == SEARCH and r.part == "schemes"
    ]
    shown += [(f"users: {r.name}", r) for r in findings.runs if r.part == "users"]
    names = dict.fromkeys(name for name, _ in shown)
    values = {n: [r.figures["utility"] for name, r in shown if name == n] for n in names}
    order = sorted(values, key=lambda n: float(np.mean(values[n])))
    for place, name in enumerate(order):
        color = ORANGE if name.startswith("users") else BLUE
        left.plot(values[name], np.full(len(values[name]), place), "o", color=color, alpha=0.35)
        left.plot(np.mean(values[name]), place, "D", color=color, markersize=9)
    left.set_yticks(range(len(order)), order)
    left.set_xlabel("utility on the reference: every seed, and the mean")
    left.axvline(0.0, color=GREY, linewidth=1)
    lined_axes(left, "x")
    for level in LEVELS:
        rows = [r for r in findings.runs if r.part == "value" and r.level == level]
        mean = [
            np.mean([r.figures["value"] for r in rows if r.report_s == s] or [np.nan])
            for s in REPORT_S
        ]
        right.semilogx(REPORT_S, mean, "o-", color=CATEGORIES[level], label=f"level {level}")
    right.set_xlabel("time between reports [s]")
    right.set_ylabel("V")
    right.legend(frameon=False, fontsize=9)
    lined_axes(right)
    return figure


def plot_behaviour(findings: Findings) -> "Figure":
    """Retention of every type, and believed against real demand of groups."""
    figure = new_figure(12.0, 4.6)
    left, right = figure.subplots(1, 2)
    catalogue = findings.catalogue
    share = np.linspace(0.0, 1.0, 50)
    for number in range(catalogue.num_types):
        videos = np.flatnonzero(catalogue.kind == number)
        curves = []
        for video in videos:
            seconds = np.arange(catalogue.duration_s[video] + 1)
            stays = np.exp(-catalogue.hazard[video, seconds])
            curves.append(np.interp(share * catalogue.duration_s[video], seconds, stays))
        label = f"type {number}: {len(videos)} videos"
        color = CATEGORIES[number % len(CATEGORIES)]
        left.plot(100 * share, 100 * np.mean(curves, axis=0), color=color, label=label)
    left.set_xlabel("part of the video [%]")
    left.set_ylabel("viewers who are still there [%]")
    left.set_ylim(0, 102)
    left.legend(fontsize=7, frameon=False)
    lined_axes(left)
    logs = [seed.logs[SEARCH] for seed in findings.seeds]
    real = np.concatenate([v for log in logs for v in log.demand_s])
    believed = np.concatenate([v for log in logs for v in log.believed_demand_s])
    right.plot(believed, real, ".", color=BLUE, alpha=0.3)
    most = float(max(real.max(initial=1.0), believed.max(initial=1.0)))
    right.plot([0, most], [0, most], color=GREY, linewidth=1)
    right.set_xlabel("seconds of video that a group was believed to need")
    right.set_ylabel("that it needed")
    lined_axes(right)
    return figure
