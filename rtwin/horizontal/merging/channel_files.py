"""Merging dataset files: channel twins of one area into one file of paths."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from rtwin.arrays import Ints
from rtwin.dataset import PathDataset, open_dataset
from rtwin.dataset.inspection import open_unchecked
from rtwin.dataset.schema import (
    PATH_VARIABLES,
    PATHS_FORMAT,
    PATHS_LAYOUT,
    PORT_LABELS,
    RX_VARIABLES,
    SCENE_VARIABLES,
    Variable,
    tx_port_labels,
)
from rtwin.dataset.store import (
    fill_file,
    plain_errors,
    prepare_target,
    write_image,
)
from rtwin.errors import StoreError
from rtwin.horizontal.merging.channels import LEAST_AGREEMENT, LinkPaths, MergedPaths, merge_paths
from rtwin.horizontal.merging.fusion import DRIFT_DB, SAME_PLACE_M, Rule, point_text
from rtwin.horizontal.twin import UNCERTAINTY_DB

_YEAR_DAYS = 365.25
_NO_TRIANGLE = np.iinfo(np.uint32).max
_TX_COLUMNS = ("tx_position_m", "tx_orientation_rad", "tx_velocity_m_s", "tx_power_dbm")
_COUNTS = ("num_candidates", "num_inside", "num_underground", "num_without_ground")
_MATERIAL_COLUMNS = tuple(v.name for v in SCENE_VARIABLES if v.dtype != "str")
_EMPTY = {"vertex_m": np.nan, "triangle": _NO_TRIANGLE, "object": -1, "material": -1}
MERGED_PATH_VARIABLES = (
    Variable("merged_agreement", ("path",), "<f4", "1", "trust of the twins that have the path"),
    Variable("merged_sigma_db", ("path",), "<f4", "dB", "uncertainty of the path's power"),
    Variable("merged_num_twins", ("link",), "<i2", "1", "twins that cover the link; 0 for none"),
    Variable("merged_dropped", ("link",), "<i4", "1", "paths that too little trust speaks for"),
    Variable(
        "merged_disagreement",
        ("link",),
        "<f4",
        "1",
        "largest difference of two twins' path gains over its standard deviation; above 3: trace "
        "again",
    ),
)
"""What a merged file holds besides the variables of a dataset."""


@dataclass(frozen=True, eq=False)
class _Source:
    """One file, and where its devices are in the merged one."""

    dataset: PathDataset
    tx: Ints
    rx: Ints
    sigma_db: float

    def links(self, num_tx: int) -> Ints:
        """Its links in the merged file, [link]."""
        return (self.rx[:, None] * num_tx + self.tx).ravel()


def is_channel_twin(file: str | Path) -> bool:
    """Whether a file is a dataset of paths; one that cannot be read is for others to refuse."""
    if not Path(file).is_file():
        return False
    try:
        with open_unchecked(Path(file)) as h5:
            return h5.kind == PATHS_FORMAT
    except StoreError:
        return False


def merge_channel_files(
    files: Sequence[str | Path],
    output: str | Path,
    *,
    ages_days: Sequence[float],
    rule: Rule = "covariance-intersection",
    drift_db: float = DRIFT_DB,
    least_agreement: float = LEAST_AGREEMENT,
    overwrite: bool = False,
) -> MergedPaths:
    """Merge dataset files into one: transmitters by name, receivers by place, paths by match.

    Args:
        files: Two or more, of one frequency, frame and polarisations.
        output: The file to write; appears whole or not at all.
        ages_days: Age of each [days].
        rule, least_agreement: See rtwin.horizontal.merging.channels.merge_paths.
        drift_db: What a year adds to the uncertainty of a twin [dB].
        overwrite: Replace a file of other content.
    Raises:
        OutOfRangeError: see merge_paths.
        StoreError: if the files do not fit together, cannot be read or written.
    Checked by tests/horizontal/merging/test_channel_files.py.
    """
    opened = [open_dataset(file) for file in files]
    try:
        _refuse_conflicts(opened)
        sources, rx_owner, tx_owner = _placed(opened, ages_days, drift_db)
        num_tx = len(tx_owner)
        tables = {name: _names(opened, name) for name in ("object_name", "material_name")}
        twins = [_link_paths(source, num_tx, tables, opened) for source in sources]
        merged = merge_paths(
            twins, len(rx_owner) * num_tx, rule=rule, least_agreement=least_agreement
        )
        hashes = [str(each.attributes.get("content_hash", "")) for each in opened]
        asked = ["merge", hashes, [s.sigma_db for s in sources], rule, least_agreement]
        request = hashlib.sha256(json.dumps(asked).encode()).hexdigest()
        if not prepare_target(Path(output), PATHS_FORMAT, request, overwrite):
            columns = {
                **_device_columns(opened, tx_owner, rx_owner),
                **_scene_columns(opened, tables),
                **_merged_columns(merged, sources, num_tx),
            }
            attributes = _attributes(opened, tx_owner, hashes, ages_days, rule, merged)
            with plain_errors(Path(output)):
                write_image(
                    Path(output),
                    lambda h5: _write(h5, columns, {**attributes, "request_hash": request}, opened),
                )
        return merged
    finally:
        for each in opened:
            each.close()


def _refuse_conflicts(opened: Sequence[PathDataset]) -> None:
    first = opened[0]
    for other in opened[1:]:
        for what, one, two in (
            ("frequency_hz", first.frequency_hz, other.frequency_hz),
            ("georeference", _said(first, "georeference"), _said(other, "georeference")),
            ("polarisations", _ports(first), _ports(other)),
        ):
            if one != two:
                raise StoreError(
                    f"{other.path} has {what} {two}, {first.path} has {one}; only channel twins "
                    "of one frequency, frame and polarisations can be merged"
                )


def _said(dataset: PathDataset, name: str) -> Any:
    return (dataset.attributes.get("recipe") or {}).get(name)


def _ports(dataset: PathDataset) -> tuple[int, ...]:
    ends = dataset.recipe.receivers.antenna, dataset.recipe.transmitter[0].antenna
    return tuple(antenna.num_ports for antenna in ends)


def _placed(
    opened: Sequence[PathDataset], ages_days: Sequence[float], drift_db: float
) -> tuple[list[_Source], list[tuple[int, int]], list[tuple[int, int]]]:
    """Files with their devices' rows in the merged one; of each merged device file and row."""
    names: list[str] = []
    tx_owner: list[tuple[int, int]] = []
    rx_owner: list[tuple[int, int]] = []
    seen = np.zeros((0, 3))
    sources = []
    for number, (dataset, age) in enumerate(zip(opened, ages_days, strict=True)):
        places = dataset.read("tx_position_m")
        rows = []
        for row, name in enumerate(dataset.read("tx_name").tolist()):
            if name not in names:
                names.append(name)
                tx_owner.append((number, row))
            file, its = tx_owner[names.index(name)]
            known = opened[file].read("tx_position_m")[its]
            if np.linalg.norm(places[row] - known) > SAME_PLACE_M:
                raise StoreError(
                    f"transmitter '{name}' is at {point_text(places[row])} in {dataset.path} "
                    f"and at {point_text(known)} in {opened[file].path}; rename one, or trace "
                    "the older anew"
                )
            rows.append(names.index(name))
        own = dataset.read("rx_position_m")
        found = np.full(len(own), -1)
        if len(seen):
            apart, nearest = cKDTree(seen).query(own, distance_upper_bound=SAME_PLACE_M)
            found = np.where(np.isfinite(apart), nearest, -1)
        new = np.flatnonzero(found < 0)
        found[new] = len(rx_owner) + np.arange(len(new))
        rx_owner += [(number, int(row)) for row in new]
        seen = np.concatenate([seen, own[new]])
        sigma = float(np.hypot(UNCERTAINTY_DB, drift_db * np.sqrt(age / _YEAR_DAYS)))
        sources.append(_Source(dataset, np.array(rows), found, sigma))
    return sources, rx_owner, tx_owner


