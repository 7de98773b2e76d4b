"""A DeepMIMO v4 scenario folder.

DeepMIMO adds path coefficients coherently and knows nothing of a carrier, so
the phase that it is given is that of b = a exp(-j 2 pi f tau), in degrees, and
the power is 20 log10 abs(a) in dBW for 0 dBW sent. Angles are degrees; what it
calls elevation is the zenith. Written from its source, version 4.0.5.
"""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from rtwin.arrays import Floats
from rtwin.channel import cir
from rtwin.dataset.pictures import scene_mesh
from rtwin.errors import OutOfRangeError
from rtwin.export.learning.deepmimo_scene import Solid, materials, solids, write_solids
from rtwin.export.record import Block, PathView, shared_times_s
from rtwin.export.registry import Report
from rtwin.export.writing import RowWriter, write_npz
from rtwin.progress import Progress, silent
from rtwin.units import to_db

VERSION = "4.0.5"
MAX_INTERACTIONS = 7
"""Interactions are digits of a single-precision number, exact up to here."""

# Sionna's bits to DeepMIMO's digits.
_DIGIT = np.zeros(9, np.int64)
_DIGIT[[1, 2, 4, 8]] = (1, 3, 4, 2)
_TX_PER_PASS = 8  # each holds a dozen files open
_KEYS = ("power", "phase", "delay", "aoa_az", "aoa_el", "aod_az", "aod_el", "inter")


def write_deepmimo(
    view: PathView,
    target: Path,
    progress: Progress,
    *,
    snapshots: Annotated[bool, "moving receivers as one scene per time, not as one set"] = True,
    mesh: Annotated[bool, "write the scene's triangles, which DeepMIMO draws"] = True,
    scene: Annotated[str, "recipe of the scene, where its geometry is in files of its own"] = "",
) -> Report:
    """Write a scenario: all transmitters as one set, all receivers as another."""
    view = view.one_port("DeepMIMO")
    dataset = view.dataset
    scenery: list[Solid] = []
    if mesh:
        found = scene_mesh(dataset.recipe, dataset.attributes, scene)
        scenery = solids(found, dataset.recipe)
    times = _times(view) if snapshots and view.time_s is not None else None
    scenes = [(target, view)]
    if times is not None and len(times) > 1:
        starts = np.array([track.start for track in view.tracks])
        scenes = [
            (target / f"scene_{step:06d}", replace(view, rx=view.rx[starts + step]))
            for step in range(len(times))
        ]
    most_paths = 1
    for number, (folder, part) in enumerate(scenes):
        folder.mkdir(exist_ok=True)
        width = _write_matrices(part, folder, progress if len(scenes) == 1 else silent)
        most_paths = max(most_paths, width)
        if mesh:
            write_solids(scenery, folder, scenes[0][0])
        if len(scenes) > 1:
            progress("export", number + 1, len(scenes))
    counts = view.num_paths.sum(axis=1) > 0
    num_points = scenes[0][1].num_rx
    params = _params(view, scenery, num_points, int(counts[:num_points].sum()), len(scenes))
    params["rtwin"]["max_paths"] = most_paths
    if times is not None:
        params["rtwin"]["time_s"] = times.tolist()
    (target / "params.json").write_text(json.dumps(params, indent=2) + "\n", encoding="utf-8")
    return {
        "transmitters": view.num_tx,
        "receivers": num_points,
        "scenes": len(scenes),
        "most paths": f"{most_paths} (load with max_paths={most_paths})",
    }


def _times(view: PathView) -> Floats:
    """The times that all moving receivers share [s], [time]."""
    return shared_times_s(view, "a DeepMIMO scene", ", or all as points with snapshots=false")


def _write_matrices(view: PathView, folder: Path, progress: Progress) -> int:
    """All matrices of one scene; their number of columns."""
    num_paths = view.num_paths
    width = max(1, int(num_paths.max(initial=0)))
    depth = max(1, _deepest(view))
    tx_m, rx_m = view.of_tx("tx_position_m"), view.of_rx("rx_position_m")
    for first in range(0, view.num_tx, _TX_PER_PASS):
        some = range(first, min(first + _TX_PER_PASS, view.num_tx))
        with ExitStack() as stack:
            writers = [
                {
                    key: stack.enter_context(
                        RowWriter(folder / _name(key, tx), key, (view.num_rx, *shape), np.float32)
                    )
                    for key, shape in (
                        *((key, (width,)) for key in (*_KEYS, "doppler")),
                        ("inter_pos", (width, depth, 3)),
                    )
                }
                for tx in some
            ]
            for block in view.blocks():
                for tx, own in zip(some, writers, strict=True):
                    for key, rows in _matrices(view, block, tx, width, depth):
                        own[key].write(rows)
                done = first / view.num_tx + block.rx.stop / view.num_rx * len(some) / view.num_tx
                progress("export", round(done * view.num_rx), view.num_rx)
        for tx in some:
            write_npz(folder / _name("tx_pos", tx), tx_pos=tx_m[[tx]].astype(np.float32))
            write_npz(folder / _name("rx_pos", tx), rx_pos=rx_m.astype(np.float32))
    return width


def _name(key: str, tx: int) -> str:
    return f"{key}_t000_tx{tx:03d}_r001.npz"


