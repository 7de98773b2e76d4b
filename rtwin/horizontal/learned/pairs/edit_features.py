"""What an edit does to a map as far as stored paths tell at once: no ray but the direct one.

This is the prior that the network corrects, and the cheap rung of the benchmark:
paths over what is gone or behind what is new are taken out, paths through what
is gone gain what it cost, those of another material or antenna are weighted anew.
Paths that only exist afterwards are not known here.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rtwin.channel import InteractionType, tr38901_element_gain_db
from rtwin.horizontal.edits import Differences
from rtwin.horizontal.learned.pairs.observed import (
    ObservedMap,
    free_space_db,
    segments_cross,
    slab_powers_db,
    volume_box,
)
from rtwin.horizontal.learned.pairs.scenes import structure_of
from rtwin.horizontal.levels import Floats
from rtwin.scene import Recipe, Transmitter
from rtwin.trace import World, is_clear
from rtwin.units import azimuth_zenith, rotation_matrix

GEOMETRY = (
    "lost",
    "blocked",
    "crosses_old",
    "crosses_new",
    "mirror_old_db",
    "mirror_new_db",
    "far_old_m",
    "far_new_m",
    "clear_before",
    "clear_after",
)
_NOWHERE_M = 200.0
_NO_MIRROR_DB = -150.0
_CROWN_M = 4.0  # the usual way through a tree


@dataclass(frozen=True, eq=False)
class EditFeatures:
    """What is known of an edit before anything is traced."""

    prior: Floats  # [cell, 4], STATISTICS
    geometry: Floats  # [cell, 10], GEOMETRY
    changed: frozenset[str]  # objects, by their names in ObjectTable
    slab_db: tuple[float, float]  # mirrored and passed power of the changed surface, now
    moved_m: Floats  # [3], displacement of the transmitter
    inside: NDArray[np.bool_]  # [cell], inside a new box: no place for a receiver


def edit_features(
    before: ObservedMap, after: World, found: Differences, power_db: float = 0.0
) -> EditFeatures:
    """The prior and the geometry of an edit for every cell.

    Args:
        before: The map with its paths.
        after: The edited world.
        found: What differs between the two.
        power_db: By how much the transmitter is fed more.
    """
    old_tx, new_tx = before.world.recipe.transmitter[0], after.recipe.transmitter[0]
    count = len(before.paths.delay_s)
    weight = np.full(count, 10 ** (power_db / 10)) * _antenna_weight(before, old_tx, new_tx)
    lost, blocked = np.zeros(count, bool), np.zeros(count, bool)
    slab = (-40.0, 0.0)
    for change in found.objects:
        on = _touches(before, change.name)
        if change.kind == "material" or change.new_box_m is not None:
            slab = _slab_of(after, change.name)
        if change.kind == "material":
            weight *= _material_weight(before, on, change.name, slab)
            lost |= on.any(axis=1)
            continue
        if change.old_box_m is not None:
            gone, opened = _without(before, on, change.name)
            weight = np.where(gone, 0.0, weight * opened)
            lost |= on.any(axis=1)
        if change.new_box_m is not None:
            behind = before.crossed(change.new_box_m) & ~on.any(axis=1)
            # A solid has two faces.
            weight = np.where(behind, weight * 10 ** (2 * slab[1] / 10), weight)
            blocked |= behind
    moved = np.subtract(new_tx.position_m, old_tx.position_m)
    prior = before.weighted(weight)
    cells = before.cells_m
    old_box, new_box = _boxes(found)
    if np.any(moved):
        start = np.linalg.norm(cells - old_tx.position_m, axis=1)
        end = np.linalg.norm(cells - new_tx.position_m, axis=1)
        prior[:, 0] += 20 * np.log10(start / np.maximum(end, 0.1))
    tx_m = np.asarray(new_tx.position_m, np.float64)
    frequency = after.recipe.frequency_hz
    start_m = np.broadcast_to(tx_m, cells.shape)
    geometry = np.stack(
        [
            before.share(lost.astype(float)),
            before.share(blocked.astype(float)),
            _crosses(start_m, cells, old_box),
            _crosses(start_m, cells, new_box),
            _mirror_db(tx_m, cells, old_box, frequency) + slab[0],
            _mirror_db(tx_m, cells, new_box, frequency) + slab[0],
            _far(cells, old_box),
            _far(cells, new_box),
            before.statistics[:, 3],
            is_clear(after, start_m, cells).astype(float),
        ],
        axis=-1,
    )
    names = frozenset(structure_of(c.name) for c in found.objects)
    inside = _far(cells, new_box) <= 0 if new_box is not None else np.zeros(len(cells), bool)
    return EditFeatures(prior, geometry, names, slab, moved, inside)


def _touches(before: ObservedMap, name: str) -> NDArray[np.bool_]:
    """Where paths touch a part or go through a volume, [path, depth]."""
    world = before.world
    on = np.zeros(before.part.shape, bool)
    if name in world.object_names:
        on = before.part == world.object_names.index(name)
    for volume in world.volumes:
        if volume.name == name:
            through = before.crossed(volume_box(volume)) & (before.paths.vegetation_loss_db > 0)
            on[:, 0] |= through
    return on


def _without(
    before: ObservedMap, on: NDArray[np.bool_], name: str
) -> tuple[NDArray[np.bool_], Floats]:
    """Paths that end with an object, and the factor of those that only went through it."""
    if name not in before.world.object_names:
        return np.zeros(len(on), bool), np.where(
            on.any(axis=1), 10 ** (before.paths.vegetation_loss_db / 10), 1.0
        )
    through = before.paths.interactions == InteractionType.REFRACTION
    gone = (on & ~through).any(axis=1)
    passed_db = _slab_of(before.world, name)[1]
    return gone, 10 ** (-passed_db * (on & through).sum(axis=1) / 10)


def _material_weight(
    before: ObservedMap, on: NDArray[np.bool_], name: str, slab: tuple[float, float]
) -> Floats:
    old = _slab_of(before.world, name)
    through = before.paths.interactions == InteractionType.REFRACTION
    mirrored = (on & ~through).sum(axis=1) * (slab[0] - old[0])
    passed = (on & through).sum(axis=1) * (slab[1] - old[1])
    return 10 ** ((mirrored + passed) / 10)


def _slab_of(world: World, name: str) -> tuple[float, float]:
    if name not in world.object_names:
        leaves = next(v for v in world.volumes if v.name == name)
        loss = float(world.foliage[leaves.material].loss_db(_CROWN_M))
        return -40.0, -loss / 2
    triangles = world.triangles
    row = int(np.flatnonzero(triangles.object == world.object_names.index(name))[0])
    material = world.materials[world.material_names[int(triangles.material[row])]]
    return slab_powers_db(material, world.recipe.frequency_hz)


def _antenna_weight(before: ObservedMap, old: Transmitter, new: Transmitter) -> Floats:
    if old.orientation_rad == new.orientation_rad and old.antenna == new.antenna:
        return np.ones(len(before.paths.delay_s))
    azimuth, zenith = before.paths.aod_azimuth, before.paths.aod_zenith
    gains = [_element_gain_db(device, azimuth, zenith) for device in (old, new)]
    return 10 ** ((gains[1] - gains[0]) / 10)


def element_gain_db(recipe: Recipe, points_m: Floats) -> Floats:
    """Gain of the transmitter's element towards points [n, 3], over its boresight [dB]."""
    tx = recipe.transmitter[0]
    azimuth, zenith = azimuth_zenith(points_m - np.asarray(tx.position_m))
    return _element_gain_db(tx, azimuth, zenith)


