"""Pictures: the triangles of a twin's scene, and the scene with its files' contents on it."""

from rtwin.dataset.pictures.mesh import SceneMesh, scene_mesh
from rtwin.dataset.pictures.picture import render_scene

__all__ = [
    "SceneMesh",
    "render_scene",
    "scene_mesh",
]
