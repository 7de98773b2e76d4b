"""Shooting rays from one transmitter and writing down what they meet.

The rays know nothing of receivers: a transmitter is shot once, whoever
listens. Directions, random numbers and event sampling are Sionna's own, so that
the same seed and ray count meet the same surfaces as its PathSolver.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rtwin.arrays import Bools, Bytes, Floats, Ints, Singles, Unsigned
from rtwin.channel import InteractionType
from rtwin.trace.chains.wedges import wedge_rows
from rtwin.trace.engine import off_surface
from rtwin.trace.world import World

RAYS_PER_LAUNCH = 2_000_000


@dataclass(frozen=True)
class Bounce:
    """What the rays that are still under way meet at one depth."""

    ray: Ints  # [hit], ray number, ascending
    kind: Bytes  # [hit], InteractionType
    triangle: Unsigned  # [hit]
    point: Floats  # [hit, 3], m
    normal: Singles  # [hit, 3], towards the incoming wave
    probability: Singles  # [hit], of the event that was sampled
    wedge: NDArray[Any] | None  # [hit], wedges.WEDGE_FIELDS; None without diffraction


def shoot(
    world: World,
    position_m: ArrayLike,
    num_rays: int,
    max_depth: int,
    *,
    specular_reflection: bool,
    refraction: bool,
    diffraction: bool = False,
    edge_diffraction: bool = False,
    own_free: Bools | None = None,
    diffuse_reflection: bool = False,
    seed: int = 1,
) -> Iterator[Bounce]:
    """The interactions of `num_rays` rays, one `Bounce` per depth from 1 on.

    Args:
        position_m: Transmitter [m], [3].
        num_rays: Rays on a Fibonacci lattice over the sphere.
        edge_diffraction: Whether edges of one face only, as the engine sees them, diffract.
        own_free: Those of them that do, by side of each triangle, [triangle, 3]; default: all.
    Yields:
        At most `max_depth` bounces; fewer when every ray has left the scene.
    """
    from sionna.rt.path_solvers.sb_candidate_generator import SBCandidateGenerator
    from sionna.rt.utils import fibonacci_lattice, spawn_ray_from_sources

    mi, dr = world.engine.mi, world.engine.dr
    allowed = (
        InteractionType.SPECULAR * specular_reflection
        | InteractionType.REFRACTION * refraction
        | InteractionType.DIFFRACTION * diffraction
        | InteractionType.DIFFUSE * diffuse_reflection
    )
    if not allowed:
        return
    generator = SBCandidateGenerator()
    if own_free is not None:
        _bend_only_at(world, generator, own_free)
    sampler = generator._sampler
    sampler.seed(world.engine.opaque([seed % 2**32], "UInt"), num_rays)
    sampler.schedule_state()
    source = world.places(np.asarray(position_m, np.float64)[None])
    ray = spawn_ray_from_sources(fibonacci_lattice, num_rays, source)
    active = dr.full(mi.Mask, True, num_rays)
    enabled = dr.full(mi.UInt, int(allowed), num_rays)
    dr.make_opaque(active, enabled)
    dr.eval(ray)
    for _ in range(max_depth):
        ray = mi.Ray3f(ray.o, ray.d)  # made in one way, so that all bounces are one kernel
        hit = world.mi_scene.ray_intersect(
            ray, ray_flags=mi.RayFlags.Minimal, coherent=True, active=active
        )
        active &= hit.is_valid()
        sample, normal, wedges = generator._sample_radio_material(
            hit,
            ray.o,
            ray.d,
            sampler.next_1d(),
            sampler.next_2d(),
            sampler.next_2d(),
            enabled,
            diffraction,
            edge_diffraction,
            active,
        )
        kind = dr.select(active, sample.sampled_component, 0)
        active &= kind != 0
        is_diffraction = kind == int(InteractionType.DIFFRACTION)
        is_diffuse = kind == int(InteractionType.DIFFUSE)
        # Sionna's rule: diffraction once per path, and never with scattering.
        once = int(InteractionType.DIFFUSE | InteractionType.DIFFRACTION)
        enabled[is_diffraction] &= ~mi.UInt(once)
        enabled[is_diffuse] &= ~mi.UInt(int(InteractionType.DIFFRACTION))
        triangle = world.triangle_of(hit, active)
        ray = hit.spawn_ray(d=sample.wo)
        # Off an edge as far as Sionna goes: nearer, rays would leak into the wedge.
        near = off_surface(world.engine, hit.p, sample.wo, hit.n)
        ray.o = dr.select(is_diffraction, ray.o, near)
        # All at once: what is asked for later would shoot every ray again.
        sampler.schedule_state()
        bent = wedges if diffraction else None
        dr.eval(active, kind, triangle, hit.p, normal, sample.pdf, enabled, ray, bent)
        alive = np.flatnonzero(active.numpy())
        if len(alive) == 0:
            return
        yield Bounce(
            ray=alive,
            kind=kind.numpy()[alive].astype(np.uint8),
            triangle=triangle.numpy()[alive],
            point=world.from_engine(hit.p, alive),
            normal=normal.numpy()[:, alive].T,
            probability=sample.pdf.numpy()[alive],
            wedge=wedge_rows(world, wedges, is_diffraction.numpy(), alive) if diffraction else None,
        )


def _bend_only_at(world: World, generator: Any, own_free: Bools) -> None:
    """Make rays that would diffract at other free edges do what they do off any edge."""
    mi, dr = world.engine.mi, world.engine.dr
    sample = generator._sample_diffraction_point
    allowed = world.engine.opaque(own_free.ravel(), "Bool")

    def chosen(*arguments: Any) -> tuple[Any, Any, Any, Any]:
        bends, probability, point, wedges = sample(*arguments)
        at_edge = bends | (probability != 1.0)  # elsewhere the wedge is none of the scene's
        shape = dr.reinterpret_array(mi.UInt, wedges.shape)
        triangle = dr.gather(mi.UInt, world.first_triangle, shape, at_edge) + wedges.prim0
        known = dr.gather(mi.Bool, allowed, 3 * triangle + wedges.local_edge, at_edge)
        known |= wedges.primn != wedges.prim0
        return bends & known, dr.select(known, probability, 1.0), point, wedges

    generator._sample_diffraction_point = chosen
