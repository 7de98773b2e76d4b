"""Pictures of one link: its paths over delay and over angle."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rtwin.arrays import Bools, Floats
from rtwin.channel import InteractionType, PathSet, path_gain, rician_k_factor, rms_delay_spread_s
from rtwin.dataset import PathDataset
from rtwin.plot.style import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    SKY,
    lined_axes,
    new_figure,
    row_of,
    write_title,
)
from rtwin.units import to_db

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# The colours of rtwin render.
PATH_CLASSES = {
    "line of sight": GREEN,
    "reflection": BLUE,
    "refraction": ORANGE,
    "diffraction": PURPLE,
    "scattering": SKY,
    "mixed": "#404040",
}
_CLASS_OF = {
    InteractionType.NONE: "line of sight",
    InteractionType.SPECULAR: "reflection",
    InteractionType.REFRACTION: "refraction",
    InteractionType.DIFFRACTION: "diffraction",
    InteractionType.DIFFUSE: "scattering",
}


def path_classes(paths: PathSet) -> NDArray[np.str_]:
    """What happens to each path, a name of PATH_CLASSES, [path].

    A path with interactions of two or more kinds is "mixed".
    """
    kinds = np.bitwise_or.reduce(paths.interactions, axis=1, initial=0)
    return np.array([_CLASS_OF.get(InteractionType(int(kind)), "mixed") for kind in kinds], str)


def plot_delay_profile(dataset: PathDataset, rx: int, tx: int = 0) -> "Figure":
    """Picture of the paths of one link over delay.

    Args:
        dataset: What `open_dataset` returns.
        rx: Row of the receiver.
        tx: Row of the transmitter.
    Returns:
        A figure: power [dB] of each path over its absolute delay [ns], coloured
        by what happens to it; the figure of a link without a path says so.
    Raises:
        OutOfRangeError: if there is no such receiver or transmitter.
        MissingExtraError: if matplotlib is not installed.
    Source: own layout; checked by tests/plot/test_links.py.
    """
    paths = _link(dataset, rx, tx)
    figure = new_figure()
    _write_title(figure, dataset, "Delay profile", rx, tx)
    if not paths.power.any():
        return _say_empty(figure, paths)
    axes = figure.add_subplot()
    delay_ns, power_db = 1e9 * paths.delay_s, to_db(paths.power)
    shown = np.isfinite(power_db)
    floor, top = _power_limits(power_db[shown])
    _stems(axes, delay_ns, power_db, floor, _by_class(paths, shown), size=6.5)
    axes.set_ylim(floor, top)
    axes.margins(x=0.06)
    axes.set_xlabel("delay [ns]")
    axes.set_ylabel("path power [dB]")
    lined_axes(axes, "y")
    axes.set_title(_summary(paths), fontsize=11, color="#404040")
    figure.legend(loc="outside lower center", ncols=6, frameon=False, fontsize=10)
    return figure


def _link(dataset: PathDataset, rx: int, tx: int) -> PathSet:
    row_of("rx", rx, dataset.num_rx)
    row_of("tx", tx, dataset.num_tx)
    link = dataset.link(rx, tx)
    return dataset.paths(link, link + 1)


def _write_title(figure: "Figure", dataset: PathDataset, what: str, rx: int, tx: int) -> None:
    name = dataset.read("tx_name", slice(tx, tx + 1))[0]
    write_title(figure, dataset.attributes, what, f"{name} to receiver {rx}")


def _say_empty(figure: "Figure", paths: PathSet) -> "Figure":
    what = "no path" if paths.power.size == 0 else "paths, but no power,"
    note = f"{what} between this transmitter and this receiver"
    figure.set_label(note)  # what the command prints beside the picture
    figure.text(0.5, 0.45, note, ha="center", va="center", fontsize=14, color=GREY)
    return figure


def _by_class(paths: PathSet, shown: Bools) -> list[tuple[str, Bools]]:
    """The classes that the link has, and which paths are of each."""
    names = path_classes(paths)
    found = [(name, (names == name) & shown) for name in PATH_CLASSES]
    return [(name, chosen) for name, chosen in found if chosen.any()]


def _power_limits(power_db: Floats) -> tuple[float, float]:
    """Round limits: the weakest path has a stem, the strongest has air above it."""
    step = 10.0 if np.ptp(power_db) > 20.0 else 5.0
    floor = step * np.floor((power_db.min() - 0.4 * step) / step)
    return float(floor), float(step * np.ceil((power_db.max() + 0.2 * step) / step))


def _summary(paths: PathSet) -> str:
    spread = 1e9 * float(rms_delay_spread_s(paths)[0])
    factor = float(rician_k_factor(paths)[0])
    ricean = "no line of sight" if factor == 0 else "line of sight alone"
    if 0 < factor < np.inf:
        ricean = f"K factor {float(to_db(factor)):.1f} dB"
    gain = f"path gain {float(to_db(path_gain(paths)[0])):.1f} dB"
    return f"{gain},  rms delay spread {spread:.1f} ns,  {ricean}"


def plot_angular_spectrum(dataset: PathDataset, rx: int, tx: int = 0) -> "Figure":
    """Picture of the paths of one link over their directions.

    Args:
        dataset: What `open_dataset` returns.
        rx: Row of the receiver.
        tx: Row of the transmitter.
    Returns:
        A figure: path power [dB] over the azimuth [degrees, 0 east, 90 north],
        as radius, and over the zenith [degrees, 0 up], of departure and of
        arrival; the figure of a link without a path says so.
    Raises:
        OutOfRangeError: if there is no such receiver or transmitter.
        MissingExtraError: if matplotlib is not installed.
    Source: own layout; checked by tests/plot/test_links.py.
    """
    paths = _link(dataset, rx, tx)
    figure = new_figure(9.0, 7.2)
    _write_title(figure, dataset, "Angular spectrum", rx, tx)
    if not paths.power.any():
        return _say_empty(figure, paths)
    power_db = to_db(paths.power)
    shown = np.isfinite(power_db)
    floor, top = _power_limits(power_db[shown])
    classes = _by_class(paths, shown)
    grid = figure.add_gridspec(2, 2, height_ratios=(2.3, 1.0))
    for column, (end, name) in enumerate((("aod", "departure"), ("aoa", "arrival"))):
        azimuth, zenith = getattr(paths, f"{end}_azimuth"), getattr(paths, f"{end}_zenith")
        circle = figure.add_subplot(grid[0, column], projection="polar")
        _stems(circle, azimuth, power_db, floor, classes)
        _polar_frame(circle, f"azimuth of {name} [deg]", floor, top)
        panel = figure.add_subplot(grid[1, column])
        _stems(panel, np.degrees(zenith), power_db, floor, classes)
        panel.set(
            xlim=(-3, 183),
            ylim=(floor, top),
            xticks=range(0, 181, 30),
            xlabel=f"zenith of {name} [deg] (0 up)",
            ylabel="path power [dB]",
        )
        lined_axes(panel, "y")
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=6, frameon=False, fontsize=10)
    return figure


def _stems(
    axes: "Axes",
    where: NDArray[np.floating[Any]],
    power_db: Floats,
    floor: float,
    classes: list[tuple[str, Bools]],
    size: float = 5.5,
) -> None:
    for name, chosen in classes:
        color = PATH_CLASSES[name]
        axes.vlines(where[chosen], floor, power_db[chosen], color=color, lw=1.5, alpha=0.75)
        axes.plot(
            where[chosen],
            power_db[chosen],
            "o",
            color=color,
            markersize=size,
            markeredgecolor="white",
            markeredgewidth=0.6,
            zorder=3,
            label=f"{name} ({np.count_nonzero(chosen)})",
        )


def _polar_frame(axes: Any, title: str, floor: float, top: float) -> None:
    axes.set_ylim(floor, top)
    axes.set_rorigin(floor)
    step = 5.0 * max(1, int(np.ceil((top - floor) / 4 / 5)))
    rings = np.arange(floor + step, top + 1e-6, step)
    axes.set_rgrids(rings, [f"{ring:g}" for ring in rings], angle=67.5, fontsize=9, color="#505050")
    axes.set_thetagrids(
        range(0, 360, 45), [f"{a if a <= 180 else a - 360}°" for a in range(0, 360, 45)]
    )
    axes.grid(color="#D0D0D0", linewidth=0.7)
    axes.spines["polar"].set_color(GREY)
    axes.set_axisbelow(True)
    axes.set_title(f"{title}\nradius: path power [dB]", fontsize=11)
