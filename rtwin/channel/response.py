"""From paths to what a receiver sees: gains, impulse and frequency responses.

Baseband coefficients carry the carrier phase, b = a exp(-j 2 pi f_c tau), and
turn with exp(j 2 pi f_D t) over time. Ports are numbered with the polarisation
outermost and the array element innermost. Without an array a device is one
element, and the ports are its polarisations.

Besides their result, `cfr` and `taps` hold about 64 MiB at a time, however
many and however uneven the links are. Where the result itself is too large,
ask for some links at a time: `cfr(paths.select(slice(0, 1000)), ...)`.
"""

from collections.abc import Callable, Iterator
from typing import TypedDict, Unpack

import numpy as np
from numpy.typing import ArrayLike

from rtwin.arrays import Bools, Complexes, Floats, Ints
from rtwin.channel.arrays import AntennaArray, steering
from rtwin.channel.paths import PathSet
from rtwin.channel.segments import segment_sum
from rtwin.errors import OutOfRangeError, ShapeError
from rtwin.units import SPEED_OF_LIGHT_M_S, wavelength_m

_WORKING_NUMBERS = 2**20
"""Complex numbers per block; about four arrays of this size live at once."""


def path_gain(paths: PathSet) -> Floats:
    """Path gain of each link, linear: the powers of its paths added up.

    abs(a)^2 summed over paths and receive ports, averaged over transmit ports,
    which share the transmit power. Fading between the paths is averaged out.

    Args:
        paths: Paths of the links.
    Returns:
        [link], linear; 0 for links without a path.
    Source: definition (docs: conventions); checked by tests/channel/test_response.py.
    """
    return segment_sum(paths.power, paths.num_paths)


def path_gain_coherent(paths: PathSet) -> Floats:
    """Path gain of each link at the carrier frequency, linear: paths added with their phase.

    abs(sum of b)^2 summed over receive ports, averaged over transmit ports.

    Args:
        paths: Paths of the links.
    Returns:
        [link], linear; 0 for links without a path.
    Source: definition (docs: conventions); checked by tests/channel/test_response.py.
    """
    field = segment_sum(cir(paths)[..., 0], paths.num_paths)
    return np.square(np.abs(field)).sum(axis=1).mean(axis=1)


class Ends(TypedDict, total=False):
    """What `cir`, `cfr` and `taps` are told of both ends of the links, by keyword.

    Attributes:
        tx_array: Array of the transmitters; None, the default, for one element.
        rx_array: Array of the receivers, likewise.
        normalize_delays: Count delays, and with them the carrier phase, from the first path
            of each link; False by default.
    """

    tx_array: AntennaArray | None
    rx_array: AntennaArray | None
    normalize_delays: bool


def cir(
    paths: PathSet,
    times_s: ArrayLike | None = None,
    **ends: Unpack[Ends],
) -> Complexes:
    """Baseband coefficients of each path, linear, at given times.

    Args:
        paths: Paths of the links; their `delay_s` completes the impulse response.
        times_s: Times at which the channel is sampled [s], [time]; None is time 0 alone.
        ends: Arrays, and where delays begin: see `Ends`.
    Returns:
        [path, rx_port, tx_port, time], complex; no row for links without a path.
    Raises:
        ShapeError: if times_s or an orientation does not fit (both shapes are printed).
    Source: Sionna RT 2.2.0, Paths.cir; checked by tests/channel/test_response.py.
    """
    block = _Baseband(paths, times_s, **ends)
    return block(np.arange(paths.a.shape[0])).reshape(-1, *block.shape)


def cfr(
    paths: PathSet,
    frequencies_hz: ArrayLike,
    times_s: ArrayLike | None = None,
    **ends: Unpack[Ends],
) -> Complexes:
    """Frequency response of each link, linear, at given times.

    Args:
        paths: Paths of the links.
        frequencies_hz: Frequencies relative to the carrier [Hz], [frequency].
        times_s: Times at which the channel is sampled [s], [time]; None is time 0 alone.
        ends: Arrays, and where delays begin: see `Ends`.
    Returns:
        [link, rx_port, tx_port, time, frequency], complex; 0 for links without a path.
    Raises:
        ShapeError: if an input does not fit (its shape is printed).
    Source: Sionna RT 2.2.0, Paths.cfr; checked by tests/channel/test_response.py.
    """
    frequencies = _one_axis("frequencies_hz", frequencies_hz)
    baseband = _Baseband(paths, times_s, **ends)

    def phase_ramp(index: Ints) -> Complexes:
        return np.exp(-2j * np.pi * baseband.delay_s[index][..., None] * frequencies)

    return _sum_over_paths(paths, baseband, phase_ramp, frequencies.size)


def taps(
    paths: PathSet,
    bandwidth_hz: float,
    l_min: int,
    l_max: int,
    times_s: ArrayLike | None = None,
    **ends: Unpack[Ends],
) -> Complexes:
    """Taps of the channel sampled at a bandwidth, linear, with sinc filters at both ends.

    Tap l is the sum over paths of b sinc(l - W tau).

    Args:
        paths: Paths of the links.
        bandwidth_hz: Bandwidth W and sampling rate [Hz].
        l_min: First tap; a few below 0 catch the sinc before the first path.
        l_max: Last tap, included.
        times_s: Times at which the channel is sampled [s], [time]; None is time 0 alone.
        ends: Arrays, and where delays begin: see `Ends`. Absolute ones need a large l_max.
    Returns:
        [link, rx_port, tx_port, time, tap], complex; 0 for links without a path.
    Raises:
        ShapeError: if times_s or an orientation does not fit (both shapes are printed).
        OutOfRangeError: if l_max is below l_min.
    Source: Tse and Viswanath, Fundamentals of Wireless Communication, eq. 2.34, as in
    Sionna RT 2.2.0, Paths.taps; checked by tests/channel/test_response.py.
    """
    if l_max < l_min:
        raise OutOfRangeError(f"l_max is {l_max}, it must be l_min = {l_min} or more.")
    lag = np.arange(l_min, l_max + 1)
    baseband = _Baseband(paths, times_s, **ends)

    def sinc(index: Ints) -> Complexes:
        return np.sinc(lag - bandwidth_hz * baseband.delay_s[index][..., None]).astype(complex)

    return _sum_over_paths(paths, baseband, sinc, lag.size)


