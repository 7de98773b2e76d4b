"""Checking a file against its layout and against physics."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from rtwin.arrays import Floats, Singles
from rtwin.channel import PathSet, rss_dbm, sinr
from rtwin.dataset.inspection import CheckedFile, open_unchecked, problems_of, snapshot_files
from rtwin.dataset.reading.reader import PathDataset
from rtwin.dataset.schema import MAP_FORMAT, PATHS_FORMAT, SWEEP_FORMAT, TRACE_FORMAT
from rtwin.dataset.store import content_hash
from rtwin.errors import RecipeError, RtwinError
from rtwin.scene import recipe_from_dict
from rtwin.units import SPEED_OF_LIGHT_M_S, from_db, to_db, unit_vector, wavelength_m

LENGTH_TOLERANCE_M = 1e-3
ANGLE_TOLERANCE = 1e-3
# A cell's Monte Carlo average may exceed 1 next to a transmitter by chance alone.
PASSIVE_SIGMAS = 5.0


# What checking nonsense can end in; whatever it is, the file is not valid.
_ENDS = (
    RtwinError,
    OSError,
    ValueError,
    ArithmeticError,
    LookupError,
    TypeError,
    MemoryError,
    RecursionError,
)


def validate_file(file: str | Path) -> list[str]:
    """What is wrong with a dataset, radio map, link trace or twin, one line each.

    Checks that nothing leads out of the file, the layout (variables, types,
    dimensions, units), attributes, the range of every value, the content hash,
    that arrays fit together, passivity (no link above 0 dB), delays against
    the path's own vertices, line-of-sight delays against the distance, and
    that line-of-sight angles of both ends are opposite. Isotropic
    line-of-sight power is checked against Friis. Of a link trace: that powers
    and SINR follow from path gains, and states from serving cells.

    Returns:
        The problems; empty if there is none. A file that is missing, or none of
        rtwin's, is a problem as well: nothing is raised.
    Checked by tests/dataset/reading/test_files.py and tests/robustness.
    """
    path = Path(file)
    try:
        if not path.is_dir():
            return list(_problems(path))
        snapshots = snapshot_files(path)
        if not snapshots:
            return [f"{path}: is a folder without snapshots of a twin; give a file"]
        return [f"{one.name}: {line}" for one in snapshots for line in _problems(one)]
    except _ENDS as error:
        said = " ".join(str(error).split()) or type(error).__name__
        return [said.removeprefix(f"{path}: ")]


def _problems(path: Path) -> Iterator[str]:
    with open_unchecked(path) as h5:
        if not h5.layout:
            yield f"format is {h5.kind!r}, which this rtwin does not know"
            return
        problems = [*h5.layout_problems(), *_unit_problems(h5)]
        problems += [] if problems else h5.header_problems()
        problems += [] if problems else problems_of(h5)
        if not problems:
            problems += _recipe_problems(h5)
            if content_hash(h5, h5.layout) != h5.attrs.get("content_hash"):
                yield "content_hash does not match the content: the file was changed"
        if not problems and h5.kind in (PATHS_FORMAT, SWEEP_FORMAT):
            problems = list(_count_problems(h5))
        yield from problems
        if problems:
            return
        if h5.kind == MAP_FORMAT:
            yield from _map_problems(h5)
            return
        if h5.kind == TRACE_FORMAT:
            yield from _trace_problems(h5)
            return
        frequencies = h5["frequency_hz"][...].tolist() if h5.kind == SWEEP_FORMAT else [None]
    for frequency_hz in frequencies:
        with PathDataset(path, frequency_hz) as dataset:
            yield from _path_problems(dataset)


def _unit_problems(h5: CheckedFile) -> Iterator[str]:
    for variable in h5.layout:
        if variable.name not in h5 or variable.name not in h5.variables():
            continue
        units = h5[variable.name].attrs.get("units", "")
        if units != variable.units:
            yield f"{variable.name} has units {units!r}, it must have {variable.units!r}"


def _recipe_problems(h5: CheckedFile) -> Iterator[str]:
    if "recipe" not in h5.attrs:
        return
    data = json.loads(h5.attrs["recipe"])
    try:
        recipe_from_dict(data, str(h5.attrs.get("scene", "recipe")), where="attribute recipe")
    except RecipeError as error:
        yield str(error)
        return
    stated = h5.attrs.get("frequency_hz", data["frequency_hz"])
    if stated != data["frequency_hz"]:
        yield f"frequency_hz is {stated:g}, the recipe's is {data['frequency_hz']:g}"


def _count_problems(h5: CheckedFile) -> Iterator[str]:
    num_paths = h5["num_paths"][...]
    if (num_paths < 0).any():
        yield f"num_paths of link {int(np.argmin(num_paths))} is negative"
    if num_paths.sum() != h5["delay_s"].shape[0]:
        yield f"num_paths adds up to {num_paths.sum()}, there are {h5['delay_s'].shape[0]} paths"
    links = h5["rx_position_m"].shape[0] * h5["tx_position_m"].shape[0]
    if len(num_paths) != links:
        yield f"there are {len(num_paths)} links, receivers times transmitters are {links}"


def _map_problems(h5: CheckedFile) -> Iterator[str]:
    gain, error = h5["path_gain"][...], h5["path_gain_standard_error"][...]
    yield from _grid_problems(h5)
    if (gain > 1.0 + PASSIVE_SIGMAS * error).any():
        yield f"path_gain reaches {gain.max():.3g}: more power arrives than is sent"
    power = h5["tx_power_dbm"][...]
    if not np.allclose(h5["rss_dbm"][...], rss_dbm(gain, power), atol=1e-2):
        yield "rss_dbm is not path_gain plus transmit power"
    ratio = sinr(gain, power, h5.attrs["noise_power_w"])
    if not np.allclose(h5["sinr"][...], ratio, rtol=1e-3, atol=0.0):
        yield "sinr does not follow from path_gain and noise_power_w"
    serving = h5["serving_transmitter"][...]
    if ((serving >= 0) != (gain > 0).any(axis=0)).any():
        yield "serving_transmitter and path_gain disagree on which cells are reached"
    if "num_paths" in h5:
        yield from _path_map_problems(h5, gain)


def _grid_problems(h5: CheckedFile) -> Iterator[str]:
    centers, size = h5["cell_centers_m"][...], float(h5.attrs["cell_size_m"])
    steps = [np.diff(centers[..., 0], axis=1), np.diff(centers[..., 1], axis=0)]
    # Single precision far from the origin.
    if any((np.abs(step - size) > 1e-3 * size + 0.02).any() for step in steps if step.size):
        yield f"cell_centers_m are not cell_size_m = {size:g} m apart"


def _path_map_problems(h5: CheckedFile, gain: Floats) -> Iterator[str]:
    num_paths, direct = h5["num_paths"][...], h5["line_of_sight"][...]
    if ((gain > 0) & (num_paths == 0)).any() or (direct > np.minimum(num_paths, 1)).any():
        yield "num_paths is 0 in cells that path_gain or line_of_sight say are reached"
    for name in ("rms_delay_spread_s", "k_factor", "mean_delay_s"):
        values = h5[name][...]
        if (values < 0).any() or (np.isnan(values) != (gain == 0)).any():
            yield f"{name} is negative, or does not stand exactly where paths bring power"


def _trace_problems(h5: CheckedFile) -> Iterator[str]:
    gain, serving = h5["path_gain"][...], h5["serving_tx"][...]
    power = h5["tx_power_dbm"][...]
    known = np.isfinite(gain)
    if (gain[known] > 1).any():
        yield f"path_gain reaches {gain[known].max():.3g}, above 1 (0 dB)"
        return
    rss = to_db(np.where(known, gain, np.nan)) + power
    if not np.allclose(h5["rss_dbm"][...], rss, atol=1e-2, equal_nan=True):
        yield "rss_dbm is not path_gain plus transmit power"
    watts = np.where(known, gain, 0.0) * from_db(power - 30.0)
    load, noise = float(h5.attrs["interference_load"]), float(h5.attrs["noise_power_w"])
    sent = watts * (h5["tx_load"][...][:, None, :] if "demand_mbps" in h5.attrs else load)
    with np.errstate(divide="ignore"):
        ratio = watts / (sent.sum(axis=2, keepdims=True) - sent + noise)
    # Where one transmitter dominates, the sum of all less one's own has few digits left.
    firm = known & (watts <= 1e6 * (watts.sum(axis=2, keepdims=True) - watts + noise))
    if not np.allclose(h5["sinr_db"][...][firm], to_db(ratio)[firm], atol=0.1):
        yield "sinr_db does not follow from path_gain, noise and interference"
    cqi = np.take_along_axis(h5["cqi"][...], np.maximum(serving, 0)[..., None].astype(int), 2)
    served = (serving >= 0) & (cqi[..., 0] > 0)
    if (served != (h5["state"][...] == 0)).any():
        yield "state and serving_tx disagree on who is served"
    step = np.diff(h5["time_s"][...])
    if step.size and (step.min() <= 0 or np.ptp(step) > 1e-6 * max(1.0, step.max())):
        yield "time_s does not grow in equal steps"


def _path_problems(dataset: PathDataset) -> Iterator[str]:
    tx_m, rx_m = dataset.read("tx_position_m"), dataset.read("rx_position_m")
    for links, paths in dataset.batches():
        rows = dataset.path_rows(links.start, links.stop)
        own_tx = tx_m[dataset.read("link_tx", links)][paths.link_index]
        own_rx = rx_m[dataset.read("link_rx", links)][paths.link_index]
        power = np.bincount(paths.link_index, paths.power, minlength=paths.num_links)
        if (power > 1.0).any():
            link = links.start + int(np.argmax(power))
            yield f"link {link}: path gain {power.max():.3g} is above 1 (0 dB)"
        length = _vertex_length(dataset.read("vertex_m", rows), own_tx, own_rx)
        wrong = np.abs(paths.delay_s * SPEED_OF_LIGHT_M_S - length) > LENGTH_TOLERANCE_M
        if wrong.any():
            yield f"{wrong.sum()} paths from link {links.start} on: delay and vertices disagree"
        yield from _line_of_sight_problems(dataset, links, paths, own_tx, own_rx)


def _line_of_sight_problems(
    dataset: PathDataset, links: slice, paths: PathSet, own_tx: Floats, own_rx: Floats
) -> Iterator[str]:
    direct = paths.is_line_of_sight
    many = np.bincount(paths.link_index[direct], minlength=paths.num_links) > 1
    if many.any():
        yield f"link {links.start + int(np.argmax(many))}: more than one line-of-sight path"
    away = unit_vector(paths.aod_azimuth[direct], paths.aod_zenith[direct])
    back = unit_vector(paths.aoa_azimuth[direct], paths.aoa_zenith[direct])
    if (np.abs(away + back) > ANGLE_TOLERANCE).any():
        yield f"links from {links.start} on: line-of-sight angles of the two ends are not opposite"
    recipe = dataset.recipe
    antennas = [tx.antenna for tx in recipe.transmitter] + [recipe.receivers.antenna]
    if any(a.pattern != "iso" or a.polarization != "V" for a in antennas):
        return
    tilts = [dataset.read(f"{end}_orientation_rad")[:, 1:] for end in ("tx", "rx")]
    if any(tilt.any() for tilt in tilts):
        return  # tilted dipoles do not match in polarisation
    distance = np.linalg.norm(own_tx - own_rx, axis=1)[direct]
    friis = (wavelength_m(recipe.frequency_hz) / (4 * np.pi * distance)) ** 2
    rows = dataset.path_rows(links.start, links.stop)
    friis *= from_db(-dataset.read("vegetation_loss_db", rows)[direct].astype(np.float64))
    if (np.abs(paths.power[direct] / friis - 1) > 1e-3).any():
        yield f"links from {links.start} on: line-of-sight power is not that of Friis"


def _vertex_length(vertex: Singles, tx_m: Floats, rx_m: Floats) -> Floats:
    length = np.zeros(len(vertex))
    current = tx_m
    for depth in range(vertex.shape[1]):
        there = np.asarray(np.isfinite(vertex[:, depth]).all(axis=1))
        following = np.where(there[:, None], vertex[:, depth].astype(np.float64), current)
        length += np.linalg.norm(following - current, axis=1)
        current = following
    return length + np.linalg.norm(rx_m - current, axis=1)
