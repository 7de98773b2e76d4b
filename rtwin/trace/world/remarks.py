"""What is odd about a scene without being wrong: said once, not refused."""

import numpy as np

from rtwin.scene import Receivers
from rtwin.trace.engine import STEP
from rtwin.trace.world.queries import first_hit, ground_height_m, is_inside
from rtwin.trace.world.world import World
from rtwin.units import wavelength_m

LARGEST_STEP = 1 / 40  # wavelengths between neighbouring numbers: 9 degrees


def remarks(world: World) -> list[str]:
    """Lines about devices and settings that a user may not have meant.

    Transmitters inside objects or under the ground, scattering asked for where
    no material scatters, propagation switched off altogether, a scene so far from
    its origin that single precision, in which the engine has its points, shows in
    the phases.
    Checked by tests/trace/world/test_remarks.py.
    """
    recipe, solver = world.recipe, world.recipe.solver
    position = np.array([tx.position_m for tx in recipe.transmitter], np.float64)
    lines = [
        f"transmitter '{tx.name}' is {where}"
        for found, where in (
            (is_inside(world, position), "inside an object"),
            (position[:, 2] < ground_height_m(world, position[:, :2]) - 1e-3, "under the ground"),
        )
        for tx, odd in zip(recipe.transmitter, found, strict=True)
        if odd
    ]
    scatters = any(m.scattering_coefficient > 0 for m in world.materials.values())
    if solver.diffuse_reflection and not scatters:
        lines.append(
            "diffuse_reflection is on, but no material has a scattering_coefficient above 0"
        )
    kinds = (
        solver.line_of_sight,
        solver.specular_reflection,
        solver.refraction,
        solver.diffraction,
        solver.diffuse_reflection,
    )
    if not any(kinds):
        lines.append("every kind of propagation is switched off, so that there are no paths")
    reach_m = float(np.abs(world.bounds_m).max())
    step_m, wavelength = float(np.spacing(np.float32(reach_m))), wavelength_m(recipe.frequency_hz)
    if step_m > LARGEST_STEP * wavelength:
        lines.append(
            f"the scene reaches {reach_m / 1e3:.0f} km from its origin, where single precision "
            f"places points to {1e3 * step_m:.2g} mm: phases of reflected and diffracted paths "
            f"are off by about {360 * step_m / wavelength:.0f} degrees; put the origin into the "
            "scene"
        )
    return lines


def link_remarks(world: World, receivers: Receivers) -> list[str]:
    """Lines about links that the tracer sees more coarsely than they are.

    Arrays too large for plane waves, devices so near to a surface that rays in single
    precision may miss it.

    Source: far field of an array from 2 D^2 / wavelength on; checked by
    tests/trace/world/test_remarks.py.
    """
    recipe = world.recipe
    wavelength = wavelength_m(recipe.frequency_hz)
    places = np.array([tx.position_m for tx in recipe.transmitter], np.float64)
    lines = []
    ends = [
        (f"transmitter '{tx.name}'", tx.antenna, [n]) for n, tx in enumerate(recipe.transmitter)
    ]
    ends.append(("the receivers", recipe.receivers.antenna, list(range(len(places)))))
    for what, antenna, rows in ends:
        far_m = 2 * antenna.diagonal**2 * wavelength
        if antenna.diagonal == 0 or not antenna.synthetic_array:
            continue
        near = np.zeros(len(receivers), bool)
        for row in rows:
            near |= np.linalg.norm(receivers.position_m - places[row], axis=1) < far_m
        if near.any():
            lines.append(
                f"the array of {what} is in its near field, {far_m:.3g} m, at {near.sum()} "
                "receivers, where waves are no planes to it; set antenna.synthetic_array = false"
            )
    step_m = STEP * (1 + np.abs(world.bounds_m - world.origin_m).max())
    count = _near_surface(world, np.concatenate([places, receivers.position_m]), 10 * step_m)
    if count:
        lines.append(
            f"{count} devices are within {1e3 * 10 * step_m:.2g} mm of a surface, which rays in "
            "single precision may miss"
        )
    return lines


def _near_surface(world: World, points_m: np.ndarray, near_m: float) -> int:
    """How many points have a surface within a distance [m] along an axis."""
    near = np.zeros(len(points_m), bool)
    for way in np.concatenate([np.eye(3), -np.eye(3)]):
        hit, _, place = first_hit(world, points_m, np.tile(way, (len(points_m), 1)))
        near |= hit & (np.linalg.norm(place - points_m, axis=1) < near_m)
    return int(near.sum())
