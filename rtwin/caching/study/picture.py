"""Pictures like the article's: hits over time with bursts, interventions, load of stations."""

from typing import TYPE_CHECKING, Any

import numpy as np

from rtwin.caching.study.rows import BOUND, TWIN, Run
from rtwin.caching.study.runs import Findings
from rtwin.plot.style import CATEGORIES, GREY, UNREACHED, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

OVER_TIME = ("LRU", "LFU", "W-TinyLFU", TWIN, BOUND)
LEARNED = ("RL", "RL w/ twin", "reliable RL", "reliable RL w/ twin")


def plot_caching(findings: Findings) -> "Figure":
    """Four panels: hit rate over time, learned policies over time, interventions, loads.

    Lines are means over seeds; grey is the share of requests that belong to a burst.

    Raises:
        MissingExtraError: if matplotlib is not installed.
    Checked by tests/caching/study/test_study.py.
    """
    figure = new_figure(13.0, 8.0)
    study = findings.study
    figure.suptitle(
        f"Edge caching: {study.slots} slots, {study.history} requests of history, "
        f"{study.seeds} seeds",
        fontsize=13,
        parse_math=False,
    )
    axes = figure.subplots(2, 2)
    _over_time(axes[0, 0], findings, "walking", OVER_TIME)
    _over_time(axes[0, 1], findings, "reliable", ("LFU, hit first", *LEARNED))
    _interventions(axes[1, 0], findings)
    _loads(axes[1, 1], findings)
    for panel in axes.flat:
        panel.spines[["top", "right"]].set_visible(False)
    return figure


def _runs(findings: Findings, part: str, policy: str) -> list[Run]:
    return [run for run in findings.runs if run.part == part and run.policy == policy]


def _over_time(panel: Any, findings: Findings, part: str, policies: tuple[str, ...]) -> None:
    first = _runs(findings, part, policies[0])
    windows = len(first[0].over_time)
    requests = (np.arange(windows) + 0.5) * findings.study.test / windows
    burst = np.mean([run.burst for run in first], axis=0)
    panel.fill_between(requests, 0, 100 * burst, color=UNREACHED, label="requests in bursts")
    for number, policy in enumerate(policies):
        values = np.mean([run.over_time for run in _runs(findings, part, policy)], axis=0)
        style = {"color": GREY, "linestyle": "--"} if policy == BOUND else {}
        panel.plot(requests, 100 * values, label=policy, **({"color": CATEGORIES[number]} | style))
    panel.set_xlabel("request of the test")
    panel.set_ylabel("hit rate [%]")
    panel.set_ylim(0, None)
    panel.legend(fontsize=8, frameon=False, ncols=2)


def _interventions(panel: Any, findings: Findings) -> None:
    names = ("LFU + shield, hit first", "LFU + shield, load-aware", *LEARNED[2:])
    place = np.arange(len(names))
    bottom = np.zeros(len(names))
    for label, field, color in (
        ("handed over by the shield", "shield", CATEGORIES[0]),
        ("kept by the mask", "mask", CATEGORIES[1]),
    ):
        values = np.array(
            [
                np.mean([getattr(run, field) for run in _runs(findings, "reliable", name)])
                for name in names
            ]
        )
        panel.bar(place, values, bottom=bottom, color=color, label=label)
        bottom += values
    panel.set_xticks(place, [name.replace(", ", ",\n") for name in names], fontsize=8)
    panel.set_ylabel("interventions per 1000 requests")
    panel.legend(fontsize=8, frameon=False)


def _loads(panel: Any, findings: Findings) -> None:
    names = ("LFU, hit first", *LEARNED)
    stations = len(_runs(findings, "reliable", names[0])[0].load)
    width = 0.8 / len(names)
    for number, name in enumerate(names):
        loads = np.mean([run.load for run in _runs(findings, "reliable", name)], axis=0)
        at = np.arange(stations) + (number - (len(names) - 1) / 2) * width
        panel.bar(at, 100 * loads, width, color=CATEGORIES[number], label=name)
    panel.axhline(150.0 / stations, color=GREY, linestyle="--", linewidth=1, label="overload")
    panel.set_xticks(range(stations), [f"station {n}" for n in range(stations)])
    panel.set_ylabel("share of the requests [%]")
    panel.legend(fontsize=8, frameon=False, ncols=2)
