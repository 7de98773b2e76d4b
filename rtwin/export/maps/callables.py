"""A radio map as the function that system simulators ask for path gains: CRRM and AIMM."""

import numpy as np
from numpy.typing import ArrayLike

from rtwin.arrays import Floats, Ints
from rtwin.dataset import RadioMap
from rtwin.errors import OutOfRangeError
from rtwin.units import to_db

_WITHIN_M = 1.0  # of a transmitter is that transmitter


class RadioMapGains:
    """Path gains between a map's transmitters and any place of it, antennas included.

    CRRM takes `simulator.g.pathgain_function = gains.crrm`, with `simulator.g.antenna_gain =
    None`; AIMM takes `sim.make_UE(..., pathloss_model=gains.aimm)` and cells with
    `MIMO_gain_dB=0`. Where no ray came, and outside of the map, nothing arrives.

    Args:
        radio_map: The map; between its cells it is interpolated.
    Checked by tests/export/maps/test_callables.py, and in the simulators by
    tests/export/test_peers.py.
    """

    def __init__(self, radio_map: RadioMap) -> None:
        self._map = radio_map

    def crrm(self, d2d: ArrayLike, d3d: ArrayLike, ue_xyz: Floats, cell_xyz: Floats) -> Floats:
        """Path gain, linear, [ue, cell].

        Args:
            d2d, d3d: Distances, which are not asked for.
            ue_xyz: Places of users [m], [ue, 3] or [3].
            cell_xyz: Places of cells [m], [cell, 3], which must be the map's transmitters.
        Raises:
            OutOfRangeError: if a cell is none of them.
        """
        gain = self._gain(np.asarray(ue_xyz, np.float64), self._rows(np.asarray(cell_xyz[:])))
        return gain.reshape(np.shape(d2d))

    def aimm(self, cell_xyz: Floats, ue_xyz: Floats) -> float:
        """Path loss [dB] between a cell and a user, [3] m each; infinite where nothing arrives.

        Raises:
            OutOfRangeError: if the cell is no transmitter of the map.
        """
        row = self._rows(np.asarray(cell_xyz[:])[None])
        return float(-to_db(self._gain(np.asarray(ue_xyz[:], np.float64), row)[0, 0]))

    def _gain(self, ue_xyz: Floats, row: Ints) -> Floats:
        gain, _ = self._map.path_gain_at(np.atleast_2d(ue_xyz)[:, :2])
        return np.nan_to_num(gain)[:, row]

    def _rows(self, cell_xyz: Floats) -> Ints:
        """The transmitter that each cell is, [cell]."""
        away = np.linalg.norm(cell_xyz[:, None] - self._map.tx_position_m, axis=-1)
        if not (away.min(axis=1) <= _WITHIN_M).all():
            worst = cell_xyz[away.min(axis=1).argmax()]
            raise OutOfRangeError(
                f"a cell is at ({', '.join(f'{v:.2f}' for v in worst)}) m, where the map has no "
                f"transmitter; its {len(self._map.tx_name)} are in tx_position_m"
            )
        return away.argmin(axis=1)
