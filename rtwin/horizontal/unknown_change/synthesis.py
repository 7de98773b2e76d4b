"""Worlds that might be, traced at the cells where something was measured."""

import numpy as np
from numpy.typing import ArrayLike

from rtwin.arrays import Floats, Ints
from rtwin.channel import path_gain
from rtwin.dataset.generation import standing_at, world_of_cells
from rtwin.errors import RtwinError
from rtwin.horizontal.edits import Edit, Edits, apply_edits
from rtwin.horizontal.levels import floored_db
from rtwin.horizontal.twin import TwinState
from rtwin.horizontal.unknown_change.cell_paths import StoredTwin, cell_paths
from rtwin.trace import Tracer, is_inside, world_of_parts


def stored_twin(
    state: TwinState, sigma_db: ArrayLike = 0.0, path_gain: ArrayLike | None = None
) -> StoredTwin:
    """What the layer of unknown changes needs of a twin's state.

    Args:
        state: The twin; cells in rows of [cell_y * num_x + cell_x].
        sigma_db: What the twin says that its gain is uncertain by, [tx, cell_y, cell_x]
            dB or one number.
        path_gain: The twin's map where it was corrected since it was traced, linear,
            [tx, cell_y, cell_x]; default: that of its paths.
    """
    cells = state.grid.centers_m.reshape(-1, 3)
    paths = []
    for number, tx in enumerate(state.recipe.transmitter):
        traced = state.paths(number)
        objects = state.path_objects(traced.triangle)
        paths.append(cell_paths(traced, objects, cells, tx.position_m))
    gain = state.maps["path_gain"] if path_gain is None else np.asarray(path_gain)
    sigma = np.broadcast_to(np.asarray(sigma_db, np.float64), gain.shape)
    num_tx = len(paths)
    return StoredTwin(
        state.recipe,
        cells,
        state.grid.cell_size_m,
        floored_db(gain.reshape(num_tx, -1)),
        sigma.reshape(num_tx, -1).copy(),
        tuple(paths),
        parts=state.parts,
    )


class Synthesis:
    """Gains of a twin's cells in worlds that differ from its own by some edits."""

    def __init__(self, twin: StoredTwin) -> None:
        self._recipe, self._parts, self._cell_m = twin.recipe, twin.parts, twin.cell_m
        self._order = twin.names
        self.num_traces = 0

    def gain_db(self, edits: tuple[Edit, ...], cells: Ints) -> Floats | None:
        """Path gain of some cells after edits, [tx, cell] dB, or None if they cannot be.

        They cannot where an edit is refused or a transmitter would stand inside an object.
        """
        try:
            recipe, parts = self._recipe, self._parts
            if edits:
                recipe, parts = apply_edits(Edits(edit=edits), recipe, parts)
            world = world_of_cells(world_of_parts(recipe, parts))
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
