"""A map with the paths behind it: what each cell receives, and through which objects."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from rtwin.channel import PATH_GEOMETRY, InteractionType, PathSet
from rtwin.channel.reference import complex_permittivity, slab_reflection_transmission
from rtwin.channel.segments import rank_in_row, row_offsets
from rtwin.dataset.pathmap import path_statistics, standing_at
from rtwin.horizontal.learned.pairs.scenes import structure_of
from rtwin.horizontal.levels import Floats
from rtwin.scene import Material, Volume
from rtwin.trace import NO_TRIANGLE, TracedPaths, Tracer, World
from rtwin.units import wavelength_m

FLOOR_DB = -120.0  # a path gain below it is not seen by a receiver
MAX_OBJECTS = 48
STATISTICS = ("path_gain_db", "delay_spread_s", "angular_spread_rad", "line_of_sight")


def statistics(paths: PathSet) -> Floats:
    """STATISTICS of each link, [link, 4]; path gain at least FLOOR_DB, spreads 0 without a path.

    The angular spread is that of the azimuth of arrival.
    """
    found = path_statistics(paths)
    gain = 10 * np.log10(np.maximum(found["path_gain"], 10 ** (FLOOR_DB / 10)))
    columns = (
        gain,
        np.nan_to_num(found["rms_delay_spread_s"]),
        np.nan_to_num(found["aoa_azimuth_spread"]),
        found["line_of_sight"],
    )
    return np.stack(columns, axis=-1).astype(np.float64)


def fed_db(gain_db: Floats, power_db: float) -> Floats:
    """Path gains with more power from the transmitter, as a receiver sees them [dB]."""
    return np.where(gain_db > FLOOR_DB, np.maximum(gain_db + power_db, FLOOR_DB), FLOOR_DB)


@dataclass(frozen=True, eq=False)
class ObjectTable:
    """The objects of a world that a map's cells hear, one row each.

    Walls and roof of a house are one object; `index` gives the row of each of
    the world's parts, -1 for those too weak to be listed.
    """

    names: tuple[str, ...]
    box_m: Floats  # [object, 2, 3]
    material: Floats  # [object, 2]: reflected and passed power at normal incidence [dB]
    is_ground: NDArray[np.bool_]
    reflected: Floats  # [cell, object], share of the cell's power that the object mirrors
    passed: Floats  # [cell, object], share that passes through it


@dataclass(frozen=True, eq=False)
class ObservedMap:
    """Cells with their paths from one transmitter."""

    world: World
    cells_m: Floats  # [cell, 3]
    paths: TracedPaths

    @cached_property
    def path_set(self) -> PathSet:
        return self.paths.path_set(self.world.recipe.frequency_hz)

    @cached_property
    def statistics(self) -> Floats:
        return statistics(self.path_set)

    @cached_property
    def power(self) -> Floats:
        """[path]"""
        return self.path_set.power

    @cached_property
    def cell(self) -> NDArray[np.int64]:
        """Cell of each path, [path]."""
        return self.path_set.link_index

    @cached_property
    def part(self) -> NDArray[np.int64]:
        """Index in World.object_names of what a path touches, [path, depth]; -1 for nothing."""
        triangle = self.paths.triangle
        on = (self.paths.interactions != 0) & (triangle != NO_TRIANGLE)
        found = np.full(triangle.shape, -1, np.int64)
        found[on] = self.world.triangles.object[triangle[on]]
        return found

    @cached_property
    def points_m(self) -> Floats:
        """Transmitter, vertices and cell of each path [m], [path, depth + 2, 3]."""
        vertex = self.paths.vertex_m.astype(np.float64)
        end = self.cells_m[self.cell]
        middle = np.where(np.isnan(vertex), end[:, None], vertex)
        start = np.broadcast_to(self.world.recipe.transmitter[0].position_m, end.shape)
        return np.concatenate([start[:, None], middle, end[:, None]], axis=1)

    @cached_property
    def strongest(self) -> NDArray[np.int64]:
        """The strongest path of each cell, [cell]; -1 where none."""
        order = np.lexsort((-self.power, self.cell))
        num_paths = self.paths.num_paths
        first = np.full(len(num_paths), -1, np.int64)
        first[num_paths > 0] = order[row_offsets(num_paths)[:-1][num_paths > 0]]
        return first

    def share(self, weight: Floats) -> Floats:
        """Share of each cell's power, where `weight` [path] says what counts, [cell]."""
        total = np.bincount(self.cell, self.power, len(self.cells_m))
        part = np.bincount(self.cell, self.power * weight, len(self.cells_m))
        return np.divide(part, total, out=np.zeros_like(total), where=total > 0)

    def crossed(self, box_m: Floats) -> NDArray[np.bool_]:
        """Whether a stretch of each path goes through a box [2, 3], [path]."""
        points = self.points_m
        hit = np.zeros(len(points), bool)
        for k in range(points.shape[1] - 1):
            hit |= segments_cross(points[:, k], points[:, k + 1], box_m)
        return hit

    def weighted(self, weight: Floats) -> Floats:
        """STATISTICS with the power of each path times a weight [path], [cell, 4]."""
        if (weight == 1).all():
            return self.statistics.copy()
        kept = weight > 0
        paths = self.path_set
        chosen = {name: getattr(paths, name)[kept] for name in PATH_GEOMETRY}
        scaled = paths.a[kept] * np.sqrt(weight[kept])[:, None, None]
        count = np.bincount(self.cell[kept], minlength=len(self.cells_m))
        return statistics(replace(paths, num_paths=count, a=scaled, **chosen))

    @cached_property
    def objects(self) -> ObjectTable:
        """The MAX_OBJECTS objects that carry most power, the ground among them."""
        world = self.world
        owner = [structure_of(n) for n in world.object_names]
        owner += [volume.name for volume in world.volumes]
        names = list(dict.fromkeys(owner))
        row = np.array([names.index(n) for n in owner])
        total = np.bincount(self.cell, self.power, len(self.cells_m))
        relative = self.power / np.maximum(total[self.cell], 1e-300)
        shares = np.zeros((2, len(self.cells_m), len(names)))
        rank = rank_in_row(self.paths.num_paths)
        assert len(rank) == len(self.cell)
        for depth in range(self.part.shape[1]):
            on = self.part[:, depth] >= 0
            # An object that a path meets twice counts once.
            objects = row[self.part[:, depth]]
            for earlier in range(depth):
                before = self.part[:, earlier]
                on &= (before < 0) | (row[before] != objects)
            through = self.paths.interactions[:, depth] == InteractionType.REFRACTION
            for channel, which in ((0, ~through), (1, through)):
                pick = on & which
                np.add.at(shares[channel], (self.cell[pick], objects[pick]), relative[pick])
        leafy = self.paths.vegetation_loss_db > 0
        for volume in world.volumes:
            pick = leafy & self.crossed(volume_box(volume))
            column = np.intp(names.index(volume.name))
            np.add.at(shares[1], (self.cell[pick], column), relative[pick])
        boxes = _boxes(world, row, len(names))
        ground = np.zeros(len(names), bool)
        ground[[row[i] for i in world.ground]] = True
        carried = shares.sum(axis=(0, 1)) + 1e9 * ground
        chosen = np.sort(np.argsort(-carried, kind="stable")[:MAX_OBJECTS])
        return ObjectTable(
            names=tuple(names[i] for i in chosen),
            box_m=boxes[chosen],
            material=np.array([_part_material(world, row, i) for i in chosen]),
            is_ground=ground[chosen],
            reflected=shares[0][:, chosen],
            passed=shares[1][:, chosen],
        )


