"""Pictures of the federated studies."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from rtwin.arrays import Floats
from rtwin.federation.learning import Clusters
from rtwin.federation.studies.traffic import Scheme
from rtwin.federation.traffic import Traffic, cell_size_m
from rtwin.plot.style import BLUE, CATEGORIES, ORANGE, UNREACHED, lined_axes, map_axes, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_QUANTITY = {
    "relative_permittivity": "permittivity",
    "conductivity_s_per_m": "conductivity [S/m]",
}


def plot_costs(schemes: Sequence[Scheme]) -> "Figure":
    """Error and cost side by side, as the article's figure 3, [scheme] from top to bottom.

    Args:
        schemes: Of one seed; upkeep with the first drift alone is drawn.
    """
    drift = next((s.drift for s in schemes if s.phase == "H"), "none")
    drawn = [s for s in schemes if s.phase == "V" or s.drift == drift]
    figure = new_figure(12.0, 1.4 + 0.34 * len(drawn))
    figure.suptitle(f"Building (V) and a week of upkeep (H), drift: {drift}", fontsize=13)
    panels: tuple[tuple[str, list[float]], ...] = (
        ("MAE [standard deviations]", [s.mae for s in drawn]),
        ("core [MB]", [s.cost.core_bytes / 1e6 for s in drawn]),
        ("wall clock [s]", [s.cost.wall_s for s in drawn]),
        ("processor [s]", [s.cost.processor_s for s in drawn]),
    )
    axes = figure.subplots(1, len(panels), sharey=True)
    place = np.arange(len(drawn))[::-1]
    colours = [BLUE if s.phase == "V" else ORANGE for s in drawn]
    # Errors are near each other: as points, for their axis does not begin at zero.
    axes[0].scatter(panels[0][1], place, color=colours, s=60)
    for panel, (label, values) in zip(axes, panels, strict=True):
        if panel is not axes[0]:
            panel.barh(place, values, color=colours, height=0.7)
        panel.set_xlabel(label)
        lined_axes(panel, "x")
    axes[0].set_yticks(place, [f"{s.phase}: {s.name}" for s in drawn])
    return figure


def plot_forecast(scheme: Scheme, traffic: Traffic) -> "Figure":
    """The test week of three cells: what came, what was forecast, and its 90 % interval."""
    figure = new_figure(11.0, 6.5)
    figure.suptitle(f"{scheme.name}: every hour forecast from those before", fontsize=13)
    cells = np.linspace(0, scheme.truth.shape[1] - 1, 3).round().astype(int)
    axes = figure.subplots(len(cells), 1, sharex=True)
    day = np.arange(len(scheme.truth)) / 24.0
    for panel, cell in zip(axes, cells, strict=True):
        forecast, width = scheme.forecast[:, cell], scheme.half_width[:, cell]
        panel.fill_between(
            day, forecast - width, forecast + width, color=ORANGE, alpha=0.3, label="90 % interval"
        )
        panel.plot(day, forecast, color=ORANGE, label="forecast")
        panel.plot(day, scheme.truth[:, cell], color=BLUE, linewidth=1.0, label="what came")
        panel.set_ylabel(f"cell {traffic.cells[cell]}\n[standard deviations]")
        panel.spines[["top", "right"]].set_visible(False)
    axes[-1].set_xlabel("day of the test week")
    axes[0].legend(loc="upper right", ncols=3, frameon=False)
    return figure


def plot_clusters(clusters: Clusters, traffic: Traffic) -> "Figure":
    """Cells on the map, coloured by cluster; heads have a ring."""
    from matplotlib.patches import Rectangle

    figure = new_figure(6.5, 6.0)
    figure.suptitle("Clusters by place and profile", fontsize=13)
    side = cell_size_m(traffic.position_m)
    axes = figure.subplots()
    for i, (x, y) in enumerate(traffic.position_m):
        cluster = int(clusters.of_station[i])
        corner = (x - side / 2, y - side / 2)
        axes.add_patch(
            Rectangle(
                corner,
                side,
                side,
                facecolor=CATEGORIES[cluster % len(CATEGORIES)],
                edgecolor="white",
                alpha=0.75,
            )
        )
        is_head = i in clusters.head
        axes.annotate(
            str(traffic.cells[i]),
            (x, y),
            ha="center",
            va="center",
            fontsize=9,
            fontweight="bold" if is_head else "normal",
            bbox={"boxstyle": "round", "facecolor": "white"} if is_head else None,
        )
    axes.autoscale_view()
    map_axes(axes)
    return figure


def plot_rules(
    errors: Mapping[str, Floats], rules: Sequence[str], attacks: Sequence[str]
) -> "Figure":
    """Heat maps of the error, rule by attack, one for each phase.

    Args:
        errors: By phase, [rule, attack]; NaN where it was not asked.
    """
    from matplotlib.colors import LogNorm

    figure = new_figure(3.2 + 0.5 * len(attacks) * len(errors), 1.8 + 0.36 * len(rules))
    axes = np.atleast_1d(figure.subplots(1, len(errors), sharey=True))
    known = np.concatenate([v[np.isfinite(v)] for v in errors.values()])
    # Beyond half more than the best, how much more no longer matters.
    norm = LogNorm(known.min(), 1.5 * known.min())
    for panel, (phase, values) in zip(axes, errors.items(), strict=True):
        image = panel.imshow(values, cmap="cividis", norm=norm, aspect="auto")
        for i, row in enumerate(values):
            for k, value in enumerate(row):
                if np.isfinite(value):
                    ink = "white" if value < 1.2 * known.min() else "black"
                    panel.text(k, i, _short(value), ha="center", va="center", fontsize=7, color=ink)
        panel.set_xticks(range(len(attacks)), attacks, rotation=60, ha="right", fontsize=9)
        panel.set_yticks(range(len(rules)), rules)
        panel.set_title(phase)
    bar = figure.colorbar(image, ax=list(axes), label="MAE [standard deviations]", extend="max")
    bar.ax.yaxis.set_minor_formatter("{x:.2f}")
    return figure


def _short(value: float) -> str:
    return f"{value:.0f}" if value >= 10 else f"{value:.3f}".lstrip("0")


def plot_tampering(rows: Sequence[Mapping[str, float]], kinds: Sequence[str]) -> "Figure":
    """What a forecast loses poisoned and replaced, one pair of bars for each kind.

    Args:
        rows: `clean`, `poisoned` and `replaced`, one for each kind.
    """
    figure = new_figure(10.0, 1.6 + 0.5 * len(kinds))
    axes = figure.subplots()
    place = np.arange(len(kinds))[::-1]
    axes.barh(place + 0.18, [r["poisoned"] for r in rows], 0.34, color=ORANGE, label="poisoned")
    axes.barh(place - 0.18, [r["replaced"] for r in rows], 0.34, color=BLUE, label="replaced")
    axes.axvline(rows[0]["clean"], color="black", linestyle="--", linewidth=1.0, label="clean")
    axes.set_yticks(place, kinds)
    axes.set_xlabel("MAE of the forecast [standard deviations]")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    return figure


def plot_sites(
    truth: Mapping[str, Mapping[str, float]],
    rows: Mapping[str, Mapping[tuple[str, str], Mapping[str, float]]],
    keys: Sequence[tuple[str, str]],
) -> "Figure":
    """90 % ranges over the truth, one panel for each parameter, one row for who calibrated.

    Args:
        truth: By material and kind.
        rows: By who calibrated, material and kind: `value`, `low`, `high`, `identified`.
        keys: Material and kind of each panel.
    """
    from matplotlib.ticker import MaxNLocator, NullLocator

    columns = 2
    figure = new_figure(11.0, 1.0 + 1.4 * ((len(keys) + 1) // columns))
    axes = np.atleast_1d(figure.subplots((len(keys) + 1) // columns, columns, sharey=True)).ravel()
    place = {who: len(rows) - 1 - i for i, who in enumerate(rows)}
    for panel, (material, kind) in zip(axes, keys, strict=False):
        true = truth[material][kind]
        panel.axvline(true, color="black", linestyle="--", linewidth=1.0)
        for who, found in rows.items():
            row = found.get((material, kind))
            if row is None:
                continue
            colour = BLUE if row["identified"] else UNREACHED
            panel.plot([row["low"], row["high"]], [place[who]] * 2, color=colour, linewidth=5)
            panel.plot(row["value"], place[who], "o", color=ORANGE, markersize=5)
        panel.set_xscale("log")
        # Ranges may be narrow: a log axis would label powers of ten, or none.
        panel.xaxis.set_major_locator(MaxNLocator(5))
        panel.xaxis.set_major_formatter("{x:g}")
        panel.xaxis.set_minor_locator(NullLocator())
        panel.set_title(f"{material}, {_QUANTITY.get(kind, kind)}", fontsize=10)
        panel.set_yticks(list(place.values()), list(place))
        panel.set_ylim(-0.6, len(rows) - 0.4)
        panel.spines[["top", "right"]].set_visible(False)
    axes[0].plot([], [], color=BLUE, linewidth=5, label="seen")
    axes[0].plot([], [], color=UNREACHED, linewidth=5, label="not seen, or rivals within")
    axes[0].plot([], [], "o", color=ORANGE, markersize=5, label="best value")
    axes[0].plot([], [], color="black", linestyle="--", linewidth=1.0, label="truth")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=4)
    return figure


def plot_privacy(epsilon: Floats, mae: Floats, ways: Sequence[str]) -> "Figure":
    """Error against the privacy loss, with the error of updates as they are.

    Args:
        epsilon: NaN where none is promised, [way].
        mae: [way, seed].
        ways: Names.
    """
    figure = new_figure(7.5, 4.5)
    axes = figure.subplots()
    rows = np.flatnonzero(np.isfinite(epsilon))
    axes.axhline(mae[0].mean(), color="black", linestyle="--", linewidth=1.0, label=ways[0])
    for k, row in enumerate(rows):
        label = "noised, each seed" if k == 0 else None
        axes.plot([epsilon[row]] * mae.shape[1], mae[row], "o", color=ORANGE, label=label)
        axes.annotate(ways[int(row)], (epsilon[row], mae[row].max()), fontsize=9, va="bottom")
    axes.plot(epsilon[rows], mae[rows].mean(axis=1), color=BLUE, label="mean")
    axes.set_xscale("log")
    axes.set_xlabel("epsilon")
    axes.set_ylabel("MAE [standard deviations]")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    return figure


def plot_networks(error: Floats, by: Sequence[str], kinds: Sequence[str]) -> "Figure":
    """Errors on held-out scenes: who trained along the axis, one panel for each kind of scene.

    Args:
        error: RMSE over the RMS of the change, [seed, who trained, kind].
        by: Who trained.
        kinds: Of held-out scenes.
    """
    figure = new_figure(12.0, 1.2 + 0.34 * len(by))
    axes = np.atleast_1d(figure.subplots(1, len(kinds), sharex=True, sharey=True))
    place = np.arange(len(by))[::-1]
    for k, (panel, kind) in enumerate(zip(axes, kinds, strict=True)):
        for of_seed in error:
            panel.plot(of_seed[:, k], place, "o", color=ORANGE, markersize=4)
        panel.plot(error[:, :, k].mean(axis=0), place, "o", color=BLUE, markersize=7)
        panel.axvline(1.0, color="black", linestyle="--", linewidth=1.0)
        panel.set_title(kind, fontsize=10)
        panel.grid(axis="y", color=UNREACHED, linewidth=0.5)
        panel.spines[["top", "right"]].set_visible(False)
    axes[0].set_yticks(place, list(by))
    axes[0].plot([], [], "o", color=ORANGE, markersize=4, label="each seed")
    axes[0].plot([], [], "o", color=BLUE, markersize=7, label="mean")
    axes[0].plot([], [], color="black", linestyle="--", linewidth=1.0, label="the twin as it was")
    figure.supxlabel("RMSE over RMS of the change, by kind of scene", fontsize=10)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
    return figure
