"""What vegetation does to a wave that passes through it.

The loss of a path whose straight pieces run d metres through one kind of vegetation is

    A = A_m (1 - exp(-gamma d / A_m))    [dB]

(Recommendation ITU-R P.833-10, annex 1, clause 2.1, equation 1). The Recommendation
states it for one terminal in woodland; here d is the whole length inside the volumes.
gamma is read from its Figure 2 (vertical polarisation, 30 MHz to 30 GHz, by straight
lines in double logarithmic scale), A_m = 1.15 f^0.43 [dB, MHz] is its fit to a forest
at Mulhouse (equation 2; measured from 900 to 2200 MHz and extended here). Both differ
by a factor of two from wood to wood: a recipe may give its own.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from rtwin.arrays import Floats
from rtwin.errors import MaterialRangeError
from rtwin.scene.objects import MaterialSpec

VEGETATION = "vegetation"
# Frequency [Hz] and specific attenuation [dB/m] at the bends of the curve.
_GAMMA = ((30e6, 0.02), (1e9, 0.2), (30e9, 6.0))


@dataclass(frozen=True)
class Foliage:
    """A kind of vegetation at one frequency."""

    specific_attenuation_db_per_m: float
    max_attenuation_db: float

    def loss_db(self, length_m: ArrayLike) -> Floats:
        """Attenuation [dB] of paths that run so many metres [m] through it.

        Source: Recommendation ITU-R P.833-10, equation 1; checked by
        tests/scene/meshes/test_vegetation.py.
        """
        exponent = self.specific_attenuation_db_per_m / self.max_attenuation_db
        return -self.max_attenuation_db * np.expm1(-exponent * np.asarray(length_m, np.float64))


def is_vegetation(name: str, spec: MaterialSpec | None) -> bool:
    """Whether a material is one that waves pass through with a loss per metre."""
    if spec is None:
        return name == VEGETATION
    if spec.specific_attenuation_db_per_m is not None:
        return True
    return (spec.itu or name) == VEGETATION and spec.relative_permittivity is None


def foliage(name: str, spec: MaterialSpec | None, frequency_hz: float) -> Foliage:
    """What a kind of vegetation does at a frequency.

    Args:
        name: The material's name.
        spec: The recipe's [materials.NAME] table, if it has one.
        frequency_hz: Frequency [Hz].
    Raises:
        MaterialRangeError: outside of 30 MHz to 30 GHz, unless the recipe clamps or
            gives its own numbers.
    Source: Recommendation ITU-R P.833-10, Figure 2 and equation 2; checked by
    tests/scene/meshes/test_vegetation.py.
    """
    spec = spec or MaterialSpec()
    if spec.specific_attenuation_db_per_m is not None and spec.max_attenuation_db is not None:
        return Foliage(spec.specific_attenuation_db_per_m, spec.max_attenuation_db)
    known, gamma = np.array(_GAMMA).T
    low, high = float(known[0]), float(known[-1])
    if not low <= frequency_hz <= high and spec.out_of_range != "clamp":
        raise MaterialRangeError(
            f"'{name}' (ITU-R P.833 woodland) covers {low / 1e9:g}-{high / 1e9:g} GHz, got "
            f'{frequency_hz / 1e9:g} GHz; pass out_of_range="clamp" under [materials.{name}], '
            "or give specific_attenuation_db_per_m and max_attenuation_db."
        )
    f = min(max(frequency_hz, low), high)
    specific = np.exp(np.interp(np.log(f), np.log(known), np.log(gamma)))
    return Foliage(float(specific), float(1.15 * (f / 1e6) ** 0.43))
