"""Datasets for learning: ready tensors of links, and splits that do not leak.

    train, test = split_receivers("munich.h5", (0.8, 0.2), block_m=20)
    tensors = LinkTensors("munich.h5", rx=train)
    for batch in tensors.batches(256, seed=0): ...

`LinkTensors` has a length and gives one link per number, which is what a DataLoader of
PyTorch takes as it is; `batches` needs NumPy alone, `tf_dataset` TensorFlow.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rtwin.arrays import Complexes, Floats, Ints
from rtwin.channel import (
    PATH_DIRECTIONS,
    cfr,
    has_line_of_sight,
    path_gain,
    rms_delay_spread_s,
)
from rtwin.dataset.reading.reader import PathDataset, open_dataset
from rtwin.errors import OutOfRangeError
from rtwin.extras import needs
from rtwin.units import to_db

NUM_FREQUENCIES = 64
NO_PATH_DB = -200.0  # path gain of links without a path; logarithms of zero teach nothing


def split_receivers(
    file: str | Path,
    shares: Sequence[float] = (0.8, 0.2),
    *,
    block_m: float | None = None,
    seed: int = 0,
) -> tuple[Ints, ...]:
    """Receivers in parts, so that no receiver, or no block of an area, is in two of them.

    Neighbouring receivers see nearly the same channel: a test on receivers between those of
    the training asks for interpolation, a test on blocks of their own for generalisation.

    Args:
        file: A dataset of paths.
        shares: Of the receivers in each part; they add up to 1 or less.
        block_m: Edge of the square blocks that stay together [m]; None: receivers one by one.
        seed: Of the draw.
    Returns:
        Numbers of the receivers of each part, sorted, [rx].
    Raises:
        OutOfRangeError: if shares or the block are impossible.
    Checked by tests/dataset/reading/test_learning.py.
    """
    if not shares or min(shares) <= 0 or sum(shares) > 1 + 1e-9:
        raise OutOfRangeError(f"shares are {tuple(shares)}; each above 0, 1 or less in all")
    if block_m is not None and not 0 < block_m < np.inf:
        raise OutOfRangeError(f"block_m is {block_m:g}, it must be above 0")
    with open_dataset(file) as dataset:
        place = dataset.read("rx_position_m")[:, :2]
    if block_m is None:
        block = np.arange(len(place))
    else:
        _, block = np.unique(np.floor(place / block_m), axis=0, return_inverse=True)
    sizes = np.bincount(block.ravel())
    order = np.random.default_rng(seed).permutation(len(sizes))
    # A block belongs to the part in which its middle receiver falls.
    middle = (np.cumsum(sizes[order]) - sizes[order] / 2) / max(len(place), 1)
    part = np.full(len(sizes), len(shares))
    part[order] = np.searchsorted(np.cumsum(shares) + 1e-9, middle)
    return tuple(np.flatnonzero(part[block.ravel()] == k) for k in range(len(shares)))


class LinkTensors:
    """Links as arrays of fixed shape, one by one or in batches.

    Of each link: `rx_position_m` [3], `tx`, `rx`, `cfr` [rx_port, tx_port, frequency] with the
    recipe's arrays and delays from the first path, `path_gain_db` (NO_PATH_DB without a path),
    `line_of_sight`, `rms_delay_spread_s` (0 without a path). Numbers are single precision.
    """

    def __init__(
        self,
        file: str | Path,
        *,
        rx: ArrayLike | None = None,
        frequencies_hz: ArrayLike | None = None,
    ) -> None:
        """Open nothing yet; processes that load data open the file for themselves.

        Args:
            file: A dataset of paths.
            rx: Receivers, [rx]; None for all of them.
            frequencies_hz: Relative to the carrier [Hz]; default: NUM_FREQUENCIES over the
                recipe's bandwidth.
        Raises:
            OutOfRangeError: if a receiver does not exist.
        """
        self.file = Path(file)
        with open_dataset(file) as dataset:
            self.num_tx = dataset.num_tx
            chosen = np.arange(dataset.num_rx) if rx is None else np.unique(np.asarray(rx, int))
            if chosen.size and not (chosen[0] >= 0 and chosen[-1] < dataset.num_rx):
                raise OutOfRangeError(
                    f"rx goes from {chosen[0]} to {chosen[-1]}, the file has 0 to "
                    f"{dataset.num_rx - 1}"
                )
            if frequencies_hz is None:
                step = dataset.recipe.bandwidth_hz / NUM_FREQUENCIES
                frequencies_hz = (np.arange(NUM_FREQUENCIES) - NUM_FREQUENCIES // 2) * step
        self.frequencies_hz: Floats = np.asarray(frequencies_hz, np.float64)
        self.link: Ints = (chosen[:, None] * self.num_tx + np.arange(self.num_tx)).ravel()

    def __len__(self) -> int:
        return len(self.link)

    def __getitem__(self, number: int) -> dict[str, NDArray[Any]]:
        if not -len(self) <= number < len(self):
            raise IndexError(f"link {number} of {len(self)}")
        return {name: values[0] for name, values in self._read(self.link[[number]]).items()}

    def batches(
        self, links_per_batch: int = 256, *, seed: int | None = None
    ) -> Iterator[dict[str, NDArray[Any]]]:
        """All links in batches, [link, ...] each; in order, or drawn anew from a seed."""
        order = np.arange(len(self))
        if seed is not None:
            order = np.random.default_rng(seed).permutation(order)
        for start in range(0, len(order), links_per_batch):
            yield self._read(self.link[order[start : start + links_per_batch]])

    def _read(self, links: Ints) -> dict[str, NDArray[Any]]:
        ordered, place = np.unique(links, return_inverse=True)
        with open_dataset(self.file) as dataset:
            runs = np.split(ordered, np.flatnonzero(np.diff(ordered) > 1) + 1)
            parts = [self._run(dataset, int(run[0]), int(run[-1]) + 1) for run in runs]
        return {
            name: np.concatenate([part[name] for part in parts])[place.ravel()] for name in parts[0]
        }

    def _run(self, dataset: PathDataset, first: int, last: int) -> dict[str, NDArray[Any]]:
        """Links that stand one after another in the file."""
        paths = dataset.paths(first, last)
        rx, tx = np.divmod(np.arange(first, last), self.num_tx)
        spread = np.nan_to_num(rms_delay_spread_s(paths))
        gain_db = np.maximum(to_db(path_gain(paths)), NO_PATH_DB)
        tx_array, rx_array = dataset.arrays(first, last)
        response = cfr(
            paths,
            self.frequencies_hz,
            tx_array=tx_array,
            rx_array=rx_array,
            normalize_delays=True,
        )
        return {
            "rx_position_m": dataset.read("rx_position_m", slice(rx[0], rx[-1] + 1))[
                rx - rx[0]
            ].astype(np.float32),
            "tx": tx,
            "rx": rx,
            "cfr": response[:, :, :, 0].astype(np.complex64),
            "path_gain_db": gain_db.astype(np.float32),
            "line_of_sight": has_line_of_sight(paths),
            "rms_delay_spread_s": spread.astype(np.float32),
        }


def angle_delay(response: Complexes) -> Floats:
    """Power over beams and delays of a frequency response, the picture that networks learn from.

    Args:
        response: [..., tx_port, frequency], of a uniform linear array; DFT beams over the ports,
            inverse DFT over the frequencies.
    Returns:
        [..., beam, delay], linear; adds up to the power over ports and the mean over frequencies.
    Source: definition (Parseval's theorem); checked by tests/dataset/reading/test_learning.py.
    """
    beams = np.fft.fft(response, axis=-2, norm="ortho")
    return np.abs(np.fft.ifft(beams, axis=-1)) ** 2


def tf_dataset(file: str | Path, links_per_batch: int = 256) -> Any:
    """The links as a tf.data.Dataset of ragged batches, for learning.

    Each element is a dict: `rx_position_m` [link, 3], `tx` [link], and per path
    as ragged [link, path]: `path_gain` (linear), `delay_s`, `aod_azimuth`,
    `aod_zenith`, `aoa_azimuth`, `aoa_zenith`, `doppler_hz`, all float32. The
    file is read piece by piece.

    Raises:
        MissingExtraError: if TensorFlow is not installed.
    """
    with needs("tf_dataset needs TensorFlow", "'rtwin[horizontal]'"):
        import tensorflow as tf
    ragged = ("path_gain", "delay_s", *PATH_DIRECTIONS, "doppler_hz")
    signature = {
        "rx_position_m": tf.TensorSpec((None, 3), tf.float32),
        "tx": tf.TensorSpec((None,), tf.int32),
        **{name: tf.RaggedTensorSpec((None, None), tf.float32, 1) for name in ragged},
    }

    def elements() -> Iterator[dict[str, Any]]:
        with open_dataset(file) as dataset:
            position = dataset.read("rx_position_m")
            for links, paths in dataset.batches(links_per_batch):
                rx = dataset.read("link_rx", links)
                values = {name: getattr(paths, name) for name in ragged[1:]}
                values["path_gain"] = paths.power
                yield {
                    "rx_position_m": position[rx].astype(np.float32),
                    "tx": dataset.read("link_tx", links),
                    **{
                        name: tf.RaggedTensor.from_row_lengths(
                            values[name].astype(np.float32), paths.num_paths
                        )
                        for name in ragged
                    },
                }

    return tf.data.Dataset.from_generator(elements, output_signature=signature)
