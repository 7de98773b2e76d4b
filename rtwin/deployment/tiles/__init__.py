"""Deployment on real twins: tiles of a city, what is built and measured in them, and policies.

tiles -> twin folders, every rung measured -> stream of edits and reports -> policies -> slices
"""

from rtwin.deployment.tiles.city import City, Rung, Tile, TileStudy, build_city
from rtwin.deployment.tiles.stream import CHOICES, POLICIES, Course, run_policy
from rtwin.deployment.tiles.study import TileFindings, run_tiles, tile_results

__all__ = [
    "CHOICES",
    "POLICIES",
    "City",
    "Course",
    "Rung",
    "Tile",
    "TileFindings",
    "TileStudy",
    "build_city",
    "run_policy",
    "run_tiles",
    "tile_results",
]
