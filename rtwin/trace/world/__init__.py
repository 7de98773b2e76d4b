"""The scene's world: loaded into the engine once, asked many times what stands where."""

from rtwin.trace.world.edits import apply_edits, edited_world
from rtwin.trace.world.heights import HeightMap, height_map
from rtwin.trace.world.obstruction import Obstruction, obstruction
from rtwin.trace.world.place import place
from rtwin.trace.world.queries import (
    first_hit,
    ground_height_m,
    is_clear,
    is_inside,
    may_change_inside,
    segments_meet,
)
from rtwin.trace.world.remarks import link_remarks, remarks
from rtwin.trace.world.sources import (
    Part,
    SceneParts,
    load_parts,
    material_color,
    scene_file_meshes,
)
from rtwin.trace.world.triangles import NO_TRIANGLE
from rtwin.trace.world.world import (
    World,
    load_world,
    part_triangles,
    scene_hash,
    set_values,
    world_of_parts,
)

__all__ = [
    "NO_TRIANGLE",
    "HeightMap",
    "Obstruction",
    "Part",
    "SceneParts",
    "World",
    "apply_edits",
    "edited_world",
    "first_hit",
    "ground_height_m",
    "height_map",
    "is_clear",
    "is_inside",
    "link_remarks",
    "load_parts",
    "load_world",
    "material_color",
    "may_change_inside",
    "obstruction",
    "part_triangles",
    "place",
    "remarks",
    "scene_file_meshes",
    "scene_hash",
    "segments_meet",
    "set_values",
    "world_of_parts",
]