class _Baseband:
    """Baseband coefficients of the paths with given numbers: [...] -> [..., port pairs x times]."""

    def __init__(
        self,
        paths: PathSet,
        times_s: ArrayLike | None,
        tx_array: AntennaArray | None = None,
        rx_array: AntennaArray | None = None,
        normalize_delays: bool = False,
    ) -> None:
        for end, array in (("tx_array", tx_array), ("rx_array", rx_array)):
            if array is not None and len(array.orientation) not in (1, paths.num_links):
                raise ShapeError(
                    f"{end} has orientations of shape {array.orientation.shape}, but num_paths has "
                    f"shape {paths.num_paths.shape}; give one orientation, or one for each link."
                )
        self.paths = paths
        self.tx_array, self.rx_array = tx_array, rx_array
        self.times_s = _one_axis("times_s", 0.0 if times_s is None else times_s)
        self.delay_s = paths.excess_delay_s if normalize_delays else paths.delay_s
        num_rx, num_tx = paths.a.shape[1:]
        num_rx *= rx_array.num_elements if rx_array else 1
        num_tx *= tx_array.num_elements if tx_array else 1
        self.shape = (num_rx, num_tx, self.times_s.size)

    def __call__(self, index: Ints) -> Complexes:
        paths, flat = self.paths, index.ravel()
        wavelength, link = wavelength_m(paths.frequency_hz), paths.link_index[flat]
        carrier = np.exp(-2j * np.pi * paths.frequency_hz * self.delay_s[flat])
        length_m = SPEED_OF_LIGHT_M_S * paths.delay_s[flat]
        # [path, rx_pol, rx_element, tx_pol, tx_element, time]
        b = (paths.a[flat] * carrier[:, None, None])[:, :, None, :, None, None]
        if self.rx_array is not None:
            angles = paths.aoa_azimuth[flat], paths.aoa_zenith[flat]
            phase = steering(self.rx_array, *angles, link, wavelength, length_m)
            b = b * phase[:, None, :, None, None, None]
        if self.tx_array is not None:
            angles = paths.aod_azimuth[flat], paths.aod_zenith[flat]
            phase = steering(self.tx_array, *angles, link, wavelength, length_m)
            b = b * phase[:, None, None, None, :, None]
        turn = np.exp(2j * np.pi * paths.doppler_hz[flat][:, None] * self.times_s)
        b = b * turn[:, None, None, None, None, :]
        return b.reshape(*index.shape, int(np.prod(self.shape)))


def _sum_over_paths(
    paths: PathSet, left: _Baseband, right: Callable[[Ints], Complexes], num_right: int
) -> Complexes:
    """Sum over the paths of each link of left x right: [link, rx, tx, time, num_right]."""
    num_left = int(np.prod(left.shape))
    total = np.zeros((paths.num_links, num_left, num_right), dtype=np.complex128)
    for links, index, exists in _blocks(paths, num_left + num_right, num_left * num_right):
        b = left(index) * exists[..., None]
        # A matrix product for each link: [left, path] @ [path, right].
        total[links] += np.swapaxes(b, 1, 2) @ right(index)
    return total.reshape(paths.num_links, *left.shape, num_right)


def _blocks(
    paths: PathSet, numbers_per_path: int, numbers_per_link: int
) -> Iterator[tuple[Ints, Ints, Bools]]:
    """Links, [link, path] table of their paths and whether each entry exists, block by block.

    Links with like numbers of paths come together, so that little of a table
    is padding; a link with very many paths is spread over several blocks.
    """
    order = np.argsort(paths.num_paths, kind="stable")
    order = order[paths.num_paths[order] > 0]
    paths_per_block = max(1, _WORKING_NUMBERS // max(1, numbers_per_path))
    links_per_block = max(1, _WORKING_NUMBERS // max(1, numbers_per_link))
    begin = 0
    while begin < order.size:
        links = order[begin : begin + links_per_block]
        # Sorted: the n-th link of the block sets the width of a table of n rows.
        cells = paths.num_paths[links] * np.arange(1, links.size + 1)
        links = links[: max(1, int(np.searchsorted(cells, paths_per_block, side="right")))]
        begin += links.size
        longest = int(paths.num_paths[links[-1]])
        for first in range(0, longest, paths_per_block):
            step = np.arange(first, min(first + paths_per_block, longest))
            exists = step < paths.num_paths[links][:, None]
            yield links, np.where(exists, paths.offsets[links][:, None] + step, 0), exists


def _one_axis(name: str, values: ArrayLike) -> Floats:
    array = np.atleast_1d(np.asarray(values, dtype=np.float64))
    if array.ndim != 1:
        raise ShapeError(f"{name} has shape {array.shape}; it must have one axis.")
    return array
