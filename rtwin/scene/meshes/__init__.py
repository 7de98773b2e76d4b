"""What stands in a scene as triangles and volumes, without the ray tracer."""

from rtwin.scene.meshes.cache import mesh_arrays
from rtwin.scene.meshes.geometry import (
    MAX_MESH_BYTES,
    MESH_FORMATS,
    SceneMesh,
    build_mesh,
    build_meshes,
    unreadable,
)
from rtwin.scene.meshes.vegetation import Volume, lengths_m, vegetation_volumes

__all__ = [
    "MAX_MESH_BYTES",
    "MESH_FORMATS",
    "SceneMesh",
    "Volume",
    "build_mesh",
    "build_meshes",
    "lengths_m",
    "mesh_arrays",
    "unreadable",
    "vegetation_volumes",
]