def _names(opened: Sequence[PathDataset], name: str) -> list[str]:
    return list(dict.fromkeys(text for each in opened for text in each.read(name).tolist()))


def _link_paths(
    source: _Source, num_tx: int, tables: dict[str, list[str]], opened: Sequence[PathDataset]
) -> LinkPaths:
    """The paths of a file, with links, objects and materials numbered as in the merged one."""
    dataset = source.dataset
    link = source.links(num_tx)
    columns = {v.name: dataset.read(v.name) for v in PATH_VARIABLES}
    for name, table in (("object", "object_name"), ("material", "material_name")):
        rows = np.array([tables[table].index(text) for text in dataset.read(table).tolist()])
        there = columns[name] >= 0
        columns[name][there] = rows[columns[name][there]]
    if len({each.attributes.get("scene_hash") for each in opened}) > 1:
        # Triangles are numbered by scene: of several they would point anywhere.
        columns["triangle"][...] = _NO_TRIANGLE
        columns["edge"][...] = 255
    depth = max(each.read("interactions", slice(0, 0)).shape[1] for each in opened)
    for name in ("interactions", *_EMPTY):
        columns[name] = _deeper(columns[name], depth, _EMPTY.get(name, 0))
    return LinkPaths(link, np.repeat(link, dataset.num_paths), columns, source.sigma_db)


