"""What every picture shares: paper, colours, transmitters, saving.

Categories have the colours of Okabe and Ito, which colour-blind eyes tell
apart, and fields have viridis, cividis where the field is an error.
"""

import os
import textwrap
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rtwin.arrays import Floats
from rtwin.errors import MissingExtraError, OutOfRangeError, StoreError
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
_CLOSE = (0.16, 0.05)  # of the extent: two names nearer than this would overlap


def new_figure(width: float = 9.0, height: float = 6.0) -> "Figure":
    """An empty figure that needs no window, size in inches.

    Raises:
        MissingExtraError: if matplotlib is not installed.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError("pictures need matplotlib; pip install 'rtwin[viz]'") from error
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
        OutOfRangeError: if it is not; the line lists what is allowed.
    """
    if value not in allowed:
        raise OutOfRangeError(f"{what} is {value!r}, it must be one of {', '.join(allowed)}")
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
    try:
        from matplotlib import colormaps
    except ImportError as error:
        raise MissingExtraError("colours need matplotlib; pip install 'rtwin[viz]'") from error
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
    bar.outline.set_visible(False)


def mark_transmitters(
    axes: "Axes", names: Iterable[str], position_m: Floats, only: int | None = None
) -> None:
    """Triangles with names, written towards the middle of the axes; set limits before."""
    from matplotlib.patheffects import withStroke

    low, high = np.array([axes.get_xlim(), axes.get_ylim()]).T
    taken: list[Floats] = []
    for row, (name, position) in enumerate(zip(names, position_m, strict=True)):
        place = (np.asarray(position[:2]) - low) / (high - low)
        if only not in (None, row) or not ((place >= 0) & (place <= 1)).all():
            continue
        axes.plot(
            *position[:2],
            "^",
            color=VERMILION,
            markeredgecolor="white",
            markeredgewidth=1.4,
            markersize=11,
            zorder=5,
            gid="transmitter",
        )
        side = 1 if place[0] < 0.7 else -1
        # Below, beside or above: the first that no other name has taken.
        height = 1 if place[1] < 0.9 else -1
        for step in (height, -height, 2 * height):
            spot = place + np.array([0.02 * side, 0.03 * step])
            if all((abs(spot - other) > _CLOSE).any() for other in taken):
                break
        taken.append(spot)
        axes.annotate(
            textwrap.shorten(name, 24, placeholder=" ..."),
            position[:2],
            (9 * side, 9 * step),
            textcoords="offset points",
            ha="left" if side > 0 else "right",
            va="center",
            fontsize=10,
            fontweight="bold",
            zorder=6,
            parse_math=False,
            path_effects=[withStroke(linewidth=3, foreground="white")],
        )


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
