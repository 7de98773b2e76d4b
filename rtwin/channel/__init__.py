"""What a set of paths says about a channel. NumPy only.

Path sets, impulse and frequency responses, spreads, radio-map algebra and the
closed forms that all of it is checked against. This layer imports rtwin.units
and rtwin.errors alone: a stored dataset is evaluated without a ray tracer.
"""

from rtwin.channel.arrays import AntennaArray, planar_array_positions_m, steering
from rtwin.channel.diffraction import fresnel_integrals, knife_edge_loss_db, knife_edge_nu
from rtwin.channel.interpolation import interpolate_path_gain
from rtwin.channel.kriging import GaussianField, condition, shadowing_correlation
from rtwin.channel.paths import PATH_DIRECTIONS, PATH_GEOMETRY, InteractionType, PathSet
from rtwin.channel.radiomap import (
    cell_centers_m,
    rss_dbm,
    serving_transmitter,
    sinr,
    standard_error_db,
    thermal_noise_w,
)
from rtwin.channel.reference import (
    SlabCoefficients,
    SurfaceCoefficients,
    complex_permittivity,
    free_space_path_loss_db,
    fresnel_half_space,
    slab_reflection_transmission,
    two_ray_break_point_m,
    two_ray_incidence_angle,
    two_ray_path_loss_db,
)
from rtwin.channel.response import Ends, cfr, cir, path_gain, path_gain_coherent, taps
from rtwin.channel.screens import Gap, faced_edges, knife_edges, over_gap
from rtwin.channel.spreads import (
    Angle,
    has_line_of_sight,
    mean_angle,
    mean_delay_s,
    rician_k_factor,
    rms_angular_spread,
    rms_delay_spread_s,
)
from rtwin.channel.tr38901 import (
    tr38901_element_gain_db,
    tr38901_los_probability,
    tr38901_path_loss_db,
)

__all__ = [
    "PATH_DIRECTIONS",
    "PATH_GEOMETRY",
    "Angle",
    "AntennaArray",
    "Ends",
    "Gap",
    "GaussianField",
    "InteractionType",
    "PathSet",
    "SlabCoefficients",
    "SurfaceCoefficients",
    "cell_centers_m",
    "cfr",
    "cir",
    "complex_permittivity",
    "condition",
    "faced_edges",
    "free_space_path_loss_db",
    "fresnel_half_space",
    "fresnel_integrals",
    "has_line_of_sight",
    "interpolate_path_gain",
    "knife_edge_loss_db",
    "knife_edge_nu",
    "knife_edges",
    "mean_angle",
    "mean_delay_s",
    "over_gap",
    "path_gain",
    "path_gain_coherent",
    "planar_array_positions_m",
    "rician_k_factor",
    "rms_angular_spread",
    "rms_delay_spread_s",
    "rss_dbm",
    "serving_transmitter",
    "shadowing_correlation",
    "sinr",
    "slab_reflection_transmission",
    "standard_error_db",
    "steering",
    "taps",
    "thermal_noise_w",
    "tr38901_element_gain_db",
    "tr38901_los_probability",
    "tr38901_path_loss_db",
    "two_ray_break_point_m",
    "two_ray_incidence_angle",
    "two_ray_path_loss_db",
]
