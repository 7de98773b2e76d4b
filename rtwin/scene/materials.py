"""What materials do to waves: the ITU-R P.2040 table, and a recipe's own numbers.

With f in GHz, relative permittivity = a f^b and conductivity = c f^d [S/m]
(Recommendation ITU-R P.2040, annex 1, clause 3 and its Table 3). The table holds
the nineteen materials of the editions P.2040-3 (2023) and P.2040-4 (2025) as
Sionna RT 2.2 carries them; tests/scene/test_materials_peer.py compares every
number with the installed engine's. Fresh water is not in it; it follows
Recommendation ITU-R P.527.
"""

import math
from dataclasses import dataclass
from typing import Any, Literal

from rtwin.errors import MaterialRangeError, RecipeError, nearest
from rtwin.scene._model import INFINITE
from rtwin.scene.foliage import VEGETATION
from rtwin.scene.objects import MaterialSpec
from rtwin.units import VACUUM_PERMITTIVITY_F_M

# name: (from GHz, to GHz, a, b, c, d), ...; where ranges overlap, the first counts.
ITU_TABLE: dict[str, tuple[tuple[float, float, float, float, float, float], ...]] = {
    "vacuum": ((0.001, 100.0, 1.0, 0.0, 0.0, 0.0),),
    "concrete": ((1.0, 100.0, 5.24, 0.0, 0.0462, 0.7822), (110.0, 330.0, 5.17, 0.0, 0.0145, 1.09)),
    "brick": ((1.0, 40.0, 3.91, 0.0, 0.0238, 0.16), (110.0, 330.0, 4.15, 0.0, 0.0006, 1.5712)),
    "plasterboard": (
        (1.0, 100.0, 2.73, 0.0, 0.0085, 0.9395),
        (110.0, 330.0, 2.56, 0.0, 0.0001, 1.7799),
        (100.0, 400.0, 2.65, 0.0, 0.0002, 1.598),
    ),
    "wood": (
        (0.001, 100.0, 1.99, 0.0, 0.0047, 1.0718),
        (110.0, 330.0, 1.82, 0.0, 0.004, 1.0761),
        (100.0, 400.0, 2.1183, 0.0, 0.0055, 1.1113),
    ),
    "glass": (
        (0.1, 100.0, 6.31, 0.0, 0.0036, 1.3394),
        (220.0, 450.0, 5.79, 0.0, 0.0004, 1.658),
        (100.0, 400.0, 6.5767, 0.0, 0.0012, 1.4697),
    ),
    "clear_acrylic": ((110.0, 330.0, 2.58, 0.0, 0.0001, 1.6524),),
    "ceiling_board": (
        (1.0, 100.0, 1.48, 0.0, 0.0011, 1.075),
        (220.0, 450.0, 1.52, 0.0, 0.0029, 1.029),
        (100.0, 400.0, 1.2567, 0.0, 0.00013, 1.454),
    ),
    "chipboard": ((1.0, 100.0, 2.58, 0.0, 0.0217, 0.78), (100.0, 200.0, 2.16, 0.0, 0.0023, 1.359)),
    "plywood": (
        (1.0, 40.0, 2.71, 0.0, 0.33, 0.0),
        (110.0, 330.0, 1.94, 0.0, 0.0067, 0.9982),
        (100.0, 400.0, 2.17, 0.0, 0.0063, 1.045),
    ),
    "marble": (
        (1.0, 60.0, 7.074, 0.0, 0.0055, 0.9262),
        (110.0, 330.0, 7.94, 0.0, 0.0001, 1.733),
        (100.0, 400.0, 8.62, 0.0, 0.0027, 1.15),
    ),
    "floorboard": (
        (50.0, 100.0, 3.66, 0.0, 0.0044, 1.3515),
        (220.0, 300.0, 5.27, 0.0, 2.22e-17, 7.3413),
        (300.0, 400.0, 5.27, 0.0, 0.0003, 2.0298),
        (400.0, 450.0, 5.27, 0.0, 49.8726, 0.0),
        (100.0, 400.0, 3.1575, 0.0, 0.001675, 1.32775),
    ),
    "vinyl_tile": ((1.0, 40.0, 3.62, 0.0, 0.0051, 0.8422),),
    "carpet_tile": ((1.0, 40.0, 2.08, 0.0, 0.0009, 0.82),),
    "asphalt_concrete": ((1.0, 40.0, 4.83, 0.0, 0.0108, 1.3969),),
    "metal": ((1.0, 100.0, 1.0, 0.0, 1e7, 0.0),),
    "very_dry_ground": ((1.0, 10.0, 3.0, 0.0, 0.00015, 2.52),),
    "medium_dry_ground": ((1.0, 10.0, 15.0, -0.1, 0.035, 1.63),),
    "wet_ground": ((1.0, 10.0, 30.0, -0.4, 0.15, 1.3),),
}

FRESH_WATER = "fresh_water"
MATERIAL_NAMES = (*ITU_TABLE, FRESH_WATER, VEGETATION)
_WATER_GHZ = (0.01, 1000.0)


# These fill what lies below them, they are no sheets in air: half-spaces by default.
HALF_SPACES = ("very_dry_ground", "medium_dry_ground", "wet_ground", FRESH_WATER)
SLAB_M = 0.1  # thickness of other materials that say none, as in Sionna RT

