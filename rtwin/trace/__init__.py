"""The only door to Sionna RT, Mitsuba and Dr.Jit.

    recipe -> load_world -> place receivers -> Tracer.trace -> TracedPaths
                        \\-> trace_path_gain (radio maps)

Importing this package does not start the engine; the first call does.
"""

from rtwin.trace.engine import GPU_VARIANT, Engine, find_llvm, start_engine
from rtwin.trace.evaluate import evaluate_paths
from rtwin.trace.frozen import FrozenPaths, freeze_paths, restore_materials
from rtwin.trace.heights import HeightMap, height_map
from rtwin.trace.map_grid import MapGrid, map_grid
from rtwin.trace.map_sampling import MapSampling, map_sampling, undersampling_remark
from rtwin.trace.obstruction import Obstruction, obstruction
from rtwin.trace.partial import (
    Change,
    Effort,
    PartialTrace,
    keeps_chains,
    reach_of_change,
    retrace_transmitter,
)
from rtwin.trace.paths import Tracer
from rtwin.trace.place import place
from rtwin.trace.queries import (
    ground_height_m,
    is_clear,
    is_inside,
    may_change_inside,
    segments_meet,
)
from rtwin.trace.radiomap import num_lattices, trace_path_gain
from rtwin.trace.remarks import link_remarks, remarks
from rtwin.trace.sources import Part, SceneParts, load_parts, scene_file_meshes
from rtwin.trace.transmitter import (
    PATH_COLUMNS,
    StoredChains,
    TracedPaths,
    TransmitterTrace,
    traced_paths,
)
from rtwin.trace.world import (
    NO_TRIANGLE,
    World,
    load_world,
    part_triangles,
    scene_hash,
    world_of_parts,
)

__all__ = [
    "GPU_VARIANT",
    "NO_TRIANGLE",
    "PATH_COLUMNS",
    "Change",
    "Effort",
    "Engine",
    "FrozenPaths",
    "HeightMap",
    "MapGrid",
    "MapSampling",
    "Obstruction",
    "Part",
    "PartialTrace",
    "SceneParts",
    "StoredChains",
    "TracedPaths",
    "Tracer",
    "TransmitterTrace",
    "World",
    "evaluate_paths",
    "find_llvm",
    "freeze_paths",
    "ground_height_m",
    "height_map",
    "is_clear",
    "is_inside",
    "keeps_chains",
    "link_remarks",
    "load_parts",
    "load_world",
    "map_grid",
    "map_sampling",
    "may_change_inside",
    "num_lattices",
    "obstruction",
    "part_triangles",
    "place",
    "reach_of_change",
    "remarks",
    "restore_materials",
    "retrace_transmitter",
    "scene_file_meshes",
    "scene_hash",
    "segments_meet",
    "start_engine",
    "trace_path_gain",
    "traced_paths",
    "undersampling_remark",
    "world_of_parts",
]
