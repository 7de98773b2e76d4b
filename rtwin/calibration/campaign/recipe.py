"""The campaign file: what was measured, where it lies, and what is to be fitted to it.

A campaign is a folder with a `campaign.toml`; a recipe for somebody else's data
says in `[measurements]` which file to put where. Keys that are not known are
refused by name, as in a scene recipe.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

import tomlkit
from pydantic import Field, PrivateAttr, ValidationError, model_validator

from rtwin.calibration.campaign.tables import column_names
from rtwin.errors import CampaignError, GeometryError, nearest
from rtwin.scene._model import (
    Bool,
    Coordinate,
    FileTable,
    Float,
    Int,
    Length,
    Name,
    Positive,
    RelativeFile,
    Table,
    one_line,
    read_toml,
    recipe_error,
)
from rtwin.scene.columns import same_meaning
from rtwin.scene.devices import Pattern
from rtwin.scene.library import resolve_file, shipped_folder

MAX_CAMPAIGN_BYTES = 4 * 2**20
Quantity = Literal[
    "rss_dbm", "path_loss_db", "path_gain_db", "power_delay_profile", "rms_delay_spread_s"
]
Parameter = Literal[
    "relative_permittivity",
    "conductivity",
    "thickness",
    "scattering_coefficient",
    "xpd",
    "tx_azimuth",
    "tx_downtilt",
    "pattern_width",
    "diffraction",
    "transmission_loss",
    "vegetation",
    "clutter",
    "tx_position",
    "tx_height",
]


class CampaignOrigin(Table):
    """Where the local frame's zero lies when positions are latitude and longitude."""

    latitude_deg: Annotated[Float, Field(ge=-90, le=90)]
    longitude_deg: Annotated[Float, Field(ge=-180, le=180)]


class CampaignTransmitter(Table):
    """A transmitter as the campaign knows it; a scene's one of the same name fills the gaps."""

    name: Name
    x_m: Coordinate | None = None
    y_m: Coordinate | None = None
    latitude_deg: Annotated[Float, Field(ge=-90, le=90)] | None = None
    longitude_deg: Annotated[Float, Field(ge=-180, le=180)] | None = None
    height_m: Length
    azimuth_deg: Float | None = None
    compass_deg: Float | None = None
    downtilt_deg: Float = 0.0
    pattern: Pattern = "iso"
    power_dbm: Float | None = None
    frequency_hz: Annotated[Float, Field(ge=1e6, le=1e12)] | None = None

    @model_validator(mode="after")
    def _placed_once(self) -> "CampaignTransmitter":
        local, earth = (self.x_m, self.y_m), (self.latitude_deg, self.longitude_deg)
        given = [None not in pair for pair in (local, earth)]
        if sum(given) != 1 or (not given[0] and local != (None, None)):
            raise ValueError(
                f"transmitter '{self.name}' needs x_m and y_m, or latitude_deg and "
                "longitude_deg, and not both"
            )
        if self.azimuth_deg is not None and self.compass_deg is not None:
            raise ValueError(
                f"transmitter '{self.name}' has azimuth_deg (from east, counter-clockwise) and "
                "compass_deg (from north, clockwise); keep one"
            )
        return self

    @property
    def yaw_deg(self) -> float:
        """Boresight azimuth from +x towards +y [deg]."""
        if self.compass_deg is not None:
            return 90.0 - self.compass_deg
        return self.azimuth_deg or 0.0


