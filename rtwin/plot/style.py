"""What every picture shares: paper, colours, transmitters, saving.

Categories have the colours of Okabe and Ito, which colour-blind eyes tell
apart, and fields have viridis, cividis where the field is an error.
"""

import os
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rtwin.arrays import Floats
from rtwin.errors import OutOfRangeError, StoreError, nearest
from rtwin.extras import needs
from rtwin.files import MARK, appearing, check_replaceable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
YELLOW, BLUE, VERMILION, PURPLE = "#F0E442", "#0072B2", "#D55E00", "#CC79A7"
CATEGORIES = (BLUE, ORANGE, GREEN, PURPLE, VERMILION, SKY, YELLOW, BLACK)
UNREACHED = "#E4E4E4"
GREY = "#8C8C8C"
FORMATS = ("png", "pdf", "svg")
DPI = 150
View = tuple[float, float, float, float]  # left, right, bottom, top [m]
_MARGIN = 0.04  # of the extent, around devices
_NAME_PT = 10.0
_LETTER_PT = 0.68 * _NAME_PT  # about the width of a bold letter
_CLEAR_PT = 4.0  # a name is nearer to its own mark than to others by so much
_MARK_PT = 7.0  # half a transmitter's triangle, with its edge


def new_figure(width: float = 9.0, height: float = 6.0) -> "Figure":
    """An empty figure that needs no window, size in inches.

    Raises:
        MissingExtraError: if matplotlib is not installed.
    """
    with needs("pictures need matplotlib", "'rtwin[viz]'"):
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def new_map_figure(view: View) -> "Figure":
    """An empty figure that a map of this extent fills, with room for a colour bar."""
    left, right, bottom, top = view
    aspect = (right - left) / (top - bottom)
    width, height = 7.2, 4.6  # of the map alone
    if aspect > width / height:
        height = max(width / aspect, 2.0)
    else:
        width = max(height * aspect, 4.4)
    return new_figure(width + 2.0, height + 1.7)


def write_title(figure: "Figure", attributes: dict[str, Any], *parts: str) -> None:
    """The scene, and below it what the picture shows, separated by commas."""
    scene = str(attributes.get("title") or attributes.get("scene") or "scene")
    parts = (*parts[:1], frequency(attributes), *parts[1:])
    title = textwrap.shorten(scene, 90, placeholder=" ...") + "\n" + ", ".join(parts)
    # A dollar sign in a name is a dollar sign, not mathematics.
    figure.suptitle(title, fontsize=13, parse_math=False)


def frequency(attributes: dict[str, Any]) -> str:
    """The carrier frequency as text, in GHz, below 1 GHz in MHz."""
    hertz = float(attributes["frequency_hz"])
    return f"{hertz / 1e9:g} GHz" if hertz >= 1e9 else f"{hertz / 1e6:g} MHz"


def one_of(what: str, value: str, allowed: Iterable[str]) -> str:
    """The value, if it is allowed.

    Raises:
        OutOfRangeError: if it is not; the line lists what is allowed, and says what is meant.
    """
    if value not in allowed:
        known = list(allowed)
        near = nearest(value, known)
        hint = f"; {near}" if "did you mean" in near else ""
        raise OutOfRangeError(f"{what} is {value!r}, it must be one of {', '.join(known)}{hint}")
    return value


def row_of(what: str, value: int, count: int) -> int:
    """The number of a device, if there is one with that number.

    Raises:
        OutOfRangeError: if there is none; the line says which there are.
    """
    if not 0 <= value < count:
        allowed = f"0 to {count - 1}" if count > 1 else "0 alone" if count else "empty, none is"
        raise OutOfRangeError(f"{what} is {value}, the file has {count}: it must be {allowed}")
    return int(value)


def map_axes(axes: "Axes") -> None:
    """Metres to the east and to the north, on the same scale."""
    axes.set_aspect("equal")
    axes.set_xlabel("x (east) [m]")
    axes.set_ylabel("y (north) [m]")
    axes.spines[["top", "right"]].set_visible(False)


