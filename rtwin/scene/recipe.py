"""The scene recipe: one frozen object that says what to trace.

A recipe is read from TOML (see rtwin.scene.library) or made from a dict of the
same shape. Field names are the TOML keys: ``recipe.transmitter`` is the tuple of
the [[transmitter]] tables.
"""

import math
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, PrivateAttr, ValidationError, model_validator

from rtwin.errors import RecipeError, nearest
from rtwin.scene._model import (
    MAX_COORDINATE_M,
    Area,
    Bool,
    Coordinate,
    FileTable,
    Float,
    Int,
    Length,
    Table,
    one_line,
    recipe_error,
    shown,
)
from rtwin.scene.devices import (
    Antenna,
    Camera,
    ListReceivers,
    RandomReceivers,
    ReceiversSpec,
    Transmitter,
)
from rtwin.scene.georeference import Georeference, local_points
from rtwin.scene.materials import MATERIAL_NAMES
from rtwin.scene.objects import Geometry, MaterialSpec, ObjectSettings, SceneObject
from rtwin.units import wavelength_m

MIN_SEPARATION_M = 0.01
SAME_PLACE_M = 1e-6

Rays = Annotated[Int, Field(ge=1_000, le=100_000_000)]


class Solver(Table):
    """Which propagation the ray tracer follows, and how hard it looks."""

    max_depth: Annotated[Int, Field(ge=0, le=10)] = 3
    rays: Rays = 100_000
    line_of_sight: Bool = True
    specular_reflection: Bool = True
    refraction: Bool = True
    diffraction: Bool = False
    edge_diffraction: Bool = False
    diffraction_lit_region: Bool = True
    diffraction_model: Literal["utd", "sionna"] = "utd"
    max_diffractions: Annotated[Int, Field(ge=0, le=10)] = 3
    diffuse_reflection: Bool = False
    diffuse_rays: Rays = 10_000
    strongest_paths: Annotated[Int, Field(ge=1, le=1_000_000_000)] | None = None
    min_gain_db: Annotated[Float, Field(ge=-400, le=100)] | None = None


class RadioMap(Table):
    """The horizontal map of cell averages."""

    cell_size_m: Annotated[Float, Field(ge=0.01, le=MAX_COORDINATE_M)] = 5.0
    height_m: Length = 1.5
    z_m: Coordinate | None = None
    area: Area | None = None
    rays: Rays | None = None
    target_error_db: Annotated[Float, Field(ge=0.1, le=10)] = 1.0


