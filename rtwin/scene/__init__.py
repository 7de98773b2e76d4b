"""Scenes: recipes, their materials, meshes and receivers.

A recipe is a TOML file that says what to trace. This layer reads and checks it,
builds its own meshes and places its receivers; it knows nothing of the ray
tracer. Units are SI, the frame is x east, y north, z up, in metres.
"""

from rtwin.scene._model import INFINITE, MAX_THICKNESS_M
from rtwin.scene.antenna import AntennaPattern, read_antenna
from rtwin.scene.devices import (
    Antenna,
    Camera,
    CsvReceivers,
    GridReceivers,
    ListReceivers,
    RandomReceivers,
    ReceiversSpec,
    TrajectoryReceivers,
    Transmitter,
    WayReceivers,
)
from rtwin.scene.foliage import VEGETATION, Foliage, foliage, is_vegetation
from rtwin.scene.georeference import (
    GeographicPoint,
    Georeference,
    georeference_at,
    utm_epsg,
)
from rtwin.scene.library import (
    SceneSummary,
    list_scenes,
    load_recipe,
    recipe_file,
    recipe_files,
    resolve_file,
    scenes_folder,
)
from rtwin.scene.materials import ITU_TABLE, MATERIAL_NAMES, Material, material_properties
from rtwin.scene.meshes import SceneMesh, Volume, build_meshes, lengths_m, vegetation_volumes
from rtwin.scene.objects import Geometry, MaterialSpec, ObjectSettings
from rtwin.scene.places import (
    Receivers,
    Tracks,
    Walk,
    place_receivers,
    random_waypoint,
    read_footways,
    read_tracks,
    walk_ways,
)
from rtwin.scene.recipe import (
    RadioMap,
    Recipe,
    Solver,
    check_separation,
    closest_m,
    recipe_dict,
    recipe_from_dict,
    with_overrides,
)

__all__ = [
    "INFINITE",
    "ITU_TABLE",
    "MATERIAL_NAMES",
    "MAX_THICKNESS_M",
    "VEGETATION",
    "Antenna",
    "AntennaPattern",
    "Camera",
    "CsvReceivers",
    "Foliage",
    "GeographicPoint",
    "Geometry",
    "Georeference",
    "GridReceivers",
    "ListReceivers",
    "Material",
    "MaterialSpec",
    "ObjectSettings",
    "RadioMap",
    "RandomReceivers",
    "Receivers",
    "ReceiversSpec",
    "Recipe",
    "SceneMesh",
    "SceneSummary",
    "Solver",
    "Tracks",
    "TrajectoryReceivers",
    "Transmitter",
    "Volume",
    "Walk",
    "WayReceivers",
    "build_meshes",
    "check_separation",
    "closest_m",
    "foliage",
    "georeference_at",
    "is_vegetation",
    "lengths_m",
    "list_scenes",
    "load_recipe",
    "material_properties",
    "place_receivers",
    "random_waypoint",
    "read_antenna",
    "read_footways",
    "read_tracks",
    "recipe_dict",
    "recipe_file",
    "recipe_files",
    "recipe_from_dict",
    "resolve_file",
    "scenes_folder",
    "utm_epsg",
    "vegetation_volumes",
    "walk_ways",
    "with_overrides",
]
