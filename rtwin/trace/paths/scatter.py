"""Paths that end in a diffuse reflection: rays with Sionna's own sampling.

Scattering has no image: each ray carries a share of the transmitter's sphere,
and every receiver that sees the place where it scatters gets a path from it.
The rays know nothing of the receivers and each (ray, receiver) pair is tested
by itself, so that no budget can run full.

The last interaction of a scattered path is the diffuse one. Sionna's path
solver also keeps paths that reflect once more after scattering, but only one
per chain of planes whatever the number of rays, so that their energy depends on
the ray count and vanishes as it grows; rtwin leaves them out.
"""

from dataclasses import dataclass

import numpy as np

from rtwin.arrays import Bytes, Floats, Ints, Singles, Unsigned
from rtwin.channel import InteractionType
from rtwin.scene import Solver
from rtwin.trace.chains import PAIRS_PER_LAUNCH, WEDGE_FIELDS, PathTable, shoot
from rtwin.trace.world import NO_TRIANGLE, World


@dataclass(frozen=True)
class ScatteredRays:
    """Rays of one transmitter up to a place where they scatter."""

    kind: Bytes  # [scatter, depth]
    triangle: Unsigned  # [scatter, depth]
    vertex: Singles  # [scatter, depth, 3] m
    probability: Singles  # [scatter, depth]
    normal: Singles  # [scatter, 3], at the scattering place, towards the wave

    def __len__(self) -> int:
        return len(self.kind)


def shoot_scattered(world: World, position_m: Floats, solver: Solver, seed: int) -> ScatteredRays:
    """Every place where one of `solver.diffuse_rays` rays scatters."""
    num, depth = solver.diffuse_rays, max(solver.max_depth, 1)
    kind = np.zeros((num, depth), np.uint8)
    triangle = np.full((num, depth), NO_TRIANGLE, np.uint32)
    vertex = np.zeros((num, depth, 3), np.float32)
    probability = np.ones((num, depth), np.float32)
    found: list[ScatteredRays] = []
    bounces = shoot(
        world,
        position_m,
        num,
        solver.max_depth,
        specular_reflection=solver.specular_reflection,
        refraction=solver.refraction,
        diffuse_reflection=True,
        seed=seed,
    )
    for k, bounce in enumerate(bounces):
        ray = bounce.ray
        kind[ray, k], triangle[ray, k] = bounce.kind, bounce.triangle
        vertex[ray, k], probability[ray, k] = bounce.point, bounce.probability
        here = bounce.kind == InteractionType.DIFFUSE
        rows = ray[here]
        found.append(
            ScatteredRays(
                kind[rows], triangle[rows], vertex[rows], probability[rows], bounce.normal[here]
            )
        )
    if not found:
        none = np.zeros(0, np.int64)
        return ScatteredRays(
            kind[none], triangle[none], vertex[none], probability[none], vertex[none, 0]
        )
    names = ("kind", "triangle", "vertex", "probability", "normal")
    return ScatteredRays(*(np.concatenate([getattr(s, n) for s in found]) for n in names))


def scattered_paths(world: World, rays: ScatteredRays, receivers_m: Floats) -> PathTable:
    """Paths from scattering places to the receivers [rx, 3] that see them."""
    pairs = _visible(world, rays, receivers_m)
    ray, receiver = pairs // max(len(receivers_m), 1), pairs % max(len(receivers_m), 1)
    return PathTable(
        receiver=receiver,
        kind=rays.kind[ray],
        triangle=rays.triangle[ray],
        vertex=rays.vertex[ray],
        wedge=np.zeros(len(ray), WEDGE_FIELDS),
        probability=rays.probability[ray],
    )


def _visible(world: World, rays: ScatteredRays, receivers_m: Floats) -> Ints:
    from sionna.rt.utils import spawn_ray_to

    mi, dr, engine = world.engine.mi, world.engine.dr, world.engine
    num_rx = len(receivers_m)
    if num_rx == 0 or len(rays) == 0:
        return np.zeros(0, np.int64)
    depth = np.count_nonzero(rays.kind, axis=1) - 1
    place = rays.vertex[np.arange(len(rays)), depth]
    found = []
    rows_per_launch = max(1, PAIRS_PER_LAUNCH // num_rx)
    for start in range(0, len(rays), rows_per_launch):
        rows = slice(start, min(start + rows_per_launch, len(rays)))
        pair = dr.arange(mi.UInt, (rows.stop - rows.start) * num_rx)
        divisor = engine.opaque([num_rx], "UInt")
        ray = pair // divisor
        target = dr.gather(mi.Point3f, world.places(receivers_m), pair - ray * divisor)
        origin = dr.gather(mi.Point3f, world.places(place[rows]), ray)
        normal = dr.gather(mi.Point3f, world.points(rays.normal[rows]), ray)
        segment = spawn_ray_to(origin, target, mi.Vector3f(normal))
        facing = dr.dot(normal, target - origin) > 0
        visible = facing & ~world.mi_scene.ray_test(segment, active=facing)
        found.append(dr.compress(visible).numpy().astype(np.int64) + start * num_rx)
    return np.concatenate(found)