class Recipe(FileTable):
    """A scene, its devices and how to trace it. SI units; degrees only with _deg."""

    title: Annotated[str, Field(min_length=1, max_length=200)]
    description: str = ""
    environment: Literal["outdoor", "indoor"] = "outdoor"
    source: str = ""
    licence: str = ""
    frequency_hz: Annotated[Float, Field(ge=1e6, le=1e12)]
    bandwidth_hz: Annotated[Float, Field(ge=1, le=2e12)] = 20e6
    temperature_k: Annotated[Float, Field(ge=0.1, le=1e6)] = 293.0
    noise_figure_db: Annotated[Float, Field(ge=0, le=100)] = 7.0
    seed: Annotated[Int, Field(ge=0, le=2**63 - 1)] = 1
    georeference: Georeference | None = None
    geometry: Geometry = Geometry()
    object: tuple[SceneObject, ...] = ()
    materials: dict[str, MaterialSpec] = Field(default_factory=dict)
    object_settings: dict[str, ObjectSettings] = Field(default_factory=dict)
    transmitter: Annotated[tuple[Transmitter, ...], Field(min_length=1)]
    receivers: ReceiversSpec = RandomReceivers()
    solver: Solver = Solver()
    radio_map: RadioMap = RadioMap()
    camera: Camera | None = None

    @property
    def has_files(self) -> bool:
        """Whether its geometry is in files beside it."""
        return bool(self.geometry.file) or any(item.shape == "mesh" for item in self.object)

    _name: str = PrivateAttr("recipe")

    @model_validator(mode="before")
    @classmethod
    def _in_scene_coordinates(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        georeference = data.get("georeference")
        if isinstance(georeference, dict):
            try:
                georeference = Georeference.model_validate(georeference)
            except ValidationError:
                return data  # said when the table itself is read
        return local_points(data, georeference)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if "\n" in self.title:
            raise ValueError("title must be one line; put the rest into description")
        if self.bandwidth_hz >= 2 * self.frequency_hz:
            raise ValueError(
                f"bandwidth_hz = {self.bandwidth_hz:g} reaches below 0 Hz; it must be "
                f"under twice frequency_hz = {self.frequency_hz:g}"
            )
        self._check_geometry()
        self._check_materials()
        self._check_transmitters()
        if isinstance(self.receivers, ListReceivers):
            check_separation(self.receivers.positions_m, self)
        return self

    def tx_antenna(self, tx: Iterable[int] | None = None) -> Antenna:
        """What the antennas of some transmitters are, their patterns aside.

        Args:
            tx: Rows of the transmitters; None for all.
        Raises:
            RecipeError: if they differ in polarisation, size or spacing.
        """
        first, *others = [self.transmitter[n] for n in tx] if tx is not None else self.transmitter
        for other in others:
            if other.antenna.shape != first.antenna.shape:
                raise RecipeError(
                    f"transmitters '{first.name}' and '{other.name}' differ in polarization, array "
                    "size or spacing, and this takes one array for all; choose one of them (--tx)"
                )
        return first.antenna

    def _check_geometry(self) -> None:
        given = {
            "geometry.sionna": self.geometry.sionna,
            "geometry.file": self.geometry.file,
            "[[object]]": self.object,
        }
        used = [key for key, value in given.items() if value]
        if len(used) != 1:
            seen = f"{' and '.join(used)} are given" if used else "no geometry is given"
            raise ValueError(f"{seen}; give exactly one of {', '.join(given)}")
        if not self.object:
            return
        names = [item.name for item in self.object]
        for name, times in Counter(names).items():
            if times > 1:
                raise ValueError(f"{times} objects are named '{name}'; names must differ")
        for name in self.geometry.ground:
            if name not in names:
                raise ValueError(
                    f"geometry.ground names '{name}', which is no object; {nearest(name, names)}"
                )
        if self.object_settings:
            raise ValueError(
                "object_settings is for geometry.sionna and geometry.file; "
                "write material and velocity_m_s into the [[object]] tables"
            )

    def _check_materials(self) -> None:
        known = [*self.materials, *MATERIAL_NAMES]
        for key, spec in self.materials.items():
            source = spec.itu or key
            has_numbers = spec.relative_permittivity or spec.specific_attenuation_db_per_m
            if not has_numbers and source not in MATERIAL_NAMES:
                raise ValueError(
                    f"materials.{key}: '{source}' is not in the ITU-R P.2040 table "
                    f"({nearest(source, MATERIAL_NAMES)}); set itu, or relative_permittivity "
                    "and conductivity_s_per_m"
                )
        for i, item in enumerate(self.object):
            if item.material not in known:
                raise ValueError(
                    f"object[{i}].material = {shown(item.material)}: unknown material; "
                    f"{nearest(item.material, known)}"
                )

    def _check_transmitters(self) -> None:
        first = self.transmitter[0]
        for i, a in enumerate(self.transmitter):
            # Ports share the power: padded ones would take part of it.
            if a.antenna.num_ports != first.antenna.num_ports:
                raise ValueError(
                    f"transmitter '{first.name}' has {first.antenna.num_ports} polarisation ports "
                    f"and '{a.name}' {a.antenna.num_ports}, which must be equal; give both a dual "
                    "polarization (VH, cross) or both a single one, or trace them as two scenes"
                )
            if a.antenna.synthetic_array != first.antenna.synthetic_array:
                raise ValueError(
                    f"synthetic_array of transmitters '{first.name}' and '{a.name}' must be equal"
                )
            for b in self.transmitter[:i]:
                if a.name == b.name:
                    raise ValueError(f"two transmitters are named '{a.name}'; names must differ")
                if math.dist(a.position_m, b.position_m) < MIN_SEPARATION_M:
                    raise ValueError(
                        f"transmitters '{b.name}' and '{a.name}' are at the same position "
                        f"{list(a.position_m)}; move one by at least {MIN_SEPARATION_M:g} m"
                    )


def closest_m(frequency_hz: float, tx: Antenna, rx: Antenna) -> float:
    """How near two antennas may be [m]: nearer, Friis gives more than was sent.

    Args:
        frequency_hz: Frequency [Hz].
        tx, rx: Their elements; the strongest directions may face each other.
    Source: Friis, G_t G_r (wavelength / (4 pi d))^2 <= 1; checked by
    tests/scene/places/test_receivers.py.
    """
    gain_db = tx.peak_gain_dbi + rx.peak_gain_dbi
    far: float = wavelength_m(frequency_hz) / (4 * math.pi) * 10.0 ** (gain_db / 20.0)
    return max(MIN_SEPARATION_M, far)


def check_separation(positions_m: Any, recipe: "Recipe") -> None:
    """Refuse receivers so near to a transmitter that they would get more than it sends.

    Without a line of sight they may be at the very place of one: a monostatic radar.

    Args:
        positions_m: Receiver positions [m], [rx, 3].
        recipe: Whose transmitters, antennas and frequency count.
    Raises:
        RecipeError: if a receiver is nearer than `closest_m` to a transmitter (both named).
    Checked by tests/scene/places/test_receivers.py.
    """
    import numpy as np

    positions = np.asarray(positions_m, dtype=np.float64).reshape(-1, 3)
    for tx in recipe.transmitter:
        least = closest_m(recipe.frequency_hz, tx.antenna, recipe.receivers.antenna)
        distance = np.linalg.norm(positions - np.asarray(tx.position_m), axis=1)
        close = distance < least
        if not recipe.solver.line_of_sight:
            close &= distance > SAME_PLACE_M
        rows = np.flatnonzero(close)
        if rows.size:
            raise RecipeError(
                f"receiver {rows[0]} at {positions[rows[0]].tolist()} is "
                f"{distance[rows[0]]:.3g} m from transmitter '{tx.name}'; devices must be "
                f"{least:.3g} m apart at this frequency: move one of them, or for a monostatic "
                "pair put both at one place and set line_of_sight = false"
            )


def recipe_from_dict(
    data: dict[str, Any], name: str = "recipe", folder: str | Path = ".", where: str | None = None
) -> Recipe:
    """A recipe from a dict of the same shape as the TOML file.

    Args:
        data: Tables and values, as tomllib gives them.
        name: The scene's short name.
        folder: The folder that the recipe's files are relative to.
        where: What error messages call the input; default: the name.
    Returns:
        The validated, frozen recipe.
    Raises:
        RecipeError: if anything is missing, unknown or impossible; one line.
    Checked by tests/scene/test_recipe.py.
    """
    try:
        recipe = Recipe.model_validate(data)
    except ValidationError as error:
        raise recipe_error(where or name, data, error) from None
    except RecursionError:
        raise RecipeError(f"{one_line(where or name)}: nested too deeply for a recipe") from None
    recipe._name = name
    recipe._folder = Path(folder)
    return recipe


def recipe_dict(recipe: Recipe) -> dict[str, Any]:
    """The recipe as plain JSON-able data, defaults included, keys in a fixed order.

    Args:
        recipe: Any recipe.
    Returns:
        A dict that recipe_from_dict turns into an equal recipe; keys without a
        value are left out; no name, no folder, so it is the same on every machine.
    Checked by tests/scene/test_recipe.py.
    """
    data = recipe.model_dump(mode="json", exclude_none=True)
    # The order of named tables in the file means nothing.
    for key in ("materials", "object_settings"):
        data[key] = dict(sorted(data[key].items()))
    return data


_TOP = ("frequency_hz", "bandwidth_hz", "temperature_k", "noise_figure_db", "seed")
_MAP = {
    "cell_size_m": "cell_size_m",
    "map_height_m": "height_m",
    "map_z_m": "z_m",
    "map_rays": "rays",
}
OVERRIDES = (*_TOP, "num_receivers", *_MAP, *Solver.model_fields)


def with_overrides(recipe: Recipe, **overrides: Any) -> Recipe:
    """A copy of the recipe with some values replaced and everything validated again.

    Args:
        recipe: The recipe to start from.
        overrides: frequency_hz [Hz], bandwidth_hz [Hz], temperature_k [K],
            noise_figure_db [dB], seed; num_receivers (random receivers, keeping
            height, area and antenna); cell_size_m [m], map_height_m [m], map_z_m [m] and
            map_rays of the radio map; any key of [solver]. None leaves the recipe's value.
    Returns:
        A new recipe with the same name and folder.
    Raises:
        RecipeError: if a key is unknown or a value impossible.
    Checked by tests/scene/test_recipe.py.
    """
    data = recipe_dict(recipe)
    for key, value in overrides.items():
        if key not in OVERRIDES:
            raise RecipeError(f"{recipe.name}: unknown override '{key}'; {nearest(key, OVERRIDES)}")
        if value is None:
            continue
        if key == "num_receivers":
            old = data["receivers"]
            kept = {k: old[k] for k in ("area", "height_m", "keep_invalid", "antenna") if k in old}
            data["receivers"] = {"kind": "random", "count": value, **kept}
        elif key in _MAP:
            data["radio_map"][_MAP[key]] = value
        else:
            (data if key in _TOP else data["solver"])[key] = value
    return recipe_from_dict(data, recipe.name, recipe.folder)
