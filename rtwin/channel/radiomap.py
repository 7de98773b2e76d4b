"""Radio-map algebra on arrays [tx, cell_y, cell_x].

A cell's value is the average over the cell, not the value at its centre. Row
y grows north and column x grows east.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rtwin.arrays import Floats
from rtwin.errors import OutOfRangeError, ShapeError
from rtwin.units import BOLTZMANN_J_K, from_db, to_db


def rss_dbm(path_gain: ArrayLike, tx_power_dbm: ArrayLike) -> Floats:
    """Received power of each transmitter in each cell [dBm].

    Args:
        path_gain: Path gain, linear, [tx, cell_y, cell_x]; 0 where nothing arrives.
        tx_power_dbm: Transmit powers [dBm], [tx] or one for all.
    Returns:
        [tx, cell_y, cell_x], dBm; -inf where nothing arrives.
    Raises:
        ShapeError: if the shapes do not fit (both are printed).
    Source: definition; checked by tests/channel/test_radio_map_algebra.py.
    """
    gain, power = _gain_and_power(path_gain, tx_power_dbm)
    return to_db(gain) + power


def sinr(
    path_gain: ArrayLike,
    tx_power_dbm: ArrayLike,
    noise_power_w: float,
    interference_load: ArrayLike = 1.0,
) -> Floats:
    """Signal to interference and noise ratio of each transmitter in each cell, linear.

    All other transmitters interfere, at full power unless a load is given.

    Args:
        path_gain: Path gain, linear, [tx, cell_y, cell_x]; 0 where nothing arrives.
        tx_power_dbm: Transmit powers [dBm], [tx] or one for all.
        noise_power_w: Noise power in the receiver's bandwidth [W].
        interference_load: Share of their power that the others send, 0 to 1; one, or of a shape
            that fits path_gain.
    Returns:
        [tx, cell_y, cell_x], linear; 0 where nothing arrives, inf where
        neither noise nor interference does.
    Raises:
        ShapeError: if the shapes do not fit (both are printed).
        OutOfRangeError: if the load is not in [0, 1].
    Source: definition; checked by tests/channel/test_radio_map_algebra.py.
    """
    load = np.asarray(interference_load, np.float64)
    if not ((load >= 0.0) & (load <= 1.0)).all():
        raise OutOfRangeError(f"interference_load is {load}; it must be 0 to 1")
    gain, power = _gain_and_power(path_gain, tx_power_dbm)
    rss_w = gain * from_db(power - 30.0)
    # The sum of all minus one's own would cancel where one transmitter
    # dominates, so add up what stands before it and what stands after it.
    sent_w = rss_w * load
    interference = np.zeros_like(rss_w)
    interference[1:] += np.cumsum(sent_w[:-1], axis=0)
    interference[:-1] += np.cumsum(sent_w[:0:-1], axis=0)[::-1]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(rss_w == 0, 0.0, rss_w / (interference + noise_power_w))


def thermal_noise_w(
    bandwidth_hz: float, temperature_k: float = 290.0, noise_figure_db: float = 0.0
) -> float:
    """Thermal noise power at the receiver [W].

    Args:
        bandwidth_hz: Noise bandwidth [Hz].
        temperature_k: Temperature [K].
        noise_figure_db: Noise figure of the receiver [dB].
    Returns:
        k T B F, W.
    Source: ITU-R P.372; checked by tests/channel/test_radio_map_algebra.py.
    """
    return BOLTZMANN_J_K * temperature_k * bandwidth_hz * float(from_db(noise_figure_db))


def serving_transmitter(path_gain: ArrayLike, tx_power_dbm: ArrayLike) -> NDArray[np.int16]:
    """The transmitter that is received with the most power in each cell.

    Args:
        path_gain: Path gain, linear, [tx, cell_y, cell_x]; 0 or NaN where nothing arrives.
        tx_power_dbm: Transmit powers [dBm], [tx] or one for all.
    Returns:
        [cell_y, cell_x], int16; the lowest number of equals, -1 where no transmitter reaches.
    Raises:
        ShapeError: if the shapes do not fit, or there are more than 32767 transmitters.
    Source: definition; checked by tests/channel/test_radio_map_algebra.py.
    """
    gain, power = _gain_and_power(path_gain, tx_power_dbm)
    if len(gain) > np.iinfo(np.int16).max:
        raise ShapeError(
            f"path_gain has shape {gain.shape}; the numbers end at 32767 transmitters."
        )
    # -1 stands in front of the first transmitter and wins where all are 0.
    nobody = np.zeros((1, *gain.shape[1:]))
    rss_w = np.where(gain > 0, gain, 0.0) * from_db(power - 30.0)
    return (np.argmax(np.concatenate([nobody, rss_w]), axis=0) - 1).astype(np.int16)


def cell_centers_m(center: ArrayLike, size: ArrayLike, cell_size: ArrayLike) -> Floats:
    """Centres of the cells of a horizontal map [m].

    Where the size is no multiple of the cell size the map grows on all sides,
    so that it covers the size with whole cells.

    Args:
        center: Centre of the map, x, y and z [m], [3].
        size: Smallest extent along x and y [m], [2].
        cell_size: Cell extent along x and y [m], [2].
    Returns:
        [cell_y, cell_x, 3], m.
    Raises:
        ShapeError: if an input has another shape (it is printed).
        OutOfRangeError: if an extent is not above zero.
    Source: Sionna RT 2.2.0, PlanarRadioMap; checked by tests/channel/test_radio_map_algebra.py.
    """
    center, size, cell_size = (np.asarray(v, dtype=np.float64) for v in (center, size, cell_size))
    if (center.shape, size.shape, cell_size.shape) != ((3,), (2,), (2,)):
        raise ShapeError(
            f"center, size and cell_size have shapes {center.shape}, {size.shape} and "
            f"{cell_size.shape}; they must be (3,), (2,) and (2,)."
        )
    if not ((size > 0).all() and (cell_size > 0).all()):
        raise OutOfRangeError(f"size is {size} and cell_size {cell_size}; both must be above 0 m.")
    # 2.1 / 0.3 must be 7 cells, though floating point says a little more.
    num_x, num_y = np.ceil(np.round(size / cell_size, 6)).astype(int)
    x = center[0] + (np.arange(num_x) - (num_x - 1) / 2) * cell_size[0]
    y = center[1] + (np.arange(num_y) - (num_y - 1) / 2) * cell_size[1]
    return np.stack([*np.meshgrid(x, y), np.full((num_y, num_x), center[2])], axis=-1)


def standard_error_db(path_gain_runs: ArrayLike) -> Floats:
    """Standard error of the mean of independent ray-traced maps [dB].

    The relative standard error of the linear mean, in decibel per its first
    order; it is honest where it is small, below about 1 dB.

    Args:
        path_gain_runs: Path gain of runs with different seeds, linear,
            [run, ...]; 0 where nothing arrives.
    Returns:
        [...], dB; NaN where nothing arrives in any run.
    Raises:
        ShapeError: if there are fewer than two runs.
    Source: first-order error propagation; checked by tests/channel/test_radio_map_algebra.py.
    """
    runs = np.asarray(path_gain_runs, dtype=np.float64)
    if runs.ndim == 0 or len(runs) < 2:
        raise ShapeError(f"path_gain_runs has shape {runs.shape}; it needs two or more runs.")
    error = runs.std(axis=0, ddof=1) / np.sqrt(len(runs))
    with np.errstate(invalid="ignore"):
        return 10.0 / np.log(10.0) * error / runs.mean(axis=0)


def _gain_and_power(path_gain: ArrayLike, tx_power_dbm: ArrayLike) -> tuple[Floats, Floats]:
    gain = np.asarray(path_gain, dtype=np.float64)
    power = np.asarray(tx_power_dbm, dtype=np.float64)
    if gain.ndim != 3 or power.shape not in ((), (1,), gain.shape[:1]):
        raise ShapeError(
            f"path_gain has shape {gain.shape} and tx_power_dbm {power.shape}; "
            "they must be [tx, cell_y, cell_x] and [tx]."
        )
    return gain, np.broadcast_to(power, gain.shape[:1])[:, None, None]
