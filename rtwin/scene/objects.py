"""Recipe tables of what stands in the scene: geometry, objects, materials."""

import math
from typing import Annotated, Literal

from pydantic import Field, model_validator

from rtwin.scene._model import (
    Angle,
    Coordinate,
    Float,
    Fraction,
    Int,
    Length,
    Name,
    Point2,
    Point3,
    RelativeFile,
    Table,
    Thickness,
    Velocity3,
)

Alpha = Annotated[Int, Field(ge=1, le=1000)]
Ring = Annotated[tuple[Point2, ...], Field(min_length=3)]


class Geometry(Table):
    """Where the meshes come from, unless the recipe has its own [[object]] tables."""

    sionna: Name | None = None
    file: RelativeFile | None = None
    ground: tuple[str, ...] = ()


class _Object(Table):
    name: Name
    material: str
    velocity_m_s: Velocity3 = (0.0, 0.0, 0.0)


class Extrude(_Object):
    """A closed solid: a footprint pulled up from ``base_m`` by ``height_m``."""

    shape: Literal["extrude"]
    footprint: Ring
    holes: tuple[Ring, ...] = ()
    base_m: Coordinate = 0.0
    height_m: Length


class Box(_Object):
    """A closed box, turned about the vertical through its centre."""

    shape: Literal["box"]
    center_m: Point3
    size_m: tuple[Length, Length, Length]
    yaw_deg: Angle = 0.0


class Plane(_Object):
    """A horizontal rectangle that faces up."""

    shape: Literal["plane"]
    center_m: Point3
    size_m: tuple[Length, Length]


class Opening(Table):
    """A hole in a wall: from ``start_m`` to ``end_m`` along it, heights above its base."""

    start_m: Coordinate
    end_m: Coordinate
    bottom_m: Coordinate
    top_m: Coordinate


class Wall(_Object):
    """A single vertical sheet with holes; its thickness is the material's."""

    shape: Literal["wall"]
    from_m: Point2
    to_m: Point2
    base_m: Coordinate = 0.0
    height_m: Length
    openings: tuple[Opening, ...] = ()

    @property
    def length_m(self) -> float:
        """Length along the floor [m]."""
        return math.dist(self.from_m, self.to_m)

    @model_validator(mode="after")
    def _openings_fit(self) -> "Wall":
        if self.length_m < 1e-3:
            raise ValueError(f"wall '{self.name}' has no length: from_m and to_m are the same")
        for i, o in enumerate(self.openings):
            # A millimetre of grace: lengths of slanted walls are rarely round.
            fits = -1e-3 <= o.start_m < o.end_m <= self.length_m + 1e-3
            if not (fits and -1e-3 <= o.bottom_m < o.top_m <= self.height_m + 1e-3):
                raise ValueError(
                    f"openings[{i}] of wall '{self.name}' spans {o.start_m:g}-{o.end_m:g} m along "
                    f"and {o.bottom_m:g}-{o.top_m:g} m up; it must lie inside the wall's "
                    f"{self.length_m:g} m x {self.height_m:g} m"
                )
        return self


class MeshFile(_Object):
    """A mesh read from a file beside the recipe, scaled and then moved."""

    shape: Literal["mesh"]
    file: RelativeFile
    scale: Annotated[Float, Field(ge=1e-6, le=1e6)] = 1.0
    offset_m: Point3 = (0.0, 0.0, 0.0)


SceneObject = Annotated[Extrude | Box | Plane | Wall | MeshFile, Field(discriminator="shape")]


class ObjectSettings(Table):
    """What a recipe changes about an object of ready-made geometry."""

    material: str | None = None
    velocity_m_s: Velocity3 | None = None


class MaterialSpec(Table):
    """What a recipe says about a material.

    Permittivity and conductivity come from the ITU-R P.2040 table (``itu``, or
    the material's own name when nothing is said) or from two numbers. With a
    specific attenuation it is vegetation: see rtwin.scene.meshes.vegetation. Without a
    thickness it is a half-space if it is ground or water by its ITU name, else a
    slab of 0.1 m.
    """

    itu: str | None = None
    relative_permittivity: Annotated[Float, Field(ge=1, le=1e5)] | None = None
    conductivity_s_per_m: Annotated[Float, Field(ge=0, le=1e9)] | None = None
    thickness_m: Thickness | None = None
    scattering_coefficient: Fraction = 0.0
    xpd_coefficient: Fraction = 0.0
    scattering_pattern: Literal["lambertian", "directive", "backscattering"] = "lambertian"
    alpha_r: Alpha | None = None
    alpha_i: Alpha | None = None
    lambda_: Fraction | None = None
    specific_attenuation_db_per_m: Annotated[Float, Field(gt=0, le=1e3)] | None = None
    max_attenuation_db: Annotated[Float, Field(gt=0, le=1e4)] | None = None
    out_of_range: Literal["error", "clamp"] = "error"

    @model_validator(mode="after")
    def _one_source(self) -> "MaterialSpec":
        numbers = (self.relative_permittivity is None, self.conductivity_s_per_m is None)
        if any(numbers) != all(numbers):
            raise ValueError("give relative_permittivity and conductivity_s_per_m together")
        foliage = (self.specific_attenuation_db_per_m is None, self.max_attenuation_db is None)
        if any(foliage) != all(foliage):
            raise ValueError("give specific_attenuation_db_per_m and max_attenuation_db together")
        if not any(foliage) and not (self.itu is None and all(numbers)):
            raise ValueError(
                "vegetation and slabs exclude each other; drop specific_attenuation_db_per_m and "
                "max_attenuation_db, or drop itu, relative_permittivity and conductivity_s_per_m"
            )
        if self.itu is not None and not any(numbers):
            raise ValueError(
                "itu and custom numbers exclude each other; drop itu, or drop "
                "relative_permittivity and conductivity_s_per_m"
            )
        needs = {"directive": ("alpha_r",), "backscattering": ("alpha_r", "alpha_i", "lambda_")}
        needed = needs.get(self.scattering_pattern, ())
        for key in ("alpha_r", "alpha_i", "lambda_"):
            if (getattr(self, key) is not None) != (key in needed):
                raise ValueError(
                    f"scattering_pattern '{self.scattering_pattern}' takes "
                    f"{', '.join(needed) or 'no alpha_r, alpha_i or lambda_'}; "
                    f"{'drop' if key not in needed else 'add'} {key}"
                )
        return self
