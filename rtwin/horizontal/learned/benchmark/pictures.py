"""Pictures of the benchmark: error against cost, and the maps of one pair side by side."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rtwin.horizontal.learned.benchmark.run import (
    OBJECT_EDITS,
    Benchmark,
    known_ways,
    measured_of,
    shipped,
    unknown_ways,
)
from rtwin.horizontal.learned.benchmark.scores import Scores, Update
from rtwin.horizontal.learned.network import judged
from rtwin.horizontal.learned.pairs import ScenePairs, read_pairs
from rtwin.plot.style import (
    BLUE,
    CATEGORIES,
    GREY,
    UNREACHED,
    VERMILION,
    color_bar,
    map_axes,
    mark_transmitters,
    new_figure,
    save_figure,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_LEARNED = ("gnn", "mlp", "unet")
_NAMES = {"gnn": "GNN", "mlp": "MLP", "unet": "UNet"}
_DECIBELS = "path gain [dB]"


def benchmark_pictures(result: Benchmark, data: Path, folder: Path) -> list[Path]:
    """Write frontier.png, known.png and unknown.png; the files.

    Args:
        result: The benchmark.
        data: Folder of its pairs.
        folder: Where to; made if it is missing.
    """
    nets = shipped()
    scenes = [read_pairs(data / f"{name}.h5") for name in result.known.scenes]
    files = [save_figure(plot_frontier(result), folder / "frontier.png")]
    for task, kinds in (("known", OBJECT_EDITS), ("unknown", ("material",))):
        scene, number = _telling(scenes, kinds)
        pair = scene.pairs[number]
        measured = measured_of(scene, pair, number)
        if task == "known":
            ways, seen = known_ways(scene, pair, nets), None
        else:
            ways, seen = unknown_ways(scene, measured, nets), measured.cell
        figure = plot_update(scene, number, ways["gnn"], seen)
        files.append(save_figure(figure, folder / f"{task}.png"))
    return files


def _telling(scenes: Sequence[ScenePairs], kinds: Sequence[str]) -> tuple[ScenePairs, int]:
    """The pair of some classes that changes most."""
    found = [
        (scene, k)
        for scene in scenes
        for k, p in enumerate(scene.pairs)
        if p.kind in kinds or not kinds
    ]
    found = found or [(scene, k) for scene in scenes for k in range(len(scene.pairs))]

    def change(job: tuple[ScenePairs, int]) -> float:
        scene, pair = job[0], job[0].pairs[job[1]]
        delta = np.abs(pair.truth[:, 0] - scene.stale[:, 0])
        return float(np.minimum(delta, 20)[judged(scene, pair)].mean())

    return max(found, key=change)


def plot_frontier(result: Benchmark) -> "Figure":
    """Error of changed cells against processor seconds per edit, each way one point."""
    figure = new_figure(11.0, 4.6)
    panels = (
        (
            "Known edits of objects",
            result.known,
            [k for k in OBJECT_EDITS if k in result.known.kinds] or None,
        ),
        ("Unknown change, 1 % of the cells measured", result.unknown, None),
    )
    for axes, (title, scores, kinds) in zip(figure.subplots(1, 2), panels, strict=True):
        _frontier(axes, scores, kinds)
        axes.set_title(title, loc="left", fontsize=11)
        axes.set_xlabel("processor time per edit [s]")
    figure.axes[0].set_ylabel("RMSE of changed cells [dB]")
    return figure


def _frontier(axes: Any, scores: Scores, kinds: Sequence[str] | None) -> None:
    least = 3e-4  # what costs nothing stands at the left edge
    points = []
    for way in scores.ways:
        figures = scores.figures(way, kinds)
        points.append((max(figures["seconds"], least), figures["changed_db"], way))
    points = [p for p in points if np.isfinite(p[1])]
    if not points:
        return  # nothing changed
    best = [p for p in points if not any(q[0] <= p[0] and q[1] < p[1] for q in points)]
    best.sort()
    top = max(p[1] for p in points)
    axes.plot([p[0] for p in best], [p[1] for p in best], "-", color=GREY, lw=1, zorder=1)
    markers = "osD^vPX*<>"
    for number, (seconds, error, way) in enumerate(points):
        color = VERMILION if way == "gnn" else CATEGORIES[2] if way in _LEARNED else BLUE
        axes.plot(
            seconds,
            error,
            markers[number % len(markers)],
            color=color,
            ms=9,
            markeredgecolor="white",
            markeredgewidth=0.6,
            zorder=2,
            label=_NAMES.get(way, way),
        )
    axes.set_xscale("log")
    axes.set_ylim(-0.04 * top, 1.1 * top)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25)
    axes.legend(fontsize=8, loc="lower left", framealpha=0.9)


def plot_update(
    scene: ScenePairs, number: int, update: Update, measured: NDArray[np.int64] | None = None
) -> "Figure":
    """Before, after, the update, its error and what was decided, side by side.

    Args:
        scene: The map before.
        number: Of the pair.
        update: The map that is shown.
        measured: Cells that were measured, marked.
    """
    pair = scene.pairs[number]
    new, truth = update.statistics[:, 0], np.asarray(pair.truth[:, 0], np.float64)
    stale = np.asarray(scene.stale[:, 0], np.float64)
    on = judged(scene, pair)
    limits = tuple(np.percentile(np.concatenate([stale[on], truth[on]]), (2, 98)))
    top = max(float(np.percentile(np.abs(truth - stale)[on], 98)), 3.0)
    decided = (np.asarray(update.statistics, np.float32) != np.float32(scene.stale)).any(axis=1)
    panels = [
        ("before", stale, "viridis", limits, _DECIBELS),
        ("after", truth, "viridis", limits, _DECIBELS),
        ("update", new, "viridis", limits, _DECIBELS),
        ("what changed", truth - stale, "RdBu_r", (-top, top), "dB"),
        ("error of the update", new - truth, "RdBu_r", (-top, top), "dB"),
        ("updated cells", np.where(decided, 1.0, 0.0), "Greys", (0, 2.2), ""),
    ]
    figure = new_figure(13.0, 7.6)
    size = scene.cell_size_m
    first = scene.index[0]
    low = scene.cells[0, :2] - size * (np.array(divmod(first, scene.shape[1]))[::-1] + 0.5)
    extent = (low[0], low[0] + size * scene.shape[1], low[1], low[1] + size * scene.shape[0])
    for axes, (title, values, colors, (bottom, upper), label) in zip(
        figure.subplots(2, 3).ravel(), panels, strict=True
    ):
        raster = np.full(scene.shape, np.nan)
        raster.flat[scene.index[on]] = values[on]
        axes.set_facecolor(UNREACHED)
        image = axes.imshow(
            raster,
            origin="lower",
            extent=extent,
            interpolation="nearest",
            cmap=colors,
            vmin=bottom,
            vmax=upper,
        )
        if label:
            color_bar(axes, image, raster, label)
        map_axes(axes)
        for box in scene.object_box_m[pair.changed]:
            side = box[1] - box[0]
            axes.add_patch(_frame(box[0], side))
        if measured is not None:
            axes.plot(*scene.cells[measured, :2].T, "x", color="black", ms=5)
        mark_transmitters(axes, ["tx"], scene.tx_m[None])
        axes.set_title(title, loc="left", fontsize=11)
    error = np.sqrt(np.square(new - truth)[on].mean())
    before = np.sqrt(np.square(stale - truth)[on].mean())
    figure.suptitle(
        f"{scene.name}: {pair.kind.replace('_', ' ')}, off by {before:.1f} dB before and "
        f"{error:.1f} dB after the update",
        x=0.01,
        ha="left",
    )
    return figure


def _frame(corner: Any, side: Any) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle(corner[:2], side[0], side[1], fill=False, edgecolor=VERMILION, lw=1.3)
