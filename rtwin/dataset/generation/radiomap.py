"""From a recipe to a radio map file."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import h5py
import numpy as np

from rtwin.arrays import Floats
from rtwin.channel import rss_dbm, serving_transmitter, sinr, thermal_noise_w
from rtwin.dataset.generation.generate import request_hash
from rtwin.dataset.generation.pathmap import map_shards, trace_path_map
from rtwin.dataset.generation.shard_runs import check_hands
from rtwin.dataset.schema import (
    MAP_FORMAT,
    MAP_LAYOUT,
    MAP_METHODS,
    PATH_MAP_LAYOUT,
    Variable,
)
from rtwin.dataset.store import (
    fill_file,
    plain_errors,
    prepare_place,
    prepare_target,
    scene_attributes,
    transmitter_columns,
    write_image,
)
from rtwin.errors import OutOfRangeError, nearest
from rtwin.progress import Progress, silent
from rtwin.scene import Recipe
from rtwin.trace import (
    MapGrid,
    SceneParts,
    World,
    load_parts,
    map_grid,
    map_sampling,
    missed_edges,
    missed_edges_remark,
    num_lattices,
    start_engine,
    trace_path_gain,
    undersampling_remark,
    world_of_parts,
)

AUTO = "auto"
PATIENCE = 4.0  # how much longer paths may take where rays miss edges
VEGETATION_REMARK = (
    "the radio map does not know the scene's vegetation: its values are those without any; "
    "method paths knows it"
)


def generate_radio_map(
    recipe: Recipe,
    file: str | Path,
    *,
    method: str = "monte-carlo",
    correction: "Correction | None" = None,
    without: Sequence[str] = (),
    workers: int | None = None,
    ray: str | None = None,
    overwrite: bool = False,
    progress: Progress = silent,
) -> Path:
    """Trace the radio map of a recipe into a file.

    Args:
        recipe: What to trace; [radio_map] says which cells.
        file: Where to; appears whole or not at all.
        method: "monte-carlo": Sionna's solver, averages over cells with their
            standard error, recipe's radio_map.rays; or "paths": exact paths to
            the middle of each cell, with delay and angular spreads, mean
            angles, K factor, line of sight and number of paths besides,
            recipe's solver.rays; or "auto": the one that takes less time.
        correction: Changes gains and their standard errors once they are traced, as
            the discrepancy of a calibrated twin does.
        without: Names of objects that are left out of the scene.
        workers, ray: Who traces exact paths, as in `generate`; rays are traced here. A killed
            run of many cells goes on where it stopped when it is called again.
        overwrite: Replace a finished file of another recipe.
        progress: Called with stage ("map"), steps done and in all.
    Returns:
        The path of the file.
    Raises:
        OutOfRangeError: if the method is another one, or there is no object of a name.
        RecipeError, GeometryError: if the recipe cannot be traced.
        StoreError: if the file is of another recipe and overwrite is not set,
            or cannot be written.
    """
    if method not in (AUTO, *MAP_METHODS):
        raise OutOfRangeError(
            f"method is {method!r}, it must be {AUTO}, {' or '.join(MAP_METHODS)}"
        )
    hands = check_hands(workers, ray)
    file = Path(file)
    prepare_place(file, MAP_FORMAT, overwrite)
    parts = _parts_without(recipe, without)
    world = world_of_parts(recipe, parts)
    grid = map_grid(world)
    if method == AUTO:
        method = cheaper_method(world, grid, correction)
    request = map_request(world)
    if method != MAP_METHODS[0]:
        request = f"{method}-{request}"
    if correction is not None:
        request = f"{correction.key}-{request}"
    if prepare_target(file, MAP_FORMAT, request, overwrite):
        map_shards(file).remove()
        progress("map", 1, 1)
        return file
    if method == "paths":
        columns = trace_path_map(
            world, parts, grid, progress, file, request, workers=hands, ray=ray
        )
        columns["path_gain_standard_error"] = np.zeros_like(columns["path_gain"])
    else:
        columns = _trace_averages(world, grid, progress)
    said: dict[str, Any] = dict(_rays(world, grid, method))
    if correction is not None:
        gain, error = correction.apply(
            world, grid, columns["path_gain"], columns["path_gain_standard_error"], progress
        )
        columns |= {"path_gain": gain, "path_gain_standard_error": error}
        said |= correction.attributes
    write_radio_map(file, world, grid, method, columns, request, said)
    map_shards(file).remove()
    return file


def _parts_without(recipe: Recipe, names: Sequence[str]) -> SceneParts:
    found = load_parts(start_engine(), recipe)
    if not names:
        return found
    known = {part.name for part in found.parts} | {volume.name for volume in found.volumes}
    known -= set(recipe.geometry.ground)
    for name in names:
        if name not in known:
            raise OutOfRangeError(
                f"{recipe.name} has no object {name!r} that can be left out; "
                f"{nearest(name, sorted(known))}"
            )
    parts = [part for part in found.parts if part.name not in names]
    volumes = [volume for volume in found.volumes if volume.name not in names]
    used = {part.material for part in parts}
    leafy = {volume.material for volume in volumes}
    return SceneParts(
        parts=parts,
        specs={key: spec for key, spec in found.specs.items() if key in used},
        volumes=volumes,
        foliage_specs={key: spec for key, spec in found.foliage_specs.items() if key in leafy},
    )


def map_request(world: World) -> str:
    """What a radio map of a world was asked for, as a hash."""
    return request_hash(world.recipe, world.scene_hash, None)


def write_radio_map(
    file: Path,
    world: World,
    grid: MapGrid,
    method: str,
    columns: dict[str, Any],
    request: str,
    attributes: dict[str, Any],
) -> None:
    """Write a radio map, whole or not at all; what follows from its gains is added.

    Args:
        file: Where to; replaced.
        world: The scene; its recipe's transmitters are those of the map.
        grid: The cells.
        method: How the gains were found.
        columns: path_gain and path_gain_standard_error, linear, [tx, cell_y, cell_x];
            with method "paths" the variables of schema.PATH_MAP_VARIABLES.
        request: What was asked for, see rtwin.dataset.store.prepare_target.
        attributes: What else is said of the file; `remarks` are added to the others.
    """
    layout = PATH_MAP_LAYOUT if method == "paths" else MAP_LAYOUT
    said = {
        **scene_attributes(world, *_remarks(world, grid, method), *attributes.get("remarks", [])),
        **{name: value for name, value in attributes.items() if name != "remarks"},
        "request_hash": request,
        **map_attributes(world.recipe, grid, method),
    }
    with plain_errors(file):
        write_image(file, lambda h5: write_map(h5, layout, world.recipe, grid, columns, said))


class Correction(Protocol):
    """What changes the gains of a map after they were traced."""

    @property
    def key(self) -> str:
        """Tells corrections apart."""

    @property
    def attributes(self) -> dict[str, Any]:
        """What the file says of it; `remarks` are added to the others."""

    def apply(
        self, world: World, grid: MapGrid, gain: Floats, error: Floats, progress: Progress
    ) -> tuple[Floats, Floats]:
        """Gains and standard errors, linear, [tx, cell_y, cell_x], from those traced."""


def _trace_averages(world: World, grid: MapGrid, progress: Progress) -> dict[str, Any]:
    num_tx = len(world.recipe.transmitter)
    gain = np.zeros((num_tx, *grid.shape))
    error = np.zeros_like(gain)
    rays = map_sampling(world.recipe, grid).rays
    for tx in range(num_tx):

        def report(done: int, total: int, tx: int = tx) -> None:
            progress("map", tx * total + done, num_tx * total)

        gain[tx], error[tx] = trace_path_gain(world, tx, grid, rays, report)
    return {"path_gain": gain, "path_gain_standard_error": error}


def map_attributes(recipe: Recipe, grid: MapGrid, method: str) -> dict[str, Any]:
    """Root attributes of radio maps, beside those that every file of a scene has."""
    return {
        "cell_size_m": grid.cell_size_m,
        "height_m": recipe.radio_map.height_m,
        "method": method,
        "noise_power_w": _noise_w(recipe),
    }


def _noise_w(recipe: Recipe) -> float:
    return float(thermal_noise_w(recipe.bandwidth_hz, recipe.temperature_k, recipe.noise_figure_db))


def write_map(
    h5: h5py.File,
    layout: tuple[Variable, ...],
    recipe: Recipe,
    grid: MapGrid,
    columns: dict[str, Any],
    attributes: dict[str, Any],
    labels: dict[str, Any] | None = None,
) -> None:
    """Fill a file with a radio map: what follows from path gains is computed here.

    Args:
        layout: Its variables.
        columns: Values of variables, `path_gain` among them.
        attributes: Root attributes.
        labels: Values of the coordinates that maps do not have.
    """
    gain, transmitters = columns["path_gain"], transmitter_columns(recipe)
    power, noise = transmitters["tx_power_dbm"], _noise_w(recipe)
    fill_file(
        h5,
        MAP_FORMAT,
        attributes,
        layout,
        {
            **transmitters,
            **columns,
            "cell_centers_m": grid.centers_m,
            "rss_dbm": rss_dbm(gain, power),
            "sinr": sinr(gain, power, noise),
            "serving_transmitter": serving_transmitter(gain, power),
        },
        {
            **(labels or {}),
            "tx": [tx.name for tx in recipe.transmitter],
            "cell_x": grid.centers_m[0, :, 0],
            "cell_y": grid.centers_m[:, 0, 1],
        },
    )


def cheaper_method(world: World, grid: MapGrid, correction: "Correction | None" = None) -> str:
    """The method that takes less time; with vegetation paths, which alone know it.

    Where rays miss edges, paths may take longer. A discrepancy is that of cell averages:
    it asks for them.
    """
    if correction is not None:
        return MAP_METHODS[0]
    sampling = map_sampling(world.recipe, grid)
    patience = PATIENCE if missed_edges_remark(missed_edges(world)) else 1.0
    cheaper = sampling.paths_s < patience * sampling.monte_carlo_s
    return MAP_METHODS[1] if cheaper or world.volumes else MAP_METHODS[0]


def _remarks(world: World, grid: MapGrid, method: str) -> list[str]:
    if method != MAP_METHODS[0]:
        return []
    # Paths lose in vegetation; the solver that draws rays does not know that there is any.
    leaves = [VEGETATION_REMARK] if world.volumes else []
    return [
        *leaves,
        *missed_edges_remark(missed_edges(world)),
        *undersampling_remark(map_sampling(world.recipe, grid)),
    ]


def _rays(world: World, grid: MapGrid, method: str) -> dict[str, int]:
    if method == "paths":
        return {"rays": world.recipe.solver.rays}
    rays = map_sampling(world.recipe, grid).rays
    return {"rays": rays, "num_lattices": num_lattices(rays)}