def lined_axes(axes: "Axes", across: Literal["x", "y", "both"] = "both") -> None:
    """Thin lines behind what is drawn, at the ticks of x, of y or of both, and no box around it."""
    axes.grid(axis=across, color=UNREACHED, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def name_rows(
    figure: "Figure", panels: Sequence["Axes"], height: Mapping[str, float], legend_of: "Axes"
) -> None:
    """Names at the left of panels side by side, and under all of them the legend of one.

    Args:
        figure: What holds the panels.
        panels: They share their y axis.
        height: Where each name stands, 0 at the bottom, in steps of 1.
        legend_of: The panel whose marks the legend explains.
    """
    for panel in panels:
        lined_axes(panel, "x")
    panels[0].set_yticks(list(height.values()), list(height))
    panels[0].set_ylim(-0.6, len(height) - 0.4)
    handles, labels = legend_of.get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside lower center", ncols=len(labels), frameon=False, fontsize=10
    )


def view_around(points: Floats) -> View:
    """A view of all points [n, 2] with a margin; a single point has 10 m around it."""
    low, high = points.min(axis=0), points.max(axis=0)
    margin = _MARGIN * float((high - low).max()) or 10.0
    (left, bottom), (right, top) = low - margin, high + margin
    return float(left), float(right), float(bottom), float(top)


def color_limits(values: Floats) -> tuple[float, float]:
    """2nd and 98th percentile of the numbers; a little apart if they are the same."""
    reached = values[np.isfinite(values)]
    if reached.size == 0:
        return 0.0, 1.0
    low, high = np.percentile(reached, (2, 98))
    return (float(low), float(high)) if high > low else (float(low) - 0.5, float(high) + 0.5)


def color_table(name: str) -> NDArray[np.uint8]:
    """A colour map as 256 colours from end to end, red, green, blue, [256, 3].

    Raises:
        MissingExtraError: if matplotlib is not installed.
    """
    with needs("colours need matplotlib", "'rtwin[viz]'"):
        from matplotlib import colormaps
    # By share, not by number: some maps have more than 256 colours.
    rgba = colormaps[name](np.linspace(0.0, 1.0, 256), bytes=True)
    return np.asarray(rgba[:, :3], np.uint8)


def color_bar(axes: "Axes", image: Any, values: Floats, label: str) -> None:
    """A bar with arrows where values lie beyond its ends."""
    low, high = image.get_clim()
    reached = values[np.isfinite(values)]
    below, above = (reached < low).any(), (reached > high).any()
    extend = "both" if below and above else "min" if below else "max" if above else "neither"
    bar = axes.figure.colorbar(image, ax=axes, extend=extend, pad=0.02, aspect=28)
    bar.set_label(label, fontsize=11)
    if reached.size and reached.min() == reached.max():
        bar.set_ticks([float(reached[0])], labels=[f"{reached[0]:.4g}, all"])
    bar.outline.set_visible(False)


def mark_transmitters(
    axes: "Axes", names: Iterable[str], position_m: Floats, only: int | None = None
) -> None:
    """Triangles with names, written towards the middle of the axes; set limits before."""
    from matplotlib.patheffects import withStroke

    low, high = np.array([axes.get_xlim(), axes.get_ylim()]).T
    shown: list[tuple[str, Floats]] = []
    for row, (name, position) in enumerate(zip(names, position_m, strict=True)):
        place = np.asarray(position[:2], np.float64)
        if only in (None, row) and ((place >= low) & (place <= high)).all():
            shown.append((textwrap.shorten(name, 24, placeholder=" ..."), place))
    size_pt = _size_pt(axes, high - low)
    spots_pt = [size_pt * (place - low) / (high - low) for _, place in shown]
    marks = [_Box(*(spot - _MARK_PT), *(spot + _MARK_PT)) for spot in spots_pt]
    taken: list[_Box] = []
    for row, (name, place) in enumerate(shown):
        axes.plot(
            *place,
            "^",
            color=VERMILION,
            markeredgecolor="white",
            markeredgewidth=1.4,
            markersize=11,
            zorder=5,
            gid="transmitter",
        )
        inward = 1 if spots_pt[row][0] < 0.7 * size_pt[0] else -1
        others = [*marks[:row], *marks[row + 1 :]]
        offset, box = _free_place(name, spots_pt[row], inward, size_pt, others, taken)
        taken.append(box)
        axes.annotate(
            name,
            (place[0], place[1]),
            offset,
            textcoords="offset points",
            ha="center" if offset[0] == 0 else "left" if offset[0] > 0 else "right",
            va="center",
            fontsize=_NAME_PT,
            fontweight="bold",
            zorder=6,
            parse_math=False,
            path_effects=[withStroke(linewidth=3, foreground="white")],
        )


