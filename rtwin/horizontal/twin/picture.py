"""What an update did to a twin's map: before, after, difference and decision side by side."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rtwin.arrays import Floats
from rtwin.dataset.inspection import snapshot_files
from rtwin.errors import OutOfRangeError
from rtwin.horizontal.levels import UNREACHED_DB
from rtwin.horizontal.twin.folder import open_twin
from rtwin.horizontal.twin.snapshot import DECISIONS, Snapshot
from rtwin.plot.fields import map_extent
from rtwin.plot.outlines import outline_lines, outlines
from rtwin.plot.style import (
    BLACK,
    BLUE,
    ORANGE,
    UNREACHED,
    color_bar,
    color_limits,
    map_axes,
    mark_transmitters,
    new_figure,
    row_of,
    write_title,
)
from rtwin.scene import AddObject, RemoveObject, edits_from_dict
from rtwin.units import to_db

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLORS = (UNREACHED, ORANGE, BLUE)  # of the decisions
_LEAST_DB = 3.0  # the difference's colours reach at least so far


def plot_twin(folder: str | Path, snapshot: int = -1, tx: int | None = None) -> "Figure":
    """Picture of the last update of a twin, seen from above.

    Path gain before and after, their difference, and what was decided for each
    cell; the boxes of objects that changed are drawn in.

    Args:
        folder: The twin.
        snapshot: The snapshot after the update; -1 for the newest.
        tx: Row of the transmitter; None for the best of all in each cell, where the
            decision is the costliest of any.
    Returns:
        A figure; rtwin.plot.save_figure writes it. Of a first build, its map alone.
    Raises:
        StoreError: if there is no twin, or a file is broken.
        OutOfRangeError: if there is no such snapshot or transmitter.
        MissingExtraError: if matplotlib is not installed.
    Source: own layout; checked by tests/horizontal/twin/test_picture.py.
    """
    after = open_twin(folder, snapshot)
    if tx is not None:
        row_of("tx", tx, len(after.radio_map.tx_name))
    new = _gain_db(after, None if tx is None else after.radio_map.tx_name[tx])
    before = None
    if after.number:
        files = [int(file.stem) for file in snapshot_files(after.folder)]
        if after.number - 1 not in files:
            raise OutOfRangeError(f"{folder}: snapshot {after.number - 1} is missing")
        before = open_twin(folder, after.number - 1)
    extent = map_extent(after.radio_map)
    panels = 1 if before is None else 4
    aspect = (extent[3] - extent[2]) / (extent[1] - extent[0])
    columns = min(panels, 2)
    width = 6.2 * columns
    height = (4.3 * aspect + 0.9) * (panels // columns) + 0.9
    figure = new_figure(width, float(np.clip(height, 4.0, 16.0)))
    axes = figure.subplots(panels // columns, columns, squeeze=False).ravel()
    limits = color_limits(new)
    if before is not None:
        old = _gain_db(before, None if tx is None else after.radio_map.tx_name[tx])
        _field(axes[0], old, extent, limits, "viridis", "path gain [dB]", "before")
        _field(axes[1], new, extent, limits, "viridis", "path gain [dB]", "after")
        _difference(axes[2], old, new, extent)
        _decision(axes[3], after, tx, extent)
    else:
        _field(axes[0], new, extent, limits, "viridis", "path gain [dB]", "first build")
    rings = outlines(after.radio_map.attributes)
    rings_before = rings if before is None else outlines(before.radio_map.attributes)
    gone = _gone(after)
    for number, each in enumerate(axes):
        shown = before if number == 0 and before is not None else after
        rows = shown.radio_map.tx_name
        lines = outline_lines(rings_before if shown is before else rings)
        only = None if tx is None else after.radio_map.tx_name[tx]
        keep = [row for row, name in enumerate(rows) if only in (None, name)]
        mark_transmitters(each, [rows[row] for row in keep], shown.radio_map.tx_position_m[keep])
        each.add_collection(lines, autolim=False)
        _boxes(each, after, gone)
    which = "best transmitter" if tx is None else after.radio_map.tx_name[tx]
    write_title(figure, after.radio_map.attributes, after.news, which)
    return figure


def _gain_db(snapshot: Snapshot, name: str | None) -> Floats:
    """Path gain [dB] of one transmitter or of the best, [cell_y, cell_x]; NaN where none."""
    radio_map = snapshot.radio_map
    if name is not None and name not in radio_map.tx_name:
        return np.full(snapshot.is_inside.shape, np.nan)
    gain = radio_map.path_gain.max(axis=0)
    if name is not None:
        gain = radio_map.path_gain[radio_map.tx_name.index(name)]
    decibel = to_db(gain)
    return np.where(decibel > UNREACHED_DB, decibel, np.nan)


def _field(
    axes: "Axes",
    values: Floats,
    extent: tuple[float, float, float, float],
    limits: tuple[float, float],
    colors: str,
    label: str,
    title: str,
) -> None:
    axes.set_facecolor(UNREACHED)
    image = axes.imshow(
        values,
        origin="lower",
        extent=extent,
        interpolation="nearest",
        vmin=limits[0],
        vmax=limits[1],
        cmap=colors,
    )
    color_bar(axes, image, values, label)
    _frame(axes, extent, title)


def _difference(
    axes: "Axes", old: Floats, new: Floats, extent: tuple[float, float, float, float]
) -> None:
    """Blue where the wave lost, red where it won; cells reached once alone count from the floor."""
    reached = np.isfinite(old) | np.isfinite(new)
    floored = np.nan_to_num(new, nan=UNREACHED_DB) - np.nan_to_num(old, nan=UNREACHED_DB)
    values = np.where(reached, floored, np.nan)
    changed = np.abs(values[reached & (floored != 0)])
    most = float(np.percentile(changed, 95)) if changed.size else 0.0
    most = min(max(most, _LEAST_DB), 30.0)
    title = f"difference: {np.count_nonzero(np.abs(floored) > 1)} cells by more than 1 dB"
    _field(axes, values, extent, (-most, most), "RdBu_r", "after - before [dB]", title)


def _decision(
    axes: "Axes", after: Snapshot, tx: int | None, extent: tuple[float, float, float, float]
) -> None:
    from matplotlib.colors import ListedColormap
    from matplotlib.patches import Patch

    codes = after.decision.max(axis=0) if tx is None else after.decision[tx]
    axes.imshow(
        codes,
        origin="lower",
        extent=extent,
        interpolation="nearest",
        vmin=-0.5,
        vmax=2.5,
        cmap=ListedColormap(list(_COLORS)),
    )
    share = [100 * float((codes == code).mean()) for code in range(len(DECISIONS))]
    axes.legend(
        [Patch(facecolor=color, edgecolor=BLACK, linewidth=0.5) for color in _COLORS],
        [f"{name}, {part:.0f} %" for name, part in zip(DECISIONS, share, strict=True)],
        loc="upper center",
        bbox_to_anchor=(0.5, -0.14),
        ncols=3,
        frameon=False,
        fontsize=9,
    )
    _frame(axes, extent, "decision")


def _frame(axes: "Axes", extent: tuple[float, float, float, float], title: str) -> None:
    axes.set(xlim=extent[:2], ylim=extent[2:])
    map_axes(axes)
    axes.set_title(title, fontsize=11)


def _gone(after: Snapshot) -> set[str]:
    """Names of objects that updates took away."""
    gone: set[str] = set()
    for tables in after.edits:
        for edit in edits_from_dict(tables).edit:
            if isinstance(edit, RemoveObject):
                gone.add(edit.object)
            elif isinstance(edit, AddObject):
                gone.discard(edit.object.name)
    return gone


def _boxes(axes: "Axes", after: Snapshot, gone: set[str]) -> None:
    """Outlines of objects that changed: dashed where they stood, solid where they stand."""
    from matplotlib.patches import Rectangle

    found: dict[str, Any] = after.more.get("boxes_m", {})
    for name, places in found.items():
        for number, box in enumerate(places):
            (x, y, _), (right, top, _) = box
            style = "--" if name in gone or (number == 0 and len(places) > 1) else "-"
            axes.add_patch(
                Rectangle(
                    (x, y),
                    right - x,
                    top - y,
                    fill=False,
                    edgecolor=BLACK,
                    linewidth=1.3,
                    linestyle=style,
                    zorder=4,
                    gid="edit",
                )
            )
