"""Picture of the study of users' data: reports, codes, privacy."""

from typing import TYPE_CHECKING, Any

import numpy as np

from rtwin.plot.style import BLUE, CATEGORIES, GREY, ORANGE, lined_axes, new_figure
from rtwin.streaming.userdata.codes import CODES
from rtwin.streaming.userdata.runs import NOTHING_TOLD
from rtwin.streaming.userdata.study import UserData

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_userdata(found: UserData) -> "Figure":
    """Error against reports; utility over the width of codes; over epsilon; over blurred places.

    Raises:
        MissingExtraError: if matplotlib is not installed.
    """
    figure = new_figure(16.0, 4.2)
    reports, codes, privacy, places = figure.subplots(1, 4)
    for color, of in zip((BLUE, ORANGE), ("walks", "drives"), strict=True):
        for line, policy in (("o-", "on delta"), ("s:", "beat")):
            rows = [r for r in found.collection if r["of"] == of and r["policy"] == policy]
            settings = sorted({r["every [s] or delta [dB]"] for r in rows})
            x, y = (
                [
                    100 ** (name == "reports")
                    * np.mean([r[name] for r in rows if r["every [s] or delta [dB]"] == s])
                    for s in settings
                ]
                for name in ("reports", "error [dB]")
            )
            if rows:
                reports.plot(x, y, line, color=color, label=f"{of}, {policy}")
    reports.set(xlabel="of all seconds reported [%]", ylabel="error of the SINR held [dB]")
    for number, name in enumerate(CODES):
        rows = [r for r in found.codes if r["code"] == name]
        _line(codes, rows, "width", CATEGORIES[number], name)
    codes.set(xlabel="numbers kept of a user", ylabel="utility")
    codes.set_xticks(found.study.widths)
    for number, name in enumerate(("central", "local")):
        rows = [r for r in found.privacy if r["privacy"] == name]
        _line(privacy, rows, "epsilon", CATEGORIES[number], name)
    told = [r["utility"] + r["lost"] for r in found.privacy]
    silent = [r["utility"] for r in found.privacy if r["privacy"] == NOTHING_TOLD]
    privacy.axhline(np.mean(told), color=GREY, linewidth=1, label="likes told as they are")
    privacy.axhline(np.mean(silent), color=GREY, linewidth=1, linestyle=":", label=NOTHING_TOLD)
    privacy.set_xscale("log")
    privacy.set(xlabel="epsilon of a like", ylabel="utility")
    _line(places, found.places, "mean move [m]", BLUE, "ray-traced twin")
    places.set(xlabel="mean move of a place [m]", ylabel="utility")
    for panel in (reports, codes, privacy, places):
        panel.legend(fontsize=8, frameon=False)
        panel.set_ylim(0 if panel is reports else None, None)
        lined_axes(panel)
    return figure


def _line(panel: Any, rows: list[dict[str, Any]], over: str, color: str, label: str) -> None:
    """Mean utility over a column, and every seed."""
    values = sorted({r[over] for r in rows})
    mean = [np.mean([r["utility"] for r in rows if r[over] == v]) for v in values]
    panel.plot(values, mean, "o-", color=color, label=label)
    panel.plot([r[over] for r in rows], [r["utility"] for r in rows], ".", color=color, alpha=0.4)
