"""Recipe tables of the radio devices: antennas, transmitters, receivers."""

import math
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from rtwin.scene._model import (
    Angle,
    Area,
    Bool,
    Coordinate,
    Float,
    Int,
    Length,
    Name,
    Point3,
    RelativeFile,
    Table,
    Velocity3,
    _relative_file,
)
from rtwin.scene.antenna.read import PATTERN_SUFFIXES

Spacing = Annotated[Float, Field(gt=0, le=1000)]
Count = Annotated[Int, Field(ge=1, le=10_000_000)]


PATTERNS = ("iso", "dipole", "hw_dipole", "tr38901")


def _pattern(value: str) -> str:
    if value in PATTERNS:
        return value
    if not value.lower().endswith(PATTERN_SUFFIXES):
        raise PydanticCustomError(
            "pattern",
            "must be {known}, or a file that ends in {suffixes}",
            {"known": ", ".join(PATTERNS), "suffixes": ", ".join(PATTERN_SUFFIXES)},
        )
    return _relative_file(value)


Pattern = Annotated[str, AfterValidator(_pattern)]


class Antenna(Table):
    """A planar array of equal elements; spacings in wavelengths."""

    pattern: Pattern = "iso"
    polarization: Literal["V", "H", "VH", "cross", "file"] = "V"
    num_rows: Annotated[Int, Field(ge=1, le=1024)] = 1
    num_cols: Annotated[Int, Field(ge=1, le=1024)] = 1
    vertical_spacing: Spacing = 0.5
    horizontal_spacing: Spacing = 0.5
    synthetic_array: Bool = True

    @property
    def shape(self) -> "Antenna":
        """The antenna as far as the numbering of its ports goes: the pattern aside."""
        return self.model_copy(update={"pattern": "iso"})

    @property
    def diagonal(self) -> float:
        """From the first element to the farthest, in wavelengths."""
        high = (self.num_rows - 1) * self.vertical_spacing
        return math.hypot(high, (self.num_cols - 1) * self.horizontal_spacing)

    @property
    def peak_gain_dbi(self) -> float:
        """Greatest gain of an element [dBi]; of a pattern from a file what few exceed."""
        return {"iso": 0.0, "dipole": 1.77, "hw_dipole": 2.16, "tr38901": 8.0}.get(
            self.pattern, 24.0
        )

    @property
    def is_file(self) -> bool:
        """Whether the element's pattern is in a file beside the recipe."""
        return self.pattern not in PATTERNS

    @property
    def num_ports(self) -> int:
        """Polarisation ports of an element: 2 if it is dual-polarised."""
        return 2 if self.polarization in ("VH", "cross") else 1


class Transmitter(Table):
    """A transmitter; it is turned by azimuth, downtilt and roll, or looks at a point."""

    name: Name
    position_m: Point3
    height_m: Length | None = None
    azimuth_deg: Angle | None = None
    downtilt_deg: Angle | None = None
    roll_deg: Angle = 0.0
    look_at_m: Point3 | None = None
    power_dbm: Annotated[Float, Field(ge=-200, le=200)] = 44.0
    velocity_m_s: Velocity3 = (0.0, 0.0, 0.0)
    antenna: Antenna = Antenna()

    @model_validator(mode="after")
    def _one_height(self) -> "Transmitter":
        if self.height_m is not None and abs(self.position_m[2] - self.height_m) > 1e-3:
            raise ValueError(
                f"transmitter '{self.name}' has z = {self.position_m[2]:g} and height_m = "
                f"{self.height_m:g}; write position_m = {{ x_m = .., y_m = .., height_m = .. }}"
            )
        return self

    @model_validator(mode="after")
    def _one_direction(self) -> "Transmitter":
        if self.look_at_m is not None:
            if self.azimuth_deg is not None or self.downtilt_deg is not None:
                raise ValueError(
                    f"transmitter '{self.name}' has look_at_m and azimuth_deg or downtilt_deg; "
                    "keep one of the two ways"
                )
            if self.look_at_m == self.position_m:
                raise ValueError(
                    f"transmitter '{self.name}' looks at its own position; move look_at_m"
                )
        return self

    @property
    def orientation_rad(self) -> tuple[float, float, float]:
        """Yaw, pitch and roll [rad]; a positive pitch looks down.

        Source: 3GPP TR 38.901, clause 7.1; checked by tests/scene/test_recipe.py
        against rtwin.units.rotation_matrix.
        """
        yaw, pitch, roll = (
            math.radians(angle or 0.0)
            for angle in (self.azimuth_deg, self.downtilt_deg, self.roll_deg)
        )
        if self.look_at_m is None:
            return yaw, pitch, roll
        dx, dy, dz = (t - p for t, p in zip(self.look_at_m, self.position_m, strict=True))
        return math.atan2(dy, dx), math.atan2(-dz, math.hypot(dx, dy)), roll