class _Box(NamedTuple):
    """A rectangle on paper [pt]."""

    left: float
    bottom: float
    right: float
    top: float

    def shared(self, other: "_Box") -> float:
        """The area that two have in common [pt2]."""
        wide = min(self.right, other.right) - max(self.left, other.left)
        high = min(self.top, other.top) - max(self.bottom, other.bottom)
        return max(wide, 0.0) * max(high, 0.0)

    def distance(self, other: "_Box") -> float:
        """From edge to edge [pt]; 0 where they touch."""
        wide = max(self.left, other.left) - min(self.right, other.right)
        high = max(self.bottom, other.bottom) - min(self.top, other.top)
        return float(np.hypot(max(wide, 0.0), max(high, 0.0)))


def _size_pt(axes: "Axes", size_m: Floats) -> Floats:
    """About how large axes on an equal scale are on paper, [2] pt."""
    box = axes.get_window_extent()
    per_m = min(np.array([box.width, box.height]) / size_m) * 72.0 / axes.figure.dpi
    return np.asarray(per_m * size_m)


def _free_place(
    name: str,
    spot_pt: Floats,
    inward: int,
    size_pt: Floats,
    marks: list[_Box],
    taken: list[_Box],
) -> tuple[tuple[float, float], _Box]:
    """Where a name hides the least and is nobody else's: offset from its mark, box."""
    own = _Box(*(spot_pt - _MARK_PT), *(spot_pt + _MARK_PT))
    wide, high = _LETTER_PT * len(name), 1.3 * _NAME_PT
    height = 1 if spot_pt[1] < 0.9 * size_pt[1] else -1
    steps = [(9 * side, 9 * height * up) for side in (inward, -inward) for up in (1, -1)]
    steps += [(0, 16 * height), (0, -16 * height)]
    steps += [(9 * side, 20 * height * up) for side in (inward, -inward) for up in (1, -1)]
    found: list[tuple[float, int, tuple[float, float], _Box]] = []
    for x, y in steps:
        left = spot_pt[0] + (x if x > 0 else x - wide if x < 0 else -wide / 2)
        box = _Box(left, spot_pt[1] + y - high / 2, left + wide, spot_pt[1] + y + high / 2)
        inside = box.shared(_Box(0.0, 0.0, *size_pt))
        cost = sum(map(box.shared, [*marks, *taken])) + max(wide * high - inside, 0.0)
        if min(map(box.distance, marks), default=np.inf) < box.distance(own) + _CLEAR_PT:
            cost += wide * high
        found.append((round(cost, 6), len(found), (x, y), box))
    _, _, offset, box = min(found)
    return offset, box


def save_figure(figure: "Figure", file: str | Path) -> Path:
    """Write a picture; the file appears whole or not at all.

    Args:
        figure: What the functions of rtwin.plot return.
        file: Where to; the suffix .png (150 dpi), .pdf or .svg says how. Its
            folder is made if it is missing.
    Returns:
        The path of the file.
    Raises:
        StoreError: if the suffix is another one, there is a file that rtwin did not
            make, or the file cannot be written.
    Source: own layout; checked by tests/plot/test_save.py.
    """
    import matplotlib

    file = Path(file)
    kind = file.suffix.lower().removeprefix(".")
    if kind not in FORMATS:
        raise StoreError(f"{file}: a picture ends in .png, .pdf or .svg; give it such a name")
    check_replaceable(file)
    # Without the date and with fixed ids, the same drawing gives the same file.
    metadata = {
        "png": {"Software": MARK},
        "pdf": {"Creator": MARK, "CreationDate": None},
        "svg": {"Creator": MARK, "Date": None},
    }[kind]
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        style = matplotlib.rc_context({"svg.hashsalt": "rtwin"})
        with appearing(file) as temporary, style:
            figure.savefig(temporary, format=kind, dpi=DPI, metadata=metadata)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise StoreError(f"{file}: {reason}; choose another place") from error
    return file