def _deepest(view: PathView) -> int:
    deepest = 0
    for block in view.blocks():
        used = np.count_nonzero(block.paths.interactions, axis=1).max(initial=0)
        deepest = max(deepest, int(used))
    if deepest > MAX_INTERACTIONS:
        raise OutOfRangeError(
            f"a path has {deepest} interactions, DeepMIMO's code holds {MAX_INTERACTIONS}; "
            f"generate with max_depth {MAX_INTERACTIONS} or less"
        )
    return deepest


def _matrices(
    view: PathView, block: Block, tx: int, width: int, depth: int
) -> Iterator[tuple[str, NDArray[Any]]]:
    """Rows [rx, path] of each matrix of one transmitter, NaN behind the last path.

    Line of sight comes first, then the strongest path.
    """
    links = np.arange(block.rx.stop - block.rx.start) * view.num_tx + tx
    mine = np.isin(block.paths.link_index, links)
    paths = block.paths.select(links)
    # DeepMIMO calls a link in line of sight if its first path is.
    hidden = ~paths.is_line_of_sight
    order = np.lexsort((paths.delay_s, -paths.power, hidden, paths.link_index))
    row = paths.link_index[order]
    column = np.arange(len(order)) - paths.offsets[row]
    b = cir(paths)[:, 0, 0, 0]
    codes = paths.interactions
    # The first interaction is the leading digit.
    digits = np.zeros(len(codes), np.int64)
    for level in range(codes.shape[1]):
        digits = np.where(codes[:, level] > 0, 10 * digits + _DIGIT[codes[:, level]], digits)
    values = {
        "power": 2.0 * to_db(np.abs(b)),
        "phase": np.degrees(np.angle(b)),
        "delay": paths.delay_s,
        "aoa_az": np.degrees(paths.aoa_azimuth),
        "aoa_el": np.degrees(paths.aoa_zenith),
        "aod_az": np.degrees(paths.aod_azimuth),
        "aod_el": np.degrees(paths.aod_zenith),
        "inter": digits,
        "doppler": paths.doppler_hz,
    }
    for key, value in values.items():
        table = np.full((len(links), width), np.nan, np.float32)
        table[row, column] = value[order]
        yield key, table
    places = np.full((len(links), width, depth, 3), np.nan, np.float32)
    vertices = view.of_paths("vertex_m", block)[mine][order][:, :depth]
    places[row, column, : vertices.shape[1]] = vertices
    yield "inter_pos", places


def _params(
    view: PathView, scenery: list[Solid], num_points: int, num_active: int, num_scenes: int
) -> dict[str, Any]:
    dataset = view.dataset
    solver, versions = dataset.recipe.solver, dataset.attributes["versions"]
    device = {
        "num_ant": 1,
        "dual_pol": False,
        "ant_rel_positions": [[0, 0, 0]],
        "array_orientation": [0, 0, 0],
        "grid_spacing": None,
    }
    # DeepMIMO turns about x, y, z: roll, pitch, yaw.
    rotation = np.degrees(view.of_tx("tx_orientation_rad"))[:, ::-1]
    rx_rotation = np.degrees(view.of_rx("rx_orientation_rad"))[:, ::-1]
    num_faces = sum(len(solid.triangles_m) for solid in scenery)
    return {
        "version": VERSION,
        "rt_params": {
            "raytracer_name": "Sionna Ray Tracing",
            "raytracer_version": versions.get("sionna-rt", ""),
            "frequency": view.frequency_hz,
            "max_path_depth": solver.max_depth,
            "max_reflections": solver.max_depth * solver.specular_reflection,
            "max_diffractions": solver.max_diffractions if solver.diffraction else 0,
            "max_scattering": int(solver.diffuse_reflection),
            "max_transmissions": solver.max_depth * solver.refraction,
            "diffuse_reflections": (solver.max_depth - 1) * solver.diffuse_reflection,
            "diffuse_diffractions": 0,
            "diffuse_transmissions": 0,
            "diffuse_final_interaction_only": True,
            "diffuse_random_phases": False,
            "terrain_reflection": solver.specular_reflection,
            "terrain_diffraction": solver.diffraction,
            "terrain_scattering": solver.diffuse_reflection,
            "num_rays": solver.rays,
            "ray_casting_method": "uniform",
            "synthetic_array": True,
            "ray_casting_range_az": 360.0,
            "ray_casting_range_el": 180.0,
            "gps_bbox": [0, 0, 0, 0],
            "raw_params": {},
        },
        "txrx_sets": {
            "txrx_set_0": {
                "name": "tx",
                "id_orig": 0,
                "id": 0,
                "is_tx": True,
                "is_rx": False,
                "num_points": view.num_tx,
                "num_active_points": view.num_tx,
                **device,
            },
            "txrx_set_1": {
                "name": "rx",
                "id_orig": 1,
                "id": 1,
                "is_tx": False,
                "is_rx": True,
                "num_points": num_points,
                "num_active_points": num_active,
                **device,
            },
        },
        "materials": materials(dataset, scenery),
        "scene": {
            "num_scenes": num_scenes,
            "n_objects": len(scenery),
            "n_vertices": 3 * num_faces,
            "n_faces": num_faces,
            "n_triangular_faces": num_faces,
            "representation": "mesh",
        },
        "rtwin": {
            "content_hash": dataset.attributes["content_hash"],
            "scene": dataset.attributes["scene"],
            "versions": versions,
            "tx_name": view.of_tx("tx_name").tolist(),
            "tx_power_dbm": view.of_tx("tx_power_dbm").tolist(),
            "tx_rotation_deg": rotation.tolist(),
            "rx_rotation_deg": rx_rotation[:num_points].tolist(),
        },
    }