# What a material takes from its recipe's table as it stands.
_AS_GIVEN = ("scattering_coefficient", "xpd_coefficient")
_PATTERN = ("scattering_pattern", "alpha_r", "alpha_i", "lambda_")


@dataclass(frozen=True)
class Material:
    """A material at one frequency. ``None``: not a parameter of the scattering pattern.

    An infinite thickness makes a half-space: it reflects by Fresnel's coefficients
    and lets nothing through.
    """

    relative_permittivity: float
    conductivity_s_per_m: float
    thickness_m: float = SLAB_M
    scattering_coefficient: float = 0.0
    xpd_coefficient: float = 0.0
    scattering_pattern: Literal["lambertian", "directive", "backscattering"] = "lambertian"
    alpha_r: int | None = None
    alpha_i: int | None = None
    lambda_: float | None = None

    @property
    def is_half_space(self) -> bool:
        """Whether it has no back side."""
        return math.isinf(self.thickness_m)


def material_properties(name: str, spec: MaterialSpec | None, frequency_hz: float) -> Material:
    """The material's electrical properties at a frequency.

    Args:
        name: The material's name in the geometry; its ITU-R P.2040 name unless
            the recipe's table says otherwise.
        spec: The recipe's [materials.NAME] table; None if it has none.
        frequency_hz: Frequency [Hz].
    Returns:
        Relative permittivity, conductivity [S/m], thickness [m] and scattering.
    Raises:
        RecipeError: if the name is not in the table (the nearest is named).
        MaterialRangeError: if the table does not cover the frequency and
            out_of_range is not "clamp".
    Source: Recommendation ITU-R P.2040, Table 3; checked by
    tests/scene/test_materials.py and tests/scene/test_materials_peer.py.
    """
    spec = spec or MaterialSpec()
    if spec.relative_permittivity is not None and spec.conductivity_s_per_m is not None:
        permittivity, conductivity = spec.relative_permittivity, spec.conductivity_s_per_m
    else:
        permittivity, conductivity = _itu(name, spec, frequency_hz)
    return Material(
        relative_permittivity=permittivity,
        conductivity_s_per_m=conductivity,
        thickness_m=_thickness_m(name, spec),
        **{name: getattr(spec, name) for name in (*_AS_GIVEN, *_PATTERN)},
    )


def _thickness_m(name: str, spec: MaterialSpec) -> float:
    if spec.thickness_m is None:
        numbers = spec.relative_permittivity is not None
        return math.inf if not numbers and (spec.itu or name) in HALF_SPACES else SLAB_M
    return math.inf if spec.thickness_m == INFINITE else float(spec.thickness_m)


def _itu(key: str, spec: MaterialSpec, frequency_hz: float) -> tuple[float, float]:
    """Relative permittivity and conductivity [S/m] from the table."""
    name = spec.itu or key
    if name == FRESH_WATER:
        return _fresh_water(key, spec, frequency_hz)
    if name == VEGETATION:
        raise RecipeError(
            f"'{VEGETATION}' has no surface; give it to [[object]] tables of shape extrude or box"
        )
    if name not in ITU_TABLE:
        raise RecipeError(
            f"unknown material '{name}'; {nearest(name, MATERIAL_NAMES)} "
            "(or give it relative_permittivity and conductivity_s_per_m)"
        )
    rows = ITU_TABLE[name]
    f = frequency_hz / 1e9
    row = next((r for r in rows if r[0] <= f <= r[1]), None)
    if row is None:
        row, edge = min(
            ((r, edge) for r in rows for edge in r[:2]), key=lambda pair: abs(pair[1] - f)
        )
        f = _clamped(key, f"'{name}' (ITU-R P.2040 table)", [r[:2] for r in rows], f, edge, spec)
    a, b, c, d = row[2:]
    return a * f**b, c * f**d


def _clamped(key: str, what: str, ranges: Any, f: float, edge: float, spec: MaterialSpec) -> float:
    """The nearest frequency [GHz] that a source covers, if the recipe allows to take it."""
    if spec.out_of_range != "clamp":
        covers = ", ".join(f"{low:g}-{high:g}" for low, high in ranges)
        raise MaterialRangeError(
            f"{what} covers {covers} GHz, got {f:g} GHz; "
            f'pass out_of_range="clamp" under [materials.{key}] to use the {edge:g} GHz values.'
        )
    return edge


def _fresh_water(key: str, spec: MaterialSpec, frequency_hz: float) -> tuple[float, float]:
    """Pure water at 20 degrees Celsius: the double Debye model of ITU-R P.527, annex 1."""
    f, (low, high) = frequency_hz / 1e9, _WATER_GHZ
    if not low <= f <= high:
        edge = low if f < low else high
        f = _clamped(key, f"'{FRESH_WATER}' (ITU-R P.527)", [_WATER_GHZ], f, edge, spec)
    theta = 300.0 / 293.15 - 1.0
    static = 77.66 + 103.3 * theta
    middle, optical = 0.0671 * static, 3.52 - 7.52 * theta
    first = 20.20 - 146.4 * theta + 316.0 * theta**2
    second = 39.8 * first
    slow, fast = 1.0 + (f / first) ** 2, 1.0 + (f / second) ** 2
    real = (static - middle) / slow + (middle - optical) / fast + optical
    imaginary = (f / first) * (static - middle) / slow + (f / second) * (middle - optical) / fast
    return real, 2.0 * math.pi * f * 1e9 * VACUUM_PERMITTIVITY_F_M * imaginary
