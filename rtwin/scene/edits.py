"""What changed in the world, as a TOML file says it.

[[edit]]
kind = "move_object"
object = "car_1"
by_m = [12.0, 0.0, 0.0]
"""

from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, ValidationError, model_validator

from rtwin.arrays import Floats
from rtwin.errors import EditError
from rtwin.scene._model import Angle, Coordinate, Float, Table, read_toml, recipe_error
from rtwin.scene.devices import Antenna, Transmitter
from rtwin.scene.objects import MaterialSpec, SceneObject

MAX_EDITS_BYTES = 16 * 2**20
Displacement = tuple[Coordinate, Coordinate, Coordinate]


class MoveObject(Table):
    """An object is shifted, and turned about the vertical through its middle."""

    kind: Literal["move_object"]
    object: str
    by_m: Displacement = (0.0, 0.0, 0.0)
    yaw_deg: Angle = 0.0

    def moved(self, points_m: Floats) -> Floats:
        """Points [m], [point, 2 or 3], turned about the middle of their box and shifted."""
        moved = points_m.copy()
        if self.yaw_deg:
            middle = (points_m[:, :2].min(axis=0) + points_m[:, :2].max(axis=0)) / 2
            yaw = np.radians(self.yaw_deg)
            turn = np.array([[np.cos(yaw), -np.sin(yaw)], [np.sin(yaw), np.cos(yaw)]])
            moved[:, :2] = (points_m[:, :2] - middle) @ turn.T + middle
        return moved + np.asarray(self.by_m[: points_m.shape[1]])


class RemoveObject(Table):
    """An object is gone."""

    kind: Literal["remove_object"]
    object: str


class AddObject(Table):
    """An object is new; its table is that of a recipe's [[object]]."""

    kind: Literal["add_object"]
    object: SceneObject


class SetMaterial(Table):
    """An object is made of something else."""

    kind: Literal["set_material"]
    object: str
    material: str


class MoveTransmitter(Table):
    """A transmitter is shifted, or stands somewhere else."""

    kind: Literal["move_transmitter"]
    transmitter: str
    by_m: Displacement | None = None
    to_m: Displacement | None = None

    @model_validator(mode="after")
    def _one_way(self) -> "MoveTransmitter":
        if (self.by_m is None) == (self.to_m is None):
            raise ValueError(f"move of '{self.transmitter}': give by_m or to_m")
        return self


class SetTransmitter(Table):
    """A transmitter is turned, tilted, fed with another power or given another pattern."""

    kind: Literal["set_transmitter"]
    transmitter: str
    azimuth_deg: Angle | None = None
    downtilt_deg: Angle | None = None
    roll_deg: Angle | None = None
    power_dbm: Float | None = None
    antenna: Antenna | None = None

    @model_validator(mode="after")
    def _says_something(self) -> "SetTransmitter":
        if not self.values:
            raise ValueError(
                f"edit of '{self.transmitter}' sets nothing; give azimuth_deg, downtilt_deg, "
                "roll_deg, power_dbm or antenna"
            )
        return self

    @property
    def values(self) -> dict[str, Any]:
        """The keys that are set, as a recipe's [[transmitter]] has them."""
        dumped = self.model_dump(mode="json", exclude_none=True)
        return {k: v for k, v in dumped.items() if k not in ("kind", "transmitter")}


class AddTransmitter(Table):
    """A transmitter is new; its table is that of a recipe's [[transmitter]]."""

    kind: Literal["add_transmitter"]
    transmitter: Transmitter


class RemoveTransmitter(Table):
    """A transmitter is switched off for good."""

    kind: Literal["remove_transmitter"]
    transmitter: str


class SetFrequency(Table):
    """The carrier frequency of all transmitters changes."""

    kind: Literal["set_frequency"]
    frequency_hz: Annotated[Float, Field(gt=0)]


Edit = Annotated[
    MoveObject
    | RemoveObject
    | AddObject
    | SetMaterial
    | MoveTransmitter
    | SetTransmitter
    | AddTransmitter
    | RemoveTransmitter
    | SetFrequency,
    Field(discriminator="kind"),
]


class Edits(Table):
    """An edits file: what changed, in order, and materials that the scene did not have."""

    edit: Annotated[tuple[Edit, ...], Field(min_length=1)]
    materials: dict[str, MaterialSpec] = Field(default_factory=dict)


def load_edits(file: str | Path) -> Edits:
    """Read an edits file.

    Raises:
        EditError: if it is no TOML file of edits; one line.
    """
    file = Path(file)
    table = read_toml(file, MAX_EDITS_BYTES, EditError)
    return edits_from_dict(table, str(file))


def edits_from_dict(table: dict[str, Any], where: str = "edits") -> Edits:
    """Edits from a dict of the same shape as the TOML file.

    Raises:
        EditError: if anything is missing, unknown or impossible; one line.
    """
    try:
        return Edits.model_validate(table)
    except ValidationError as error:
        raise EditError(str(recipe_error(where, table, error))) from None