class MeasurementsSpec(Table):
    """Which file holds the measurements, and what its columns are."""

    file: RelativeFile
    quantity: Quantity = "rss_dbm"
    value: str | dict[str, str] = "value"
    tx: str | None = None
    cells: dict[str, Name] = Field(default_factory=dict)
    device: str | None = None
    x: str | None = None
    y: str | None = None
    z: str | None = None
    latitude: str | None = None
    longitude: str | None = None
    delay: str = "delay_s"
    rx_height_m: Length = 1.5
    noise_floor: Float | None = None
    uncertainty_db: Annotated[Float, Field(ge=0, le=1000)] | str = 3.0
    grid_m: Length | None = None
    min_count: Annotated[Int, Field(ge=1)] = 1

    @model_validator(mode="after")
    def _has_positions(self) -> "MeasurementsSpec":
        local, earth = (self.x, self.y), (self.latitude, self.longitude)
        given = [None not in pair for pair in (local, earth)]
        if sum(given) != 1:
            raise ValueError(
                "name the columns of positions: x and y [m], or latitude and longitude [deg]"
            )
        if isinstance(self.value, dict) and self.tx is not None:
            raise ValueError("value names a column for each transmitter; drop tx")
        if self.cells and self.tx is None:
            raise ValueError("cells says whose rows those of a cell are; name their column as tx")
        return self


class ScreenSpec(Table):
    """When a measurement is set aside."""

    above_free_space_db: Annotated[Float, Field(ge=0)] = 20.0
    max_distance_m: Length | None = None
    keep_inside_buildings: Bool = False


class ValidationSpec(Table):
    """How held-out error is estimated."""

    block_m: Length | None = None
    held_out: Annotated[Float, Field(gt=0, lt=1)] = 0.4
    points: Annotated[Int, Field(ge=1)] = 200
    learning_curve: tuple[Annotated[Int, Field(ge=1)], ...] = (10, 20, 50, 100, 200, 500)
    repeats: Annotated[Int, Field(ge=1, le=100)] = 3


class MaterialChoice(Table):
    """Objects that may be made of something else than the scene says."""

    candidates: Annotated[tuple[Name, ...], Field(min_length=2, max_length=20)]
    objects: Annotated[tuple[str, ...], Field(min_length=1)] = ("*",)
    together: Bool = False

    @model_validator(mode="after")
    def _each_once(self) -> "MaterialChoice":
        if len(set(self.candidates)) < len(self.candidates):
            raise ValueError("material_choice.candidates names a material twice; keep one")
        return self


class FitSpec(Table):
    """Which physical parameters are fitted, and how."""

    parameters: tuple[Parameter, ...] = (
        "relative_permittivity",
        "conductivity",
        "transmission_loss",
        "diffraction",
        "vegetation",
        "clutter",
        "tx_azimuth",
        "tx_downtilt",
        "pattern_width",
    )
    materials: tuple[str, ...] | None = None
    material_choice: tuple[MaterialChoice, ...] = ()
    method: Literal["gradient", "annealing", "bayesian", "grid"] = "gradient"
    loss: Literal["huber", "student"] = "huber"
    loss_scale_db: Positive = 6.0
    starts: Annotated[Int, Field(ge=1, le=10_000)] = 48
    refined: Annotated[Int, Field(ge=1, le=100)] = 3
    angle_range_deg: Annotated[Float, Field(gt=0, le=180)] = 20.0
    position_sd_m: Annotated[Float, Field(gt=0, le=100)] = 3.0
    height_sd_m: Annotated[Float, Field(gt=0, le=100)] = 2.0
    retrace: Bool = True
    max_links: Annotated[Int, Field(ge=10)] = 400


class Campaign(FileTable):
    """A measurement campaign: file, columns, transmitters, checks and fit."""

    title: Annotated[str, Field(min_length=1, max_length=200)]
    description: str = ""
    source: str = ""
    licence: str = ""
    environment: Literal["outdoor", "indoor"] = "outdoor"
    frequency_hz: Annotated[Float, Field(ge=1e6, le=1e12)]
    seed: Annotated[Int, Field(ge=0, le=2**31 - 1)] = 1
    origin: CampaignOrigin | None = None
    transmitter: Annotated[tuple[CampaignTransmitter, ...], Field(min_length=1)]
    measurements: MeasurementsSpec
    screen: ScreenSpec = ScreenSpec()
    validation: ValidationSpec = ValidationSpec()
    fit: FitSpec = FitSpec()

    _name: str = PrivateAttr("campaign")

    @model_validator(mode="after")
    def _fits_together(self) -> "Campaign":
        names = [tx.name for tx in self.transmitter]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two transmitters are named '{name}'; names must differ")
        for cell, name in self.measurements.cells.items():
            if name not in names:
                raise ValueError(
                    f"measurements.cells: '{cell}' is '{name}', which is no transmitter; "
                    f"{nearest(name, names)}"
                )
        on_earth = self.measurements.latitude is not None or any(
            tx.latitude_deg is not None for tx in self.transmitter
        )
        if on_earth and self.origin is None:
            raise ValueError(
                "positions are latitude and longitude; add [origin] with latitude_deg and "
                "longitude_deg of the local frame's zero"
            )
        return self


