"""What is sampled along tracks: a scene, its radio map if there is one, and how."""

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rtwin.dataset.inspection import scene_folder, snapshot_files
from rtwin.dataset.reading import RadioMap, file_info, open_dataset, open_radio_map, world_of
from rtwin.dataset.schema import MAP_FORMAT, PATHS_FORMAT
from rtwin.errors import GeometryError, OutOfRangeError, StoreError
from rtwin.link import Handover, LinkAdaptation
from rtwin.link.layer import FadedLink
from rtwin.scene import Recipe, load_recipe, recipe_dict, recipe_from_dict
from rtwin.trace import World

METHODS = ("map", "paths")
LINKS = ("simple", "paths")
MAX_DEMAND_MBPS = 1e6
MAX_HEIGHT_M = 1e5


@dataclass(frozen=True)
class SampleSettings:
    """The radio link along the tracks.

    Attributes:
        method: "map" interpolates the radio map, "paths" traces every position.
        bandwidth_hz: Channel bandwidth [Hz]; None: the recipe's.
        subcarrier_spacing_hz: [Hz].
        table: CQI and MCS table of TS 38.214.
        shannon_gap_db: See LinkAdaptation [dB].
        handover: Event A3.
        interference_load: Share of their power that the other transmitters send.
        line_of_sight: Whether to ask the scene for line of sight along a map.
        height_m: Height above the ground of tracks that state none [m]; None: the map's.
        link: "simple" has one SINR for a link, "paths" fading along the way, beams, block
            errors and retransmissions, from the paths of method "paths".
        demand_mbps: What every user asks for [Mbit/s]; cells then interfere as much as their
            users' demand lets them send, instead of by interference_load.
        uplink_power_dbm: What every user sends over the whole carrier [dBm], for a trace of the
            uplink; None: the downlink.
        faded: How blocks are sent with link "paths".
    """

    method: str = "map"
    bandwidth_hz: float | None = None
    subcarrier_spacing_hz: float = 30e3
    table: int = 2
    shannon_gap_db: float = 3.0
    handover: Handover = field(default_factory=Handover)
    interference_load: float = 1.0
    line_of_sight: bool = True
    height_m: float | None = None
    link: str = "simple"
    demand_mbps: float | None = None
    uplink_power_dbm: float | None = None
    faded: FadedLink = field(default_factory=FadedLink)

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise OutOfRangeError(f"method is {self.method!r}; it must be map or paths")
        if self.link not in LINKS:
            raise OutOfRangeError(f"link is {self.link!r}; it must be simple or paths")
        if self.link == "paths" and self.method != "paths":
            raise OutOfRangeError(
                f"link is paths and method {self.method}; the link needs paths, with method paths"
            )
        if self.demand_mbps is not None and not 0.0 < self.demand_mbps <= MAX_DEMAND_MBPS:
            raise OutOfRangeError(
                f"demand_mbps is {self.demand_mbps:g}; it must be above 0 and at most "
                f"{MAX_DEMAND_MBPS:g}"
            )
        if self.uplink_power_dbm is not None:
            if not -60.0 <= self.uplink_power_dbm <= 60.0:
                raise OutOfRangeError(
                    f"uplink_power_dbm is {self.uplink_power_dbm:g}; it must be -60 to 60"
                )
            if self.link == "paths" or self.demand_mbps is not None:
                raise OutOfRangeError(
                    "the uplink has the simple link and no coupling of loads; leave out link "
                    "paths and demand"
                )
        if not 0.0 <= self.interference_load <= 1.0:
            raise OutOfRangeError(
                f"interference_load is {self.interference_load}; it must be 0 to 1"
            )
        if self.height_m is not None and not abs(self.height_m) <= MAX_HEIGHT_M:
            raise OutOfRangeError(
                f"height_m is {self.height_m:g}; it must be -{MAX_HEIGHT_M:g} to {MAX_HEIGHT_M:g}"
            )
        self.adaptation(20e6)  # before the work, not after it

    def adaptation(self, bandwidth_hz: float) -> LinkAdaptation:
        """The carrier of these settings; the bandwidth [Hz] where they state none.

        Raises:
            OutOfRangeError: if one of them is not possible.
        """
        bandwidth_hz = bandwidth_hz if self.bandwidth_hz is None else self.bandwidth_hz
        return LinkAdaptation(
            bandwidth_hz, self.subcarrier_spacing_hz, self.table, self.shannon_gap_db
        )


@dataclass(frozen=True)
class Twin:
    """What is sampled: a recipe, its radio map if there is one, and what identifies it."""

    name: str
    recipe: Recipe
    radio_map: RadioMap | None
    hash: str
    attributes: dict[str, Any] = field(default_factory=dict)  # of its file

    def world(self) -> World:
        """The scene in the ray tracer.

        Raises:
            GeometryError: if it has files of its own that are not there.
        """
        try:
            return world_of(self.attributes, self.recipe)
        except GeometryError as error:
            raise GeometryError(
                f"{self.name}: the scene itself is needed ({error}); name it with scene, or for "
                "tracks from a file do without line of sight"
            ) from error


def open_twin(twin: str | Path, scene: str | Path | None) -> Twin:
    """A radio map, a twin's newest one, a dataset of paths, or a scene as load_recipe takes it.

    Raises:
        StoreError, RecipeError: if it is none of them or cannot be read.
    """
    path = Path(twin)
    if path.is_dir() and snapshot_files(path):
        path = snapshot_files(path)[-1]
    if path.suffix not in (".h5", ".hdf5", ".nc") and not path.is_file():
        recipe = load_recipe(twin)
        return Twin(str(twin), recipe, None, hash_of(recipe_dict(recipe)))
    if path.suffix == ".toml":
        recipe = load_recipe(path)
        return Twin(str(twin), recipe, None, hash_of(recipe_dict(recipe)))
    kind = file_info(path)["format"]
    if kind == MAP_FORMAT:
        radio_map = open_radio_map(path)
        recipe = recipe_of(radio_map.attributes, scene)
        attributes = radio_map.attributes
        return Twin(path.name, recipe, radio_map, attributes["content_hash"], attributes)
    if kind == PATHS_FORMAT:
        with open_dataset(path) as dataset:
            attributes = dataset.attributes
        recipe = recipe_of(attributes, scene)
        return Twin(path.name, recipe, None, attributes["content_hash"])
    raise StoreError(f"{path}: holds {kind}; give a radio map, a dataset of paths or a scene")


def recipe_of(attributes: dict[str, Any], scene: str | Path | None) -> Recipe:
    """The recipe in a file's attributes, with the folder of the scene's own files."""
    folder = scene_folder(attributes) if scene is None else load_recipe(scene).folder
    folder = folder or Path(".")
    return recipe_from_dict(attributes["recipe"], attributes["scene"], folder)


def hash_of(data: dict[str, Any]) -> str:
    """SHA-256 of JSON-able data."""
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()
