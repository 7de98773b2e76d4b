"""How far rays start off the surface that they leave.

Mitsuba steps 9e-5 (1 + largest coordinate) off, 3 cm at 300 m, and loses what is
nearer. Rounding asks for far less.
"""

from typing import Any

from rtwin.trace.engine.start import Engine

STEP = 1.5e-6  # 25 times the rounding of single precision
END = 6e-6  # share of a piece that is not looked at before its end, as in Sionna


def off_surface(engine: Engine, point: Any, way: Any, normal: Any) -> Any:
    """A point moved a little along the normal, to the side that a way leads to."""
    dr = engine.dr
    step = STEP * (1.0 + dr.max(dr.abs(point), axis=0))
    return dr.fma(dr.mulsign(step, dr.dot(way, normal)), normal, point)


def segment(engine: Engine, start: Any, end: Any, normal: Any) -> Any:
    """The ray from a point, off the surface with that normal (or none: 0), that ends at another."""
    mi, dr = engine.mi, engine.dr
    origin = off_surface(engine, start, end - start, normal)
    way = mi.Vector3f(end - origin)
    length = dr.norm(way)
    return mi.Ray3f(
        origin, way / length, maxt=length * (1.0 - END), time=0.0, wavelengths=mi.Color0f()
    )
