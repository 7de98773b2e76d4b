"""Monte Carlo radio maps: Sionna's solver, with an error estimate for every cell.

Sionna shoots one lattice of rays and gives one number per cell. The same number
of rays shared by several lattices of different size and seed gives almost the
same mean, and their scatter tells how far that mean can be trusted.
"""

from typing import Any

import numpy as np

from rtwin.arrays import Floats
from rtwin.progress import Count, uncounted
from rtwin.trace.engine import register
from rtwin.trace.maps.grid import MapGrid
from rtwin.trace.maps.sampling import map_sampling
from rtwin.trace.world import World

NUM_LATTICES = 4  # at least
RAYS_PER_LATTICE = 5_000_000  # at most: the solver's memory grows with them
_INTERACTIONS = ("specular_reflection", "diffuse_reflection", "refraction")
_EDGES = ("diffraction", "edge_diffraction", "diffraction_lit_region")


def num_lattices(rays: int) -> int:
    """How many lattices share the rays of a map."""
    return max(NUM_LATTICES, -(-rays // RAYS_PER_LATTICE))


def trace_path_gain(
    world: World,
    transmitter: int,
    grid: MapGrid,
    rays: int | None = None,
    progress: Count = uncounted,
) -> tuple[Floats, Floats]:
    """Path gain of one transmitter in every cell, and its standard error.

    A cell's value is the average over its area of what an isotropic receiver
    gets in both polarisations, for one antenna element; ports of a
    dual-polarised transmitter share its power.

    Args:
        transmitter: Row of the transmitter in the recipe.
        rays: Shared by all lattices; default: as many as the recipe asks for.
        progress: Called with lattices done and lattices in all.
    Returns:
        Path gain, linear, and standard error of it, linear, [cell_y, cell_x] each.
    """
    spec = world.recipe.transmitter[transmitter]
    num_ports = spec.antenna.num_ports
    if rays is None:
        rays = map_sampling(world.recipe, grid).rays
    count = num_lattices(rays)
    maps = np.zeros((count, *grid.shape))
    total = count * num_ports
    surface = None if grid.is_flat else _surface(world, grid)
    for lattice in range(count):
        # Lattices of unequal size point in unequal directions; one size would repeat itself.
        share = max(1, rays // count + 17 * lattice)
        for port in range(num_ports):
            maps[lattice] += _solve(world, spec, port, num_ports, grid, surface, lattice, share)
            progress(lattice * num_ports + port + 1, total)
    return maps.mean(axis=0), maps.std(axis=0, ddof=1) / np.sqrt(count)


def _solve(
    world: World,
    spec: Any,
    port: int,
    num_ports: int,
    grid: MapGrid,
    surface: Any,
    lattice: int,
    rays: int,
) -> Floats:
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
