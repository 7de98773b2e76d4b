"""Monte Carlo radio maps: Sionna's solver, with an error estimate for every cell.

Sionna shoots one lattice of rays and gives one number per cell. The same number
of rays shared by several lattices of different size and seed gives almost the
same mean, and their scatter tells how far that mean can be trusted.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtwin.channel import cell_centers_m
from rtwin.errors import RecipeError
from rtwin.progress import Count, uncounted
from rtwin.trace.patterns import register
from rtwin.trace.queries import ground_height_m
from rtwin.trace.world import World

NUM_LATTICES = 4
_INTERACTIONS = ("specular_reflection", "diffuse_reflection", "refraction")
_EDGES = ("diffraction", "edge_diffraction", "diffraction_lit_region")
FLAT_M = 0.01
MAX_CELLS = 50_000_000
# Peak memory of a map while it is traced and written, measured; see docs/benchmarks.md.
CELL_BYTES = 150
VALUE_BYTES = 180  # of each cell and transmitter
MAX_MAP_GIB = 4


@dataclass(frozen=True)
class MapGrid:
    """Cells of a radio map: on a plane, or following the ground at a fixed height."""

    low_m: tuple[float, float]  # lower left corner
    cell_size_m: float
    shape: tuple[int, int]  # cells along y, x
    corner_z_m: NDArray[np.float64]  # [cell_y + 1, cell_x + 1]

    @property
    def centers_m(self) -> NDArray[np.float64]:
        """Cell centres [m], [cell_y, cell_x, 3]."""
        num_y, num_x = self.shape
        z = self.corner_z_m
        mean_z = 0.25 * (z[1:, 1:] + z[1:, :-1] + z[:-1, 1:] + z[:-1, :-1])
        size = (num_x * self.cell_size_m, num_y * self.cell_size_m)
        center = (self.low_m[0] + size[0] / 2, self.low_m[1] + size[1] / 2, 0.0)
        centers = cell_centers_m(center, size, (self.cell_size_m, self.cell_size_m))
        return np.concatenate([centers[..., :2], mean_z[..., None]], axis=-1)

    @property
    def is_flat(self) -> bool:
        return float(np.ptp(self.corner_z_m)) < FLAT_M


def map_grid(world: World) -> MapGrid:
    """The cells that the recipe's [radio_map] asks for.

    Where the ground is missing under a corner, the nearest height of the map's
    mean ground stands in.

    Raises:
        RecipeError: if the map would have more than MAX_CELLS cells, or take more than
            MAX_MAP_GIB of memory; nothing of that size was asked for by then.
    Checked by tests/trace/test_world.py.
    """
    spec = world.recipe.radio_map
    bounds = world.bounds_m
    area = spec.area or (*bounds[0, :2], *bounds[1, :2])
    low, high = np.array(area[:2]), np.array(area[2:])
    num_x, num_y = (int(n) for n in np.maximum(1, np.ceil((high - low) / spec.cell_size_m - 1e-9)))
    if num_x * num_y > MAX_CELLS:
        raise RecipeError(
            f"the radio map has {num_x} x {num_y} cells, allowed are {MAX_CELLS}; "
            "raise radio_map.cell_size_m or give a smaller radio_map.area"
        )
    num_tx = len(world.recipe.transmitter)
    gib = num_x * num_y * (CELL_BYTES + num_tx * VALUE_BYTES) / 2**30
    if gib > MAX_MAP_GIB:
        raise RecipeError(
            f"the radio map has {num_x} x {num_y} cells for each of {num_tx} transmitters, which "
            f"would take {gib:.1f} GiB of memory, allowed are {MAX_MAP_GIB}; raise "
            "radio_map.cell_size_m or give a smaller radio_map.area"
        )
    x = low[0] + spec.cell_size_m * np.arange(num_x + 1)
    y = low[1] + spec.cell_size_m * np.arange(num_y + 1)
    xy = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    ground = ground_height_m(world, xy).reshape(num_y + 1, num_x + 1)
    known = ground[np.isfinite(ground)]
    stand_in = float(known.mean()) if known.size else 0.0
    z = np.where(np.isfinite(ground), ground, stand_in) + spec.height_m
    return MapGrid((float(low[0]), float(low[1])), spec.cell_size_m, (num_y, num_x), z)


def trace_path_gain(
    world: World, transmitter: int, grid: MapGrid, progress: Count = uncounted
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Path gain of one transmitter in every cell, and its standard error.

    A cell's value is the average over its area of what an isotropic receiver
    gets in both polarisations, for one antenna element; ports of a
    dual-polarised transmitter share its power.

    Args:
        transmitter: Row of the transmitter in the recipe.
        progress: Called with lattices done and lattices in all.
    Returns:
        Path gain, linear, and standard error of it, linear, [cell_y, cell_x] each.
    """
    spec = world.recipe.transmitter[transmitter]
    num_ports = spec.antenna.num_ports
    maps = np.zeros((NUM_LATTICES, *grid.shape))
    total = NUM_LATTICES * num_ports
    surface = None if grid.is_flat else _surface(world, grid)
    for lattice in range(NUM_LATTICES):
        for port in range(num_ports):
            maps[lattice] += _solve(world, spec, port, num_ports, grid, surface, lattice)
            progress(lattice * num_ports + port + 1, total)
    return maps.mean(axis=0), maps.std(axis=0, ddof=1) / np.sqrt(NUM_LATTICES)


