"""The links of a page: receivers, a few numbers for each link, and paths within a budget."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtwin.arrays import Ints
from rtwin.channel import PathSet
from rtwin.dataset import PathDataset
from rtwin.errors import StoreError
from rtwin.plot.links import PATH_CLASSES, path_classes
from rtwin.plot.receivers import RECEIVER_METRICS
from rtwin.plot.style import color_limits
from rtwin.plot.values import link_table
from rtwin.progress import Progress, count_of, silent
from rtwin.units import to_db
from rtwin.view.buffers import Buffers

MAX_RECEIVERS = 50_000
MAX_PATHS = 200_000
LINKS_PER_BATCH = 4096
_UNITS = {"path_gain": "dB", "num_paths": "", "rms_delay_spread": "ns", "line_of_sight": ""}


@dataclass(frozen=True)
class Choice:
    """Which receivers and how many paths of each link a page has."""

    receivers: Ints  # rows, ascending
    paths_per_link: int


def choose(
    num_paths: Ints, num_tx: int, max_receivers: int = MAX_RECEIVERS, max_paths: int = MAX_PATHS
) -> Choice:
    """Receivers drawn evenly by chance if there are too many, then the strongest paths of each.

    Args:
        num_paths: Paths of each link, [link], link = rx * num_tx + tx.
        num_tx: Number of transmitters.
        max_receivers: Most receivers.
        max_paths: Most paths; receivers are left out where one path per link is too much.
    """
    by_receiver = num_paths.reshape(-1, num_tx)
    most = min(max_receivers, max(1, max_paths // num_tx))
    receivers = np.arange(len(by_receiver))
    if len(receivers) > most:
        receivers = np.sort(np.random.default_rng(0).choice(receivers, most, replace=False))
    kept = by_receiver[receivers]
    low, high = 1, int(kept.max(initial=1))
    while low < high:  # the largest number per link that stays within the budget
        middle = (low + high + 1) // 2
        low, high = (
            (middle, high) if np.minimum(kept, middle).sum() <= max_paths else (low, middle - 1)
        )
    return Choice(receivers, low)


def add_links(
    buffers: Buffers, dataset: PathDataset, choice: Choice, progress: Progress = silent
) -> tuple[dict[str, Any], list[str]]:
    """Put receivers, links and paths into a page.

    Returns:
        What the page says of them, and remarks on what was left out.
    """
    num_tx, receivers = dataset.num_tx, choice.receivers
    table = link_table(dataset, tuple(RECEIVER_METRICS), count_of(progress, "links"))
    links = (receivers[:, None] * num_tx + np.arange(num_tx)).ravel()
    buffers.add("rx_row", "u4", receivers)
    buffers.add("rx_position", "f4", dataset.read("rx_position_m")[receivers])
    time_s = dataset.read("rx_time_s")[receivers]
    if np.isfinite(time_s).any():
        buffers.add("rx_time", "f4", time_s)
    metrics = []
    for name, (title, _) in RECEIVER_METRICS.items():
        values = table[name][links].reshape(-1, num_tx)
        buffers.add(f"link_{name}", "f4", values)
        best = np.where(np.isnan(values), -np.inf, values).max(axis=1, initial=-np.inf)
        low, high = color_limits(best)
        metrics.append({"name": name, "title": title, "unit": _UNITS[name], "limits": [low, high]})
    buffers.add("link_paths_in_file", "u4", dataset.num_paths[links].reshape(-1, num_tx))
    kept = _add_paths(buffers, dataset, choice, progress)
    return {
        "num_rx": dataset.num_rx,
        "metrics": metrics,
        "classes": list(PATH_CLASSES.items()),
    }, _remarks(dataset, choice, kept)


def _add_paths(buffers: Buffers, dataset: PathDataset, choice: Choice, progress: Progress) -> float:
    """Put the strongest paths of the chosen links in; returns the share of power they hold."""
    num_tx = dataset.num_tx
    batch = max(1, LINKS_PER_BATCH // num_tx)
    counts: list[NDArray[Any]] = []
    columns: dict[str, list[NDArray[Any]]] = {name: [] for name in _COLUMNS}
    kept, dropped = 0.0, 0.0
    for start in range(0, dataset.num_rx, batch):
        stop = min(start + batch, dataset.num_rx)
        first, last = np.searchsorted(choice.receivers, (start, stop))
        if first == last:
            continue
        is_chosen = np.zeros((stop - start, num_tx), bool)
        is_chosen[choice.receivers[first:last] - start] = True
        links = slice(start * num_tx, stop * num_tx)
        paths = dataset.paths(links.start, links.stop)
        keep, lost = paths.strongest_rows(choice.paths_per_link)
        keep = keep[is_chosen.ravel()[paths.link_index[keep]]]
        part = _columns(dataset, dataset.path_rows(links.start, links.stop), keep)
        part["path_gain_db"] = to_db(paths.power[keep])
        part["path_delay_ns"] = 1e9 * paths.delay_s[keep]
        part["path_doppler_hz"] = paths.doppler_hz[keep]
        part["path_class"] = _class_numbers(paths)[keep]
        for name, values in part.items():
            columns[name].append(values)
        counts.append(np.minimum(paths.num_paths, choice.paths_per_link)[is_chosen.ravel()])
        kept += float(paths.power[keep].sum())
        dropped += float(lost[is_chosen.ravel()].sum())
        progress("paths", stop, dataset.num_rx)
    buffers.add("link_num_paths", "u4", np.concatenate([np.zeros(0, np.int64), *counts]))
    for name, kind in _COLUMNS.items():
        empty = np.zeros((0, 3) if name == "vertices_m" else 0, np.uint8)
        buffers.add(name, kind, np.concatenate([empty, *columns[name]]))
    return kept / (kept + dropped) if kept + dropped > 0 else 1.0


# What a page has of each path, and in the last four rows of each interaction.
_COLUMNS = {
    "path_gain_db": "f4",
    "path_delay_ns": "f4",
    "path_doppler_hz": "f4",
    "path_class": "u1",
    "path_depth": "u1",
    "interaction": "u1",
    "interaction_object": "i4",
    "interaction_material": "i2",
    "vertices_m": "f4",
}


def _columns(dataset: PathDataset, rows: slice, keep: Ints) -> dict[str, Any]:
    """What happens on the paths, flat over interactions."""
    interactions = dataset.read("interactions", rows)[keep]
    met = interactions != 0
    vertices = dataset.read("vertex_m", rows)[keep][met]
    if not np.isfinite(vertices).all():
        raise StoreError(
            f"{dataset.path}: holds an interaction without a place; "
            "`rtwin validate` says what else is wrong, generate it again"
        )
    return {
        "path_depth": met.sum(axis=1),
        "interaction": interactions[met],
        "interaction_object": dataset.read("object", rows)[keep][met],
        "interaction_material": dataset.read("material", rows)[keep][met],
        "vertices_m": vertices,
    }


def _class_numbers(paths: PathSet) -> Ints:
    """Row of PATH_CLASSES of each path."""
    names = np.array(list(PATH_CLASSES))
    order = np.argsort(names)
    return order[np.searchsorted(names[order], path_classes(paths))]


def _remarks(dataset: PathDataset, choice: Choice, kept: float) -> list[str]:
    """What a page does not have."""
    remarks = []
    if len(choice.receivers) < dataset.num_rx:
        remarks.append(
            f"Receivers: {len(choice.receivers):,} of {dataset.num_rx:,} are here, drawn by chance."
        )
    most = int(dataset.num_paths.reshape(-1, dataset.num_tx)[choice.receivers].max(initial=0))
    if most > choice.paths_per_link:
        remarks.append(
            f"Paths: the {choice.paths_per_link:,} strongest of each link are here; they hold "
            f"{_percent(kept)} of the power. Links have up to {most:,} in the file."
        )
    dropped = dataset.read("dropped_path_gain")
    if (dropped > 0).any():
        remarks.append(
            f"The file itself leaves weak paths out at {np.count_nonzero(dropped):,} of "
            f"{dataset.num_links:,} links (strongest_paths)."
        )
    return remarks


def _percent(share: float) -> str:
    """A share in percent; never 100 % when something is missing."""
    return f"{min(100 * share, 99.99):.2f} %" if share > 0.999 else f"{100 * share:.1f} %"
