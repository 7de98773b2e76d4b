"""Pictures of a scene, with devices, paths and a radio map drawn in."""

from rtwin.trace.pictures.drawing import MapOverlay, PathLines
from rtwin.trace.pictures.render import check_picture, render

__all__ = [
    "MapOverlay",
    "PathLines",
    "check_picture",
    "render",
]
