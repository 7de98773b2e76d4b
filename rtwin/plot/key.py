"""The key below a rendered picture: what its colours mean."""

import io
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rtwin.dataset import open_radio_map
from rtwin.plot.links import PATH_CLASSES
from rtwin.plot.style import DPI, GREY, VERMILION, color_limits, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_BAND = 0.16  # of the picture's width, at most _MOST_IN
_MOST_IN = 0.9


def add_key(png: bytes, *, paths: bool = False, radio_map: str | Path | None = None) -> bytes:
    """Put a key below a picture of `render_scene`: paths by colour, the map's colour bar.

    Args:
        png: The picture.
        paths: Whether paths and receivers are drawn in it.
        radio_map: The radio map that is drawn in it.
    Returns:
        The picture with its key, a PNG.
    Raises:
        MissingExtraError: if matplotlib is not installed.
    Source: own layout; checked by tests/plot/test_key.py.
    """
    figure = new_figure()
    from matplotlib.image import imread

    picture = imread(io.BytesIO(png))
    height, width = picture.shape[:2]
    band = min(_BAND * width / DPI, _MOST_IN)
    high = height / DPI + band
    figure.set_layout_engine("none")
    figure.set_size_inches(width / DPI, high)
    axes = figure.add_axes((0.0, band / high, 1.0, 1.0 - band / high))
    axes.imshow(picture, interpolation="nearest", aspect="auto")
    axes.set_axis_off()
    size = float(np.clip(0.9 * width / DPI, 4.0, 9.0))
    _legend(figure, paths, size)
    if radio_map is not None:
        values = open_radio_map(radio_map).rss_dbm.max(axis=0)
        _bar(figure, np.where(np.isfinite(values), values, np.nan), band / high, size)
    made = io.BytesIO()
    figure.savefig(made, format="png", dpi=DPI, metadata={"Software": None})
    return made.getvalue()


def _legend(figure: "Figure", paths: bool, size: float) -> None:
    from matplotlib.lines import Line2D

    def dot(color: str) -> Line2D:
        return Line2D([], [], marker="o", linestyle="", color=color, markeredgecolor=GREY)

    entries = {"transmitter": dot(VERMILION)}
    if paths:
        entries["receiver"] = dot("white")
        entries |= {kind: Line2D([], [], color=c, lw=2) for kind, c in PATH_CLASSES.items()}
    figure.legend(
        list(entries.values()),
        list(entries),
        loc="lower center",
        ncols=len(entries),
        frameon=False,
        fontsize=size,
        handlelength=1.2,
        columnspacing=1.0,
        borderaxespad=0.1,
    )


def _bar(figure: "Figure", values: np.ndarray, share: float, size: float) -> None:
    """The map's colours, above the legend."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    axes = figure.add_axes((0.25, 0.72 * share, 0.5, 0.13 * share))
    scale = ScalarMappable(Normalize(*color_limits(values)), "viridis")
    bar = figure.colorbar(scale, cax=axes, orientation="horizontal")
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=0.9 * size, length=2, pad=1)
    axes.text(
        -0.02,
        0.5,
        "received power [dBm]",
        ha="right",
        va="center",
        fontsize=size,
        transform=axes.transAxes,
    )