def _element_gain_db(tx: Transmitter, azimuth: Floats, zenith: Floats) -> Floats:
    if tx.antenna.pattern != "tr38901":
        return np.zeros(len(azimuth))
    out = np.stack(
        [np.sin(zenith) * np.cos(azimuth), np.sin(zenith) * np.sin(azimuth), np.cos(zenith)],
        axis=-1,
    )
    local = azimuth_zenith(out @ rotation_matrix(tx.orientation_rad))
    return tr38901_element_gain_db(*np.degrees(local))


def _boxes(found: Differences) -> tuple[Floats | None, Floats | None]:
    """Boxes around everything that was there and everything that is."""
    old = [c.old_box_m for c in found.objects if c.old_box_m is not None and c.kind != "material"]
    new = [c.new_box_m for c in found.objects if c.new_box_m is not None and c.kind != "material"]
    around = [
        np.stack([np.min(b, axis=0)[0], np.max(b, axis=0)[1]]) if b else None for b in (old, new)
    ]
    return around[0], around[1]


def _crosses(start_m: Floats, cells: Floats, box: Floats | None) -> Floats:
    if box is None:
        return np.zeros(len(cells))
    return segments_cross(start_m, cells, box).astype(float)


def _far(cells: Floats, box: Floats | None) -> Floats:
    """Horizontal distance of cells from a box [m], 0 inside."""
    if box is None:
        return np.full(len(cells), _NOWHERE_M)
    outside = np.maximum(np.maximum(box[0, :2] - cells[:, :2], cells[:, :2] - box[1, :2]), 0)
    return np.linalg.norm(outside, axis=1)


def _mirror_db(tx_m: Floats, cells: Floats, box: Floats | None, frequency_hz: float) -> Floats:
    """Friis' gain over the best of a box's four walls as mirrors [dB]; nothing else in the way."""
    best = np.full(len(cells), _NO_MIRROR_DB)
    if box is None:
        return best
    for axis in (0, 1):
        other = 1 - axis
        for side, outward in ((0, -1.0), (1, 1.0)):
            plane = box[side, axis]
            here, there = outward * (tx_m[axis] - plane), outward * (cells[:, axis] - plane)
            if here <= 0:
                continue
            part = here / np.maximum(here + there, 1e-9)
            at = tx_m + part[:, None] * (cells - tx_m)
            on = (there > 0) & (at[:, other] > box[0, other]) & (at[:, other] < box[1, other])
            on &= (at[:, 2] > box[0, 2]) & (at[:, 2] < box[1, 2])
            image = tx_m.copy()
            image[axis] = 2 * plane - tx_m[axis]
            gain = free_space_db(np.linalg.norm(cells - image, axis=1), frequency_hz)
            best = np.where(on, np.maximum(best, gain), best)
    return best
