"""Worlds that might be, traced at the cells where something was measured."""

from dataclasses import fields

import numpy as np

from rtwin.channel import path_gain
from rtwin.errors import RtwinError
from rtwin.horizontal.edits import Edit, Edits, apply_edits
from rtwin.horizontal.stored import CellPaths, Real, Rows, StoredTwin, cell_paths, floored_db
from rtwin.scene import Receivers, Recipe, recipe_dict, recipe_from_dict
from rtwin.trace import (
    NO_TRIANGLE,
    SceneParts,
    TracedPaths,
    Tracer,
    World,
    is_inside,
    world_of_parts,
)


def _heard_everywhere(recipe: Recipe) -> Recipe:
    """The recipe with the receivers that path maps use: isotropic, both polarisations."""
    data = recipe_dict(recipe)
    data["receivers"] = {"kind": "list", "positions_m": [[0, 0, 0]],
                         "antenna": {"polarization": "VH"}}  # fmt: skip
    return recipe_from_dict(data, recipe.name, recipe.folder)


def standing_at(position_m: Real) -> Receivers:
    """Receivers at rest at some places [m], [rx, 3]."""
    still = np.zeros_like(position_m)
    return Receivers(
        position_m=position_m, velocity_m_s=still, orientation_rad=still, time_s=None,
        candidate=np.arange(len(position_m)), num_candidates=len(position_m),
        num_inside=0, num_underground=0, num_without_ground=0,
    )  # fmt: skip


def store_twin(
    recipe: Recipe, parts: SceneParts, cell_m: Real, cell_size_m: float, sigma_db: float = 0.0
) -> StoredTwin:
    """Trace a twin of the middles of some cells [m], [cell, 3]."""
    world = world_of_parts(_heard_everywhere(recipe), parts)
    traced = Tracer(world).trace(standing_at(cell_m))
    paths = tuple(
        _paths_of(world, traced, cell_m, number) for number in range(len(recipe.transmitter))
    )
    gain = np.stack([floored_db(p.path_gain()) for p in paths])
    return StoredTwin(
        recipe, parts, cell_m, cell_size_m, gain, np.full(gain.shape, sigma_db), paths
    )


def _paths_of(world: World, traced: TracedPaths, cell_m: Real, tx: int) -> CellPaths:
    """The paths of one transmitter out of those of all."""
    num_tx = len(world.recipe.transmitter)
    link = np.repeat(np.arange(len(traced.num_paths)), traced.num_paths)
    rows = np.flatnonzero(link % num_tx == tx)
    own = {
        field.name: getattr(traced, field.name)[rows]
        for field in fields(traced) if field.name != "num_paths"
    }  # fmt: skip
    alone = TracedPaths(num_paths=traced.num_paths[tx::num_tx], **own)
    there = alone.triangle != NO_TRIANGLE
    objects = np.where(there, world.triangles.object[np.where(there, alone.triangle, 0)], -1)
    return cell_paths(alone, objects, cell_m, world.recipe.transmitter[tx].position_m)


class Synthesis:
    """Gains of a twin's cells in worlds that differ from its own by some edits."""

    def __init__(self, twin: StoredTwin) -> None:
        self._recipe, self._parts, self._cell_m = twin.recipe, twin.parts, twin.cell_m
        self._order = twin.names
        self.num_traces = 0

    def gain_db(self, edits: tuple[Edit, ...], cells: Rows) -> Real | None:
        """Path gain of some cells after edits, [tx, cell] dB, or None if they cannot be.

        They cannot be made, or a transmitter would stand inside an object.
        """
        try:
            recipe, parts = self._recipe, self._parts
            if edits:
                recipe, parts = apply_edits(Edits(edit=edits), recipe, parts)
            world = world_of_parts(_heard_everywhere(recipe), parts)
            places = np.array([tx.position_m for tx in recipe.transmitter])
            if edits and is_inside(world, places).any():
                return None
        except RtwinError:
            return None
        self.num_traces += 1
        traced = Tracer(world).trace(standing_at(self._cell_m[cells]))
        names = [tx.name for tx in recipe.transmitter]
        gain = path_gain(traced.path_set(recipe.frequency_hz)).reshape(len(cells), -1).T
        return floored_db(gain[[names.index(name) for name in self._order]])