def campaigns_folder() -> Path:
    """Where the shipped campaigns are."""
    return shipped_folder("calibration")


def load_campaign(campaign: str | Path, data: str | Path | None = None) -> Campaign:
    """Read a campaign: a shipped one's name, a folder, or a .toml file.

    Args:
        campaign: Name, folder or file.
        data: Folder with the measurement files, where they are not beside the campaign.
    Returns:
        The validated, frozen campaign.
    Raises:
        CampaignError: if there is none, or it is not valid; one line.
    Checked by tests/calibration/campaign/test_recipe.py.
    """
    file = _find(campaign)
    table = read_toml(file, MAX_CAMPAIGN_BYTES, CampaignError)
    name = file.resolve().parent.name
    folder = file.parent if data is None else Path(data)
    try:
        return campaign_from_dict(table, name, folder)
    except CampaignError as error:
        hint = _columns_to_name(table.get("measurements"), folder)
        raise CampaignError(f"{error}{hint}") from None


def _columns_to_name(measurements: Any, folder: Path) -> str:
    """The lines that name a table's columns of positions, where none are named."""
    places = (("x", "x_m", "y", "y_m"), ("latitude", "lat_deg", "longitude", "lon_deg"))
    if not isinstance(measurements, dict) or any(
        key in measurements for first, _, second, _ in places for key in (first, second)
    ):
        return ""
    try:
        names = column_names(resolve_file(folder, str(measurements.get("file"))))
    except GeometryError:
        return ""
    for first, first_m, second, second_m in places:
        one, two = same_meaning(first_m, names), same_meaning(second_m, names)
        if one and two:
            return one_line(
                f'; write {first} = "{one[0]}" and {second} = "{two[0]}" in [measurements]'
            )
    return ""


def campaign_from_dict(table: dict[str, Any], name: str, folder: str | Path) -> Campaign:
    """A campaign from a dict of the same shape as the TOML file.

    Raises:
        CampaignError: if anything is missing, unknown or impossible; one line.
    """
    try:
        found = Campaign.model_validate(table)
    except ValidationError as error:
        raise CampaignError(str(recipe_error(name, table, error))) from None
    found._name = name
    found._folder = Path(folder)
    return found


def campaign_toml(campaign: Campaign) -> str:
    """A campaign as the text of a campaign.toml, without what has its default.

    Checked by tests/calibration/test_drive_test.py.
    """
    return tomlkit.dumps(campaign.model_dump(mode="json", exclude_defaults=True))


def list_campaigns() -> list[str]:
    """Names of the shipped campaigns, sorted."""
    return sorted(path.parent.name for path in campaigns_folder().glob("*/campaign.toml"))


def _find(campaign: str | Path) -> Path:
    shipped = campaigns_folder() / str(campaign) / "campaign.toml"
    if "/" not in str(campaign) and shipped.is_file():
        return shipped
    path = Path(campaign)
    path = path / "campaign.toml" if path.is_dir() else path
    if path.suffix != ".toml" or not path.is_file():
        raise CampaignError(
            f"{campaign}: no such campaign; shipped are {', '.join(list_campaigns()) or 'none'}, "
            "or give the path of a folder with a campaign.toml"
        )
    return path