def observe(world: World, cells_m: Floats) -> ObservedMap:
    """Trace a world's paths to every cell [cell, 3]."""
    return ObservedMap(world, cells_m, Tracer(world).trace(standing_at(cells_m)))


def segments_cross(start_m: Floats, end_m: Floats, box_m: Floats) -> NDArray[np.bool_]:
    """Whether segments [n, 3] meet an axis-parallel box [2, 3], [n] (slab test)."""
    way = end_m - start_m
    safe = np.where(np.abs(way) < 1e-12, 1e-12, way)
    near, far = (box_m[0] - start_m) / safe, (box_m[1] - start_m) / safe
    enter = np.minimum(near, far).max(axis=1)
    leave = np.maximum(near, far).min(axis=1)
    # The very ends do not count: a mirror point lies on its own box.
    return (enter < leave) & (leave > 1e-6) & (enter < 1 - 1e-6)


def slab_powers_db(material: Material, frequency_hz: float) -> tuple[float, float]:
    """Reflected and passed power of a slab at normal incidence [dB], at least -40."""
    permittivity = complex_permittivity(
        material.relative_permittivity, material.conductivity_s_per_m, frequency_hz
    )
    slab = slab_reflection_transmission(0.0, permittivity, material.thickness_m, frequency_hz)
    powers = np.abs([complex(slab[0]), complex(slab[2])]) ** 2
    reflected, passed = 10 * np.log10(np.maximum(powers, 1e-4))
    return float(reflected), float(passed)


def volume_box(volume: Volume) -> Floats:
    """Box of a volume of vegetation [m], [2, 3]."""
    outline = np.asarray(volume.outline_m, np.float64)
    return np.array([[*outline.min(axis=0), volume.base_m], [*outline.max(axis=0), volume.top_m]])


def free_space_db(distance_m: Floats, frequency_hz: float) -> Floats:
    """Friis' path gain between isotropic antennas [dB]."""
    return 20 * np.log10(wavelength_m(frequency_hz) / (4 * np.pi * np.maximum(distance_m, 0.1)))


def _boxes(world: World, row: NDArray[np.int64], count: int) -> Floats:
    triangles = world.triangles
    corners = triangles.vertices.astype(np.float64)
    owner = row[triangles.object]
    boxes = np.stack([np.full((count, 3), np.inf), np.full((count, 3), -np.inf)], axis=1)
    np.minimum.at(boxes[:, 0], owner, corners.min(axis=1))
    np.maximum.at(boxes[:, 1], owner, corners.max(axis=1))
    for number, volume in enumerate(world.volumes):
        boxes[row[len(world.object_names) + number]] = volume_box(volume)
    return boxes


def _part_material(world: World, row: NDArray[np.int64], number: int) -> tuple[float, float]:
    """Slab powers of an object's first part; of vegetation nothing mirrored, 6 dB lost."""
    parts = np.flatnonzero(row[: len(world.object_names)] == number)
    if not len(parts):
        return -40.0, -6.0
    triangle = int(np.flatnonzero(world.triangles.object == parts[0])[0])
    name = world.material_names[int(world.triangles.material[triangle])]
    return slab_powers_db(world.materials[name], world.recipe.frequency_hz)
