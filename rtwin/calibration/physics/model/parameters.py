"""What is fitted: physical parameters with their priors, on a scale where each is N(0, 1)."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from rtwin.calibration.campaign import FitSpec
from rtwin.scene import Material

_NEVER = ("vacuum", "metal")  # nothing about these can be learned from their waves


@dataclass(frozen=True)
class Parameter:
    """A parameter with a prior that is normal after a change of scale.

    `scale` "log": logarithm; "log1": logarithm of the value minus 1; "logit";
    "linear". `prior` is the median in natural units, `sd` belongs to the scale.
    """

    kind: str
    target: str  # material or transmitter; "" for all
    prior: float
    sd: float
    scale: str = "linear"

    @property
    def name(self) -> str:
        """Name as the report has it."""
        return f"{self.target} {self.kind}".strip().replace("_", " ")

    def value(self, z: float) -> float:
        """Natural units at z prior standard deviations from the prior median."""
        if self.scale == "log":
            return float(self.prior * np.exp(self.sd * z))
        if self.scale == "log1":
            return float(1 + (self.prior - 1) * np.exp(self.sd * z))
        if self.scale == "logit":
            odds = self.prior / (1 - self.prior) * np.exp(self.sd * z)
            return float(odds / (1 + odds))
        return float(self.prior + self.sd * z)


def parameters_of(
    spec: FitSpec,
    materials: dict[str, Material],
    touched: Iterable[str],
    sectors: Iterable[str],
) -> tuple[Parameter, ...]:
    """The parameters of a fit, with priors around the scene's values.

    Widths: permittivity and conductivity as materials of one name scatter about
    Recommendation ITU-R P.2040 (sd of ln(permittivity - 1) 0.7, of
    ln(conductivity) 1.2), thickness by half of itself, antennas by what a
    drawing or a compass gets wrong.

    Args:
        spec: Which kinds.
        materials: The scene's materials.
        touched: Names of the materials that paths touch.
        sectors: Names of directional transmitters, one for each sector.
    """
    found = []
    wanted = [name for name in sorted(touched) if name not in _NEVER]
    if spec.materials is not None:
        wanted = [name for name in wanted if name in spec.materials]
    for name in wanted:
        made = materials[name]
        rows = {
            "relative_permittivity": (
                "relative_permittivity",
                made.relative_permittivity,
                0.7,
                "log1",
            ),
            "conductivity": ("conductivity_s_per_m", made.conductivity_s_per_m, 1.2, "log"),
            "thickness": ("thickness_m", made.thickness_m, 0.5, "log"),
            "scattering_coefficient": (
                "scattering_coefficient",
                max(made.scattering_coefficient, 0.2),
                1.0,
                "logit",
            ),
            "xpd": ("xpd_coefficient", max(made.xpd_coefficient, 0.1), 1.0, "logit"),
        }
        if made.is_half_space:
            del rows["thickness"]
        for key in spec.parameters:
            if key in rows:
                kind, prior, sd, scale = rows[key]
                prior = max(prior, 1e-6) if scale == "log" else prior
                prior = max(prior, 1.05) if scale == "log1" else prior
                found.append(Parameter(kind, name, float(prior), sd, scale))
    common = {
        "transmission_loss": ("transmission_loss_db", 0.0, 3.0),
        "diffraction": ("diffraction_loss_db", 0.0, 6.0),
        "clutter": ("clutter_loss_db_per_100m", 0.0, 3.0),
    }
    for key in spec.parameters:
        if key in common:
            kind, prior, sd = common[key]
            found.append(Parameter(kind, "", prior, sd))
        elif key == "vegetation":
            found.append(Parameter("vegetation_loss_factor", "", 1.0, 0.7, "log"))
    angles = {
        # Narrow: what the map lacks looks much like an antenna that is turned or narrower.
        "tx_azimuth": ("azimuth_error_deg", 0.0, spec.angle_range_deg / 4),
        "tx_downtilt": ("downtilt_error_deg", 0.0, spec.angle_range_deg / 8),
        "pattern_width": ("pattern_width_deg", 65.0, 0.15),
    }
    for sector in sectors:
        for key in spec.parameters:
            if key in angles:
                kind, prior, sd = angles[key]
                scale = "log" if key == "pattern_width" else "linear"
                found.append(Parameter(kind, sector, prior, sd, scale))
    # Dynamic range: ray tracing without clutter has too much of it.
    found.append(Parameter("scale", "", 1.0, 0.3, "log"))
    # Levels that no traced path explains lie below the weakest links, by an unknown amount.
    found.append(Parameter("floor_db", "", 0.0, 6.0))
    return tuple(found)
