"""From edge to edge on the engine: the sums of rtwin.channel.screens, lane by lane.

A city has thousands of ways over several edges, and each is a product of matrices of some
thousand entries: nothing else of their fields costs anything beside that.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from rtwin.arrays import Complexes, Floats
from rtwin.channel import Gap
from rtwin.trace.engine import Engine

_Complex = tuple[Any, Any]  # real and imaginary part, Float64 each
_LEAST = 1e-150  # instead of zero, where the result is zero as well


class GapsOnEngine:
    """channel.screens.over_gap for the engine's processors, equal to it but for rounding."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def __call__(self, gap: Gap, fields: Complexes) -> Complexes:
        """Args and result: as channel.screens.over_gap."""
        dr = self._engine.dr
        falls = self._along(gap.falls, fields.shape[1])

        def directly(u: Any, before: Any) -> list[_Complex]:
            kernel = dr.exp(-falls * (u - before) * (u - before))
            return [(kernel, 0.0)] * fields.shape[2]

        found = self._summed(gap.before, gap.behind, fields, directly)
        rows = np.flatnonzero(~np.isnan(gap.face))
        if len(rows) and gap.imaged:
            near = (rows, slice(gap.imaged))
            bounced = self._bounces(gap, rows)
            found[near] += self._summed(gap.before[near], gap.behind[near], fields[near], bounced)
        return found

    def _bounces(self, gap: Gap, rows: Any) -> Callable[[Any, Any], list[_Complex]]:
        """What faces reflect from point to point, as channel.screens.reflected."""
        mi, dr = self._engine.mi, self._engine.dr
        conducts = np.isinf(gap.face[rows])
        face = np.where(conducts, 1.0, gap.face[rows])
        falls, way = (self._along(x[rows], gap.imaged) for x in (gap.falls, gap.way))
        real, imag = (self._along(x, gap.imaged) for x in (face.real, face.imag))
        is_metal = self._along(conducts, gap.imaged, "Bool")
        half = mi.Float64(np.sqrt(0.5))

        def bounced(u: Any, before: Any) -> list[_Complex]:
            both = u + before
            image = dr.exp(-falls * both * both)
            share = both / way
            sine = (share * half, -share * half)
            # Root of the permittivity less one plus the sine squared; its real part is positive.
            a, b = real - 1.0, imag - share * share
            root = dr.sqrt(0.5 * (dr.sqrt(a * a + b * b) + a))
            root = (root, b / dr.maximum(2.0 * root, _LEAST))
            found = []
            for along in gap.alongs:
                direct = sine if along else _product((real, imag), sine)
                there = _ratio(dr, _less(direct, root), _more(direct, root))
                metal = (-1.0 if along else 1.0, 0.0)
                real_part, imag_part = (
                    image * dr.select(is_metal, mi.Float64(m), t)
                    for m, t in zip(metal, there, strict=True)
                )
                found.append((real_part, imag_part))
            return found

        return bounced

    def _summed(
        self,
        before: Floats,
        behind: Floats,
        fields: Complexes,
        weigh: Callable[[Any, Any], list[_Complex]],
    ) -> Complexes:
        """Sums over the points before, each field times its weight, for each point behind."""
        mi, dr = self._engine.mi, self._engine.dr
        num, count, num_pol = fields.shape
        first = self._along(np.arange(num) * count, count, "UInt")
        points = self._engine.opaque([count], "UInt")
        u, other = (self._engine.opaque(x.ravel(), "Float64") for x in (behind, before))
        parts = [
            tuple(self._engine.opaque(x.ravel(), "Float64") for x in (field.real, field.imag))
            for field in np.moveaxis(fields, 2, 0)
        ]

        def add(j: Any, *sums: Any) -> tuple[Any, ...]:
            at = first + j
            weights = weigh(u, dr.gather(mi.Float64, other, at))
            result = [j + 1]
            for n, weight in enumerate(weights):
                field = tuple(dr.gather(mi.Float64, part, at) for part in parts[n])
                result += _more((sums[2 * n], sums[2 * n + 1]), _product(weight, field))
            return tuple(result)

        state = (mi.UInt(0), *(dr.zeros(mi.Float64, num * count) for _ in range(2 * num_pol)))
        _, *sums = dr.while_loop(state, lambda j, *_: j < points, add)
        dr.eval(sums)
        found = np.empty((num, count, num_pol), np.complex128)
        for n in range(num_pol):
            found[..., n].real = sums[2 * n].numpy().reshape(num, count)
            found[..., n].imag = sums[2 * n + 1].numpy().reshape(num, count)
        return found

    def _along(self, values: Any, count: int, kind: str = "Float64") -> Any:
        """A value of each path for each of its points."""
        return self._engine.opaque(np.repeat(values, count), kind)


def _product(one: _Complex, other: _Complex) -> _Complex:
    return (one[0] * other[0] - one[1] * other[1], one[0] * other[1] + one[1] * other[0])


def _more(one: _Complex, other: _Complex) -> _Complex:
    return (one[0] + other[0], one[1] + other[1])


def _less(one: _Complex, other: _Complex) -> _Complex:
    return (one[0] - other[0], one[1] - other[1])


def _ratio(dr: Any, one: _Complex, other: _Complex) -> _Complex:
    size = dr.maximum(other[0] * other[0] + other[1] * other[1], _LEAST)
    real, imag = _product(one, (other[0], -other[1]))
    return (real / size, imag / size)
