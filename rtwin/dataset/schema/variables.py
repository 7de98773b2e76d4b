"""Kinds of file, their versions, and what a variable of a file is."""

from dataclasses import dataclass

PATHS_FORMAT = "rtwin-paths"
SWEEP_FORMAT = "rtwin-sweep"
MAP_FORMAT = "rtwin-radiomap"
MAP_METHODS = ("monte-carlo", "paths")
TRACE_FORMAT = "rtwin-linktrace"
FORMAT_VERSION = 1
HASH_VERSION = 2  # of content_hash; 1 counted no attributes
MEANING = (
    "format",
    "recipe",
    "frequency_hz",
    "method",
    "cell_size_m",
    "height_m",
    "noise_power_w",
    "step_s",
    "interference_load",
    "link",
    "demand_mbps",
    "bandwidth_hz",
    "subcarrier_spacing_hz",
    "table",
    "base_recipe",
    "edits",
    "low_m",
)
"""Attributes that decide what the values of a file mean: they count in its content hash."""


@dataclass(frozen=True)
class Variable:
    """One variable of a file."""

    name: str
    dims: tuple[str, ...]
    dtype: str  # numpy type string, or "str"
    units: str  # UDUNITS; "1" for pure numbers, "" for text and codes
    long_name: str


COORDINATES = {
    "xyz": ("x", "y", "z"),
    "angle": ("yaw", "pitch", "roll"),
}
PORT_LABELS = {
    "V": ("V",),
    "H": ("H",),
    "VH": ("V", "H"),
    "cross": ("slant -45", "slant +45"),
    "file": ("file",),
}
