"""What is odd about a scene without being wrong: said once, not refused."""

import numpy as np

from rtwin.trace.queries import ground_height_m, is_inside
from rtwin.trace.world import World
from rtwin.units import wavelength_m

LARGEST_STEP = 1 / 40  # wavelengths between neighbouring numbers: 9 degrees


def remarks(world: World) -> list[str]:
    """Lines about devices and settings that a user may not have meant.

    Transmitters inside objects or under the ground, scattering asked for where
    no material scatters, propagation switched off altogether, a scene so far from
    its origin that single precision, in which the engine has its points, shows in
    the phases.
    Checked by tests/trace/test_remarks.py.
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