class _Receivers(Table):
    keep_invalid: Bool = False
    antenna: Antenna = Antenna()


class RandomReceivers(_Receivers):
    """Receivers drawn uniformly over an area, at a height above the ground."""

    kind: Literal["random"] = "random"
    count: Count = 1000
    area: Area | None = None
    height_m: Length = 1.5


class GridReceivers(_Receivers):
    """Receivers on a regular grid from the lower left corner, rows along x."""

    kind: Literal["grid"]
    spacing_m: Length
    area: Area | None = None
    height_m: Length = 1.5


class ListReceivers(_Receivers):
    """Receivers at given positions, absolute heights."""

    kind: Literal["list"]
    positions_m: Annotated[tuple[Point3, ...], Field(min_length=1)]


class CsvReceivers(_Receivers):
    """Receivers from a CSV file beside the recipe.

    Columns x_m, y_m or lat_deg, lon_deg; z_m or height_m above the ground; optional
    vx_m_s, vy_m_s, vz_m_s and azimuth_deg.
    """

    kind: Literal["csv"]
    file: RelativeFile


class WayReceivers(_Receivers):
    """Receivers that walk along the streets and paths of a GeoJSON file, at even steps."""

    kind: Literal["ways"]
    file: RelativeFile = "ways.geojson"
    highway: tuple[str, ...] = ()
    spacing_m: Length = 5.0
    height_m: Length = 1.5
    speed_m_s: Annotated[Float, Field(ge=0, le=1000)] = 0.0
    area: Area | None = None


class TrajectoryReceivers(_Receivers):
    """One receiver moving along a polyline, sampled every ``interval_s``."""

    kind: Literal["trajectory"]
    waypoints_m: Annotated[tuple[Point3, ...], Field(min_length=2)]
    speed_m_s: Annotated[Float, Field(gt=0, le=1e5)]
    interval_s: Annotated[Float, Field(ge=1e-6, le=1e6)]

    @model_validator(mode="after")
    def _moves(self) -> "TrajectoryReceivers":
        for i, (a, b) in enumerate(zip(self.waypoints_m, self.waypoints_m[1:], strict=False)):
            if math.dist(a, b) < 1e-6:
                raise ValueError(f"waypoints_m[{i}] and waypoints_m[{i + 1}] are the same point")
        return self


ReceiversSpec = Annotated[
    RandomReceivers
    | GridReceivers
    | ListReceivers
    | CsvReceivers
    | WayReceivers
    | TrajectoryReceivers,
    Field(discriminator="kind"),
]


class Camera(Table):
    """From where a picture of the scene is taken; ``clip_at_m`` cuts away what is higher."""

    position_m: Point3
    look_at_m: Point3
    clip_at_m: Coordinate | None = None

    @model_validator(mode="after")
    def _looks_somewhere(self) -> "Camera":
        if self.position_m == self.look_at_m:
            raise ValueError("the camera looks at its own position; move look_at_m")
        return self
