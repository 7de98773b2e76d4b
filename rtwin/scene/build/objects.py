"""From a map in scene coordinates to the objects of a scene."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rtwin.errors import GeometryError
from rtwin.progress import Count, uncounted
from rtwin.scene.build.built import EMBEDDED_M, BuiltObject, Kind, of_solid
from rtwin.scene.build.elements import Box, Element, MapData, Notes
from rtwin.scene.build.shapes.footprints import Footprint, footprints
from rtwin.scene.build.shapes.ground import ground_objects, water_areas
from rtwin.scene.build.shapes.plants import crown, vegetation
from rtwin.scene.build.shapes.roofs import (
    SHAPES,
    BuildingMesh,
    building_mesh,
    frame_of,
    roof_rise_m,
)
from rtwin.scene.build.shapes.structures import IS_STRUCTURE, structures
from rtwin.scene.build.shapes.terrain import Terrain, ground_under
from rtwin.scene.build.sizes import absurd_sizes
from rtwin.scene.build.tags import (
    HeightRule,
    compass_deg,
    is_bridge,
    is_built,
    kind_of,
    main_tag,
    roof_material,
    usable,
    wall_material,
)

MARGIN_M = 30.0
MAX_BUILDINGS = 20_000


@dataclass(frozen=True)
class BuiltScene:
    """Everything that a scene folder is written from."""

    objects: list[BuiltObject]
    ways: list[Element]
    box: Box  # the ground's extent [m]
    notes: Notes
    default_heights: list[str] = field(default_factory=list)  # names of the objects
    hanging: list[str] = field(default_factory=list)  # names of bridges and rooms over passages
    unused: Notes = field(default_factory=Counter)  # tags of what was left out

    def of(self, kind: Kind) -> list[BuiltObject]:
        """The objects of one kind."""
        return [item for item in self.objects if item.kind == kind]


def scene_box(merged: MapData) -> Box:
    """What the scene covers: the extract's own bounds, else its buildings, and a margin.

    Raises:
        GeometryError: if the map has no buildings, or reaches too far.
    """
    import shapely

    built = [e.geometry for e in merged.elements if _is_obstacle(e.tags)]
    boxes = [tuple(shapely.total_bounds(built))] if built else []
    for solid in merged.solids:
        low, high = solid.vertices.min(axis=0), solid.vertices.max(axis=0)
        boxes.append((*low[:2], *high[:2]))
    if not boxes:
        count = Counter(kind_of(e.tags) for e in merged.elements)
        seen = ", ".join(f"{n} {kind}" for kind, n in sorted(count.items())) or "nothing else"
        raise GeometryError(
            f"{merged.source}: holds 0 buildings ({seen}); give a map with building outlines"
        )
    stack = np.array(boxes)
    low, high = stack[:, :2].min(axis=0), stack[:, 2:].max(axis=0)
    if merged.bounds is not None:
        low = np.maximum(low, np.array(merged.bounds[:2]) - MARGIN_M)
        high = np.minimum(high, np.array(merged.bounds[2:]) + MARGIN_M)
        if (low >= high).any():
            raise GeometryError(f"{merged.source}: holds 0 buildings within the bounds asked for")
    low, high = np.floor(low - MARGIN_M), np.ceil(high + MARGIN_M)
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def build_objects(
    merged: MapData,
    box: Box,
    terrain: Terrain,
    rule: HeightRule,
    report: Count = uncounted,
) -> BuiltScene:
    """The objects of a scene.

    Args:
        merged: The map in scene coordinates.
        box: From scene_box.
        terrain: The ground.
        rule: Metres where the map gives none.
        report: Called with buildings done and in all.
    Raises:
        GeometryError: if no building is left, or there are too many.
    """
    import shapely

    notes = Counter(merged.notes)
    inside = shapely.box(*box)
    near = [e for e in merged.elements if e.geometry.intersects(inside)]
    far = Counter(main_tag(e.tags) for e in merged.elements if not e.geometry.intersects(inside))
    notes.update({f"{tag} outside of the scene's ground left out": n for tag, n in far.items()})
    near += structures(near, notes)
    many = sum(is_built(e.tags) for e in near)
    if many > MAX_BUILDINGS:  # said before an hour's work, not after it
        _check_count(many, box, merged.source, notes)
    prints = footprints(near, rule, notes)
    solids = [s for s in merged.solids if "building" in s.tags]
    _check_count(len(prints) + len(solids), box, merged.source, notes)
    base = ground_under([p.polygon for p in prints], terrain)
    objects: list[BuiltObject] = []
    defaults: list[str] = []
    hanging: list[str] = []
    for i, item in enumerate(prints):
        objects += _building(item, float(base[i]), notes)
        if item.hangs:
            hanging.append(item.name)
        if item.is_default:
            defaults.append(item.name)
        if i % 50 == 0:
            report(i, len(prints))
    report(len(prints), len(prints))
    objects += [of_solid(s, "building", notes) for s in solids]
    if any(item.is_mesh and not item.material for item in objects):
        raise AssertionError("a building without a material")
    _note_sizes(objects, notes)
    objects += vegetation(near, inside, terrain, notes)
    for solid in merged.solids:
        if kind_of(solid.tags) == "vegetation":
            objects.append(crown(solid))
        elif kind_of(solid.tags) == "water":
            objects.append(of_solid(solid, "water", notes))
    water = water_areas(near, inside, terrain)
    ground = [s for s in merged.solids if "ground" in s.tags]
    objects += ground_objects(box, terrain, water, ground, notes)
    ways = [_clipped(e, inside) for e in near if kind_of(e.tags) == "way"]
    ways = [way for way in ways if not way.geometry.is_empty]
    return BuiltScene(_named_apart(objects), ways, box, notes, defaults, hanging, merged.unused)


def _note_sizes(buildings: list[BuiltObject], notes: Notes) -> None:
    sizes = np.array([item.size_m for item in buildings]).reshape(-1, 3)
    large, small = absurd_sizes([item.name for item in buildings], sizes)
    if large:
        notes["objects over 1 km high or 5 km wide: are the --units right?"] = len(large)
    if small:
        notes["objects, none of them 2 m large: are the --units right?"] = len(small)


def _check_count(count: int, box: Box, source: str, notes: Notes) -> None:
    size = f"{(box[2] - box[0]) / 1e3:.3g} x {(box[3] - box[1]) / 1e3:.3g} km"
    if count == 0:
        why = "; ".join(f"{n} {what}" for what, n in notes.items()) or "none has an area"
        raise GeometryError(f"{source}: 0 buildings are left ({why})")
    if count > MAX_BUILDINGS:
        raise GeometryError(
            f"{source}: holds {count} buildings over {size}; at most {MAX_BUILDINGS} make a scene: "
            "cut out a part with --bbox SOUTH,WEST,NORTH,EAST"
        )


def _building(item: Footprint, ground_m: float, notes: Notes) -> Iterator[BuiltObject]:
    walls, roof = wall_material(item.tags, notes), roof_material(item.tags, notes)
    offset = 0.0 if item.is_absolute else ground_m
    base, top = item.base_m + offset, item.top_m + offset
    is_low = item.base_m == 0.0 if not item.is_absolute else base < ground_m + EMBEDDED_M
    base = min(base, ground_m) - EMBEDDED_M if is_low else base
    label = item.tags.get("name", "")
    kind: Kind = "structure" if IS_STRUCTURE in item.tags else "building"
    shape = _roof_shape(item, notes)
    if shape == "flat" and roof in (None, walls):
        yield BuiltObject(item.name, walls, kind, label, item.polygon, base, top)
        return
    mesh = _roofed(item, base, top, shape, notes)
    if mesh is None:
        notes["roofs that do not close drawn flat"] += 1
        yield BuiltObject(item.name, walls, kind, label, item.polygon, base, top)
        return
    shared: dict[str, Any] = {"kind": kind, "polygon": item.polygon, "top_m": top}
    if roof in (None, walls):
        faces = np.concatenate([mesh.wall_faces, mesh.roof_faces])
        yield BuiltObject(
            item.name, walls, label=label, vertices=mesh.vertices, faces=faces, **shared
        )
        return
    assert roof is not None
    for name, material, faces in (
        (item.name, walls, mesh.wall_faces),
        (f"{item.name}_roof", roof, mesh.roof_faces),
    ):
        yield BuiltObject(
            name, material, label=label, vertices=mesh.vertices, faces=faces, **shared
        )


def _roof_shape(item: Footprint, notes: Notes) -> str:
    given = item.tags.get("roof:shape", "flat")
    if given in ("flat", "no", "many") or item.is_absolute or item.top_m - item.base_m < 1.0:
        return "flat"
    shape = SHAPES.get(given)
    if shape is None:
        notes[f"roofs of shape '{given[:30]}' drawn flat"] += 1
        return "flat"
    if shape != given:
        notes[f"roofs of shape '{given[:30]}' drawn {shape}"] += 1
    return shape


def _roofed(
    item: Footprint, base_m: float, top_m: float, shape: str, notes: Notes
) -> BuildingMesh | None:
    across = item.tags.get("roof:orientation") == "across"
    frame = frame_of(item.polygon, usable(item.tags, "roof:direction", compass_deg, notes), across)
    rise = roof_rise_m(shape, item.polygon, item.top_m - item.base_m, item.roof_m)
    return building_mesh(item.polygon, base_m, top_m, rise, shape, frame)


def _is_obstacle(tags: dict[str, str]) -> bool:
    """Whether something stands there that radio meets, so that the ground must reach under it."""
    kind = kind_of(tags)
    is_solid = kind in ("building", "part", "structure", "bridge")
    return is_solid or (kind == "way" and is_bridge(tags))


def _clipped(way: Element, inside: Any) -> Element:
    line = way.geometry
    if line.geom_type in ("Polygon", "MultiPolygon"):
        line = line.boundary  # of a square people walk the rim
    return Element(way.name, way.tags, line.intersection(inside))


def _named_apart(objects: list[BuiltObject]) -> list[BuiltObject]:
    """Objects whose names differ, also where file systems do not tell cases apart."""
    taken: set[str] = set()
    result = []
    for item in objects:
        stem = re.sub(r"[^A-Za-z0-9_-]", "_", item.name)[:80] or "object"
        name, count = stem, 2
        while name.lower() in taken:
            name, count = f"{stem}_{count}", count + 1
        taken.add(name.lower())
        result.append(item if name == item.name else _renamed(item, name))
    return result


def _renamed(item: BuiltObject, name: str) -> BuiltObject:
    from dataclasses import replace

    return replace(item, name=name)
