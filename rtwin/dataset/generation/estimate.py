"""What a run will take, before the ray tracer is started: links, time, memory.

Seconds and bytes are those of two cores and the shipped scenes (docs/benchmarks.md): they
tell minutes from hours, and are off by a factor of three where a scene is unlike them.
"""

from dataclasses import dataclass

import numpy as np

from rtwin.arrays import Floats
from rtwin.errors import OutOfRangeError, RecipeError
from rtwin.scene import RandomReceivers, Recipe, place_receivers
from rtwin.scene.surfaces import surfaces
from rtwin.trace.maps import MapGrid, map_sampling
from rtwin.trace.maps.grid import CELL_BYTES, MAX_CELLS, VALUE_BYTES
from rtwin.trace.maps.sampling import DIFFRACTION_TIMES

START_S = 1.7  # engine, kernels from the cache, writing
TRIANGLE_S = 30e-6  # loading
RAY_S = 0.2e-6  # of a ray and an interaction, discovery alone
LINK_S = 0.11e-3
START_BYTES, TRIANGLE_BYTES, RECEIVER_BYTES = 240 * 2**20, 1500, 1024
PATHS_PER_LINK, PATH_BYTES = 12, 250
SHARD_LINKS = 8192


@dataclass(frozen=True)
class Estimate:
    """What a run takes, about.

    Attributes:
        num_tx: Transmitters.
        num_rx: Receivers, or cells of a map.
        num_triangles: Of the scene.
        method: How it is traced.
        seconds: On two cores [s].
        num_bytes: Most memory at a time.
    """

    num_tx: int
    num_rx: int
    num_triangles: int
    method: str
    seconds: float
    num_bytes: int

    @property
    def num_links(self) -> int:
        """Pairs of a transmitter and a receiver or cell."""
        return self.num_tx * self.num_rx


def estimate_dataset(recipe: Recipe, workers: int = 1) -> Estimate:
    """What `generate` takes.

    Raises:
        RecipeError, GeometryError: if the scene or its receivers cannot be read.
    Checked by tests/dataset/generation/test_estimate.py.
    """
    bounds, triangles = _extent(recipe)
    num_rx = _num_receivers(recipe, bounds)
    num_tx = len(recipe.transmitter)
    links = num_tx * num_rx
    tracing = num_tx * _discovery_s(recipe) + links * LINK_S * _times(recipe)
    memory = min(links, SHARD_LINKS) * PATHS_PER_LINK * PATH_BYTES
    return Estimate(
        num_tx,
        num_rx,
        triangles,
        "paths",
        _loading_s(triangles) + tracing / max(workers, 1),
        workers * (_loaded_bytes(triangles) + memory) + num_rx * RECEIVER_BYTES,
    )


def estimate_map(recipe: Recipe, method: str = "auto", *, keeps_paths: bool = False) -> Estimate:
    """What a radio map takes; with `keeps_paths` a twin, which is one from paths.

    Raises:
        RecipeError, GeometryError: if the scene cannot be read, or has too many cells.
    Checked by tests/dataset/generation/test_estimate.py.
    """
    bounds, triangles = _extent(recipe)
    grid = _flat_grid(recipe, bounds)
    num_tx, cells = len(recipe.transmitter), int(np.prod(grid.shape))
    sampling = map_sampling(recipe, grid)
    if keeps_paths:
        method = "paths"
    elif method == "auto":
        cheaper = sampling.paths_s < sampling.monte_carlo_s
        method = "paths" if cheaper else "monte-carlo"
    elif method not in ("paths", "monte-carlo"):
        raise OutOfRangeError(f"method is {method!r}, it must be auto, monte-carlo or paths")
    by_paths = num_tx * _discovery_s(recipe) + sampling.paths_s
    kept = num_tx * cells * PATHS_PER_LINK * PATH_BYTES
    return Estimate(
        num_tx,
        cells,
        triangles,
        method,
        _loading_s(triangles) + (by_paths if method == "paths" else sampling.monte_carlo_s),
        _loaded_bytes(triangles)
        + cells * (CELL_BYTES + num_tx * VALUE_BYTES)
        + (kept if keeps_paths else 0),
    )


def _extent(recipe: Recipe) -> tuple[Floats, int]:
    """Lowest and highest corner of a scene [m], [2, 3], and its number of triangles."""
    low, high, triangles = np.full(3, np.inf), np.full(3, -np.inf), 0
    for surface in surfaces(recipe):
        low = np.minimum(low, surface.vertices.min(axis=0))
        high = np.maximum(high, surface.vertices.max(axis=0))
        triangles += len(surface.faces)
    return np.stack([low, high]), triangles


def _num_receivers(recipe: Recipe, bounds: Floats) -> int:
    """How many receivers there are if none is inside an object."""
    spec = recipe.receivers
    if isinstance(spec, RandomReceivers):
        return spec.count
    placed = place_receivers(
        spec,
        bounds,
        lambda places: np.full(len(places), bounds[0, 2]),
        lambda places: np.zeros(len(places), bool),
        recipe.seed,
        folder=recipe.folder,
        georeference=recipe.georeference,
    )
    return len(placed)


def _flat_grid(recipe: Recipe, bounds: Floats) -> MapGrid:
    """The cells of a map over the lowest ground."""
    spec = recipe.radio_map
    area = np.array(spec.area or (*bounds[0, :2], *bounds[1, :2]))
    num_x, num_y = np.maximum(1, np.ceil((area[2:] - area[:2]) / spec.cell_size_m - 1e-9))
    if num_x * num_y > MAX_CELLS:
        raise RecipeError(
            f"the radio map has {num_x:.0f} x {num_y:.0f} cells, allowed are {MAX_CELLS}; raise "
            "radio_map.cell_size_m or give a smaller radio_map.area"
        )
    height = spec.z_m if spec.z_m is not None else float(bounds[0, 2]) + spec.height_m
    corners = np.full((int(num_y) + 1, int(num_x) + 1), height)
    low = float(area[0]), float(area[1])
    return MapGrid(low, spec.cell_size_m, (int(num_y), int(num_x)), corners)


def _discovery_s(recipe: Recipe) -> float:
    return recipe.solver.rays * (1 + recipe.solver.max_depth) * RAY_S


def _times(recipe: Recipe) -> float:
    return DIFFRACTION_TIMES if recipe.solver.diffraction else 1.0


def _loading_s(triangles: int) -> float:
    return START_S + triangles * TRIANGLE_S


def _loaded_bytes(triangles: int) -> int:
    return START_BYTES + triangles * TRIANGLE_BYTES
