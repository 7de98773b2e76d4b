"""An antenna pattern over the whole sphere, and how two cuts make one."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from rtwin.arrays import Complexes, Floats
from rtwin.units import from_db, to_db

STEP_DEG = 1.0


@dataclass(frozen=True, eq=False)
class AntennaPattern:
    """Fields of an antenna over zenith and azimuth, whose squares are gains.

    In the antenna's own frame: boresight along +x, z up.

    Attributes:
        name: What its file calls it.
        zenith_deg: [zenith], 0 to 180 in equal steps.
        azimuth_deg: [azimuth], -180 to 180 in equal steps, from +x towards +y; both ends.
        theta: Field along theta, linear, [zenith, azimuth]; where `has_polarization` is
            False, the amplitude of the whole field.
        phi: Field along phi, linear, [zenith, azimuth]; 0 where nothing is said of it.
        has_polarization: Whether the file says how the field is polarised.
        frequency_hz: At which it was measured [Hz]; None if the file does not say.
    """

    name: str
    zenith_deg: Floats
    azimuth_deg: Floats
    theta: Complexes
    phi: Complexes
    has_polarization: bool = False
    frequency_hz: float | None = None

    @property
    def gain(self) -> Floats:
        """Gain over an isotropic antenna, linear, [zenith, azimuth]."""
        total: Floats = np.abs(self.theta) ** 2 + np.abs(self.phi) ** 2
        return total

    @property
    def peak_gain_dbi(self) -> float:
        """Greatest gain [dBi]."""
        return float(to_db(self.gain.max()))

    @property
    def peak_direction_deg(self) -> tuple[float, float]:
        """Zenith and azimuth of the greatest gain [deg]."""
        row, column = np.unravel_index(int(self.gain.argmax()), self.gain.shape)
        return float(self.zenith_deg[row]), float(self.azimuth_deg[column])

    @property
    def efficiency(self) -> float:
        """Power that leaves over power that goes in: the mean of the gain over the sphere.

        Source: definition; checked by tests/scene/test_antenna.py.
        """
        zenith = np.radians(self.zenith_deg)
        around = np.trapezoid(self.gain, np.radians(self.azimuth_deg), axis=1)
        return float(np.trapezoid(around * np.sin(zenith), zenith) / (4 * np.pi))

    def beamwidth_deg(self, plane: str) -> float:
        """Width at half power [deg] of the cut through the peak; NaN if it never falls so far.

        Args:
            plane: "horizontal" or "vertical".
        """
        row, column = np.unravel_index(int(self.gain.argmax()), self.gain.shape)
        if plane == "horizontal":
            cut, angle, at = self.gain[row, :-1], self.azimuth_deg[:-1], int(column)
            at %= len(cut)
        else:
            cut, angle, at = self.gain[:, column], self.zenith_deg, int(row)
        step = abs(angle[1] - angle[0])
        sides = []
        for way in (1, -1):
            width, before = 0.0, cut[at]
            for n in range(1, len(cut)):
                place = at + way * n
                if plane == "vertical" and not 0 <= place < len(cut):
                    return float("nan")
                now = cut[place % len(cut)]
                if now <= 0.5 * cut[at]:
                    share = (before - 0.5 * cut[at]) / max(before - now, 1e-30)
                    width = (n - 1 + share) * step
                    break
                before = now
            else:
                return float("nan")
            sides.append(width)
        return float(sum(sides))

    @property
    def front_to_back_db(self) -> float:
        """Greatest gain over that in the opposite direction [dB]."""
        zenith, azimuth = self.peak_direction_deg
        back = self.gain_at_dbi(180.0 - zenith, azimuth + 180.0)
        return self.peak_gain_dbi - float(back)

    def gain_at_dbi(self, zenith_deg: ArrayLike, azimuth_deg: ArrayLike) -> Floats:
        """Gain [dBi] in some directions, linear between the table's."""
        zenith = np.asarray(zenith_deg, np.float64)
        azimuth = (np.asarray(azimuth_deg, np.float64) + 180.0) % 360.0 - 180.0
        row = np.clip(zenith / 180.0, 0, 1) * (len(self.zenith_deg) - 1)
        column = (azimuth + 180.0) / 360.0 * (len(self.azimuth_deg) - 1)
        i = np.minimum(row.astype(int), len(self.zenith_deg) - 2)
        j = np.minimum(column.astype(int), len(self.azimuth_deg) - 2)
        u, v, g = row - i, column - j, self.gain
        low = g[i, j] * (1 - v) + g[i, j + 1] * v
        high = g[i + 1, j] * (1 - v) + g[i + 1, j + 1] * v
        found: Floats = to_db(np.maximum(low * (1 - u) + high * u, 1e-30))
        return found


def from_cuts(
    name: str,
    horizontal: tuple[Floats, Floats],
    vertical: tuple[Floats, Floats],
    frequency_hz: float | None = None,
) -> AntennaPattern:
    """The whole pattern from a horizontal and a vertical cut.

    Args:
        name: Of the antenna.
        horizontal: Azimuths [deg] from +x towards +y and gains [dBi] there.
        vertical: Elevations [deg], 0 ahead, 90 up, 180 behind, -90 down, and gains [dBi].
        frequency_hz: At which they were measured [Hz].
    Returns:
        In front and behind the vertical cut as it is; elsewhere the horizontal one less
        each side's share of how far the vertical one falls.
    Source: horizontal projection interpolation, F. Gil et al., "A 3D interpolation method
    for base-station-antenna radiation patterns", IEEE Antennas and Propagation Magazine
    43(2), 2001; checked by tests/scene/test_antenna.py.
    """
    zenith = np.arange(0.0, 180.0 + STEP_DEG / 2, STEP_DEG)
    azimuth = np.arange(-180.0, 180.0 + STEP_DEG / 2, STEP_DEG)
    around = _on_circle(*horizontal, azimuth)
    front = _on_circle(*vertical, 90.0 - zenith)
    back = _on_circle(*vertical, 90.0 + zenith)
    # Of a tilted antenna the horizontal cut runs through its beam, not over the horizon.
    ahead = _on_circle(*horizontal, np.array([0.0, 180.0]))
    share = np.abs(azimuth)[None, :] / 180.0
    falls = (1 - share) * (ahead[0] - front[:, None]) + share * (ahead[1] - back[:, None])
    field = np.sqrt(from_db(around[None, :] - falls)).astype(np.complex128)
    return AntennaPattern(
        name, zenith, azimuth, field, np.zeros_like(field), frequency_hz=frequency_hz
    )


def _on_circle(angle_deg: Floats, value: Floats, wanted_deg: Floats) -> Floats:
    found: Floats = np.interp(wanted_deg % 360.0, angle_deg % 360.0, value, period=360.0)
    return found