def _solve(
    world: World, spec: Any, port: int, num_ports: int, grid: MapGrid, surface: Any, lattice: int
) -> NDArray[np.float64]:
    rt, mi, recipe = world.engine.rt, world.engine.mi, world.recipe
    scene, solver = world.scene, world.recipe.solver
    scene.tx_array = rt.PlanarArray(
        num_rows=1,
        num_cols=1,
        pattern=register(world.engine, spec.antenna, recipe.folder),
        polarization="V" if spec.antenna.is_file else spec.antenna.polarization,
    )
    for name in list(scene.transmitters):
        scene.remove(name)
    scene.add(
        rt.Transmitter(
            "tx",
            position=(np.array(spec.position_m) - world.origin_m).tolist(),
            orientation=list(spec.orientation_rad),
        )
    )
    one_port = np.zeros(num_ports, np.float32)
    one_port[port] = 1.0
    num_y, num_x = grid.shape
    size = (num_x * grid.cell_size_m, num_y * grid.cell_size_m)
    where: dict[str, Any]
    if surface is None:
        middle = [low + extent / 2 for low, extent in zip(grid.low_m, size, strict=True)]
        center = [*middle, float(grid.corner_z_m[0, 0])]
        where = {
            "center": mi.Point3f((np.array(center) - world.origin_m).tolist()),
            "orientation": mi.Point3f(0, 0, 0),
            "size": mi.Point2f(size),
            "cell_size": mi.Point2f(grid.cell_size_m, grid.cell_size_m),
        }
    else:
        where = {"measurement_surface": surface}
    # Lattices of unequal size point in unequal directions; one size would repeat itself.
    rays = max(1, recipe.radio_map.rays // NUM_LATTICES + 17 * lattice)
    result = rt.RadioMapSolver()(
        scene,
        precoding_vec=(mi.Float(one_port), mi.Float(np.zeros_like(one_port))),
        samples_per_tx=rays,
        max_depth=solver.max_depth,
        los=solver.line_of_sight,
        **{name: getattr(solver, name) for name in (*_INTERACTIONS, *_EDGES)},
        seed=(recipe.seed + lattice) % 2**32,
        **where,
    )
    gain = result.path_gain.numpy()[0].astype(np.float64) / num_ports
    if surface is not None:
        gain = gain.reshape(num_y, num_x, 2).mean(axis=-1)
    return gain


def _surface(world: World, grid: MapGrid) -> Any:
    """Measurement surface that follows the ground: two triangles per cell."""
    mi = world.engine.mi
    num_y, num_x = grid.shape
    x = grid.low_m[0] + grid.cell_size_m * np.arange(num_x + 1)
    y = grid.low_m[1] + grid.cell_size_m * np.arange(num_y + 1)
    xx, yy = np.meshgrid(x, y)
    vertices = np.stack([xx, yy, grid.corner_z_m], axis=-1).reshape(-1, 3) - world.origin_m
    first = (np.arange(num_y)[:, None] * (num_x + 1) + np.arange(num_x)).ravel()
    a, b, c, d = first, first + 1, first + num_x + 2, first + num_x + 1
    faces = np.stack([np.stack([a, b, c], 1), np.stack([a, c, d], 1)], axis=1).reshape(-1, 3)
    mesh = mi.Mesh("radio-map", len(vertices), len(faces))
    parameters = mi.traverse(mesh)
    parameters["vertex_positions"] = vertices.astype(np.float32).ravel()
    parameters["faces"] = faces.astype(np.uint32).ravel()
    parameters.update()
    return mesh
