"""Reading dataset files: whole, by link, as channels, as xarray."""

import json
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rtwin.arrays import Complexes, Ints
from rtwin.channel import (
    PATH_GEOMETRY,
    AntennaArray,
    Ends,
    PathSet,
    cfr,
    cir,
    planar_array_positions_m,
    taps,
)
from rtwin.dataset.inspection import CheckedFile, open_checked, plain, scene_folder
from rtwin.dataset.schema import (
    PATHS_FORMAT,
    PATHS_LAYOUT,
    SWEEP_FORMAT,
    SWEPT,
)
from rtwin.errors import OutOfRangeError, StoreError
from rtwin.scene import Antenna, Recipe, recipe_from_dict
from rtwin.shown import Shown
from rtwin.units import wavelength_m

if TYPE_CHECKING:
    import xarray


class Chosen(TypedDict, total=False):
    """Which links `PathDataset.cfr`, `cir` and `taps` are of, by keyword.

    Attributes:
        rx: Row of one receiver; None, the default, for all of them.
        tx: Row of one transmitter, likewise.
        normalize_delays: Count delays from the first path of each link; False by default.
    """

    rx: int | None
    tx: int | None
    normalize_delays: bool


class PathDataset(Shown):
    """A dataset of paths, open for reading; use it in a `with` block.

    Nothing is read until it is asked for, so a file may be larger than memory.
    A frequency sweep is open at one of its frequencies.
    """

    def __init__(self, file: str | Path, frequency_hz: float | None = None) -> None:
        self.path = Path(file)
        self._file: CheckedFile = open_checked(file)
        try:
            self._column = self._find_frequency(frequency_hz)
            self._check_links()
        except BaseException:
            self._file.close()
            raise

    def _find_frequency(self, frequency_hz: float | None) -> int | None:
        """Column of a sweep; None where the file is of one frequency."""
        kind = self._file.attrs["format"]
        if kind not in (PATHS_FORMAT, SWEEP_FORMAT):
            raise StoreError(f"{self.path}: holds {kind}, this needs {PATHS_FORMAT}")
        if kind == PATHS_FORMAT:
            there = np.array([self._file.attrs["frequency_hz"]])
        else:
            there = self._file["frequency_hz"][...]
        listed = ", ".join(f"{f:.9g}" for f in there)
        if frequency_hz is None and kind == SWEEP_FORMAT:
            raise StoreError(
                f"{self.path}: is a sweep over {listed} Hz; open it at one of these "
                "(frequency_hz), or evaluate the dataset at one frequency"
            )
        if frequency_hz is not None and frequency_hz not in there:
            raise OutOfRangeError(
                f"frequency_hz is {frequency_hz:.9g}, {self.path} holds {listed} Hz"
            )
        if kind == PATHS_FORMAT:
            return None
        return int(np.flatnonzero(there == frequency_hz)[0])

    def _check_links(self) -> None:
        """Refuse a file whose links are not its devices', or whose paths are not its links'."""
        tx, rx = np.arange(self.num_tx), np.arange(self.num_rx)
        wanted = {"link_tx": np.tile(tx, len(rx)), "link_rx": np.repeat(rx, len(tx))}
        for name, rows in wanted.items():
            if not np.array_equal(self._file[name][...], rows):
                raise StoreError(
                    f"{self.path}: {name} must count {len(rx)} receivers times {len(tx)} "
                    "transmitters; the file is damaged"
                )
        paths = self._file["delay_s"].shape[0]
        if self.num_paths.sum() != paths:
            raise StoreError(
                f"{self.path}: num_paths adds up to {self.num_paths.sum()}, there are {paths} "
                "paths; the file is damaged"
            )

    def __enter__(self) -> "PathDataset":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def read(self, name: str, rows: slice = slice(None)) -> NDArray[Any]:
        """Values of a variable of docs/dataset.md, or some of its rows."""
        if name not in self._file:
            known = ", ".join(v.name for v in PATHS_LAYOUT)
            raise OutOfRangeError(f"{name!r} is no variable of {self.path}; there are {known}")
        return self._rows(name, rows)

    def _rows(self, name: str, rows: slice) -> NDArray[Any]:
        data = self._file[name]
        if self._column is not None and name in SWEPT:
            return data[rows, self._column]
        values = data[rows]
        return np.array([text.decode() for text in values]) if values.dtype == object else values

    @property
    def attributes(self) -> dict[str, Any]:
        """Root attributes: provenance, hashes, counts."""
        found = {name: plain(value) for name, value in self._file.attrs.items()}
        return found | {"frequency_hz": self.frequency_hz}

    @property
    def frequency_hz(self) -> float:
        """Carrier frequency [Hz]."""
        if self._column is None:
            return float(self._file.attrs["frequency_hz"])
        return float(self._file["frequency_hz"][self._column])

    @cached_property
    def recipe(self) -> Recipe:
        """The recipe that the dataset was traced from."""
        data = json.loads(self._file.attrs["recipe"]) | {"frequency_hz": self.frequency_hz}
        folder = scene_folder(self._file.attrs) or Path(".")
        recipe = recipe_from_dict(data, self._file.attrs["scene"], folder, where=str(self.path))
        ends = recipe.receivers.antenna, recipe.transmitter[0].antenna
        ports = tuple(antenna.num_ports for antenna in ends)
        if self._file["a"].shape[-2:] != ports:
            raise StoreError(
                f"{self.path}: a has {self._file['a'].shape[-2:]} polarisations, its recipe "
                f"{ports}; the file is damaged"
            )
        return recipe

    @property
    def num_tx(self) -> int:
        """Number of transmitters."""
        return int(self._file["tx_position_m"].shape[0])

    @property
    def num_rx(self) -> int:
        """Number of receivers."""
        return int(self._file["rx_position_m"].shape[0])

    @property
    def num_links(self) -> int:
        """Number of links, num_rx * num_tx."""
        return int(self._file["num_paths"].shape[0])

    @cached_property
    def num_paths(self) -> Ints:
        """Number of paths of each link, [link]."""
        return self._file["num_paths"][...].astype(np.int64)

    @cached_property
    def _offsets(self) -> Ints:
        return np.concatenate([[0], np.cumsum(self.num_paths)])

    def link(self, rx: int, tx: int) -> int:
        """Number of the link between a receiver and a transmitter."""
        if not (0 <= rx < self.num_rx and 0 <= tx < self.num_tx):
            raise OutOfRangeError(
                f"rx = {rx}, tx = {tx}: the file has receivers 0 to {self.num_rx - 1} "
                f"and transmitters 0 to {self.num_tx - 1}"
            )
        return rx * self.num_tx + tx

    def paths(self, first_link: int = 0, last_link: int | None = None) -> PathSet:
        """Paths of the links from `first_link` up to and without `last_link`."""
        links = slice(first_link, self.num_links if last_link is None else last_link)
        if not 0 <= links.start <= links.stop <= self.num_links:
            raise OutOfRangeError(
                f"links {links.start} to {links.stop}: the file has links 0 to {self.num_links}"
            )
        rows = self.path_rows(links.start, links.stop)
        columns = {name: self._rows(name, rows) for name in ("a", *PATH_GEOMETRY)}
        return PathSet(num_paths=self.num_paths[links], frequency_hz=self.frequency_hz, **columns)

    def links(self, rx: int | None = None, tx: int | None = None) -> Ints:
        """Numbers of the links of one receiver, of one transmitter, of both, or of all, [link]."""
        numbers = np.arange(self.num_links).reshape(self.num_rx, self.num_tx)
        if rx is not None or tx is not None:
            self.link(rx or 0, tx or 0)  # that they exist
        rows = slice(None) if rx is None else slice(rx, rx + 1)
        return numbers[rows, slice(None) if tx is None else slice(tx, tx + 1)].ravel()

    def cfr(
        self,
        frequencies_hz: ArrayLike,
        times_s: ArrayLike | None = None,
        **chosen: Unpack[Chosen],
    ) -> Complexes:
        """Frequency response with the recipe's arrays; see rtwin.channel.cfr.

        Args:
            frequencies_hz: Relative to the carrier [Hz], [frequency].
            times_s: Times [s], [time]; None is time 0 alone.
            chosen: Which links, and where delays begin: see `Chosen`.
        Returns:
            [link, rx_port, tx_port, time, frequency], complex; links as `links(rx, tx)`.
        """
        paths, ends = self._chosen(**chosen)
        return cfr(paths, frequencies_hz, times_s, **ends)

    def cir(
        self,
        times_s: ArrayLike | None = None,
        **chosen: Unpack[Chosen],
    ) -> Complexes:
        """Coefficients of each path with the recipe's arrays; see rtwin.channel.cir.

        Returns:
            [path, rx_port, tx_port, time], complex; paths of `links(rx, tx)`, one after another.
        """
        paths, ends = self._chosen(**chosen)
        return cir(paths, times_s, **ends)

    def taps(
        self,
        bandwidth_hz: float,
        l_min: int,
        l_max: int,
        times_s: ArrayLike | None = None,
        **chosen: Unpack[Chosen],
    ) -> Complexes:
        """Taps at a bandwidth with the recipe's arrays; see rtwin.channel.taps.

        Returns:
            [link, rx_port, tx_port, time, tap], complex; links as `links(rx, tx)`.
        """
        paths, ends = self._chosen(**chosen)
        return taps(paths, bandwidth_hz, l_min, l_max, times_s, **ends)

    def _chosen(
        self, rx: int | None = None, tx: int | None = None, normalize_delays: bool = False
    ) -> tuple[PathSet, Ends]:
        """Paths of the chosen links, and what is at both ends of each."""
        links = self.links(rx, tx)
        first, last = int(links[0]), int(links[-1]) + 1
        rows = links - first
        tx_array, rx_array = self.arrays(first, last)
        return self.paths(first, last).select(rows), {
            "tx_array": tx_array.take(rows),
            "rx_array": rx_array.take(rows),
            "normalize_delays": normalize_delays,
        }

    def facts(self) -> dict[str, object]:
        """What it is, in a few words each."""
        if not self._file.is_open:
            return {"file": self.path, "state": "closed"}
        return {
            "file": self.path,
            "scene": self._file.attrs["scene"],
            "frequency": f"{self.frequency_hz / 1e9:g} GHz",
            "links": f"{self.num_links} ({self.num_tx} tx x {self.num_rx} rx)",
            "paths": int(self.num_paths.sum()),
            "links without a path": int((self.num_paths == 0).sum()),
        }

    def path_rows(self, first_link: int, last_link: int) -> slice:
        """Rows of the path variables that belong to a range of links."""
        return slice(int(self._offsets[first_link]), int(self._offsets[last_link]))

    def batches(self, links_per_batch: int = 4096) -> Iterator[tuple[slice, PathSet]]:
        """All links in bounded pieces: the range of links and their paths."""
        for start in range(0, self.num_links, links_per_batch):
            stop = min(start + links_per_batch, self.num_links)
            yield slice(start, stop), self.paths(start, stop)

    def arrays(self, first_link: int, last_link: int) -> tuple[AntennaArray, AntennaArray]:
        """Transmit and receive arrays, turned as the devices of each link are.

        Where transmitters' arrays differ, smaller ones are padded: `channel.steering` gives
        0 for elements that they do not have.
        """
        links = slice(first_link, last_link)
        tx, rx = self._file["link_tx"][links], self._file["link_rx"][links]
        return (
            _array(
                [spec.antenna for spec in self.recipe.transmitter],
                self.recipe.frequency_hz,
                self._file["tx_orientation_rad"][...][tx],
                tx,
            ),
            _array(
                [self.recipe.receivers.antenna],
                self.recipe.frequency_hz,
                self._file["rx_orientation_rad"][...][rx],
                np.zeros_like(rx),
            ),
        )

    def xarray(self) -> "xarray.Dataset":
        """The file as a lazily loaded xarray.Dataset; close it when done."""
        import xarray

        return xarray.open_dataset(self.path, engine="h5netcdf")