def _deeper(values: NDArray[Any], depth: int, empty: float) -> NDArray[Any]:
    wider = np.full((len(values), depth, *values.shape[2:]), empty, values.dtype)
    wider[:, : values.shape[1]] = values
    return wider


def _device_columns(
    opened: Sequence[PathDataset],
    tx_owner: list[tuple[int, int]],
    rx_owner: list[tuple[int, int]],
) -> dict[str, Any]:
    tx = {
        name: np.array([opened[file].read(name)[row] for file, row in tx_owner])
        for name in _TX_COLUMNS
    }
    names = [str(opened[file].read("tx_name")[row]) for file, row in tx_owner]
    files = np.array([file for file, _ in rx_owner], np.int64)
    rows = np.array([row for _, row in rx_owner], np.int64)
    rx = {
        v.name: np.concatenate(
            [each.read(v.name)[rows[files == n]] for n, each in enumerate(opened)]
        )
        for v in RX_VARIABLES
    }
    return {**tx, "tx_name": names, **rx, "rx_candidate": np.arange(len(rx_owner))}


def _scene_columns(opened: Sequence[PathDataset], tables: dict[str, list[str]]) -> dict[str, Any]:
    names = tables["material_name"]
    columns = {name: np.zeros(len(names)) for name in _MATERIAL_COLUMNS}
    for each in reversed(opened):  # the first file that has a material says what it is
        rows = [names.index(text) for text in each.read("material_name").tolist()]
        for name in _MATERIAL_COLUMNS:
            columns[name][rows] = each.read(name)
    return {**tables, **columns}


def _merged_columns(merged: MergedPaths, sources: Sequence[_Source], num_tx: int) -> dict[str, Any]:
    link = np.arange(len(merged.num_paths))
    dropped = np.zeros(len(link))
    for source in sources:
        rows = source.links(num_tx)
        dropped[rows] = np.maximum(dropped[rows], source.dataset.read("dropped_path_gain"))
    return {
        **merged.columns,
        "link_tx": link % num_tx,
        "link_rx": link // num_tx,
        "num_paths": merged.num_paths,
        "dropped_path_gain": dropped,
        "merged_agreement": merged.agreement,
        "merged_sigma_db": merged.sigma_db,
        "merged_num_twins": merged.num_twins,
        "merged_dropped": merged.num_dropped,
        "merged_disagreement": merged.disagreement,
    }


def _attributes(
    opened: Sequence[PathDataset],
    tx_owner: list[tuple[int, int]],
    hashes: list[str],
    ages_days: Sequence[float],
    rule: str,
    merged: MergedPaths,
) -> dict[str, Any]:
    first = opened[0].attributes
    scenes = list(dict.fromkeys(str(each.attributes.get("scene_hash")) for each in opened))
    tables = [opened[file].attributes["recipe"]["transmitter"][row] for file, row in tx_owner]
    apart = int(merged.needs_trace.sum())
    said = (
        f"merged by {rule} of {len(opened)} channel twins; {apart} links disagree beyond 3 sigma, "
        f"{int(merged.num_dropped.sum())} paths that too little trust speaks for were left out"
    )
    own = ("content_hash", "request_hash", "format", "format_version", "hash_version", "versions")
    return {
        **{name: value for name, value in first.items() if name not in (*own, "Conventions")},
        "recipe": {**first["recipe"], "transmitter": tables},
        "scene_hash": scenes[0] if len(scenes) == 1 else "merged of " + ", ".join(scenes),
        "remarks": [*first.get("remarks", []), said],
        **{name: sum(int(each.attributes.get(name, 0)) for each in opened) for name in _COUNTS},
        "merged_from": hashes,
        "merged_ages_days": list(ages_days),
        "merged_rule": rule,
    }


def _write(
    h5: h5py.File,
    columns: dict[str, Any],
    attributes: dict[str, Any],
    opened: Sequence[PathDataset],
) -> None:
    recipe = opened[0].recipe
    labels = {
        "tx": columns["tx_name"],
        "tx_pol": tx_port_labels(recipe),
        "rx_pol": PORT_LABELS[recipe.receivers.antenna.polarization],
    }
    layout = (*PATHS_LAYOUT, *MERGED_PATH_VARIABLES)
    fill_file(h5, PATHS_FORMAT, attributes, layout, columns, labels, hashed=PATHS_LAYOUT)
    h5["num_paths"].attrs["sample_dimension"] = "path"
