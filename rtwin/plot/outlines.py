"""Outlines of buildings, seen from above, under whatever else a map shows."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rtwin.arrays import Floats
from rtwin.errors import RtwinError
from rtwin.scene import (
    AddObject,
    Edit,
    MoveObject,
    Recipe,
    RemoveObject,
    edits_from_dict,
    is_vegetation,
    recipe_from_dict,
)
from rtwin.scene.objects import SceneObject
from rtwin.scene.surfaces import Surface, object_surface, surfaces

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import LineCollection

COLOR, WIDTH = "#3C3C3C", 0.6
_LOW_M = 0.5  # what is lower is a floor, not a building
_LEAST_M2 = 1e-4
_WORTH_M2 = 0.25
_GRID_M, _GAP_M = 0.01, 0.05


def draw_outlines(axes: "Axes", attributes: dict[str, Any]) -> None:
    """Draw the outlines of the scene that a file's attributes speak of.

    Args:
        axes: With its limits, which stay.
        attributes: Of a dataset or map: the recipe, and where its files were if that is
            known. Nothing is drawn where the scene is not known, or its files are gone.
    """
    axes.add_collection(outline_lines(outlines(attributes)), autolim=False)


def outline_lines(rings: list[Floats]) -> "LineCollection":
    """What `outlines` gives, to be added to axes."""
    from matplotlib.collections import LineCollection

    return LineCollection(rings, colors=COLOR, linewidths=WIDTH, zorder=2, gid="outlines")


def outlines(attributes: dict[str, Any]) -> list[Floats]:
    """The outlines of a file's scene from above, closed rings or lines, [corner, 2] m each.

    Ground, vegetation and pavements have none. Of a twin they are those after its edits.

    Args:
        attributes: As those of `draw_outlines`.
    Checked by tests/plot/test_outlines.py.
    """
    folder = attributes.get("scene_folder")
    try:
        recipe = recipe_from_dict(attributes["recipe"], folder=str(folder or "."))
        found: dict[str, list[Floats]] = {}
        for name, ring in _lines(recipe, folder is not None):
            found.setdefault(name, []).append(ring)
        for tables in attributes.get("edits") or ():
            for edit in edits_from_dict(tables).edit:
                _apply(edit, found, recipe, folder is not None)
    except (KeyError, RtwinError):
        return []
    return [ring for rings in found.values() for ring in rings]


def _apply(edit: Edit, found: dict[str, list[Floats]], recipe: Recipe, has_files: bool) -> None:
    """What an edit does to the rings of objects."""
    if isinstance(edit, RemoveObject):
        found.pop(edit.object, None)
    elif isinstance(edit, AddObject):
        found[edit.object.name] = [
            ring for _, ring in _of_objects([edit.object], recipe, has_files)
        ]
    elif isinstance(edit, MoveObject) and found.get(edit.object):
        rings = found[edit.object]
        ends = np.cumsum([len(ring) for ring in rings])[:-1]
        found[edit.object] = np.split(edit.moved(np.concatenate(rings)), ends)


def _lines(recipe: Recipe, has_files: bool) -> Iterator[tuple[str, Floats]]:
    """Names of objects, each with a ring of it."""
    yield from _of_objects(recipe.object, recipe, has_files)
    if recipe.geometry.sionna or (recipe.geometry.file and has_files):
        found = list(surfaces(recipe))
        lowest = min(float(surface.vertices[:, 2].min()) for surface in found)
        for surface in found:
            # Buildings may come as walls and flat roofs; a pavement is no roof.
            if not surface.is_ground and surface.vertices[:, 2].max() > lowest + _LOW_M:
                yield from ((surface.name, ring) for ring in _shadow(surface))


def _of_objects(
    objects: Sequence[SceneObject], recipe: Recipe, has_files: bool
) -> Iterator[tuple[str, Floats]]:
    ground = recipe.geometry.ground
    for item in objects:
        spec = recipe.materials.get(item.material)
        if item.name in ground or item.shape == "plane" or is_vegetation(item.material, spec):
            continue
        rings: Iterable[Floats] = ()
        if item.shape == "wall":
            rings = [np.array([item.from_m, item.to_m])]
        elif item.shape == "extrude":
            rings = [np.array([*ring, ring[0]]) for ring in (item.footprint, *item.holes)]
        elif item.shape == "box" or has_files:
            rings = _shadow(object_surface(item, recipe))
        yield from ((item.name, ring) for ring in rings)


def _shadow(surface: Surface) -> Iterator[Floats]:
    """Rings around what triangles cover of the ground."""
    import shapely

    corners = surface.vertices[surface.faces][:, :, :2]
    across = corners[:, 1:] - corners[:, :1]
    area = np.abs(across[:, 0, 0] * across[:, 1, 1] - across[:, 0, 1] * across[:, 1, 0]) / 2
    covered = shapely.union_all(shapely.polygons(corners[area > _LEAST_M2]), grid_size=_GRID_M)
    # Facets of a roof meet within the grid: what is left open between them is no edge.
    closed = covered.buffer(_GAP_M, join_style="mitre").buffer(-_GAP_M, join_style="mitre")
    covered = shapely.set_precision(closed, _GRID_M)
    for part in shapely.get_parts(covered):
        if part.geom_type == "Polygon" and part.area > _WORTH_M2:
            yield from (np.array(ring.coords) for ring in (part.exterior, *part.interiors))