def array_of(
    antenna: Antenna, frequency_hz: float, orientation: ArrayLike = (0.0, 0.0, 0.0)
) -> AntennaArray:
    """The array of an antenna; its device is turned by yaw, pitch, roll [rad], [3] or [link, 3]."""
    positions_m = planar_array_positions_m(
        antenna.num_rows,
        antenna.num_cols,
        antenna.vertical_spacing,
        antenna.horizontal_spacing,
        wavelength_m(frequency_hz),
    )
    return AntennaArray(positions_m, np.asarray(orientation), not antenna.synthetic_array)


def _array(
    antennas: Sequence[Antenna], frequency_hz: float, orientation: NDArray[Any], device: Ints
) -> AntennaArray:
    """The arrays of links: `device` is the row in `antennas` of each."""
    each = [array_of(antenna, frequency_hz).positions_m for antenna in antennas]
    spherical = not antennas[0].synthetic_array
    if len({positions.tobytes() for positions in each}) == 1:
        return AntennaArray(each[0], orientation, spherical=spherical)
    padded = np.full((len(each), max(map(len, each)), 3), np.nan)
    for row, positions in zip(padded, each, strict=True):
        row[: len(positions)] = positions
    return AntennaArray(padded[device], orientation, spherical=spherical)


def open_dataset(file: str | Path, frequency_hz: float | None = None) -> PathDataset:
    """Open a dataset of paths for reading.

    Args:
        frequency_hz: Which frequency [Hz] of a sweep.
    Raises:
        StoreError: if the file is missing, broken, of another kind or newer, or
            a sweep and no frequency is given.
        OutOfRangeError: if the file does not hold the frequency.
    """
    return PathDataset(file, frequency_hz)
