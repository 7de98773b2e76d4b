"""Pictures of a radio map in the layout of RadioMapSeer, for models that learn from it.

A pixel is a cell, the top row is the north. Path gain in dB is grey: 0 at the
lowest gain, 255 at the highest. Source: arXiv 2212.11777 and the loader of
RadioUNet; the range of grey is that of the paper's IRT and DPM maps.
"""

import json
from pathlib import Path
from typing import Annotated

import numpy as np

from rtwin.arrays import Bools, Bytes, Floats
from rtwin.dataset.pictures import SceneMesh, scene_mesh
from rtwin.dataset.reading import RadioMap
from rtwin.errors import OutOfRangeError
from rtwin.export.registry import Report
from rtwin.extras import needs
from rtwin.progress import Progress
from rtwin.scene import recipe_from_dict
from rtwin.units import to_db

SIZE = 256
CELL_M = 1.0


def write_radiomapseer(
    radio_map: RadioMap,
    target: Path,
    progress: Progress,
    *,
    min_db: Annotated[float, "path gain that is black"] = -147.0,
    max_db: Annotated[float, "path gain that is white"] = -47.0,
    map_id: Annotated[int, "number of the map in file names"] = 0,
    kind: Annotated[str, "folder of the gains: DPM, IRT2, IRT4"] = "IRT4",
    any_size: Annotated[bool, "take maps that are not 256 x 256 cells of 1 m"] = False,
    indoor: Annotated[bool, "keep the gain inside buildings instead of black"] = False,
    scene: Annotated[str, "recipe of the scene, where its geometry is in files of its own"] = "",
) -> Report:
    """Write gain/KIND, png/buildings_complete, png/antennas and antenna."""
    with needs("pictures need Pillow", "'rtwin[viz]'"):
        from PIL import Image
    num_tx, *shape = radio_map.path_gain.shape
    cell_m = float(radio_map.attributes["cell_size_m"])
    if not any_size and (shape != [SIZE, SIZE] or abs(cell_m - CELL_M) > 1e-9):
        raise OutOfRangeError(
            f"the map has {shape[1]} x {shape[0]} cells of {cell_m:g} m, RadioMapSeer has {SIZE} x "
            f"{SIZE} of {CELL_M:g} m; trace such a map, or write this one with any_size=true"
        )
    if not min_db < max_db:
        raise OutOfRangeError(f"min_db is {min_db:g} and max_db {max_db:g}; min must be lower")
    if kind not in ("DPM", "IRT2", "IRT4", "carsDPM", "carsIRT2", "carsIRT4"):
        raise OutOfRangeError(f"kind is {kind!r}; it must be DPM, IRT2, IRT4, or cars and one")
    attributes = radio_map.attributes
    recipe = recipe_from_dict(attributes["recipe"], attributes["scene"])
    mesh = scene_mesh(recipe, attributes, scene)
    inside = buildings(mesh, radio_map.cell_centers_m)
    folders = [
        target / "gain" / kind,
        target / "png" / "buildings_complete",
        target / "png" / "antennas",
        target / "antenna",
    ]
    for folder in folders:
        folder.mkdir(parents=True)
    gain_dir, building_dir, antenna_dir, list_dir = folders

    def save(file: Path, pixels: Bytes) -> None:
        Image.fromarray(np.ascontiguousarray(pixels[::-1])).save(file)  # north is up

    save(building_dir / f"{map_id}.png", np.where(inside, 255, 0).astype(np.uint8))
    pixels_of_tx = []
    too_strong = too_weak = 0
    for tx in range(num_tx):
        gain_db = to_db(radio_map.path_gain[tx])
        grey = np.round(255 * np.clip((gain_db - min_db) / (max_db - min_db), 0, 1))
        too_strong += int((gain_db > max_db).sum())
        too_weak += int(((gain_db < min_db) & (radio_map.path_gain[tx] > 0)).sum())
        if not indoor:
            grey[inside] = 0
        save(gain_dir / f"{map_id}_{tx}.png", grey.astype(np.uint8))
        column, row = _pixel(radio_map, tx, cell_m)
        place = np.zeros(shape, np.uint8)
        if 0 <= row < shape[0] and 0 <= column < shape[1]:
            place[row, column] = 255
        save(antenna_dir / f"{map_id}_{tx}.png", place)
        pixels_of_tx.append([column, shape[0] - 1 - row])
        progress("export", tx + 1, num_tx)
    (list_dir / f"{map_id}.json").write_text(json.dumps(pixels_of_tx) + "\n", encoding="ascii")
    return {
        "pictures": num_tx,
        "grey": f"{min_db:g} to {max_db:g} dB, {(max_db - min_db) / 255:.3g} dB a step",
        "cells above": f"{too_strong} (white)",
        "cells below": f"{too_weak} (black)",
        "cells in buildings": f"{inside.sum()} ({'kept' if indoor else 'black'})",
    }


def _pixel(radio_map: RadioMap, tx: int, cell_m: float) -> tuple[int, int]:
    """Column and row, counted from the south-west, of the cell that a transmitter is over."""
    offset = (radio_map.tx_position_m[tx, :2] - radio_map.cell_centers_m[0, 0, :2]) / cell_m
    column, row = np.floor(offset + 0.5).astype(int)
    return int(column), int(row)


def buildings(mesh: SceneMesh, cell_centers_m: Floats) -> Bools:
    """Cells over whose centre anything stands that is not the ground, [cell_y, cell_x]."""
    x, y = cell_centers_m[0, :, 0], cell_centers_m[:, 0, 1]
    covered = np.zeros((len(y), len(x)), bool)
    above = ~np.isin(mesh.object, list(mesh.ground))
    for corners in mesh.vertices_m[above][:, :, :2].astype(np.float64):
        low, high = corners.min(axis=0), corners.max(axis=0)
        cols = slice(*np.searchsorted(x, (low[0], high[0] + 1e-9)))
        rows = slice(*np.searchsorted(y, (low[1], high[1] + 1e-9)))
        if cols.start < cols.stop and rows.start < rows.stop:
            covered[rows, cols] |= _in_triangle(corners, x[cols], y[rows][:, None])
    return covered


def _in_triangle(corners: Floats, x: Floats, y: Floats) -> Bools:
    """Whether points lie in a triangle seen from above; a wall seen from above has no inside."""
    sides = []
    for a, b in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        sides.append((b[0] - a[0]) * (y - a[1]) - (b[1] - a[1]) * (x - a[0]))
    area = (corners[1, 0] - corners[0, 0]) * (corners[2, 1] - corners[0, 1]) - (
        corners[1, 1] - corners[0, 1]
    ) * (corners[2, 0] - corners[0, 0])
    if abs(area) < 1e-9:
        return np.zeros(np.broadcast_shapes(x.shape, y.shape), bool)
    sign = np.sign(area)
    return np.logical_and.reduce([sign * side >= 0 for side in sides])
